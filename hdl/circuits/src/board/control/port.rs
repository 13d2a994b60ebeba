//! The host's port of a board: hears control frames, carries their words out on a bus, and answers.
//!
//! One frame at a time, in steps of a few clocks a word: the longest request takes some thousand clocks. A frame that comes meanwhile is
//! dropped and counted; a host says one and waits. A request stays in the memory until the next is carried out, and so does
//! its answer: the same again, octet by octet, is answered from there. Spec twin: `weir_spec::control::Port`.

use rust_hdl::prelude::*;
use weir_spec::regs::ID;

use super::digest::Digest;
use super::heading::Heading;
use super::intake::Intake;
use super::master::Master;
use super::sender::Sender;
use super::sessions::Sessions;
use crate::cell::address::ADDRESS;
use crate::cell::block_ram::BlockRam;

/// What it is at.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    Idle,
    Receive,
    /// The tag of what was said is made, and held against the one that was brought.
    Hash,
    Compare,
    Judge,
    Greet,
    Decide,
    /// The same words as the last request.
    Same,
    Order,
    Begin,
    /// The key is collected, and kept by the flash.
    Key,
    Keep,
    /// A word of the request, and the bus.
    Fetch,
    Bus,
    /// The header of the answer, its tag, behind it.
    Compose,
    Sign,
    Stamp,
    Send,
}

/// See the module.
#[derive(LogicBlock, Default)]
pub struct ControlPort {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget all sessions.
    pub reset: Signal<In, Bit>,

    /// A beat of a control frame is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,

    /// A beat of an answer is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,

    /// AXI4-Lite master, one word at a time: write address.
    pub m_axil_awaddr: Signal<Out, Bits<ADDRESS>>,
    /// Write address valid.
    pub m_axil_awvalid: Signal<Out, Bit>,
    /// Write address taken.
    pub m_axil_awready: Signal<In, Bit>,
    /// Write data.
    pub m_axil_wdata: Signal<Out, Bits<32>>,
    /// Whole words alone.
    pub m_axil_wstrb: Signal<Out, Bits<4>>,
    /// Write data valid.
    pub m_axil_wvalid: Signal<Out, Bit>,
    /// Write data taken.
    pub m_axil_wready: Signal<In, Bit>,
    /// 0 done, 2 refused.
    pub m_axil_bresp: Signal<In, Bits<2>>,
    /// Write answered.
    pub m_axil_bvalid: Signal<In, Bit>,
    /// Answer taken.
    pub m_axil_bready: Signal<Out, Bit>,
    /// Read address.
    pub m_axil_araddr: Signal<Out, Bits<ADDRESS>>,
    /// Read address valid.
    pub m_axil_arvalid: Signal<Out, Bit>,
    /// Read address taken.
    pub m_axil_arready: Signal<In, Bit>,
    /// Read data.
    pub m_axil_rdata: Signal<In, Bits<32>>,
    /// 0 done, 2 refused.
    pub m_axil_rresp: Signal<In, Bits<2>>,
    /// Read answered.
    pub m_axil_rvalid: Signal<In, Bit>,
    /// Answer taken.
    pub m_axil_rready: Signal<Out, Bit>,

    /// The flash was asked for what follows; before that no frame is heard.
    pub key_ready: Signal<In, Bit>,
    /// The board has a key.
    pub key_there: Signal<In, Bit>,
    /// It, first octet in bits 7:0.
    pub key: Signal<In, Bits<128>>,
    /// This start has a number that no other has.
    pub boot_there: Signal<In, Bit>,
    /// It.
    pub boot: Signal<In, Bits<20>>,
    /// Keep a key, in this clock; `stored` or `store_failed` follows.
    pub store: Signal<Out, Bit>,
    /// It.
    pub store_key: Signal<Out, Bits<128>>,
    /// It is kept, and is `key` from now on.
    pub stored: Signal<In, Bit>,
    /// It is not.
    pub store_failed: Signal<In, Bit>,

    /// The board has a key.
    pub keyed: Signal<Out, Bit>,
    /// A frame was dropped: `weir_spec::control::Refusals` says why.
    pub stat_malformed: Signal<Out, Bit>,
    /// See there.
    pub stat_tag: Signal<Out, Bit>,
    /// See there.
    pub stat_session: Signal<Out, Bit>,
    /// See there.
    pub stat_sequence: Signal<Out, Bit>,
    /// A frame came while another was at work, or before the flash was read.
    pub stat_missed: Signal<Out, Bit>,

