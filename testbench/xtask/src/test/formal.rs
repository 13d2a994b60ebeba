//! Proofs of single circuits by bounded model checking, and for each proof the bugs that it must find.
//!
//! `testbench/formal/proofs.toml` lists them. A part is emitted alone and small, wrapped by the properties of
//! `testbench/formal/<properties>.sv`, and every input is free but for what the properties assume. "Proved" means: for every
//! input, for so many clocks from power-on; for a proof by induction, for ever.

use super::{Budget, Tally, built};
use crate::place;
use crate::run::{Ended, Show, run};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);

#[derive(Deserialize)]
struct Proofs {
    proof: Vec<Proof>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    name: String,
    part: String,
    /// File of the properties, without its ending; the name of the proof where nothing is said.
    properties: Option<String>,
    /// Wires that the properties declare and leave open, and the signal of the flattened circuit that drives each.
    #[serde(default)]
    sees: BTreeMap<String, String>,
    /// Modules of the part, by the ends of their names, that the properties define themselves, by these ends.
    #[serde(default)]
    own: Vec<String>,
    /// Modules of the part that are cut out: what they say is anything.
    #[serde(default)]
    free: Vec<String>,
    clocks: u32,
    /// The properties also follow from themselves: what held for that many clocks holds in the next.
    #[serde(default)]
    induction: bool,
    claim: String,
    bugs: Vec<Bug>,
}

impl Proof {
    /// Name of the file of its properties, without its ending.
    fn file(&self) -> &str {
        self.properties.as_ref().unwrap_or(&self.name)
    }

    /// What yosys does to bring part and properties before the solver.
    fn model(&self) -> String {
        let joins: String = self.sees.iter().map(|(wire, by)| format!("connect -nounset -set {wire} {by}; ")).collect();
        format!(
            "read_verilog -formal -sv part.sv prove.sv; hierarchy -top prove; proc -noopt; flatten; {joins}\
             prep -flatten -top prove; async2sync; dffunmap; write_smt2 -wires prove.smt2"
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    find: String,
    put: String,
    violates: String,
}

/// Emits the parts, proves each, and sees each bug found.
pub(super) fn part(budget: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    let home = place::root().join("testbench/formal");
    let work = place::root_target()?.join("formal");
    let parts = work.join("parts");
    let mut emit = built::example("parts")?;
    if !run(emit.arg(&parts), Duration::from_secs(900), Show::OnFailure)?.success {
        tally.fail("emitting the parts to prove");
        return Ok(tally);
    }
    let text = |path: &Path| fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
    let proofs: Proofs = toml::from_str(&text(&home.join("proofs.toml"))?).context("failed to parse proofs.toml")?;
    for file in proofs.proof.iter().map(Proof::file).collect::<BTreeSet<_>>() {
        let idle =
            unviolated(&text(&home.join(format!("{file}.sv")))?, proofs.proof.iter().filter(|p| p.file() == file));
        if !idle.is_empty() {
            tally.fail(format!("formal {file}: no bug violates {}", idle.join(", ")));
        }
    }
    let waiting = Mutex::new(proofs.proof.iter());
    let (say, said) = mpsc::channel();
    thread::scope(|scope| {
        // Solvers take one core each.
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            let say = say.clone();
            let next = || waiting.lock().ok()?.next();
            let judged = |proof: &Proof| {
                let emitted = text(&parts.join(format!("{}.sv", proof.part)))?;
                let properties = text(&home.join(format!("{}.sv", proof.file())))?;
                judge(&work.join(&proof.name), proof, &emitted, &properties, budget)
            };
            scope.spawn(move || {
                while let Some(proof) = next() {
                    let outcome =
                        judged(proof).unwrap_or_else(|error| vec![(proof.name.clone(), Some(format!("{error:#}")))]);
                    // Nobody hears it any more if the other threads panicked, which ends the part.
                    let _heard = say.send(outcome);
                }
            });
        }
        drop(say);
        for (name, fault) in said.into_iter().flatten() {
            record(&mut tally, &name, fault);
        }
    });
    Ok(tally)
}

/// What is wrong with a proof, and with its finding each of its bugs; in a folder of its own.
fn judge(
    work: &Path,
    proof: &Proof,
    emitted: &str,
    properties: &str,
    budget: Budget,
) -> Result<Vec<(String, Option<String>)>> {
    fs::create_dir_all(work).with_context(|| format!("failed to create {}", work.display()))?;
    // Twice as far with `--long`.
    let clocks = proof.clocks * if budget.long { 2 } else { 1 };
    let fault = match prove(work, proof, emitted, properties, clocks) {
        Ok(Verdict::Holds) => None,
        Ok(Verdict::Violated(properties)) => Some(format!("{} does not hold", properties.join(", "))),
        Err(error) => Some(format!("{error:#}")),
    };
    let mut outcome = vec![(format!("{} for {clocks} clocks: {}", proof.name, proof.claim), fault)];
    for bug in &proof.bugs {
        let found = plant(emitted, bug).and_then(|wrong| prove(work, proof, &wrong, properties, proof.clocks));
        let fault = match found {
            Ok(Verdict::Violated(properties)) if properties.contains(&bug.violates) => None,
            Ok(Verdict::Violated(properties)) => {
                Some(format!("{} failed, not {}", properties.join(", "), bug.violates))
            }
            Ok(Verdict::Holds) => Some("the bug was not found".to_owned()),
            Err(error) => Some(format!("{error:#}")),
        };
        outcome.push((format!("{} finds `{}`", proof.name, bug.put), fault));
    }
    Ok(outcome)
}

fn record(tally: &mut Tally, name: &str, fault: Option<String>) {
    match fault {
        None => {
            println!("formal {name} ... ok");
            tally.pass();
        }
        Some(fault) => {
            println!("formal {name} ... FAILED\n  {fault}");
            tally.fail(format!("formal {name}: {fault}"));
        }
    }
}

/// Properties, by their labels `a_...:`, that no bug of these proofs violates.
fn unviolated<'a>(properties: &str, proofs: impl Iterator<Item = &'a Proof>) -> Vec<String> {
    let caught: BTreeSet<&str> = proofs.flat_map(|proof| &proof.bugs).map(|bug| bug.violates.as_str()).collect();
    let labels = properties.split_whitespace().filter_map(|word| word.strip_suffix(':'));
    labels.filter(|label| label.starts_with("a_") && !caught.contains(label)).map(str::to_owned).collect()
}

