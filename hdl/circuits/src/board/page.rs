//! The page of the board on its bus: what it is, its ports, what happened, and the window to its flash.
//!
//! An AXI4-Lite slave that answers a word in some clocks, a counter in up to 70. Spec twins:
//! `weir_spec::regs::BOARD_BLOCKS`, and what it does `weir_spec::board::Page`.

use rust_hdl::prelude::*;
use weir_spec::regs::{BOARD_LAYOUT, BOARD_MAGIC, BOARD_PAGE, EVENTS};

use super::events::Events;
use crate::cell::address::ADDRESS;
use crate::control::axil::Axil;

/// See the module.
#[derive(LogicBlock)]
pub struct BoardPage {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget the word under way.
    pub reset: Signal<In, Bit>,
    /// AXI4-Lite slave: write address.
    pub s_axil_awaddr: Signal<In, Bits<ADDRESS>>,
    /// Write address valid.
    pub s_axil_awvalid: Signal<In, Bit>,
    /// Write address taken.
    pub s_axil_awready: Signal<Out, Bit>,
    /// Write data.
    pub s_axil_wdata: Signal<In, Bits<32>>,
    /// Whole words alone.
    pub s_axil_wstrb: Signal<In, Bits<4>>,
    /// Write data valid.
    pub s_axil_wvalid: Signal<In, Bit>,
    /// Write data taken.
    pub s_axil_wready: Signal<Out, Bit>,
    /// 0 done, 2 refused.
    pub s_axil_bresp: Signal<Out, Bits<2>>,
    /// Write answered.
    pub s_axil_bvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub s_axil_bready: Signal<In, Bit>,
    /// Read address.
    pub s_axil_araddr: Signal<In, Bits<ADDRESS>>,
    /// Read address valid.
    pub s_axil_arvalid: Signal<In, Bit>,
    /// Read address taken.
    pub s_axil_arready: Signal<Out, Bit>,
    /// Read data.
    pub s_axil_rdata: Signal<Out, Bits<32>>,
    /// 0 done, 2 refused.
    pub s_axil_rresp: Signal<Out, Bits<2>>,
    /// Read answered.
    pub s_axil_rvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub s_axil_rready: Signal<In, Bit>,

    /// The port has a link: of the switch, of the host.
    pub link: Signal<In, Bits<2>>,
    /// The PHY was found: of the switch, of the host.
    pub found: Signal<In, Bits<2>>,
    /// Address of the PHY of the switch.
    pub phy0_address: Signal<In, Bits<5>>,
    /// Identifier of the PHY of the switch.
    pub phy0_identifier: Signal<In, Bits<32>>,
    /// Address of the PHY of the host.
    pub phy1_address: Signal<In, Bits<5>>,
    /// Identifier of the PHY of the host.
    pub phy1_identifier: Signal<In, Bits<32>>,
    /// The board has a key.
    pub keyed: Signal<In, Bit>,
    /// This start has a number.
    pub boot_there: Signal<In, Bit>,
    /// It.
    pub boot: Signal<In, Bits<20>>,
    /// What happens in this clock, by `weir_spec::regs::EVENT_NAMES`.
    pub events: Signal<In, Bits<24>>,

    /// See [`Window`](super::flash::window::Window).
    pub w_go: Signal<Out, Bit>,
    /// See there.
    pub w_opcode: Signal<Out, Bits<8>>,
    /// See there.
    pub w_address: Signal<Out, Bits<24>>,
    /// See there.
    pub w_count: Signal<Out, Bits<9>>,
    /// See there.
    pub w_busy: Signal<In, Bit>,
    /// See there.
    pub w_lawful: Signal<In, Bit>,
    /// See there.
    pub w_we: Signal<Out, Bit>,
    /// See there.
    pub w_at: Signal<Out, Bits<6>>,
    /// See there.
    pub w_data: Signal<Out, Bits<32>>,
    /// See there.
    pub w_word: Signal<In, Bits<32>>,

    axil: Axil,
    counts: Events,
    // A request is answered three clocks behind it, a counter when its turn comes.
    turn: DFF<Bits<3>>,
    waits: DFF<Bit>,
    done: DFF<Bit>,
    refused: DFF<Bit>,
    answer: DFF<Bits<32>>,
    opcode: DFF<Bits<8>>,
    count: DFF<Bits<9>>,
    flash_at: DFF<Bits<24>>,
    // What comes from elsewhere.
    ports: DFF<Bits<32>>,
    state: DFF<Bits<32>>,
    go: DFF<Bit>,
    put: DFF<Bit>,
    denied: DFF<Bit>,
    // Where it is, and what is there, a clock behind the address.
    of_board: DFF<Bit>,
    of_events: DFF<Bit>,
    of_buffer: DFF<Bit>,
    of_address: DFF<Bit>,
    of_command: DFF<Bit>,
    known: DFF<Bit>,
    found_word: DFF<Bits<32>>,