    intake: Intake,
    digest: Digest,
    master: Master,
    sender: Sender,
    sessions: Sessions,
    heading: Heading,
    // Of 128 words each: two requests, an answer, a greeting.
    ram: BlockRam<32, 9>,

    step: DFF<Step>,
    turn: DFF<Bits<3>>,
    round: DFF<Bits<2>>,
    at: DFF<Bits<7>>,
    // Which of two requests is at work; the other is the last that was carried out.
    bank: DFF<Bit>,
    // What is read: a request or what is said to it.
    says: DFF<Bit>,
    greets: DFF<Bit>,
    key_now: DFF<Bits<128>>,
    is_keyed: DFF<Bit>,
    told: DFF<Bits<128>>,
    covered: DFF<Bits<7>>,
    differs: DFF<Bit>,
    held: DFF<Bits<32>>,
    is_same: DFF<Bit>,
    stores_word: DFF<Bit>,
    word_to: DFF<Bits<9>>,
    word_is: DFF<Bits<32>>,
    // It is one of the header.
    heads: DFF<Bit>,

    next: DFF<Bits<32>>,
    has_done: DFF<Bit>,
    done_words: DFF<Bits<7>>,
    done_source: DFF<Bits<48>>,
    answer_words: DFF<Bits<7>>,

    // Facts of the frame, each a clock behind what it is made of.
    // The same source, by 16 bits each, as many words, and that this makes the request one that was carried out.
    source_parts: DFF<Bits<3>>,
    words_are_done: DFF<Bit>,
    is_done: DFF<Bit>,
    is_first: DFF<Bit>,
    next_parts: DFF<Bits<2>>,
    has_next: DFF<Bit>,
    is_next: DFF<Bit>,
    word_differs: DFF<Bit>,
    at_ends: DFF<Bit>,
    done_ends: DFF<Bit>,
    of_id: DFF<Bit>,

    address: DFF<Bits<32>>,
    done: DFF<Bits<7>>,
    status: DFF<Bits<2>>,
    brings: DFF<Bit>,
    goes: DFF<Bit>,
    digests: DFF<Bit>,
    sends: DFF<Bit>,
    stores: DFF<Bit>,
    malformed: DFF<Bit>,
    bad_tag: DFF<Bit>,
    bad_session: DFF<Bit>,
    bad_sequence: DFF<Bit>,

    place: Signal<Local, Bits<7>>,
    region: Signal<Local, Bits<2>>,
    writes: Signal<Local, Bit>,
    write_region: Signal<Local, Bits<2>>,
    write_at: Signal<Local, Bits<7>>,
    write_word: Signal<Local, Bits<32>>,
    word: Signal<Local, Bits<32>>,
    swapped: Signal<Local, Bits<32>>,
    read: Signal<Local, Bits<32>>,
    serial: Signal<Local, Bits<32>>,
    offset: Signal<Local, Bits<32>>,
    kind: Signal<Local, Bits<3>>,
    count: Signal<Local, Bits<7>>,
    id_end: Signal<Local, Bits<12>>,
    done_next: Signal<Local, Bits<7>>,
    at_next: Signal<Local, Bits<7>>,
    other_bank: Signal<Local, Bit>,
    answer: Signal<Local, Bits<2>>,
    source_same: Signal<Local, Bits<3>>,
    next_same: Signal<Local, Bits<2>>,
    rotated: Signal<Local, Bits<128>>,
    gathered: Signal<Local, Bits<128>>,
}

const _: () = assert!(ID.base == 0 && ID.size == 0x1000);

