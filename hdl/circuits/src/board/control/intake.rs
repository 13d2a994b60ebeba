//! Takes a control frame in: its octets behind the EtherType into a memory, its header into registers, and whether it is one.
//!
//! Half a beat a clock, so that a word of 32 bits is what everything behind this deals with. A frame that comes while nobody
//! listens is taken and dropped, and told; so is what is too long, at its end, as not sound. What is said of a frame stays until the
//! next one is listened to.
//! What `sound` means: `weir_spec::control::Frame::read`, apart from the tag.

use rust_hdl::prelude::*;
use weir_spec::control::{BOARD, HEADER, MOST_WORDS, TAG};

/// Words of a frame behind its EtherType, at the most.
pub const MOST: usize = (HEADER + TAG) / 4 + MOST_WORDS;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Intake {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The next beat is the first of a frame.
    pub reset: Signal<In, Bit>,
    /// Somebody listens: to a frame that begins while this is set.
    pub listens: Signal<In, Bit>,
    /// A beat is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,

    /// A word for the memory.
    pub m_write: Signal<Out, Bit>,
    /// Its number.
    pub m_at: Signal<Out, Bits<7>>,
    /// It, first octet in bits 7:0.
    pub m_word: Signal<Out, Bits<32>>,
    /// A frame begins that is listened to, in this clock.
    pub m_begins: Signal<Out, Bit>,
    /// It is whole, and what follows is right, in this clock and on.
    pub m_whole: Signal<Out, Bit>,
    /// It is as a control frame has to be; about the tag nothing is said.
    pub m_sound: Signal<Out, Bit>,
    /// It was for the board.
    pub m_ours: Signal<Out, Bit>,
    /// Its words, those of the tag among them.
    pub m_words: Signal<Out, Bits<7>>,
    /// Who said it.
    pub m_source: Signal<Out, Bits<48>>,
    /// Kind by number, right if it is sound.
    pub m_kind: Signal<Out, Bits<3>>,
    /// How many words are meant.
    pub m_count: Signal<Out, Bits<7>>,
    /// Sequence, a number.
    pub m_sequence: Signal<Out, Bits<32>>,
    /// Nonce of the host, first octet in bits 7:0.
    pub m_host: Signal<Out, Bits<64>>,
    /// Nonce of the board, first octet in bits 7:0.
    pub m_board: Signal<Out, Bits<64>>,
    /// Offset of the first register, a number.
    pub m_offset: Signal<Out, Bits<32>>,
    /// A frame was not listened to.
    pub stat_missed: Signal<Out, Bit>,

    // The upper half of the beat is next.
    half: DFF<Bit>,
    // A word of the frame, its number, which stops at the last, and its place in the frame.
    word: DFF<Bits<32>>,
    there: DFF<Bit>,
    begins: DFF<Bit>,
    ends: DFF<Bit>,
    // It holds two octets, as the last of a frame does.
    short: DFF<Bit>,
    at: DFF<Bits<7>>,
    // The same of the first twelve, one-hot.
    head_at: DFF<Bits<12>>,
    under_way: DFF<Bit>,
    heard: DFF<Bit>,
    previous: DFF<Bits<16>>,
    missed: DFF<Bit>,

    source: DFF<Bits<48>>,
    ours: DFF<Bit>,
    head: DFF<Bits<32>>,
    serial: DFF<Bits<32>>,
    host: DFF<Bits<64>>,
    board: DFF<Bits<64>>,
    offset: DFF<Bits<32>>,
    bare: DFF<Bit>,
    words: DFF<Bits<7>>,
    complete: DFF<Bit>,

    // A clock each behind the last word: words in, facts of them, what they come to.
    ended: DFF<Bits<3>>,
    few: DFF<Bit>,
    brings_all: DFF<Bit>,
    counted: DFF<Bit>,
    fits: DFF<Bit>,
    is_asking: DFF<Bit>,
    no_sequence: DFF<Bit>,
    no_board: DFF<Bit>,
    no_offset: DFF<Bit>,
    even: DFF<Bit>,
    lawful: DFF<Bit>,
    sound: DFF<Bit>,

    stops: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    next_at: Signal<Local, Bits<7>>,
    message: Signal<Local, Bits<32>>,
    message_at: Signal<Local, Bits<7>>,
    number: Signal<Local, Bits<32>>,
    brought: Signal<Local, Bits<7>>,
    none: Signal<Local, Bit>,
    right: Signal<Local, Bit>,
    is_message: Signal<Local, Bit>,
}

