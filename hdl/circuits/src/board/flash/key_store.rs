//! What a board remembers in the block of its key: the key, and how often it was started.
//!
//! | octets of the block | what |
//! |---|---|
//! | 0 to 255 | eight places of 32: a key and its complement |
//! | [`MARKS`] on | a bit a start, from bit 0 of the first octet up: 0 once it is counted |
//!
//! Programming turns ones to zeros, and power may be lost at any clock of it. Of a key and its complement one of each two bits is
//! programmed, so a key that is half written is none and never becomes one: its place is passed over, and the next erased one
//! takes the next key. The first key counts. Where no place has a key and one is neither that nor erased, they are read again, three
//! times: a key that was misread is not to be taken for a torn one, since a board without a key takes the next that is given. A number is used when its bit was programmed and read back, and the one after the highest that is
//! programmed comes next: none is used twice, whatever became of the starts between. Nothing here erases; that is for JTAG.
//!
//! At a reset: some clocks without the flash, a wait until it is not busy, the places, the bits, and the next bit. With 60 KiB
//! of bits that takes 31 ms at a clock of 15.6 MHz.

use rust_hdl::prelude::*;

use super::FlashMap;
use weir_spec::board::{ERASE_BLOCK, MARKS};

/// What it is at.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    /// Clocks that the flash is not to hear.
    Wake,
    Poll,
    Places,
    Count,
    /// A bit is programmed and looked at.
    MarkEnable,
    Mark,
    MarkPoll,
    MarkCheck,
    /// All is known.
    Ready,
    /// A key is programmed and looked at.
    KeyEnable,
    Key,
    KeyPoll,
    KeyCheck,
}

/// See the module. It gives up a flash that is busy `2^P` times when asked.
#[derive(LogicBlock)]
pub struct KeyStore<const P: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin anew: it counts as a start.
    pub reset: Signal<In, Bit>,
    /// All that follows is known.
    pub key_ready: Signal<Out, Bit>,
    /// There is a key.
    pub key_there: Signal<Out, Bit>,
    /// It, first octet in bits 7:0.
    pub key: Signal<Out, Bits<128>>,
    /// This start has a number.
    pub boot_there: Signal<Out, Bit>,
    /// It.
    pub boot: Signal<Out, Bits<20>>,
    /// Keep this key; `stored` or `store_failed` follows.
    pub store: Signal<In, Bit>,
    /// It.
    pub store_key: Signal<In, Bits<128>>,
    /// It is kept, and is `key` from now on.
    pub stored: Signal<Out, Bit>,
    /// It is not: there is one, no place is left, or the flash did not take it.
    pub store_failed: Signal<Out, Bit>,

    /// It wants the flash, until it has been let go.
    pub t_wants: Signal<Out, Bit>,
    /// A transaction may begin, in this clock.
    pub t_granted: Signal<In, Bit>,
    /// Clocks alone.
    pub t_blind: Signal<Out, Bit>,
    /// Opcode.
    pub t_opcode: Signal<Out, Bits<8>>,
    /// An address follows.
    pub t_addressed: Signal<Out, Bit>,
    /// It.
    pub t_address: Signal<Out, Bits<24>>,
    /// Octets to go out.
    pub t_out: Signal<Out, Bits<9>>,
    /// Octets to come in.
    pub t_in: Signal<Out, Bits<17>>,
    /// Number of the octet.
    pub t_at: Signal<In, Bits<17>>,
    /// It, to go out.
    pub t_octet: Signal<Out, Bits<8>>,
    /// One came in, of this transaction.
    pub t_came: Signal<In, Bit>,
    /// It.
    pub t_in_octet: Signal<In, Bits<8>>,
    /// This transaction is over.
    pub t_done: Signal<In, Bit>,

    step: DFF<Step>,
    // A transaction was granted, and is not over.
    asked: DFF<Bit>,
    polls: DFF<Bits<P>>,
    busy: DFF<Bit>,
    // A key or a candidate, turned by an octet with each that comes or goes.
    candidate: DFF<Bits<128>>,
    // The number of the octet that went out last was odd.
    odd: DFF<Bit>,
    found: DFF<Bit>,
    // Of the place that is read: its complement is right, all of it is erased.
    whole: DFF<Bit>,
    bare: DFF<Bit>,
    // A place was neither a key nor erased; how often they were read because of that.
    strange: DFF<Bit>,
    again: DFF<Bits<2>>,
    has_place: DFF<Bit>,
    place: DFF<Bits<3>>,
    // Bits that are programmed, as far as they were read.
    marked: DFF<Bits<20>>,
    has_boot: DFF<Bit>,
    is_ready: DFF<Bit>,
    did: DFF<Bit>,
    failed: DFF<Bit>,
    // Of numbers that hold for a transaction and longer, known a clock later.
    polls_over: DFF<Bit>,
    marks_over: DFF<Bit>,

    base: Constant<Bits<8>>,
    first_mark: Constant<Bits<16>>,
    marks: Constant<Bits<17>>,
    places: Constant<Bits<17>>,
    last_place: Constant<Bits<3>>,
    all_marks: Constant<Bits<20>>,
    polls_end: Constant<Bits<P>>,
    front: Signal<Local, Bits<8>>,
    flipped: Signal<Local, Bits<8>>,
    turned: Signal<Local, Bits<128>>,
    shifted: Signal<Local, Bits<128>>,
    lower: Signal<Local, Bit>,
    ends_place: Signal<Local, Bit>,
    highest: Signal<Local, Bits<4>>,
    passed: Signal<Local, Bits<20>>,
    low: Signal<Local, Bits<16>>,
    mark_at: Signal<Local, Bits<16>>,
    mark: Signal<Local, Bits<8>>,
    mark_bit: Signal<Local, Bits<8>>,
    holds: Signal<Local, Bit>,
    zeros: Signal<Local, Bits<8>>,
}

