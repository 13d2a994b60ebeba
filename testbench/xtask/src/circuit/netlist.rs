//! Reads a netlist mapped to UltraScale+: what it uses, and the most LUTs between two registers.
//!
//! Carry and wide multiplexers lie beside their LUTs and count as no level; the output of a distributed RAM follows its read
//! address through a LUT. LUTs that could share one (two outputs of a LUT6) are counted apart.

use super::Outcome;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Design {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    cells: BTreeMap<String, Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    port_directions: BTreeMap<String, String>,
    connections: BTreeMap<String, Vec<Bit>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bit {
    Net(u32),
    // Zero, one or undefined: starts no path.
    Constant(#[allow(dead_code)] String),
}

/// How a cell counts.
enum Role {
    /// So many LUTs a level away from its inputs.
    Through(u32),
    /// Only these inputs reach the outputs within a clock.
    Memory,
    /// Paths begin and end here.
    Register,
}

fn role(kind: &str) -> Role {
    match kind {
        "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" | "INV" => Role::Through(1),
        "MUXF7" | "MUXF8" | "MUXF9" | "CARRY4" | "CARRY8" | "BUF" => Role::Through(0),
        _ if lut_ram(kind) > 0 && !kind.starts_with("SRL") => Role::Memory,
        _ => Role::Register,
    }
}

/// LUTs of a memory made of LUTs.
fn lut_ram(kind: &str) -> u32 {
    match kind {
        "SRL16E" | "SRLC16E" | "SRLC32E" | "RAM32X1S" | "RAM64X1S" => 1,
        "RAM32X1D" | "RAM64X1D" | "RAM128X1S" => 2,
        "RAM32M" | "RAM64M" | "RAM128X1D" | "RAM256X1S" => 4,
        "RAM32M16" | "RAM64M8" | "RAM256X1D" => 8,
        _ => 0,
    }
}

/// Figures and deepest path of the only module that has cells.
pub(super) fn read(text: &str, top: &str) -> Result<Outcome> {
    let design: Design = serde_json::from_str(text).context("failed to read the netlist of yosys")?;
    let module = design.modules.get(top).with_context(|| format!("the netlist has no module {top}"))?;
    let count = |of: &dyn Fn(&str) -> u32| module.cells.values().map(|cell| of(&cell.kind)).sum::<u32>();
    let lut = count(&|kind| u32::from(matches!(role(kind), Role::Through(1))) + lut_ram(kind));
    let starting = |head: &'static str| move |kind: &str| u32::from(kind.starts_with(head));
    // A RAMB18 is half a RAMB36.
    let halves = count(&|kind| 2 * starting("RAMB36")(kind) + starting("RAMB18")(kind));
    let (levels, worst) = Walk::new(module).deepest()?;
    let figures = [
        ("lut", f64::from(lut)),
        ("lut_ram", f64::from(count(&lut_ram))),
        ("ff", f64::from(count(&starting("FD")))),
        ("ramb36", f64::from(halves) / 2.0),
        ("dsp", f64::from(count(&starting("DSP")))),
        ("levels", f64::from(levels)),
    ];
    Ok(Outcome { figures: figures.into(), worst })
}

/// A net: who drives it; how many LUTs lie before it, and over which net.
struct Walk<'a> {
    cells: Vec<(&'a str, &'a Cell)>,
    driver: HashMap<u32, usize>,
    depth: HashMap<u32, Option<(u32, Option<u32>)>>,
}

impl<'a> Walk<'a> {
    fn new(module: &'a Module) -> Walk<'a> {
        let cells: Vec<_> = module.cells.iter().map(|(name, cell)| (name.as_str(), cell)).collect();
        let mut driver = HashMap::new();
        for (index, (_, cell)) in cells.iter().enumerate() {
            driver.extend(cell.nets("output", |_| true).map(|net| (net, index)));
        }
        Walk { cells, driver, depth: HashMap::new() }
    }

    /// The most levels in front of an input of a register, and the way there.
    fn deepest(mut self) -> Result<(u32, String)> {
        let mut most = (0, None, "");
        for index in 0..self.cells.len() {
            let (name, cell) = self.cells[index];
            if matches!(role(&cell.kind), Role::Through(_)) {
                continue;
            }
            for net in cell.nets("input", |_| true) {
                let depth = self.depth(net)?;
                if depth > most.0 || most.1.is_none() {
                    most = (depth, Some(net), name);
                }
            }
        }
        let mut names = vec![most.2];
        let mut net = most.1;
        while let Some(here) = net {
            names.extend(self.driver.get(&here).map(|index| self.cells[*index].0));
            net = self.depth.get(&here).copied().flatten().and_then(|(_, before)| before);
        }
        names.reverse();
        let path: String = names.iter().map(|name| format!("\n    {name}")).collect();
        Ok((most.0, format!("{} levels:{path}", most.0)))
    }

    fn depth(&mut self, net: u32) -> Result<u32> {
        if let Some(known) = self.depth.get(&net) {
            let Some((depth, _)) = known else { bail!("the netlist has a loop of logic through net {net}") };
            return Ok(*depth);
        }
        let Some(index) = self.driver.get(&net) else { return Ok(0) };
        let cell = self.cells[*index].1;
        let (own, inputs): (u32, Vec<u32>) = match role(&cell.kind) {
            Role::Register => return Ok(0),
            Role::Through(own) => (own, cell.nets("input", |_| true).collect()),
            Role::Memory => {
                let address = |port: &str| port.starts_with('A') || port.starts_with("DPRA");
                (1, cell.nets("input", address).collect())
            }
        };
        self.depth.insert(net, None);
        let mut before = (0, None);
        for input in inputs {
            let depth = self.depth(input)?;
            if depth > before.0 || before.1.is_none() {
                before = (depth, Some(input));
            }
        }
        self.depth.insert(net, Some((before.0 + own, before.1)));
        Ok(before.0 + own)
    }
}

impl Cell {
    fn nets(&self, direction: &'static str, port: impl Fn(&str) -> bool) -> impl Iterator<Item = u32> {
        let ports = self
            .connections
            .iter()
            .filter(move |(name, _)| port(name) && self.port_directions.get(*name).is_some_and(|way| way == direction));
        ports.flat_map(|(_, bits)| bits).filter_map(|bit| match bit {
            Bit::Net(net) => Some(*net),
            Bit::Constant(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../samples/netlist.json");

    #[test]
    fn cells_are_counted_by_what_they_take() {
        let figures = read(SAMPLE, "t").unwrap().figures;
        assert_eq!((figures["lut"], figures["lut_ram"], figures["ff"]), (11.0, 8.0, 12.0));
        assert_eq!((figures["ramb36"], figures["dsp"]), (0.0, 0.0));
    }

    #[test]
    fn levels_are_luts_between_registers_and_not_registers() {
        let outcome = read(SAMPLE, "t").unwrap();
        assert_eq!(outcome.figures["levels"], 2.0, "{}", outcome.worst);
        assert_eq!(outcome.worst.lines().count(), 5, "begin, two levels, end: {}", outcome.worst);
    }

    #[test]
    fn a_loop_is_refused() {
        let cell = |input: u32, output: u32| {
            format!(
                r#"{{"type": "LUT1", "port_directions": {{"I0": "input", "O": "output"}},
                    "connections": {{"I0": [{input}], "O": [{output}]}}}}"#
            )
        };
        let end = r#"{"type": "FDRE", "port_directions": {"D": "input"}, "connections": {"D": [2]}}"#;
        let cells = format!(r#"{{"a": {}, "b": {}, "c": {end}}}"#, cell(2, 3), cell(3, 2));
        let error = read(&format!(r#"{{"modules": {{"t": {{"cells": {cells}}}}}}}"#), "t").unwrap_err();
        assert!(error.to_string().contains("loop"), "{error}");
    }
}
