//! What `weir flash` says: lines for people, or one JSON object a line.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::Path;

use serde_json::{Value, json};
use weir_firmware::Board;
use weir_firmware::flash::{Outcome, Plan, Progress, Step};
use weir_firmware::image::{ImagePackage, Manifest, Role, TrustedKey};

use crate::exit::Exit;

pub(super) struct Told {
    json: bool,
    terminal: bool,
    /// The last percent and stage that were told, so that a line comes for each and not for each page.
    last: Cell<(&'static str, u64)>,
}

impl Told {
    pub(super) fn new(json: bool) -> Told {
        Told { json, terminal: std::io::stderr().is_terminal(), last: Cell::new(("", 0)) }
    }

    fn say(&self, words: String, object: Value) {
        if self.json { println!("{object}") } else { println!("{words}") }
    }

    pub(super) fn package(&self, path: &Path, manifest: &Manifest, key: &TrustedKey) {
        let Manifest { version, board, .. } = manifest;
        let words = format!("{}: {version} for {board}, signed by {} ({})", path.display(), key.id, key.name);
        self.say(words, json!({ "event": "package", "version": version, "board": board, "key": key.id }));
    }

    pub(super) fn board(&self, board: &Board, runs_on: bool) {
        let part = &board.facts.device.part;
        if runs_on {
            let (name, number) = (&board.facts.name, board.facts.number);
            let words = format!("board: {name} answers by its registers; which part it has is not known from there");
            return self.say(words, json!({ "event": "board", "board": name, "number": number }));
        }
        let code = board.facts.device.jtag_idcode;
        self.say(format!("board: {part} answers on JTAG"), json!({ "event": "board", "part": part, "idcode": code }));
    }

    pub(super) fn dry_run(&self, package: &ImagePackage, golden: bool) {
        for role in [Role::Golden, Role::Primary] {
            let wanted = role == Role::Primary || golden;
            if let Some((octets, image)) = package.image(role).filter(|_| wanted) {
                let words =
                    format!("would write the {role} image, {} octets, if it is not there: {image}", octets.len());
                let told =
                    json!({ "event": "would-write", "image": role, "bytes": octets.len(), "usercode": image.usercode });
                self.say(words, told);
            }
        }
        // People see that it says no more; a program waits for the end.
        if self.json {
            println!("{}", json!({ "event": "end", "outcome": "dry-run", "exit": Exit::Done as u8 }));
        }
    }

    pub(super) fn plan(&self, plan: &Plan) {
        let code = |code: Option<u32>| code.map_or("none".to_string(), |code| format!("{code:#010x}"));
        let installed = plan.installed.map_or("nothing that is known".to_string(), |version| version.to_string());
        let words =
            format!("installed: {installed}; primary USERCODE {}, golden {}", code(plan.primary), code(plan.golden));
        let step = |step: &Step| json!({ "what": step.what, "from": step.from, "bytes": step.octets.len() });
        let steps: Vec<Value> = plan.steps.iter().map(step).collect();
        let told = json!({
            "event": "plan",
            "installed": plan.installed,
            "primary": plan.primary,
            "golden": plan.golden,
            "steps": steps,
        });
        self.say(words, told);
    }

    pub(super) fn step(&self, step: &Step) {
        let told = json!({ "event": "step", "what": step.what, "from": step.from, "bytes": step.octets.len() });
        self.say(step.to_string(), told);
    }

    pub(super) fn progress(&self, Progress { stage, done, of }: Progress) {
        let percent = done * 100 / of.max(1);
        if self.last.replace((stage, percent)) == (stage, percent) {
            return;
        }
        if self.json {
            println!("{}", json!({ "event": "progress", "stage": stage, "done": done, "of": of }));
        } else if self.terminal {
            eprint!("\r{stage:<8} {done:>9} of {of} octets");
            if done >= of {
                eprintln!();
            }
        }
    }

    pub(super) fn end(&self, outcome: Outcome, exit: Exit, plan: &Plan, package: &ImagePackage) {
        let (_, image) = package.image(Role::Primary).expect("a package has a primary image");
        let code = image.usercode;
        let (name, words) = match outcome {
            Outcome::Proven if plan.steps.is_empty() => {
                ("nothing-to-do", format!("nothing to do: the primary image {code:#010x} is there and runs"))
            }
            Outcome::Proven => ("proven", format!("done: the primary image {code:#010x} runs")),
            Outcome::Circuit => {
                let source = &package.manifest().source;
                (
                    "nothing-to-do",
                    format!(
                        "nothing to do: the primary image {code:#010x} is there, and a circuit of its source {source} runs"
                    ),
                )
            }
            Outcome::PendingPowerCycle if plan.steps.is_empty() => (
                "pending-power-cycle",
                format!(
                    "nothing to write: {code:#010x} is there, and another circuit runs: cycle the board's power; if that was done, {code:#010x} did not boot, and the golden image runs"
                ),
            ),
            Outcome::PendingPowerCycle => {
                ("pending-power-cycle", format!("written and verified: {code:#010x} runs after a cycle of power"))
            }
            Outcome::FellBack => (
                "fell-back",
                format!(
                    "written and verified, but {code:#010x} did not boot: the golden image runs. Flash the version before it, or another"
                ),
            ),
            Outcome::Another => (
                "another",
                format!(
                    "written and verified, but another image than {code:#010x} runs: was the part loaded by JTAG meanwhile?"
                ),
            ),
            Outcome::Dark => (
                "dark",
                "written and verified, but nothing runs: cycle its power, and see the board's notes".to_string(),
            ),
        };
        self.say(words, json!({ "event": "end", "outcome": name, "exit": exit as u8, "usercode": code }));
    }
}