// The numbers below: octets of the address as words of the frame, and what a frame is made of.
const _: () = assert!(matches!(BOARD.0, [0x02, 0x00, 0x57, 0x45, 0x49, 0x52]));
const _: () = assert!(HEADER == 32 && TAG == 16 && MOST_WORDS == 64 && MOST == 76);

impl Logic for Intake {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, half, word, there, begins, ends, short, at, under_way, heard, previous, missed);
        dff_setup!(self, clock, source, ours, head, serial, host, board, offset, bare, words, complete);
        dff_setup!(self, clock, ended, few, brings_all, counted, fits, is_asking, no_sequence, no_board, no_offset);
        dff_setup!(self, clock, even, lawful, sound, head_at);

        // From beats to words.
        self.stops.next = self.s_last.val() & !self.s_last_byte.val().get_bit(2);
        self.takes.next = self.s_valid.val() & (self.half.q.val() | self.stops.val());
        self.s_taken.next = self.takes.val();
        self.there.d.next = self.s_valid.val();
        self.word.d.next = self.s_data.val().get_bits::<32>(0);
        if self.half.q.val() {
            self.word.d.next = self.s_data.val().get_bits::<32>(32);
        }
        self.ends.d.next = self.takes.val() & self.s_last.val();
        self.short.d.next = self.s_last_byte.val().get_bits::<2>(0) == 1;
        if self.s_valid.val() {
            self.half.d.next = !self.half.q.val() & !self.stops.val();
            self.under_way.d.next = !(self.takes.val() & self.s_last.val());
        }
        self.begins.d.next = self.s_valid.val() & !self.under_way.q.val();
        self.missed.d.next = false;
        if self.s_valid.val() & !self.under_way.q.val() {
            // Behind a frame of a single beat nobody can have stopped listening yet.
            self.heard.d.next = self.listens.val() & !self.begins.q.val();
            self.missed.d.next = !self.listens.val() | self.begins.q.val();
        }
        self.stat_missed.next = self.missed.q.val();
        self.m_begins.next = self.begins.q.val() & self.heard.q.val();

        // From words of the frame to those behind its EtherType, which begin in the middle of one.
        self.next_at.next = self.at.q.val() + 1;
        if self.there.q.val() {
            self.at.d.next = self.next_at.val();
            self.head_at.d.next = self.head_at.q.val() << 1;
            if self.at.q.val() == 127 {
                self.at.d.next = 127.into();
            }
            if self.ends.q.val() {
                self.at.d.next = 0.into();
                self.head_at.d.next = 1.into();
            }
            self.previous.d.next = self.word.q.val().get_bits::<16>(16);
        }
        self.message.next =
            bit_cast::<32, 16>(self.previous.q.val()) | (bit_cast::<32, 16>(self.word.q.val().get_bits::<16>(0)) << 16);
        self.message_at.next = self.at.q.val() - 4;
        self.is_message.next = self.there.q.val() & self.heard.q.val() & (self.at.q.val() >= 4);
        self.m_write.next = self.is_message.val();
        self.m_at.next = self.message_at.val();
        self.m_word.next = self.message.val();

        // The header.
        self.number.next = (bit_cast::<32, 8>(self.message.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.message.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.message.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.message.val().get_bits::<8>(24));
        if self.there.q.val() & self.heard.q.val() {
            if self.head_at.q.val().get_bit(0) {
                self.ours.d.next = self.word.q.val() == 0x4557_0002;
            }
            if self.head_at.q.val().get_bit(1) {
                self.ours.d.next = self.ours.q.val() & (self.word.q.val().get_bits::<16>(0) == 0x5249);
                self.source.d.next = bit_cast::<48, 16>(self.word.q.val().get_bits::<16>(16))
                    | (bit_cast::<48, 32>(self.source.q.val().get_bits::<32>(16)) << 16);
            }
            if self.head_at.q.val().get_bit(2) {
                self.source.d.next = bit_cast::<48, 16>(self.source.q.val().get_bits::<16>(0))
                    | (bit_cast::<48, 32>(self.word.q.val()) << 16);
            }
            if self.head_at.q.val().get_bit(4) {
                self.head.d.next = self.message.val();
            }
            if self.head_at.q.val().get_bit(5) {
                self.serial.d.next = self.number.val();
            }
            if self.head_at.q.val().get_bit(6) {
                self.host.d.next = bit_cast::<64, 32>(self.message.val())
                    | (bit_cast::<64, 32>(self.host.q.val().get_bits::<32>(32)) << 32);
            }
            if self.head_at.q.val().get_bit(7) {
                self.host.d.next = bit_cast::<64, 32>(self.host.q.val().get_bits::<32>(0))
                    | (bit_cast::<64, 32>(self.message.val()) << 32);
            }
            if self.head_at.q.val().get_bit(8) {
                self.board.d.next = bit_cast::<64, 32>(self.message.val())
                    | (bit_cast::<64, 32>(self.board.q.val().get_bits::<32>(32)) << 32);
            }
            if self.head_at.q.val().get_bit(9) {
                self.board.d.next = bit_cast::<64, 32>(self.board.q.val().get_bits::<32>(0))
                    | (bit_cast::<64, 32>(self.message.val()) << 32);
            }
            if self.head_at.q.val().get_bit(10) {
                self.offset.d.next = self.number.val();
            }
            if self.head_at.q.val().get_bit(11) {
                self.bare.d.next = self.message.val() == 0;
            }
            if self.ends.q.val() {
                self.words.d.next = self.message_at.val() + 1;
                self.complete.d.next = self.short.q.val() & (self.at.q.val() >= 15) & (self.at.q.val() <= 79);
            }
        }

        // Whether it is one. Words brought, of those that are neither header nor tag.
        self.ended.d.next = (self.ended.q.val() << 1)
            | bit_cast::<3, 1>((self.there.q.val() & self.ends.q.val() & self.heard.q.val()).into());
        self.brought.next = self.words.q.val() - 12;
        self.few.d.next = self.head.q.val().get_bits::<8>(24) <= 64;
        self.brings_all.d.next = bit_cast::<8, 7>(self.brought.val()) == self.head.q.val().get_bits::<8>(24);
        self.counted.d.next = self.head.q.val().get_bits::<8>(24) != 0;
        self.none.next = self.brought.val() == 0;
        self.fits.d.next = self.none.val();
        self.is_asking.d.next = self.head.q.val().get_bits::<8>(16) == 0;
        self.no_sequence.d.next = self.serial.q.val() == 0;
        self.no_board.d.next = self.board.q.val() == 0;
        self.no_offset.d.next = self.offset.q.val() == 0;
        self.even.d.next = self.offset.q.val().get_bits::<2>(0) == 0;
        // Version, and a status there is.
        self.lawful.d.next = (self.head.q.val().get_bits::<8>(0) == 1)
            & (self.head.q.val().get_bits::<6>(18) == 0)
            & (self.head.q.val().get_bits::<5>(11) == 0)
            & self.bare.q.val()
            & self.complete.q.val();
        self.right.next = false;
        match self.head.q.val().get_bits::<3>(8).index() {
            1 => {
                self.right.next = !self.counted.q.val()
                    & self.no_sequence.q.val()
                    & self.no_board.q.val()
                    & self.no_offset.q.val()
                    & self.is_asking.q.val()
                    & self.fits.q.val();
            }
            2 => {
                self.right.next =
                    !self.counted.q.val() & self.no_sequence.q.val() & self.no_offset.q.val() & self.fits.q.val();
            }
            3 => {
                self.right.next = self.counted.q.val() & self.even.q.val() & self.is_asking.q.val() & self.fits.q.val();
            }
            4 => {
                self.right.next =
                    self.counted.q.val() & self.even.q.val() & self.is_asking.q.val() & self.brings_all.q.val();
            }
            5 => {
                self.right.next = (self.head.q.val().get_bits::<8>(24) == 4)
                    & self.no_offset.q.val()
                    & self.is_asking.q.val()
                    & self.brings_all.q.val();
            }
            6 => {
                self.right.next = self.fits.q.val() | self.brings_all.q.val();
            }
            _ => {}
        }
        self.sound.d.next = self.right.val() & self.few.q.val() & self.lawful.q.val();

        if self.reset.val() {
            self.half.d.next = false;
            self.under_way.d.next = false;
            self.there.d.next = false;
            self.begins.d.next = false;
            self.missed.d.next = false;
            self.at.d.next = 0.into();
            self.head_at.d.next = 1.into();
            self.ended.d.next = 0.into();
        }
        self.m_whole.next = self.ended.q.val().get_bit(2);
        self.m_sound.next = self.sound.q.val();
        self.m_ours.next = self.ours.q.val();
        self.m_words.next = self.words.q.val();
        self.m_source.next = self.source.q.val();
        self.m_kind.next = self.head.q.val().get_bits::<3>(8);
        self.m_count.next = self.head.q.val().get_bits::<7>(24);
        self.m_sequence.next = self.serial.q.val();
        self.m_host.next = self.host.q.val();
        self.m_board.next = self.board.q.val();
        self.m_offset.next = self.offset.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Intake::default(), "intake").expect("nothing that Verilog takes otherwise");
    }
}
