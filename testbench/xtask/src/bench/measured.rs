//! One measured number, and how numbers are shown.

use serde_json::{Value, json};

/// A median with the spread of its rounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) bench: &'static str,
    /// What was measured, with its conditions.
    pub(super) name: String,
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) unit: String,
}

impl Measured {
    /// The median of `values`; nothing when there are none.
    pub(super) fn of(bench: &'static str, name: &str, unit: &str, mut values: Vec<f64>) -> Option<Measured> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let median = values[values.len() / 2];
        Some(Measured { bench, name: name.to_owned(), median, least, most, unit: unit.to_owned() })
    }

    /// As one JSON object.
    pub(super) fn json(&self) -> Value {
        json!({
            "bench": self.bench,
            "name": self.name,
            "median": self.median,
            "min": self.least,
            "max": self.most,
            "unit": self.unit,
        })
    }
}

/// Reads the JSON lines of a bench program: objects with `name`, `median`, `min`, `max`, `unit`. Other lines are talk.
pub(super) fn parse(bench: &'static str, lines: &[String]) -> Vec<Measured> {
    let objects = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    objects
        .filter_map(|object| {
            let number = |key| object.get(key).and_then(Value::as_f64);
            let text = |key| object.get(key).and_then(Value::as_str).map(str::to_owned);
            let (median, least, most) = (number("median")?, number("min")?, number("max")?);
            Some(Measured { bench, name: text("name")?, median, least, most, unit: text("unit")? })
        })
        .collect()
}

/// A table for people.
pub(super) fn table(all: &[Measured]) -> String {
    let wide = all.iter().map(|measured| measured.name.len()).max().unwrap_or(0);
    let mut table = format!("{:<wide$} {:>10} {:>10} {:>10}  unit\n", "", "median", "min", "max");
    for Measured { name, median, least, most, unit, .. } in all {
        table += &format!(
            "{name:<wide$} {:>10} {:>10} {:>10}  {unit}\n",
            readable(*median),
            readable(*least),
            readable(*most)
        );
    }
    table
}

/// A number with three or four telling digits.
pub(super) fn readable(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e3 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_sorted_values_and_the_spread_is_kept() {
        let measured = Measured::of("x", "n", "ns", vec![9.0, 1.0, 5.0]).unwrap();
        assert_eq!((measured.least, measured.median, measured.most), (1.0, 5.0, 9.0));
        assert_eq!(Measured::of("x", "n", "ns", vec![]), None);
    }

    #[test]
    fn json_lines_are_read_back_and_talk_is_passed_over() {
        let measured = Measured::of("x", "n", "ns", vec![1.5]).unwrap();
        let lines = ["running".to_owned(), measured.json().to_string()];
        assert_eq!(parse("x", &lines), [measured]);
    }

    #[test]
    fn large_numbers_are_shown_in_millions() {
        assert_eq!(readable(4_210_000.0), "4.21 M");
        assert_eq!(readable(12.34), "12.3");
    }
}
