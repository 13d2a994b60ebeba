//! The parts the circuit is built for, and how the tools are asked.

/// A part and the top that is to fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// As in the budget.
    pub(crate) name: &'static str,
    /// Top module; its file is `<top>.sv`.
    pub(crate) top: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// Which tools.
    pub(crate) family: Family,
}

/// How far the open tools go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Placed and routed by nextpnr with these options.
    Ecp5(&'static [&'static str]),
    /// Mapped by yosys; levels of logic stand for the clock, as no open tool routes it.
    UltraScalePlus,
}

/// All targets; the first of a top is the one that every test run looks at.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "ecp5-speed-8",
        top: "weir64",
        title: "LFE5UM5G-45F speed 8",
        family: Family::Ecp5(&["--um5g-45k", "--speed", "8"]),
    },
    Target {
        name: "ecp5-speed-6",
        top: "weir64",
        title: "LFE5UM-45F speed 6",
        family: Family::Ecp5(&["--um-45k", "--speed", "6"]),
    },
    Target { name: "ultrascale-plus", top: "weir512", title: "UltraScale+", family: Family::UltraScalePlus },
];

impl Target {
    /// What yosys is to do with `<top>.sv`; it writes `netlist.json`.
    pub(super) fn script(&self) -> String {
        let top = self.top;
        match self.family {
            // The same as for a whole image.
            Family::Ecp5(_) => weir_tools::ecp5_script(top),
            // Without pads and clock buffers: a shell puts them round it.
            Family::UltraScalePlus => format!(
                "read_verilog -sv {top}.sv; synth_xilinx -family xcup -top {top} -flatten -noiopad -noclkbuf; select {top}; \
                 write_json -selected netlist.json"
            ),
        }
    }

    /// What nextpnr is asked for; out of context, as the ports end in a shell.
    pub(super) fn route(&self, seed: u32) -> Option<Vec<String>> {
        let Family::Ecp5(part) = self.family else { return None };
        let mut words: Vec<String> = part.iter().map(|word| (*word).to_owned()).collect();
        let rest = "--package CABGA554 --out-of-context --freq 250 --timing-allow-fail --quiet --report report.json";
        words.extend(rest.split(' ').map(str::to_owned));
        words.extend(["--json".to_owned(), "netlist.json".to_owned(), "--seed".to_owned(), seed.to_string()]);
        Some(words)
    }
}
