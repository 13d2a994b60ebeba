//! The sixteen states of a test access port (IEEE 1149.1-2013, figure 6-1).

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Test-Logic-Reset.
    Reset,
    /// Run-Test/Idle.
    Idle,
    /// Select-DR-Scan.
    SelectDr,
    /// Capture-DR.
    CaptureDr,
    /// Shift-DR.
    ShiftDr,
    /// Exit1-DR.
    Exit1Dr,
    /// Pause-DR.
    PauseDr,
    /// Exit2-DR.
    Exit2Dr,
    /// Update-DR.
    UpdateDr,
    /// Select-IR-Scan.
    SelectIr,
    /// Capture-IR.
    CaptureIr,
    /// Shift-IR.
    ShiftIr,
    /// Exit1-IR.
    Exit1Ir,
    /// Pause-IR.
    PauseIr,
    /// Exit2-IR.
    Exit2Ir,
    /// Update-IR.
    UpdateIr,
}

impl State {
    /// Where a rising edge of TCK leads.
    pub fn next(self, tms: bool) -> State {
        use State::*;
        let (low, high) = match self {
            Reset => (Idle, Reset),
            Idle | UpdateDr | UpdateIr => (Idle, SelectDr),
            SelectDr => (CaptureDr, SelectIr),
            CaptureDr | ShiftDr => (ShiftDr, Exit1Dr),
            Exit1Dr => (PauseDr, UpdateDr),
            PauseDr => (PauseDr, Exit2Dr),
            Exit2Dr => (ShiftDr, UpdateDr),
            SelectIr => (CaptureIr, Reset),
            CaptureIr | ShiftIr => (ShiftIr, Exit1Ir),
            Exit1Ir => (PauseIr, UpdateIr),
            PauseIr => (PauseIr, Exit2Ir),
            Exit2Ir => (ShiftIr, UpdateIr),
        };
        if tms { high } else { low }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 16] = [
        State::Reset,
        State::Idle,
        State::SelectDr,
        State::CaptureDr,
        State::ShiftDr,
        State::Exit1Dr,
        State::PauseDr,
        State::Exit2Dr,
        State::UpdateDr,
        State::SelectIr,
        State::CaptureIr,
        State::ShiftIr,
        State::Exit1Ir,
        State::PauseIr,
        State::Exit2Ir,
        State::UpdateIr,
    ];

    #[test]
    fn five_ones_reset_from_anywhere() {
        for from in ALL {
            assert_eq!((0..5).fold(from, |state, _| state.next(true)), State::Reset, "{from:?}");
        }
    }

    #[test]
    fn shifting_and_pausing_last_as_long_as_tms_is_low() {
        for state in [State::Idle, State::ShiftDr, State::ShiftIr, State::PauseDr, State::PauseIr] {
            assert_eq!(state.next(false), state);
        }
    }

    #[test]
    fn a_scan_goes_the_way_of_the_standard() {
        let walk = |bits: &[u8]| bits.iter().fold(State::Idle, |state, bit| state.next(*bit == 1));
        assert_eq!(walk(&[1, 0, 0]), State::ShiftDr);
        assert_eq!(walk(&[1, 0, 0, 1, 1]), State::UpdateDr);
        assert_eq!(walk(&[1, 1, 0, 0]), State::ShiftIr);
        assert_eq!(walk(&[1, 1, 0, 0, 1, 0, 1, 1, 0]), State::Idle);
    }
}