    magic: Constant<Bits<32>>,
    layout: Constant<Bits<32>>,
    number: Constant<Bits<32>>,
    event_end: Constant<Bits<5>>,
    at: Signal<Local, Bits<ADDRESS>>,
    place: Signal<Local, Bits<6>>,
    aligned: Signal<Local, Bit>,
    board_here: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    commands: Signal<Local, Bit>,
}

impl BoardPage {
    /// Of the board of this number.
    pub fn new(number: u32) -> Self {
        BoardPage {
            clock: Default::default(),
            reset: Default::default(),
            s_axil_awaddr: Default::default(),
            s_axil_awvalid: Default::default(),
            s_axil_awready: Default::default(),
            s_axil_wdata: Default::default(),
            s_axil_wstrb: Default::default(),
            s_axil_wvalid: Default::default(),
            s_axil_wready: Default::default(),
            s_axil_bresp: Default::default(),
            s_axil_bvalid: Default::default(),
            s_axil_bready: Default::default(),
            s_axil_araddr: Default::default(),
            s_axil_arvalid: Default::default(),
            s_axil_arready: Default::default(),
            s_axil_rdata: Default::default(),
            s_axil_rresp: Default::default(),
            s_axil_rvalid: Default::default(),
            s_axil_rready: Default::default(),
            link: Default::default(),
            found: Default::default(),
            phy0_address: Default::default(),
            phy0_identifier: Default::default(),
            phy1_address: Default::default(),
            phy1_identifier: Default::default(),
            keyed: Default::default(),
            boot_there: Default::default(),
            boot: Default::default(),
            events: Default::default(),
            w_go: Default::default(),
            w_opcode: Default::default(),
            w_address: Default::default(),
            w_count: Default::default(),
            w_busy: Default::default(),
            w_lawful: Default::default(),
            w_we: Default::default(),
            w_at: Default::default(),
            w_data: Default::default(),
            w_word: Default::default(),
            axil: Default::default(),
            counts: Default::default(),
            turn: Default::default(),
            waits: Default::default(),
            done: Default::default(),
            refused: Default::default(),
            answer: Default::default(),
            opcode: Default::default(),
            count: Default::default(),
            flash_at: Default::default(),
            ports: Default::default(),
            state: Default::default(),
            go: Default::default(),
            put: Default::default(),
            denied: Default::default(),
            of_board: Default::default(),
            of_events: Default::default(),
            of_buffer: Default::default(),
            of_address: Default::default(),
            of_command: Default::default(),
            known: Default::default(),
            found_word: Default::default(),
            magic: Constant::new(BOARD_MAGIC.to_bits()),
            layout: Constant::new(BOARD_LAYOUT.to_bits()),
            number: Constant::new(number.to_bits()),
            event_end: Constant::new(EVENTS.to_bits()),
            at: Default::default(),
            place: Default::default(),
            aligned: Default::default(),
            board_here: Default::default(),
            writes: Default::default(),
            free: Default::default(),
            ends: Default::default(),
            commands: Default::default(),
        }
    }
}

const _: () = assert!(BOARD_PAGE.start == 0x8000);

