//! The mailbox through which a host writes and reads the flow table.

use super::Refused;
use crate::flow::{Entry, FlowKind, FlowTable};
use crate::regs::{self, RegId};

/// The table and the registers in front of it. Operations take no time here: it is never busy.
#[derive(Clone, Default)]
pub(super) struct Mailbox {
    pub(super) table: FlowTable,
    pub(super) signature: u64,
    pub(super) index: u32,
    /// The entry that the last operation met.
    met: Option<Entry>,
}

impl Mailbox {
    /// The COMMAND doorbell.
    pub(super) fn command(&mut self, word: u32) -> Result<(), Refused> {
        let field = |name| regs::reg(RegId::FlowCommand).field(name).get(word);
        let (way, index) = (field("way") as usize, self.index as usize);
        match field("operation") {
            1 => {
                let kind = FlowKind::from_bits(field("kind")).ok_or(Refused)?;
                let entry = Entry { signature: self.signature, vip: field("vip") as u8, kind };
                self.met = self.table.set(way, index, Some(entry));
            }
            2 => self.met = self.table.set(way, index, None),
            3 => {
                self.met = self.table.get(way, index);
                self.signature = self.met.map_or(0, |entry| entry.signature);
            }
            4 => {
                self.table = FlowTable::new();
                self.met = None;
            }
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// The STATUS register.
    pub(super) fn status(&self) -> u32 {
        let field = |name| regs::reg(RegId::FlowStatus).field(name);
        self.met.map_or(0, |entry| {
            field("occupied").place(1) | field("vip").place(entry.vip.into()) | field("kind").place(entry.kind as u32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::table::{ENTRIES, WAYS};

    #[test]
    fn every_index_and_every_way_that_can_be_written_is_in_the_table() {
        let width = |id, name| regs::reg(id).field(name).width;
        assert_eq!(1 << width(RegId::FlowIndex, "index"), ENTRIES);
        assert_eq!(1 << width(RegId::FlowCommand, "way"), WAYS);
    }
}
