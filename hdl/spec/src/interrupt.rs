//! What a NIC tells its host without being asked.
//!
//! Four conditions, each a level that STATUS shows and an MSI-X vector of its own: the vector is sent when its condition
//! begins. A host that was told looks at STATUS; one that missed it loses nothing, since the condition still shows.

/// A condition; its number is that of its vector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interrupt {
    /// The deadline is less than WARN_LEASE ahead, and the fence is up.
    LeaseEnding = 0,
    /// Rules accept nothing.
    Fenced = 1,
    /// The flow table holds WARN_FLOWS entries or more.
    FlowsHigh = 2,
    /// The port has no link.
    LinkDown = 3,
}

/// All of them, by vector.
pub const INTERRUPTS: [Interrupt; 4] =
    [Interrupt::LeaseEnding, Interrupt::Fenced, Interrupt::FlowsHigh, Interrupt::LinkDown];

/// The conditions that hold, bit n for vector n.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Conditions(pub u8);

impl Conditions {
    /// These, and `interrupt` if `holds`.
    #[must_use]
    pub fn with(self, interrupt: Interrupt, holds: bool) -> Conditions {
        Conditions(self.0 | u8::from(holds) << interrupt as u8)
    }

    /// Whether it holds.
    pub fn has(self, interrupt: Interrupt) -> bool {
        self.0 >> interrupt as u8 & 1 == 1
    }

    /// Those of `self` that did not hold `before`: their vectors are sent.
    #[must_use]
    pub fn begun(self, before: Conditions) -> Conditions {
        Conditions(self.0 & !before.0)
    }
}