/// The text without the modules that the properties define, and with those that are free cut down to their ports.
fn without(emitted: &str, proof: &Proof) -> Result<String> {
    let mut text = emitted.to_owned();
    for name in &proof.own {
        let module = format!("{}__{name}", proof.part);
        text = replaced(&text, &module, |_| String::new())?.replace(&module, name);
    }
    for name in &proof.free {
        text = replaced(&text, &format!("{}__{name}", proof.part), speechless)?;
    }
    Ok(text)
}

/// The text with something else in place of a module, and without the parts of that module.
fn replaced(text: &str, name: &str, by: impl Fn(&str) -> String) -> Result<String> {
    let mut found = false;
    let modules = text.split_inclusive("\nendmodule").map(|chunk| {
        let (before, module) = chunk.split_once("\nmodule ").unwrap_or_default();
        match module.strip_prefix(name) {
            Some(rest) if rest.starts_with('(') => {
                found = true;
                before.to_owned() + &by(module)
            }
            Some(rest) if rest.starts_with("__") => String::new(),
            _ => chunk.to_owned(),
        }
    });
    let kept = modules.collect();
    if !found {
        bail!("no module {name} in the emitted part: bring proofs.toml up to date");
    }
    Ok(kept)
}

/// A module of the same ports that says anything; `module` is its text behind that word.
fn speechless(module: &str) -> String {
    let mut text = String::from("\nmodule ");
    for (number, line) in module.lines().enumerate() {
        match line.trim_start().strip_prefix("output logic") {
            Some(port) => text += &format!("(* anyseq *) output wire{port}\n"),
            None if number == 0 || line.trim_start().starts_with("input ") => text += &format!("{line}\n"),
            None => {}
        }
    }
    text + "endmodule"
}

/// The text with the bug in it.
fn plant(emitted: &str, bug: &Bug) -> Result<String> {
    let found = emitted.matches(&bug.find).count();
    if found != 1 {
        bail!("`{}` stands {found} times in the emitted part, not once: bring proofs.toml up to date", bug.find);
    }
    Ok(emitted.replace(&bug.find, &bug.put))
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Holds,
    /// All that fail in the first clock in which one does.
    Violated(Vec<String>),
}

