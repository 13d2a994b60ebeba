//! From text to statements.

use std::collections::BTreeMap;

use super::LpfError;

const LOCATE: &str = r#"LOCATE COMP "<port>" SITE "<ball>""#;
const IOBUF: &str = r#"IOBUF PORT "<port>" <KEY>=<value> ..."#;
const FREQUENCY: &str = r#"FREQUENCY PORT "<port>" <number> <unit>"#;

/// One statement, still in the words of the text.
#[derive(Debug)]
pub(super) enum Statement<'a> {
    Locate { port: &'a str, site: &'a str },
    Iobuf { port: &'a str, attributes: BTreeMap<String, String> },
    Frequency { port: &'a str, hertz: u64 },
}

/// The text with its comments cut off, line for line. Quotes do not shield a comment sign: they do not for nextpnr either.
pub(super) fn without_comments(text: &str) -> String {
    let ends = |line: &str| [line.find('#'), line.find("//")].into_iter().flatten().min().unwrap_or(line.len());
    text.split('\n').map(|line| &line[..ends(line)]).collect::<Vec<_>>().join("\n")
}

/// Every statement with the line it starts on.
pub(super) fn statements(text: &str) -> Result<Vec<(usize, Statement<'_>)>, LpfError> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text;
    loop {
        let begin = rest.trim_start();
        line += rest[..rest.len() - begin.len()].matches('\n').count();
        if begin.is_empty() {
            return Ok(found);
        }
        let Some((text, behind)) = begin.split_once(';') else {
            return Err(LpfError::Open { line, text: excerpt(begin) });
        };
        found.push((line, statement(line, text)?));
        line += text.matches('\n').count();
        rest = behind;
    }
}

fn statement(line: usize, text: &str) -> Result<Statement<'_>, LpfError> {
    let words: Vec<_> = text.split_whitespace().collect();
    let form = |wanted| LpfError::Form { line, text: excerpt(text), wanted };
    match words[..] {
        ["LOCATE", "COMP", port, "SITE", site] => match (name(port), name(site)) {
            (Some(port), Some(site)) => Ok(Statement::Locate { port, site }),
            _ => Err(form(LOCATE)),
        },
        ["IOBUF", "PORT", port, ref settings @ ..] if !settings.is_empty() => {
            let port = name(port).ok_or_else(|| form(IOBUF))?;
            let mut attributes = BTreeMap::new();
            for setting in settings {
                let (key, value) = setting.split_once('=').ok_or_else(|| form(IOBUF))?;
                if key.is_empty() || value.is_empty() {
                    return Err(form(IOBUF));
                }
                if attributes.insert(key.to_string(), value.to_string()).is_some() {
                    return Err(LpfError::AttributeTwice { line, port: port.into(), attribute: key.into() });
                }
            }
            Ok(Statement::Iobuf { port, attributes })
        }
        ["FREQUENCY", "PORT", port, number, unit] => {
            let port = name(port).ok_or_else(|| form(FREQUENCY))?;
            let wrong = || LpfError::Frequency { line, port: port.into(), value: format!("{number} {unit}") };
            Ok(Statement::Frequency { port, hertz: hertz(number, unit).ok_or_else(wrong)? })
        }
        ["LOCATE", ..] => Err(form(LOCATE)),
        ["IOBUF", ..] => Err(form(IOBUF)),
        ["FREQUENCY", ..] => Err(form(FREQUENCY)),
        _ => Err(LpfError::Keyword { line, keyword: words.first().copied().unwrap_or_default().to_string() }),
    }
}

/// A name, in quotes or bare.
fn name(word: &str) -> Option<&str> {
    let bare = match word.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => word,
    };
    (!bare.is_empty() && !bare.contains('"')).then_some(bare)
}

/// Hertz of `125.5 MHZ`, if that is a whole number of them above zero; in integers, so that equal clocks compare equal.
fn hertz(number: &str, unit: &str) -> Option<u64> {
    let scale: u64 = match unit.to_ascii_uppercase().as_str() {
        "HZ" => 1,
        "KHZ" => 1_000,
        "MHZ" => 1_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()?.checked_mul(scale)? };
    let divisor = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    if parts % divisor != 0 {
        return None;
    }
    let hertz = whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(parts / divisor)?;
    (hertz > 0).then_some(hertz)
}

/// Enough of a statement to find it by.
fn excerpt(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_exact() {
        assert_eq!(hertz("100", "MHZ"), Some(100_000_000));
        assert_eq!(hertz("100.000000000", "MHz"), Some(100_000_000));
        assert_eq!(hertz("156.25", "MHZ"), Some(156_250_000));
        assert_eq!(hertz("0.5", "khz"), Some(500));
        assert_eq!(hertz("1", "HZ"), Some(1));
    }

    #[test]
    fn frequencies_that_mean_nothing_are_refused() {
        let wrong = [
            ("0", "MHZ"),
            ("0.5", "HZ"),
            ("-1", "MHZ"),
            ("1e3", "HZ"),
            ("1.", "HZ"),
            (".5", "MHZ"),
            ("+1", "HZ"),
            ("1", "GHZ"),
        ];
        for (number, unit) in
            wrong.into_iter().chain([("18446744073709551615", "MHZ"), ("0.00000000000000000001", "MHZ")])
        {
            assert_eq!(hertz(number, unit), None, "{number} {unit}");
        }
    }
}
