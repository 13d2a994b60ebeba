//! The ECP5's PLL: which dividers make one clock of another.
//!
//! The output is fed back, so `out = reference / refs * feedback` and the oscillator inside runs at `out * outs`. Limits are those
//! of the data sheet (FPGA-DS-02012): phase detector 3.125 to 400 MHz, oscillator 400 to 800 MHz, dividers to 128.

/// Dividers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pll {
    reference_khz: u32,
    core_khz: u32,
    refs: u32,
    feedback: u32,
    outs: u32,
}

const DETECTOR_KHZ: std::ops::RangeInclusive<u32> = 3_125..=400_000;
const OSCILLATOR_KHZ: std::ops::RangeInclusive<u32> = 400_000..=800_000;
const MOST: u32 = 128;

impl Pll {
    /// The dividers with the fastest phase detector; none if no dividers make this clock exactly, with a quarter of it.
    pub fn find(reference_khz: u32, core_khz: u32) -> Option<Pll> {
        let outs = (1..=MOST).find(|outs| {
            // A quarter of the clock is a whole number of periods of the oscillator.
            outs % 4 == 0 && core_khz.checked_mul(*outs).is_some_and(|khz| OSCILLATOR_KHZ.contains(&khz))
        })?;
        let divides = |refs: &u32| {
            let detector = reference_khz / refs;
            let exact = reference_khz.is_multiple_of(*refs) && detector > 0 && core_khz.is_multiple_of(detector);
            exact && DETECTOR_KHZ.contains(&detector) && core_khz / detector <= MOST
        };
        let refs = (1..=MOST).find(divides)?;
        Some(Pll { reference_khz, core_khz, refs, feedback: core_khz / (reference_khz / refs), outs })
    }

    /// The primitive; wires `core_clock`, `late_clock` and `locked` are there.
    pub(super) fn text(&self, reference: &str, late: bool) -> String {
        let Pll { reference_khz, core_khz, refs, feedback, outs } = self;
        let mhz = |khz: &u32| format!("{}.{:03}", khz / 1000, khz % 1000);
        let (first, second) = (outs - 1, outs - 1 + outs / 4);
        let (enable, wired) = if late { ("ENABLED", ".CLKOS(late_clock), ") } else { ("DISABLED", "") };
        format!(
            "    (* FREQUENCY_PIN_CLKI=\"{reference_mhz}\" *) (* FREQUENCY_PIN_CLKOP=\"{core_mhz}\" *)
    (* FREQUENCY_PIN_CLKOS=\"{core_mhz}\" *)
    (* ICP_CURRENT=\"12\" *) (* LPF_RESISTOR=\"8\" *) (* MFG_ENABLE_FILTEROPAMP=\"1\" *) (* MFG_GMCREF_SEL=\"2\" *)
    EHXPLLL #(
        .PLLRST_ENA(\"DISABLED\"), .INTFB_WAKE(\"DISABLED\"), .STDBY_ENABLE(\"DISABLED\"), .DPHASE_SOURCE(\"DISABLED\"),
        .OUTDIVIDER_MUXA(\"DIVA\"), .OUTDIVIDER_MUXB(\"DIVB\"), .OUTDIVIDER_MUXC(\"DIVC\"), .OUTDIVIDER_MUXD(\"DIVD\"),
        .CLKI_DIV({refs}), .CLKFB_DIV({feedback}), .FEEDBK_PATH(\"CLKOP\"),
        .CLKOP_ENABLE(\"ENABLED\"), .CLKOP_DIV({outs}), .CLKOP_CPHASE({first}), .CLKOP_FPHASE(0),
        .CLKOS_ENABLE(\"{enable}\"), .CLKOS_DIV({outs}), .CLKOS_CPHASE({second}), .CLKOS_FPHASE(0)
    ) pll (
        .RST(1'b0), .STDBY(1'b0), .CLKI({reference}), .CLKOP(core_clock), {wired}.CLKFB(core_clock), .CLKINTFB(),
        .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),
        .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0), .LOCK(locked)
    );
",
            reference_mhz = mhz(reference_khz),
            core_mhz = mhz(core_khz),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_of_boards_are_made_exactly_and_within_limits() {
        for (reference, core) in [(100_000, 125_000), (25_000, 125_000), (12_000, 60_000), (125_000, 125_000)] {
            let pll = Pll::find(reference, core).unwrap_or_else(|| panic!("{core} of {reference}"));
            assert_eq!(reference / pll.refs * pll.feedback, core);
            assert_eq!(reference % pll.refs, 0);
            assert!((400_000..=800_000).contains(&(core * pll.outs)) && pll.outs.is_multiple_of(4), "{pll:?}");
            assert!((3_125..=400_000).contains(&(reference / pll.refs)) && pll.feedback <= 128, "{pll:?}");
        }
    }

    #[test]
    fn a_clock_that_no_dividers_make_is_none() {
        for (reference, core) in [(100_000, 125_001), (100_000, 3_000), (100_000, 250_000), (1_000, 125_000)] {
            assert_eq!(Pll::find(reference, core), None, "{core} of {reference}");
        }
    }
}
