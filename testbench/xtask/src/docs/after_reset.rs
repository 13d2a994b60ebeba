//! What a register shows after reset, where that is not the same for every NIC.

use weir_spec::regs::RegId;

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AfterReset {
    /// The value in the table.
    Value,
    /// What the image was built with.
    OfImage,
    /// What it showed before: no reset reaches it.
    Kept,
}

impl AfterReset {
    pub(super) fn of(id: RegId) -> AfterReset {
        match id {
            RegId::Caps | RegId::ClockKhz | RegId::GitHash | RegId::Board | RegId::BoardNumber => AfterReset::OfImage,
            RegId::NicTimeLo | RegId::NicTimeHi | RegId::Heat | RegId::MapWord => AfterReset::Kept,
            RegId::BoardLinks | RegId::SwitchPhy | RegId::HostPhy | RegId::BoardState => AfterReset::Kept,
            RegId::Event | RegId::FlashAddress | RegId::FlashWord => AfterReset::Kept,
            _ => AfterReset::Value,
        }
    }
}