fn prove(work: &Path, proof: &Proof, emitted: &str, properties: &str, clocks: u32) -> Result<Verdict> {
    let put = |name: &str, text: &str| {
        let path = work.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    };
    // Properties that serve several parts call theirs PART.
    put("part.sv", &format!("`define PART {}\n{}", proof.part, without(emitted, proof)?))?;
    put("prove.sv", properties)?;
    put("prove.smt2", "")?;
    let tool = |name: &str| place::tool(name).with_context(|| format!("{name} is not there"));
    // By bare names: yosys is WebAssembly, and sees `/tmp` as a folder of its own.
    let mut model = Command::new(tool("yosys")?);
    if !run(model.args(["-q", "-p", &proof.model()]).current_dir(work), LIMIT, Show::OnFailure)?.success {
        bail!("yosys refused the properties");
    }
    let solve = |how: &[&str]| {
        let mut solve = Command::new(tool("smtbmc")?);
        solve
            .args(["-s", "yices", "--noprogress", "-t", &clocks.to_string()])
            .args(how)
            .arg("prove.smt2")
            .current_dir(work);
        let ended = run(&mut solve, LIMIT, Show::Nothing)?;
        if ended.timed_out {
            bail!("the solver was not done after {} s", LIMIT.as_secs());
        }
        verdict(&ended)
    };
    match solve(&[])? {
        Verdict::Holds if proof.induction => solve(&["-i"]),
        answer => Ok(answer),
    }
}

/// What smtbmc said; anything but a clear answer is an error.
fn verdict(ended: &Ended) -> Result<Verdict> {
    let says = |word: &str| ended.lines.iter().any(|line| line.ends_with(word));
    if ended.success && says("Status: PASSED") {
        return Ok(Verdict::Holds);
    }
    let failed = ended.lines.iter().filter_map(|line| line.split_once("Assert failed in prove: "));
    let violated: Vec<String> =
        failed.map(|(_, property)| label(property.split(' ').next().unwrap_or(property)).to_owned()).collect();
    match violated.is_empty() {
        false if says("Status: FAILED") => Ok(Verdict::Violated(violated)),
        _ => bail!("smtbmc gave no answer: {}", ended.lines.last().map_or("nothing", String::as_str)),
    }
}

/// The label of a property, without the instances that it is in.
fn label(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(success: bool, lines: &[&str]) -> Ended {
        Ended { success, timed_out: false, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn the_properties_that_failed_are_named() {
        let line = |name| format!("##   0:00:00  Assert failed in prove: {name} (prove.sv:3)");
        let told = ended(false, &[&line("a_pass"), &line("dut.lane.a_mask"), "##   Status: FAILED"]);
        assert_eq!(verdict(&told).unwrap(), Verdict::Violated(vec!["a_pass".to_owned(), "a_mask".to_owned()]));
        assert_eq!(verdict(&ended(true, &["##   0:00:27  Status: PASSED"])).unwrap(), Verdict::Holds);
    }

    #[test]
    fn a_module_that_is_defined_elsewhere_or_free_goes_with_its_parts() {
        let module = |name: &str, body: &str| format!("\nmodule {name}(a);\n{body}endmodule\n");
        let proof = |how: &str| -> Proof {
            let rest = format!("{how} = ['ram']\nclocks = 1\nclaim = ''\nbugs = []");
            toml::from_str(&format!("name = 'p'\npart = 'p'\n{rest}")).unwrap()
        };
        let top =
            |cell: &str| module("p", &format!("    {cell} ram();\n")) + &module("p__rows", "    output logic a;\n");
        let ram = module("p__ram", "    output logic a;\n    assign a = 1;\n");
        let emitted = top("p__ram") + &ram + &module("p__ram__word", "");
        assert_eq!(without(&emitted, &proof("own")).unwrap().trim_end(), top("ram").trim_end());
        let free = top("p__ram") + &module("p__ram", "(* anyseq *) output wire a;\n");
        assert_eq!(without(&emitted, &proof("free")).unwrap().trim_end(), free.trim_end());
        assert!(without(&top("p__ram"), &proof("own")).is_err());
    }

    #[test]
    fn a_property_that_no_bug_violates_is_named() {
        let proof: Proof = toml::from_str(
            "name = 'p'\npart = 'p'\nclocks = 1\nclaim = ''\nbugs = [{ find = '', put = '', violates = 'a_seen' }]",
        )
        .unwrap();
        let properties = "a_seen: assert (x);\nif (y) a_unseen: assert (z); l_lemma: assert (z);";
        assert_eq!(unviolated(properties, [&proof].into_iter()), ["a_unseen"]);
    }

    #[test]
    fn a_solver_that_dies_has_proved_nothing() {
        assert!(verdict(&ended(false, &["yices: not found"])).is_err());
        assert!(verdict(&ended(true, &[])).is_err());
    }

    #[test]
    fn a_bug_that_no_longer_fits_the_text_is_an_error() {
        let bug = Bug { find: "a".to_owned(), put: "b".to_owned(), violates: "p".to_owned() };
        assert_eq!(plant("xay", &bug).unwrap(), "xby");
        assert!(plant("aa", &bug).is_err() && plant("xy", &bug).is_err());
    }
}
