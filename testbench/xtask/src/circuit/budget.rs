//! The budget of `constraints/budget.toml`: what the circuit may cost at most on each part, and the clock it must reach.

use super::Outcome;
use super::target::{TARGETS, Target};
use crate::place;
use anyhow::{Context, Result, bail};
use std::fs;
use toml::Table;

/// Where it lies.
pub(crate) const FILE: &str = "constraints/budget.toml";

/// All limits of all parts.
#[derive(Debug)]
pub(crate) struct Budget(Table);

impl Budget {
    /// The committed one.
    pub(crate) fn committed() -> Result<Budget> {
        let text = fs::read_to_string(place::root().join(FILE)).with_context(|| format!("failed to read {FILE}"))?;
        Budget::read(&text)
    }

    fn read(text: &str) -> Result<Budget> {
        let table: Table = text.parse().with_context(|| format!("failed to parse {FILE}"))?;
        for name in table.keys() {
            if !TARGETS.iter().any(|target| target.name == name) {
                let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                bail!("{FILE} has a section {name}, which is no part; parts: {}", known.join(", "));
            }
        }
        Ok(Budget(table))
    }

    /// What exceeds its limit, each with the number and the limit, and the worst path behind a limit of time.
    pub(crate) fn faults(&self, target: &Target, outcome: &Outcome) -> Result<Vec<String>> {
        let section = self.0.get(target.name).and_then(toml::Value::as_table);
        let section = section.with_context(|| format!("{FILE} has no section {}", target.name))?;
        let mut faults = Vec::new();
        for (key, limit) in section {
            let known = || outcome.figures.keys().copied().collect::<Vec<_>>().join(", ");
            let wrong = || format!("{FILE}, {}.{key}: it is min_ or max_ of one of {}", target.name, known());
            let (side, figure) = key.split_once('_').with_context(wrong)?;
            let number = *outcome.figures.get(figure).with_context(wrong)?;
            let limit = limit
                .as_float()
                .or_else(|| limit.as_integer().map(|whole| whole as f64))
                .with_context(|| format!("{FILE}, {}.{key}: {limit} is no number", target.name))?;
            let title = target.title;
            let fault = match side {
                "min" if number < limit => format!("{figure} is {number:.1} on {title}, at least {limit} is wanted"),
                "max" if number > limit => format!("{figure} is {number:.1} on {title}, at most {limit} is allowed"),
                "min" | "max" => continue,
                _ => bail!(wrong()),
            };
            // More clock or fewer levels is a matter of the worst path; the rest is not.
            let of_time = matches!(figure, "mhz" | "levels");
            faults.push(if of_time { format!("{fault}; the worst path: {}", outcome.worst) } else { fault });
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{netlist, nextpnr};

    fn routed() -> Outcome {
        nextpnr::read(include_str!("../../samples/nextpnr.json")).unwrap()
    }

    #[test]
    fn a_clock_that_is_missed_fails_with_the_worst_path() {
        let budget = Budget::read("[ecp5-speed-8]\nmin_mhz = 250\nmax_ff = 97").unwrap();
        let faults = budget.faults(&TARGETS[0], &routed()).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        let wanted = "mhz is 244.9 on LFE5UM5G-45F speed 8, at least 250 is wanted; the worst path: 4.08 ns";
        assert!(faults[0].starts_with(wanted) && faults[0].contains("q_TRELLIS_FF_Q_21.DI"), "{}", faults[0]);
    }

    #[test]
    fn too_many_levels_fail_with_the_deepest_path() {
        let outcome = netlist::read(include_str!("../../samples/netlist.json"), "t").unwrap();
        let budget = Budget::read("[ultrascale-plus]\nmax_levels = 1\nmax_lut = 11").unwrap();
        let faults = budget.faults(&TARGETS[2], &outcome).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("levels is 2.0 on UltraScale+, at most 1 is allowed; the worst path: 2 levels:"));
    }

    #[test]
    fn a_resource_above_its_limit_fails_with_both_numbers() {
        let budget = Budget::read("[ecp5-speed-8]\nmax_ebr = 1").unwrap();
        let faults = budget.faults(&TARGETS[0], &routed()).unwrap();
        assert_eq!(faults, ["ebr is 2.0 on LFE5UM5G-45F speed 8, at most 1 is allowed"]);
    }

    #[test]
    fn a_figure_or_part_that_is_not_measured_is_refused() {
        let budget = Budget::read("[ecp5-speed-8]\nmax_lut5 = 1").unwrap();
        let error = budget.faults(&TARGETS[0], &routed()).unwrap_err().to_string();
        assert!(error.contains("ecp5-speed-8.max_lut5") && error.contains("lut4"), "{error}");
        let error = Budget::read("[ecp5]\nmax_ff = 1").unwrap_err().to_string();
        assert!(error.contains("section ecp5,"), "{error}");
    }

    #[test]
    fn the_committed_budget_limits_every_part() {
        let Budget(table) = Budget::committed().unwrap();
        for target in TARGETS {
            let section = table.get(target.name).and_then(toml::Value::as_table);
            assert!(section.is_some_and(|section| section.len() >= 5), "{}", target.name);
        }
    }
}