impl<const P: usize> KeyStore<P> {
    /// In this flash.
    pub fn new(map: FlashMap) -> Self {
        assert!((1..=8).contains(&map.places), "{} places are not one to eight", map.places);
        assert!(map.marks > 0 && map.marks <= ERASE_BLOCK - MARKS, "{} octets do not fit the block", map.marks);
        KeyStore {
            clock: Default::default(),
            reset: Default::default(),
            key_ready: Default::default(),
            key_there: Default::default(),
            key: Default::default(),
            boot_there: Default::default(),
            boot: Default::default(),
            store: Default::default(),
            store_key: Default::default(),
            stored: Default::default(),
            store_failed: Default::default(),
            t_wants: Default::default(),
            t_granted: Default::default(),
            t_blind: Default::default(),
            t_opcode: Default::default(),
            t_addressed: Default::default(),
            t_address: Default::default(),
            t_out: Default::default(),
            t_in: Default::default(),
            t_at: Default::default(),
            t_octet: Default::default(),
            t_came: Default::default(),
            t_in_octet: Default::default(),
            t_done: Default::default(),
            step: Default::default(),
            asked: Default::default(),
            polls: Default::default(),
            busy: Default::default(),
            candidate: Default::default(),
            odd: Default::default(),
            found: Default::default(),
            whole: Default::default(),
            bare: Default::default(),
            strange: Default::default(),
            again: Default::default(),
            has_place: Default::default(),
            place: Default::default(),
            marked: Default::default(),
            has_boot: Default::default(),
            is_ready: Default::default(),
            did: Default::default(),
            failed: Default::default(),
            polls_over: Default::default(),
            marks_over: Default::default(),
            base: Constant::new(u64::from(map.key).to_bits()),
            first_mark: Constant::new(u64::from(MARKS).to_bits()),
            marks: Constant::new(u64::from(map.marks).to_bits()),
            places: Constant::new((32 * u64::from(map.places)).to_bits()),
            last_place: Constant::new(u64::from(map.places - 1).to_bits()),
            all_marks: Constant::new(u64::from(8 * map.marks).to_bits()),
            polls_end: Constant::new(((1u64 << P) - 1).to_bits()),
            front: Default::default(),
            flipped: Default::default(),
            turned: Default::default(),
            shifted: Default::default(),
            lower: Default::default(),
            ends_place: Default::default(),
            highest: Default::default(),
            passed: Default::default(),
            low: Default::default(),
            mark_at: Default::default(),
            mark: Default::default(),
            mark_bit: Default::default(),
            holds: Default::default(),
            zeros: Default::default(),
        }
    }
}

