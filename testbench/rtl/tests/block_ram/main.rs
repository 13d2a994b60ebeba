//! The two texts of a block RAM mean the same: the one that instantiates ECP5's DP16KD, on a model of that part, and the
//! one that tools infer and simulators run. And the model is not only ours: what yosys makes of the inferred text, wired
//! by its own hand, behaves on it as that text says.
//!
//! Random words at few addresses, so that they meet; a word is not read by one port while the other writes it, since
//! that is nobody's promise. Icarus Verilog runs the bench, yosys maps; `cargo xtask setup` brings both.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_hdl::cell::{block_ram::BlockRam, delay::DelayLine, host_ram::HostRam, twin_ram::TwinRam};
use weir_hdl::emit;

const MODEL: &str = include_str!("DP16KD.sv");

/// A cell as text, by the name its module is to have, and what a bench must know of it.
struct Cell {
    name: &'static str,
    text: fn(&str) -> String,
    inputs: Vec<(&'static str, usize)>,
    outputs: Vec<(&'static str, usize)>,
    /// Keeps a port from writing what the other reads.
    apart: &'static str,
}

macro_rules! cell {
    ($cell:ident<$($n:literal),+>, $inputs:expr, $outputs:expr, $apart:expr) => {
        Cell {
            name: stringify!($cell<$($n),+>),
            text: |top| emit(&mut $cell::<$($n),+>::default(), top).expect("a clean cell"),
            inputs: $inputs.to_vec(),
            outputs: $outputs.to_vec(),
            apart: $apart,
        }
    };
}

macro_rules! block {
    ($w:literal, $a:literal) => {
        cell!(
            BlockRam<$w, $a>,
            [("we", 1), ("waddr", $a), ("raddr", $a), ("wdata", $w)],
            [("rdata", $w)],
            "if (waddr == raddr) we = 0;"
        )
    };
}

macro_rules! host {
    ($cell:ident<$w:literal, $a:literal>) => {
        cell!(
            $cell<$w, $a>,
            [("host_we", 1), ("host_addr", $a), ("raddr", $a), ("host_wdata", $w)],
            [("rdata", $w), ("host_rdata", $w)],
            "if (host_addr == raddr) host_we = 0;"
        )
    };
}

fn tool(name: &str) -> PathBuf {
    let found = weir_tools::find(&name.to_uppercase(), &[name]);
    found.unwrap_or_else(|| panic!("{name} is not there; run `cargo xtask setup`"))
}

/// Runs a tool in `dir`, by bare names: yosys is WebAssembly and sees `/tmp` as a folder of its own.
fn run(dir: &Path, name: &str, args: &[&str]) -> String {
    let ended = Command::new(tool(name)).args(args).current_dir(dir).output().expect("the tool starts");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{name} {args:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

fn folder(name: &str) -> PathBuf {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("block_ram").join(plain);
    fs::create_dir_all(&dir).expect("a folder for the bench");
    dir
}

/// Clocks in which the modules `left` and `right` of `text` differ, of 4000.
fn differences(cell: &Cell, dir: &Path, text: &str) -> u64 {
    let signals = |ports: &[(&str, usize)], kind: &str, suffix: &str| -> String {
        ports.iter().map(|(name, width)| format!("    {kind} [{}:0] {name}{suffix};\n", width - 1)).collect()
    };
    let part = |module: &str| {
        let ins = cell.inputs.iter().map(|(name, _)| format!(", .{name}({name})"));
        let outs = cell.outputs.iter().map(|(name, _)| format!(", .{name}({name}_{module})"));
        format!("    {module} {module}(.clock(clock){});\n", ins.chain(outs).collect::<String>())
    };
    let draw = cell.inputs.iter().map(|(name, width)| {
        let words = vec!["$urandom"; width.div_ceil(32)].join(", ");
        let few = match name.ends_with("addr") {
            true => format!("        if ($urandom % 8) {name} = $urandom % 2 ? {name} & 3 : {name} | ~3;\n"),
            false => String::new(),
        };
        format!("        {name} = {{{words}}};\n{few}")
    });
    let differ: Vec<String> =
        cell.outputs.iter().map(|(name, _)| format!("(clocks > 4 && {name}_left !== {name}_right)")).collect();
    let bench = format!(
        "module bench;
    reg clock = 0;
    integer clocks, count = 0;
{}{}{}{}{}    initial begin
        for (clocks = 0; clocks < 4000; clocks = clocks + 1) begin
{}        {}
            #1 clock = 1;
            #1 if ({}) count = count + 1;
            clock = 0;
            #1;
        end
        $display(\"%0d\", count);
        $finish;
    end
endmodule
",
        signals(&cell.inputs, "reg", " = 0"),
        signals(&cell.outputs, "wire", "_left"),
        signals(&cell.outputs, "wire", "_right"),
        part("left"),
        part("right"),
        draw.collect::<String>(),
        cell.apart,
        differ.join(" || "),
    );
    fs::write(dir.join("bench.sv"), format!("`timescale 1ns/1ps\n{text}\n{MODEL}\n{bench}")).expect("a bench");
    run(dir, "iverilog", &["-g2012", "-s", "bench", "-o", "bench.vvp", "bench.sv"]);
    run(dir, "vvp", &["-n", "bench.vvp"]).trim().parse().expect("a count")
}

/// The text for ECP5 as `left`, the inferred one as `right`.
fn both(cell: &Cell) -> String {
    format!("`define WEIR_ECP5\n{}\n`undef WEIR_ECP5\n{}", (cell.text)("left"), (cell.text)("right"))
}

#[test]
fn ebr_and_inferred_text_mean_the_same_at_every_width() {
    let cells = [
        block!(80, 6),
        block!(40, 9),
        block!(20, 10),
        block!(20, 11),
        block!(6, 12),
        block!(3, 13),
        host!(HostRam<20, 8>),
        host!(HostRam<24, 12>),
        host!(HostRam<2, 14>),
        host!(TwinRam<72, 10>),
        host!(TwinRam<12, 11>),
        cell!(DelayLine<72, 6, 45>, [("d", 72)], [("q", 72)], ""),
        cell!(DelayLine<110, 4, 3>, [("d", 110)], [("q", 110)], ""),
        cell!(DelayLine<8, 5, 32>, [("d", 8)], [("q", 8)], ""),
    ];
    for cell in cells {
        assert_eq!(differences(&cell, &folder(cell.name), &both(&cell)), 0, "{}", cell.name);
    }
}

#[test]
fn the_bench_sees_a_wrong_wire() {
    let wrong = [
        (block!(40, 9), "{b_q, a_q}", "{a_q, b_q}"),
        (host!(TwinRam<72, 10>), "READBEFOREWRITE", "NORMAL"),
        (host!(HostRam<24, 12>), ".REGMODE_A(\"OUTREG\")", ".REGMODE_A(\"NOREG\")"),
        (host!(HostRam<24, 12>), "{raddr, 2'b0}", "{2'b0, raddr}"),
    ];
    for (cell, right, wrong) in wrong {
        let text = both(&cell);
        assert!(text.contains(right), "{} has {right}", cell.name);
        let name = format!("{} {wrong}", cell.name);
        assert!(differences(&cell, &folder(&name), &text.replace(right, wrong)) > 0, "{name}");
    }
}

#[test]
fn the_wiring_of_yosys_agrees_with_the_model() {
    for cell in [
        block!(36, 9),
        host!(HostRam<18, 10>),
        host!(TwinRam<18, 10>),
        host!(HostRam<9, 11>),
        host!(HostRam<4, 12>),
        host!(HostRam<2, 13>),
        host!(HostRam<1, 14>),
    ] {
        let dir = folder(&format!("{} by yosys", cell.name));
        fs::write(dir.join("cell.sv"), (cell.text)("left")).expect("a cell");
        let script =
            "read_verilog -sv cell.sv; synth_ecp5 -top left -run begin:map_ffram; write_verilog -noattr mapped.v";
        run(&dir, "yosys", &["-q", "-p", script]);
        let mapped = fs::read_to_string(dir.join("mapped.v")).expect("what yosys wrote");
        assert!(mapped.contains("DP16KD #("), "{}", cell.name);
        assert_eq!(differences(&cell, &dir, &format!("{mapped}\n{}", (cell.text)("right"))), 0, "{}", cell.name);
    }
}