impl Logic for ControlPort {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, step, turn, round, at, bank, says, greets, key_now, is_keyed, told, covered, differs, held
        );
        dff_setup!(
            self,
            clock,
            next,
            has_done,
            done_words,
            done_source,
            answer_words,
            stores_word,
            word_to,
            word_is,
            heads
        );
        dff_setup!(self, clock, source_parts, words_are_done, is_done, next_parts, has_next, word_differs);
        dff_setup!(
            self, clock, at_ends, done_ends, is_same, is_first, is_next, of_id, address, done, status, brings, goes
        );
        dff_setup!(self, clock, digests, sends, stores, malformed, bad_tag, bad_session, bad_sequence);
        clock!(self, clock, intake, digest, master, sender, sessions, heading, ram);

        // The ways in and out.
        self.intake.reset.next = self.reset.val();
        self.intake.listens.next = (self.step.q.val() == Step::Idle) & self.key_ready.val() & !self.reset.val();
        self.intake.s_valid.next = self.s_valid.val();
        self.intake.s_data.next = self.s_data.val();
        self.intake.s_last_byte.next = self.s_last_byte.val();
        self.intake.s_last.next = self.s_last.val();
        self.s_taken.next = self.intake.s_taken.val();
        self.sender.reset.next = self.reset.val();
        self.sender.s_go.next = self.sends.q.val();
        self.sender.s_destination.next = self.intake.m_source.val();
        self.sender.s_words.next = self.answer_words.q.val();
        if self.greets.q.val() {
            self.sender.s_words.next = 12.into();
        }
        self.sender.m_taken.next = self.m_taken.val();
        self.m_valid.next = self.sender.m_valid.val();
        self.m_data.next = self.sender.m_data.val();
        self.m_last_byte.next = self.sender.m_last_byte.val();
        self.m_last.next = self.sender.m_last.val();
        self.master.reset.next = self.reset.val();
        self.m_axil_awaddr.next = self.master.awaddr.val();
        self.m_axil_awvalid.next = self.master.awvalid.val();
        self.master.awready.next = self.m_axil_awready.val();
        self.m_axil_wdata.next = self.master.wdata.val();
        self.m_axil_wstrb.next = self.master.wstrb.val();
        self.m_axil_wvalid.next = self.master.wvalid.val();
        self.master.wready.next = self.m_axil_wready.val();
        self.master.bresp.next = self.m_axil_bresp.val();
        self.master.bvalid.next = self.m_axil_bvalid.val();
        self.m_axil_bready.next = self.master.bready.val();
        self.m_axil_araddr.next = self.master.araddr.val();
        self.m_axil_arvalid.next = self.master.arvalid.val();
        self.master.arready.next = self.m_axil_arready.val();
        self.master.rdata.next = self.m_axil_rdata.val();
        self.master.rresp.next = self.m_axil_rresp.val();
        self.master.rvalid.next = self.m_axil_rvalid.val();
        self.m_axil_rready.next = self.master.rready.val();

        self.serial.next = self.intake.m_sequence.val();
        self.offset.next = self.intake.m_offset.val();
        self.kind.next = self.intake.m_kind.val();
        self.count.next = self.intake.m_count.val();
        self.word.next = self.ram.rdata.val();
        // Numbers have their first octet on top.
        self.swapped.next = (bit_cast::<32, 8>(self.word.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.word.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.word.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.word.val().get_bits::<8>(24));
        self.read.next = (bit_cast::<32, 8>(self.master.m_word.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.master.m_word.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.master.m_word.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.master.m_word.val().get_bits::<8>(24));

        // Facts.
        self.done_next.next = self.done.q.val() + 1;
        self.at_next.next = self.at.q.val() + 1;
        self.sessions.reset.next = self.reset.val();
        self.sessions.s_host.next = self.intake.m_host.val();
        self.sessions.s_board.next = self.intake.m_board.val();
        self.sessions.s_boot_there.next = self.boot_there.val();
        self.sessions.s_boot.next = self.boot.val();
        self.sessions.s_greet.next = false;
        self.sessions.s_begin.next = false;
        self.sessions.s_end.next = false;
        self.source_same.next = 0.into();
        for i in 0..3 {
            if self.intake.m_source.val().get_bits::<16>(16 * i) == self.done_source.q.val().get_bits::<16>(16 * i) {
                self.source_same.next = self.source_same.val().replace_bit(i, true);
            }
        }
        self.source_parts.d.next = self.source_same.val();
        self.words_are_done.d.next = self.intake.m_words.val() == self.done_words.q.val();
        self.is_first.d.next = self.serial.val() == 1;
        self.is_done.d.next = self.has_done.q.val() & (self.source_parts.q.val() == 7) & self.words_are_done.q.val();
        self.next_same.next = 0.into();
        for i in 0..2 {
            if self.serial.val().get_bits::<16>(16 * i) == self.next.q.val().get_bits::<16>(16 * i) {
                self.next_same.next = self.next_same.val().replace_bit(i, true);
            }
        }
        self.next_parts.d.next = self.next_same.val();
        self.has_next.d.next = self.next.q.val() != 0;
        self.is_next.d.next = self.has_next.q.val() & (self.next_parts.q.val() == 3);
        self.word_differs.d.next = self.word.val() != self.told.q.val().get_bits::<32>(0);
        self.at_ends.d.next = self.at_next.val() == self.done_words.q.val();
        self.done_ends.d.next = self.done_next.val() == self.count.val();
        self.id_end.next =
            bit_cast::<12, 10>(self.offset.val().get_bits::<10>(2)) + bit_cast::<12, 7>(self.count.val());
        self.of_id.d.next = (self.offset.val().get_bits::<20>(12) == 0) & (self.id_end.val() <= 1024);
        self.heading.s_at.next = self.at.q.val().get_bits::<3>(0);
        self.heading.s_kind.next = 6.into();
        self.heading.s_status.next = self.status.q.val();
        self.heading.s_count.next = self.done.q.val();
        self.heading.s_sequence.next = self.serial.val();
        self.heading.s_host.next = self.intake.m_host.val();
        self.heading.s_board.next = self.intake.m_board.val();
        self.heading.s_offset.next = self.offset.val();
        self.answer.next = 2.into();
        if self.greets.q.val() {
            self.heading.s_board.next = self.sessions.m_greeted_board.val();
            self.heading.s_kind.next = 2.into();
            self.answer.next = 3.into();
        }

        // The memory.
        self.place.next = self.at.q.val();
        self.region.next = bit_cast::<2, 1>(self.bank.q.val().into());
        if self.says.q.val() {
            self.region.next = self.answer.val();
        }
        self.writes.next = false;
        self.write_region.next = self.answer.val();
        self.write_at.next = self.at.q.val();
        self.write_word.next = self.told.q.val().get_bits::<32>(0);

        self.digest.reset.next = self.reset.val();
        self.digest.s_go.next = self.digests.q.val();
        self.digest.s_key.next = self.key_now.q.val();
        self.digest.s_words.next = self.covered.q.val();
        self.digest.ram_word.next = self.word.val();
        self.sender.ram_word.next = self.word.val();
        self.master.s_go.next = self.goes.q.val();
        self.master.s_write.next = self.kind.val() == 4;
        self.master.s_address.next = self.address.q.val();
        self.master.s_word.next = self.held.q.val();

        self.other_bank.next = !self.bank.q.val();
        self.digests.d.next = false;
        self.sends.d.next = false;
        self.stores.d.next = false;
        self.goes.d.next = false;
        self.malformed.d.next = false;
        self.bad_tag.d.next = false;
        self.bad_session.d.next = false;
        self.bad_sequence.d.next = false;
        self.turn.d.next = self.turn.q.val() + 1;
        self.rotated.next = bit_cast::<128, 96>(self.told.q.val().get_bits::<96>(32))
            | (bit_cast::<128, 32>(self.told.q.val().get_bits::<32>(0)) << 96);
        self.gathered.next =
            bit_cast::<128, 96>(self.told.q.val().get_bits::<96>(32)) | (bit_cast::<128, 32>(self.word.val()) << 96);
        self.heads.d.next = false;

        match self.step.q.val() {
            Step::Idle => {
                self.says.d.next = false;
                self.greets.d.next = false;
                // What the flash keeps is in force with the next frame.
                self.is_keyed.d.next = self.key_there.val();
                self.key_now.d.next = 0.into();
                if self.key_there.val() {
                    self.key_now.d.next = self.key.val();
                }
                if self.intake.m_begins.val() {
                    self.step.d.next = Step::Receive;
                }
            }
            Step::Receive => {
                self.writes.next = self.intake.m_write.val();
                self.write_region.next = bit_cast::<2, 1>(self.bank.q.val().into());
                self.write_at.next = self.intake.m_at.val();
                self.write_word.next = self.intake.m_word.val();
                self.covered.d.next = self.intake.m_words.val() - 4;
                if self.intake.m_whole.val() {
                    self.step.d.next = Step::Idle;
                    self.malformed.d.next = !self.intake.m_sound.val();
                    if self.intake.m_sound.val() {
                        self.digests.d.next = true;
                        self.step.d.next = Step::Hash;
                    }
                }
            }
            Step::Hash => {
                self.place.next = self.digest.ram_at.val();
                self.at.d.next = self.covered.q.val();
                self.turn.d.next = 0.into();
                self.round.d.next = 0.into();
                self.differs.d.next = false;
                if self.digest.m_done.val() {
                    self.told.d.next = self.digest.m_tag.val();
                    self.step.d.next = Step::Compare;
                }
            }
            Step::Compare => {
                if self.turn.q.val() == 3 {
                    self.turn.d.next = 0.into();
                    self.at.d.next = self.at.q.val() + 1;
                    self.round.d.next = self.round.q.val() + 1;
                    self.told.d.next = self.rotated.val();
                    self.differs.d.next = self.differs.q.val() | self.word_differs.q.val();
                    if self.round.q.val() == 3 {
                        self.step.d.next = Step::Judge;
                    }
                }
            }
            Step::Judge => {
                self.step.d.next = Step::Idle;
                if self.differs.q.val() {
                    self.bad_tag.d.next = true;
                } else {
                    if !self.intake.m_ours.val() | (self.kind.val() == 2) | (self.kind.val() == 6) {
                        self.malformed.d.next = true;
                    } else {
                        self.step.d.next = Step::Decide;
                        if self.kind.val() == 1 {
                            self.step.d.next = Step::Greet;
                        }
                    }
                }
            }
            Step::Greet => {
                self.greets.d.next = true;
                self.says.d.next = true;
                self.status.d.next = 0.into();
                self.done.d.next = 0.into();
                self.at.d.next = 0.into();
                self.covered.d.next = 8.into();
                self.step.d.next = Step::Compose;
                self.sessions.s_greet.next = true;
                if !self.sessions.m_can_greet.val() {
                    self.step.d.next = Step::Idle;
                }
            }
            Step::Decide => {
                self.at.d.next = 0.into();
                self.turn.d.next = 0.into();
                if self.sessions.m_is_current.val() {
                    self.step.d.next = Step::Order;
                    if self.is_done.q.val() {
                        self.step.d.next = Step::Same;
                    }
                } else {
                    self.step.d.next = Step::Idle;
                    self.bad_session.d.next = !self.sessions.m_is_greeted.val();
                    self.bad_sequence.d.next = self.sessions.m_is_greeted.val() & !self.is_first.q.val();
                    if self.sessions.m_is_greeted.val() & self.is_first.q.val() {
                        self.sessions.s_begin.next = true;
                        self.step.d.next = Step::Begin;
                    }
                }
            }
            Step::Same => {
                // A word of this request, the same of the last.
                if self.turn.q.val() == 1 {
                    self.region.next = bit_cast::<2, 1>(self.other_bank.val().into());
                }
                if self.turn.q.val() == 2 {
                    self.held.d.next = self.word.val();
                }
                if self.turn.q.val() == 3 {
                    self.is_same.d.next = self.word.val() == self.held.q.val();
                }
                if self.turn.q.val() == 4 {
                    self.turn.d.next = 0.into();
                    self.at.d.next = self.at.q.val() + 1;
                    if !self.is_same.q.val() {
                        self.step.d.next = Step::Order;
                    } else {
                        if self.at_ends.q.val() {
                            self.says.d.next = true;
                            self.sends.d.next = true;
                            self.step.d.next = Step::Send;
                        }
                    }
                }
            }
            Step::Order => {
                self.step.d.next = Step::Begin;
                if !self.is_next.q.val() {
                    self.bad_sequence.d.next = true;
                    self.step.d.next = Step::Idle;
                }
            }
            Step::Begin => {
                self.next.d.next = self.serial.val() + 1;
                self.has_done.d.next = true;
                self.done_words.d.next = self.intake.m_words.val();
                self.done_source.d.next = self.intake.m_source.val();
                self.address.d.next = self.offset.val();
                self.done.d.next = 0.into();
                self.status.d.next = 0.into();
                self.brings.d.next = self.kind.val() == 3;
                self.at.d.next = 8.into();
                self.turn.d.next = 0.into();
                self.round.d.next = 0.into();
                self.step.d.next = Step::Fetch;
                if self.kind.val() == 5 {
                    self.step.d.next = Step::Key;
                    if self.is_keyed.q.val() {
                        self.status.d.next = 3.into();
                        self.at.d.next = 0.into();
                        self.step.d.next = Step::Compose;
                    }
                } else {
                    if !self.is_keyed.q.val() & !((self.kind.val() == 3) & self.of_id.q.val()) {
                        self.status.d.next = 2.into();
                        self.at.d.next = 0.into();
                        self.step.d.next = Step::Compose;
                    }
                }
                self.covered.d.next = 8.into();
            }
            Step::Key => {
                if self.turn.q.val() == 2 {
                    self.turn.d.next = 0.into();
                    self.at.d.next = self.at.q.val() + 1;
                    self.round.d.next = self.round.q.val() + 1;
                    self.told.d.next = self.gathered.val();
                    if self.round.q.val() == 3 {
                        self.stores.d.next = true;
                        self.step.d.next = Step::Keep;
                    }
                }
            }
            Step::Keep => {
                self.at.d.next = 0.into();
                if self.stored.val() {
                    // Sessions end with the key of zeros.
                    self.sessions.s_end.next = true;
                    self.done.d.next = 4.into();
                    self.step.d.next = Step::Compose;
                }
                if self.store_failed.val() {
                    self.status.d.next = 1.into();
                    self.step.d.next = Step::Compose;
                }
            }
            Step::Fetch => {
                if self.turn.q.val() == 2 {
                    self.held.d.next = self.swapped.val();
                    self.goes.d.next = true;
                    self.step.d.next = Step::Bus;
                }
            }
            Step::Bus => {
                self.turn.d.next = 0.into();
                self.write_word.next = self.read.val();
                if self.master.m_done.val() {
                    if self.master.m_refused.val() {
                        self.status.d.next = 1.into();
                        self.at.d.next = 0.into();
                        self.step.d.next = Step::Compose;
                    } else {
                        self.writes.next = self.brings.q.val();
                        self.done.d.next = self.done_next.val();
                        self.address.d.next = self.address.q.val() + 4;
                        self.at.d.next = self.at.q.val() + 1;
                        if self.brings.q.val() {
                            self.covered.d.next = self.covered.q.val() + 1;
                        }
                        self.step.d.next = Step::Fetch;
                        if self.done_ends.q.val() {
                            self.at.d.next = 0.into();
                            self.step.d.next = Step::Compose;
                        }
                    }
                }
            }
            Step::Compose => {
                self.says.d.next = true;
                self.writes.next = true;
                self.at.d.next = self.at.q.val() + 1;
                self.heads.d.next = true;
                if self.at.q.val().get_bits::<3>(0) == 7 {
                    self.digests.d.next = true;
                    self.step.d.next = Step::Sign;
                }
            }
            Step::Sign => {
                self.place.next = self.digest.ram_at.val();
                self.at.d.next = self.covered.q.val();
                self.round.d.next = 0.into();
                if self.digest.m_done.val() {
                    self.told.d.next = self.digest.m_tag.val();
                    self.step.d.next = Step::Stamp;
                }
            }
            Step::Stamp => {
                self.writes.next = true;
                self.told.d.next = self.rotated.val();
                self.at.d.next = self.at.q.val() + 1;
                self.round.d.next = self.round.q.val() + 1;
                if self.round.q.val() == 3 {
                    self.sends.d.next = true;
                    self.step.d.next = Step::Send;
                    if !self.greets.q.val() {
                        self.answer_words.d.next = self.at.q.val() + 1;
                        self.bank.d.next = !self.bank.q.val();
                    }
                }
            }
            Step::Send => {
                self.place.next = self.sender.ram_at.val();
                if self.sender.m_done.val() {
                    self.step.d.next = Step::Idle;
                }
            }
        }
        self.ram.raddr.next = bit_cast::<9, 7>(self.place.val()) | (bit_cast::<9, 2>(self.region.val()) << 7);
        // A clock later than it is decided: which word it is takes long to say, and nothing is read in the clock after its write.
        self.stores_word.d.next = self.writes.val();
        self.word_to.d.next = bit_cast::<9, 7>(self.write_at.val()) | (bit_cast::<9, 2>(self.write_region.val()) << 7);
        self.word_is.d.next = self.write_word.val();
        self.ram.we.next = self.stores_word.q.val();
        self.ram.waddr.next = self.word_to.q.val();
        self.ram.wdata.next = self.word_is.q.val();
        if self.heads.q.val() {
            self.ram.wdata.next = self.heading.m_word.val();
        }

        if self.reset.val() {
            self.step.d.next = Step::Idle;
            self.has_done.d.next = false;
            self.digests.d.next = false;
            self.sends.d.next = false;
            self.stores.d.next = false;
            self.goes.d.next = false;
            self.malformed.d.next = false;
            self.bad_tag.d.next = false;
            self.bad_session.d.next = false;
            self.bad_sequence.d.next = false;
        }
        self.store.next = self.stores.q.val();
        self.store_key.next = self.told.q.val();
        self.keyed.next = self.is_keyed.q.val();
        self.stat_malformed.next = self.malformed.q.val();
        self.stat_tag.next = self.bad_tag.q.val();
        self.stat_session.next = self.bad_session.q.val();
        self.stat_sequence.next = self.bad_sequence.q.val();
        self.stat_missed.next = self.intake.stat_missed.val();
    }
}

#[cfg(test)]
mod tests;