impl<const P: usize> Logic for KeyStore<P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, asked, odd, polls, busy, candidate, found, whole, bare, has_place, place);
        dff_setup!(self, clock, strange, again);
        dff_setup!(self, clock, marked, has_boot, is_ready, did, failed, polls_over, marks_over);
        self.polls_over.d.next = self.polls.q.val() == self.polls_end.val();
        self.marks_over.d.next = self.marked.q.val() == self.all_marks.val();

        // The octet in front of the candidate, as it is or upside down, and the candidate a step on.
        self.front.next = self.candidate.q.val().get_bits::<8>(0);
        self.flipped.next = !self.candidate.q.val().get_bits::<8>(0);
        self.turned.next = bit_cast::<128, 120>(self.candidate.q.val().get_bits::<120>(8))
            | (bit_cast::<128, 8>(self.front.val()) << 120);
        self.shifted.next = bit_cast::<128, 120>(self.candidate.q.val().get_bits::<120>(8))
            | (bit_cast::<128, 8>(self.t_in_octet.val()) << 120);
        self.lower.next = !self.t_at.val().get_bit(4);
        self.ends_place.next = self.t_at.val().get_bits::<5>(0) == 31;
        // The highest bit of an octet that is programmed, counted from 1.
        self.highest.next = 0.into();
        if !self.t_in_octet.val().get_bit(0) {
            self.highest.next = 1.into();
        }
        if !self.t_in_octet.val().get_bit(1) {
            self.highest.next = 2.into();
        }
        if !self.t_in_octet.val().get_bit(2) {
            self.highest.next = 3.into();
        }
        if !self.t_in_octet.val().get_bit(3) {
            self.highest.next = 4.into();
        }
        if !self.t_in_octet.val().get_bit(4) {
            self.highest.next = 5.into();
        }
        if !self.t_in_octet.val().get_bit(5) {
            self.highest.next = 6.into();
        }
        if !self.t_in_octet.val().get_bit(6) {
            self.highest.next = 7.into();
        }
        if !self.t_in_octet.val().get_bit(7) {
            self.highest.next = 8.into();
        }
        self.passed.next = (bit_cast::<20, 17>(self.t_at.val()) << 3) + bit_cast::<20, 4>(self.highest.val());
        self.mark_at.next = self.marked.q.val().get_bits::<16>(3) + self.first_mark.val();
        self.mark_bit.next = 1.into();
        self.mark.next = self.mark_bit.val() << bit_cast::<8, 3>(self.marked.q.val().get_bits::<3>(0));
        self.holds.next = (self.t_in_octet.val() & self.mark.val()) == 0;
        self.zeros.next = 0.into();

        // What each step asks of the flash.
        self.low.next = 0.into();
        self.t_blind.next = false;
        self.t_opcode.next = 0x03.into();
        self.t_addressed.next = true;
        self.t_out.next = bit_cast::<9, 8>(self.zeros.val());
        self.t_in.next = bit_cast::<17, 8>(self.zeros.val());
        self.t_octet.next = self.front.val();
        self.did.d.next = false;
        self.failed.d.next = false;
        self.odd.d.next = false;
        if self.t_came.val() {
            self.busy.d.next = self.t_in_octet.val().get_bit(0);
        }
        match self.step.q.val() {
            Step::Wake => {
                self.t_blind.next = true;
                self.t_addressed.next = true;
                if self.t_done.val() {
                    self.step.d.next = Step::Poll;
                }
            }
            Step::Poll => {
                self.t_opcode.next = 0x05.into();
                self.t_addressed.next = false;
                self.t_in.next = 1.into();
                if self.t_done.val() {
                    self.polls.d.next = self.polls.q.val() + 1;
                    if !self.busy.q.val() {
                        self.step.d.next = Step::Places;
                    }
                    if self.busy.q.val() & self.polls_over.q.val() {
                        self.step.d.next = Step::Ready;
                    }
                }
            }
            Step::Places => {
                self.t_in.next = self.places.val();
                if self.t_came.val() & !self.found.q.val() & !self.has_place.q.val() {
                    self.candidate.d.next = self.turned.val();
                    if self.lower.val() {
                        self.candidate.d.next = self.shifted.val();
                    }
                    if self.t_in_octet.val() != 0xff {
                        self.bare.d.next = false;
                    }
                    if !self.lower.val() & (self.t_in_octet.val() != self.flipped.val()) {
                        self.whole.d.next = false;
                    }
                    if self.ends_place.val() {
                        self.found.d.next = self.whole.q.val() & (self.t_in_octet.val() == self.flipped.val());
                        self.has_place.d.next = self.bare.q.val() & (self.t_in_octet.val() == 0xff);
                        self.place.d.next = self.t_at.val().get_bits::<3>(5);
                        self.whole.d.next = true;
                        self.bare.d.next = true;
                        if !self.bare.q.val() | (self.t_in_octet.val() != 0xff) {
                            self.strange.d.next = true;
                        }
                    }
                }
                if self.t_done.val() {
                    self.step.d.next = Step::Count;
                    if self.strange.q.val() & !self.found.q.val() & (self.again.q.val() != 3) {
                        self.step.d.next = Step::Places;
                        self.again.d.next = self.again.q.val() + 1;
                        self.strange.d.next = false;
                        self.has_place.d.next = false;
                    }
                }
            }
            Step::Count => {
                self.low.next = self.first_mark.val();
                self.t_in.next = self.marks.val();
                if self.t_came.val() & (self.highest.val() != 0) {
                    self.marked.d.next = self.passed.val();
                }
                if self.t_done.val() {
                    self.step.d.next = Step::MarkEnable;
                    if self.marks_over.q.val() {
                        self.step.d.next = Step::Ready;
                    }
                }
            }
            Step::MarkEnable => {
                self.t_opcode.next = 0x06.into();
                self.t_addressed.next = false;
                if self.t_done.val() {
                    self.step.d.next = Step::Mark;
                }
            }
            Step::Mark => {
                self.t_opcode.next = 0x02.into();
                self.low.next = self.mark_at.val();
                self.t_out.next = 1.into();
                self.t_octet.next = !self.mark.val();
                if self.t_done.val() {
                    self.polls.d.next = 0.into();
                    self.step.d.next = Step::MarkPoll;
                }
            }
            Step::MarkPoll => {
                self.t_opcode.next = 0x05.into();
                self.t_addressed.next = false;
                self.t_in.next = 1.into();
                if self.t_done.val() {
                    self.polls.d.next = self.polls.q.val() + 1;
                    if !self.busy.q.val() {
                        self.step.d.next = Step::MarkCheck;
                    }
                    if self.busy.q.val() & self.polls_over.q.val() {
                        self.step.d.next = Step::Ready;
                    }
                }
            }
            Step::MarkCheck => {
                self.low.next = self.mark_at.val();
                self.t_in.next = 1.into();
                if self.t_came.val() {
                    self.has_boot.d.next = self.holds.val();
                }
                if self.t_done.val() {
                    self.step.d.next = Step::Ready;
                }
            }
            Step::Ready => {
                self.is_ready.d.next = true;
                if self.store.val() {
                    if self.has_place.q.val() & !self.found.q.val() {
                        self.candidate.d.next = self.store_key.val();
                        self.step.d.next = Step::KeyEnable;
                    } else {
                        self.failed.d.next = true;
                    }
                }
            }
            Step::KeyEnable => {
                self.t_opcode.next = 0x06.into();
                self.t_addressed.next = false;
                if self.t_done.val() {
                    self.step.d.next = Step::Key;
                }
            }
            Step::Key => {
                self.t_opcode.next = 0x02.into();
                self.low.next = bit_cast::<16, 3>(self.place.q.val()) << 5;
                self.t_out.next = 32.into();
                if !self.lower.val() {
                    self.t_octet.next = self.flipped.val();
                }
                self.odd.d.next = self.asked.q.val() & self.t_at.val().get_bit(0);
                if self.asked.q.val() & (self.t_at.val().get_bit(0) != self.odd.q.val()) {
                    self.candidate.d.next = self.turned.val();
                }
                if self.t_done.val() {
                    self.polls.d.next = 0.into();
                    self.step.d.next = Step::KeyPoll;
                }
            }
            Step::KeyPoll => {
                self.t_opcode.next = 0x05.into();
                self.t_addressed.next = false;
                self.t_in.next = 1.into();
                self.whole.d.next = true;
                if self.t_done.val() {
                    self.polls.d.next = self.polls.q.val() + 1;
                    if !self.busy.q.val() | self.polls_over.q.val() {
                        self.step.d.next = Step::KeyCheck;
                    }
                }
            }
            Step::KeyCheck => {
                self.low.next = bit_cast::<16, 3>(self.place.q.val()) << 5;
                self.t_in.next = 32.into();
                if self.t_came.val() {
                    self.candidate.d.next = self.turned.val();
                    if self.lower.val() & (self.t_in_octet.val() != self.front.val()) {
                        self.whole.d.next = false;
                    }
                    if !self.lower.val() & (self.t_in_octet.val() != self.flipped.val()) {
                        self.whole.d.next = false;
                    }
                }
                if self.t_done.val() {
                    self.found.d.next = self.whole.q.val();
                    self.did.d.next = self.whole.q.val();
                    self.failed.d.next = !self.whole.q.val();
                    // What was tried there is neither a key nor erased any more.
                    self.place.d.next = self.place.q.val() + 1;
                    self.has_place.d.next = self.place.q.val() != self.last_place.val();
                    self.step.d.next = Step::Ready;
                }
            }
        }
        self.t_wants.next = !self.asked.q.val() & (self.step.q.val() != Step::Ready);
        self.t_address.next = bit_cast::<24, 16>(self.low.val()) | (bit_cast::<24, 8>(self.base.val()) << 16);
        if self.t_granted.val() {
            self.asked.d.next = true;
        }
        if self.t_done.val() {
            self.asked.d.next = false;
        }
        if self.reset.val() {
            self.step.d.next = Step::Wake;
            self.asked.d.next = false;
            self.polls.d.next = 0.into();
            self.found.d.next = false;
            self.whole.d.next = true;
            self.bare.d.next = true;
            self.strange.d.next = false;
            self.again.d.next = 0.into();
            self.has_place.d.next = false;
            self.marked.d.next = 0.into();
            self.has_boot.d.next = false;
            self.is_ready.d.next = false;
            self.did.d.next = false;
            self.failed.d.next = false;
        }
        self.key_ready.next = self.is_ready.q.val();
        self.key_there.next = self.found.q.val();
        self.key.next = self.candidate.q.val();
        self.boot_there.next = self.has_boot.q.val();
        self.boot.next = self.marked.q.val();
        self.stored.next = self.did.q.val();
        self.store_failed.next = self.failed.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        let map = FlashMap { primary: (0, 0x7d), installed: 0x7f, key: 0x7e, places: 8, marks: 0xf000 };
        crate::emit(&mut KeyStore::<23>::new(map), "key_store").expect("nothing that Verilog takes otherwise");
    }
}
