//! A NIC on a board: any engine, with the board's page of registers beside it and an id block that tells of the image that runs.
//!
//! The engine is the same whatever image the flash holds. What a host can tell images apart by is in the id block: the commit.

use weir_spec::Micros;
use weir_spec::board::Page;
use weir_spec::interrupt::Conditions;
use weir_spec::nic::Refused;
use weir_spec::regs::{self, BOARD, BOARD_PAGE, RegId};

use super::{Engine, EngineError};
use crate::flash::FlashFile;

pub(crate) struct OnBoard {
    engine: Box<dyn Engine>,
    page: Page,
    flash: FlashFile,
}

impl OnBoard {
    pub(crate) fn new(engine: Box<dyn Engine>, flash: FlashFile) -> OnBoard {
        let mut page = Page::new(flash.map(), flash.number());
        page.ports[0] = link("switch_link") | link("host_link");
        OnBoard { engine, page, flash }
    }
}

/// A bit of LINKS.
fn link(name: &str) -> u32 {
    let links = BOARD.regs.iter().find(|reg| reg.id == RegId::BoardLinks).expect("the page has it");
    links.field(name).place(1)
}

impl Engine for OnBoard {
    fn set_time(&mut self, now: Micros) {
        self.engine.set_time(now);
    }

    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        if BOARD_PAGE.contains(&offset) {
            return self.page.read(offset);
        }
        match regs::find(offset).map(|(_, reg, _)| reg.id) {
            Some(RegId::GitHash) => Ok(self.flash.booted().git_hash),
            Some(RegId::Board) => Ok(self.flash.number()),
            _ => self.engine.read(offset),
        }
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        if BOARD_PAGE.contains(&offset) {
            return self.page.write(offset, value, &mut self.flash);
        }
        self.engine.write(offset, value)
    }

    fn rx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        self.engine.rx(frame)
    }

    fn tx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        self.engine.tx(frame)
    }

    fn conditions(&self) -> Conditions {
        self.engine.conditions()
    }

    fn set_link_down(&mut self, down: bool) {
        let switch = link("switch_link");
        self.page.ports[0] = self.page.ports[0] & !switch | if down { 0 } else { switch };
        self.engine.set_link_down(down);
    }

    /// The board goes on: neither its page nor what it booted is the pipeline's.
    fn reset(&mut self) {
        self.engine.reset();
    }
}