impl Logic for BoardPage {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, turn, waits, done, refused, answer, opcode, count, flash_at, ports, state, go, put, denied
        );
        dff_setup!(self, clock, of_board, of_events, of_buffer, of_address, of_command, known, found_word);
        clock!(self, clock, axil, counts);
        self.axil.reset.next = self.reset.val();
        self.axil.awaddr.next = self.s_axil_awaddr.val();
        self.axil.awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.axil.awready.val();
        self.axil.wdata.next = self.s_axil_wdata.val();
        self.axil.wstrb.next = self.s_axil_wstrb.val();
        self.axil.wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.axil.wready.val();
        self.s_axil_bresp.next = self.axil.bresp.val();
        self.s_axil_bvalid.next = self.axil.bvalid.val();
        self.axil.bready.next = self.s_axil_bready.val();
        self.axil.araddr.next = self.s_axil_araddr.val();
        self.axil.arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.axil.arready.val();
        self.s_axil_rdata.next = self.axil.rdata.val();
        self.s_axil_rresp.next = self.axil.rresp.val();
        self.s_axil_rvalid.next = self.axil.rvalid.val();
        self.axil.rready.next = self.s_axil_rready.val();
        self.axil.done.next = self.done.q.val();
        self.axil.refused.next = self.refused.q.val();
        self.axil.answer.next = self.answer.q.val();

        self.ports.d.next = bit_cast::<32, 2>(self.link.val())
            | (bit_cast::<32, 2>(self.found.val()) << 2)
            | (bit_cast::<32, 5>(self.phy0_address.val()) << 8)
            | (bit_cast::<32, 5>(self.phy1_address.val()) << 16);
        self.state.d.next = bit_cast::<32, 1>(self.keyed.val().into())
            | (bit_cast::<32, 1>(self.boot_there.val().into()) << 1)
            | (bit_cast::<32, 20>(self.boot.val()) << 8);
        self.counts.s_events.next = bit_cast::<32, 24>(self.events.val());

        // Where it is: 8000 to 807f, to 80ff, 8100 to 81ff.
        self.at.next = self.axil.m_address.val();
        self.place.next = self.at.val().get_bits::<6>(2);
        self.counts.s_at.next = self.at.val().get_bits::<5>(2);
        self.aligned.next = (self.at.val().get_bits::<2>(0) == 0) & (self.at.val().get_bits::<9>(9) == 0x40);
        self.board_here.next = self.aligned.val() & (self.at.val().get_bits::<2>(7) == 0);
        self.of_board.d.next = self.board_here.val();
        self.of_address.d.next = self.board_here.val() & (self.place.val() == 0x10);
        self.of_command.d.next = self.board_here.val() & (self.place.val() == 0x11);
        self.of_events.d.next = self.aligned.val()
            & (self.at.val().get_bits::<2>(7) == 1)
            & (self.at.val().get_bits::<5>(2) < self.event_end.val());
        self.of_buffer.d.next = self.aligned.val() & self.at.val().get_bit(8);
        self.known.d.next = true;
        self.found_word.d.next = 0.into();
        match self.place.val().get_bits::<5>(0).index() {
            0 => {
                self.found_word.d.next = self.magic.val();
            }
            1 => {
                self.found_word.d.next = self.layout.val();
            }
            2 => {
                self.found_word.d.next = self.number.val();
            }
            3 => {
                self.found_word.d.next = self.ports.q.val();
            }
            4 => {
                self.found_word.d.next = self.phy0_identifier.val();
            }
            5 => {
                self.found_word.d.next = self.phy1_identifier.val();
            }
            6 => {
                self.found_word.d.next = self.state.q.val();
            }
            16 => {
                self.found_word.d.next = bit_cast::<32, 24>(self.flash_at.q.val());
            }
            17 => {
                self.found_word.d.next = 0.into();
            }
            18 => {
                self.found_word.d.next =
                    bit_cast::<32, 1>(self.w_busy.val().into()) | (bit_cast::<32, 1>(self.denied.q.val().into()) << 1);
            }
            _ => {
                self.known.d.next = false;
            }
        }
        self.writes.next = self.axil.m_write.val();
        self.free.next = !self.w_busy.val();
        self.commands.next = self.waits.q.val() & self.of_command.q.val();
        self.ends.next = self.waits.q.val() & (self.turn.q.val() == 4);

        self.done.d.next = false;
        self.go.d.next = false;
        self.put.d.next = false;
        if self.axil.m_request.val() {
            self.waits.d.next = true;
            self.turn.d.next = 0.into();
            self.refused.d.next = true;
            self.answer.d.next = 0.into();
        }
        if self.waits.q.val() & (self.turn.q.val() != 4) {
            self.turn.d.next = self.turn.q.val() + 1;
        }
        // The opcode is looked at by the guard for a clock before it counts.
        if self.commands.val() & self.writes.val() & self.free.val() & (self.turn.q.val() == 0) {
            self.opcode.d.next = self.axil.m_wdata.val().get_bits::<8>(0);
            self.count.d.next = self.axil.m_wdata.val().get_bits::<9>(16);
        }
        if self.ends.val() {
            if self.writes.val() {
                if self.commands.val() {
                    self.denied.d.next = !(self.axil.m_whole.val() & self.free.val() & self.w_lawful.val());
                }
                if self.axil.m_whole.val() & self.free.val() {
                    if self.of_address.q.val() {
                        self.refused.d.next = false;
                        self.flash_at.d.next = self.axil.m_wdata.val().get_bits::<24>(0);
                    }
                    if self.of_command.q.val() {
                        self.refused.d.next = !self.w_lawful.val();
                        self.go.d.next = self.w_lawful.val();
                    }
                    if self.of_buffer.q.val() {
                        self.refused.d.next = false;
                        self.put.d.next = true;
                    }
                }
            } else {
                if self.of_board.q.val() {
                    self.refused.d.next = !self.known.q.val();
                    self.answer.d.next = self.found_word.q.val();
                }
                if self.of_buffer.q.val() & self.free.val() {
                    self.refused.d.next = false;
                    self.answer.d.next = self.w_word.val();
                }
                if self.of_events.q.val() {
                    self.refused.d.next = false;
                    self.answer.d.next = self.counts.m_count.val();
                }
            }
            // A counter waits for its turn.
            if self.writes.val() | !self.of_events.q.val() | self.counts.m_there.val() {
                self.waits.d.next = false;
                self.done.d.next = true;
            }
        }
        if self.reset.val() {
            self.waits.d.next = false;
            self.done.d.next = false;
            self.go.d.next = false;
            self.denied.d.next = false;
            self.put.d.next = false;
        }
        self.w_go.next = self.go.q.val();
        self.w_opcode.next = self.opcode.q.val();
        self.w_count.next = self.count.q.val();
        self.w_address.next = self.flash_at.q.val();
        self.w_we.next = self.put.q.val();
        self.w_at.next = self.place.val();
        self.w_data.next = self.axil.m_wdata.val();
    }
}

#[cfg(test)]
mod tests;
