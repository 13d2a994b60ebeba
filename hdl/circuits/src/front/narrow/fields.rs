//! Pairs of layer 3 to the fields of a header, each captured as it comes.
//!
//! Small machines, one a field; what they hold is complete one clock behind the pair and stands until pair 0 of the next
//! frame, which is three clocks or more behind the beat that fired. One walk serves both families: it counts down the
//! pairs to the next header, which is layer 4 behind IPv4 options, and the next extension header or layer 4 in IPv6.
//! Where layer 4 begins is marked in words, and so is how far the frame has come: whether a header is there is left to
//! [`Judge`](super::judge::Judge). What a frame leaves behind may spoil a field before pair 4 of the next, never after.

use rust_hdl::prelude::*;

use super::next::NextHeader;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Fields {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// From [`Pairs`](super::pairs::Pairs), as all `s_` here.
    pub s_ipv4: Signal<In, Bit>,
    /// IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// A pair is there.
    pub s_pair: Signal<In, Bit>,
    /// It is whole.
    pub s_whole: Signal<In, Bit>,
    /// The word behind the whole pairs is complete.
    pub s_half: Signal<In, Bit>,
    /// A whole pair is there.
    pub s_step: Signal<In, Bit>,
    /// Pair 0.
    pub s_pair0: Signal<In, Bit>,
    /// Pair 1 of IPv4.
    pub s_pair1_ipv4: Signal<In, Bit>,
    /// Pair 1, not of IPv4.
    pub s_pair1_ipv6: Signal<In, Bit>,
    /// Pair 2 of IPv4.
    pub s_pair2_ipv4: Signal<In, Bit>,
    /// Pair 2, not of IPv4.
    pub s_pair2_ipv6: Signal<In, Bit>,
    /// The pair where a destination address begins.
    pub s_destination: Signal<In, Bit>,
    /// Pair 4 of IPv4.
    pub s_pair4_ipv4: Signal<In, Bit>,
    /// Pair 4, not of IPv4.
    pub s_pair4_ipv6: Signal<In, Bit>,
    /// First word.
    pub s_high: Signal<In, Bits<32>>,
    /// Second word.
    pub s_low: Signal<In, Bits<32>>,
    /// What its first octet means.
    pub s_next: Signal<In, Bits<5>>,
    /// Its second octet is zero.
    pub s_single: Signal<In, Bit>,
    /// Its second octet is above 15.
    pub s_far: Signal<In, Bit>,
    /// Its fragment offset is not zero.
    pub s_offset: Signal<In, Bit>,

    /// Source address, first octet on top; IPv4 in the upper 32 bits, zero below.
    pub m_source: Signal<Out, Bits<128>>,
    /// Destination address, likewise.
    pub m_destination: Signal<Out, Bits<128>>,
    /// First word of layer 4.
    pub m_ports: Signal<Out, Bits<32>>,
    /// The TCP flags open a connection.
    pub m_syn: Signal<Out, Bit>,
    /// The last protocol number that was read; see [`NextHeader`].
    pub m_means: Signal<Out, Bits<5>>,
    /// It is an extension header that may be stepped over.
    pub m_follow: Signal<Out, Bit>,
    /// A later fragment.
    pub m_later: Signal<Out, Bit>,
    /// The version is that of the EtherType.
    pub m_version: Signal<Out, Bit>,
    /// The header length of IPv4 is below five words.
    pub m_low_ihl: Signal<Out, Bit>,
    /// Header length of IPv4, in words.
    pub m_ihl: Signal<Out, Bits<4>>,
    /// Total length of IPv4, payload length of IPv6; in words, rounded down.
    pub m_length: Signal<Out, Bits<14>>,
    /// The fixed header of IPv6 is there.
    pub m_base: Signal<Out, Bit>,
    /// Extension headers end `m_place + m_size` times eight bytes behind the fixed header.
    pub m_place: Signal<Out, Bits<4>>,
    /// See `m_place`.
    pub m_size: Signal<Out, Bits<8>>,
    /// Word of layer 3 where layer 4 begins; 31 while an IPv6 chain has not come there.
    pub m_mark: Signal<Out, Bits<5>>,
    /// Complete words of layer 3.
    pub m_words: Signal<Out, Bits<5>>,

    source: DFF<Bits<128>>,
    destination: DFF<Bits<128>>,
    ports: DFF<Bits<32>>,
    syn: DFF<Bit>,
    means: DFF<Bits<5>>,
    follow: DFF<Bit>,
    later: DFF<Bit>,
    version: DFF<Bit>,
    low_ihl: DFF<Bit>,
    ihl: DFF<Bits<4>>,
    odd: DFF<Bit>,
    length: DFF<Bits<14>>,
    fragment: DFF<Bit>,
    number: DFF<Bits<8>>,
    first: NextHeader,
    base: DFF<Bit>,
    place: DFF<Bits<4>>,
    size: DFF<Bits<8>>,
    mark: DFF<Bits<5>>,
    whole: DFF<Bits<4>>,
    half: DFF<Bit>,
    // The walk: pairs to skip, at a header, extension headers passed, pairs behind the start of layer 4.
    skip: DFF<Bits<4>>,
    here: DFF<Bit>,
    hops: DFF<Bits<4>>,
    second: DFF<Bit>,
    third: DFF<Bit>,

    enters: Signal<Local, Bit>,
    begins: Signal<Local, Bit>,
    pair4: Signal<Local, Bit>,
    flags_here: Signal<Local, Bit>,
    flags: Signal<Local, Bits<8>>,
    less: Signal<Local, Bits<4>>,
    options: Signal<Local, Bits<3>>,
    place_here: Signal<Local, Bits<4>>,
    more_hops: Signal<Local, Bits<4>>,
    is_later: Signal<Local, Bit>,
    count: Signal<Local, Bits<4>>,
    added: Signal<Local, Bits<4>>,
    begun: Signal<Local, Bits<5>>,
    words: Signal<Local, Bits<5>>,
}

impl Logic for Fields {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, source, destination, ports, syn, means, follow, later, version, low_ihl, ihl, odd);
        dff_setup!(self, clock, length, fragment, number, base, place, size, mark, whole, half);
        dff_setup!(self, clock, skip, here, hops, second, third);
        clock!(self, clock, first);

        // Addresses.
        if self.s_pair1_ipv4.val() {
            self.source.d.next = bit_cast::<128, 32>(self.s_low.val()) << 96;
        }
        if self.s_pair1_ipv6.val() {
            self.source.d.next =
                (bit_cast::<128, 32>(self.s_high.val()) << 96) | (bit_cast::<128, 32>(self.s_low.val()) << 64);
        }
        if self.s_pair2_ipv6.val() {
            self.source.d.next = (bit_cast::<128, 64>(self.source.q.val().get_bits::<64>(64)) << 64)
                | (bit_cast::<128, 32>(self.s_high.val()) << 32)
                | bit_cast::<128, 32>(self.s_low.val());
        }
        if self.s_destination.val() {
            self.destination.d.next = bit_cast::<128, 32>(self.s_high.val()) << 96;
            if !self.s_pair2_ipv4.val() {
                self.destination.d.next =
                    (bit_cast::<128, 32>(self.s_high.val()) << 96) | (bit_cast::<128, 32>(self.s_low.val()) << 64);
            }
        }
        if self.s_pair4_ipv6.val() {
            self.destination.d.next = (bit_cast::<128, 64>(self.destination.q.val().get_bits::<64>(64)) << 64)
                | (bit_cast::<128, 32>(self.s_high.val()) << 32)
                | bit_cast::<128, 32>(self.s_low.val());
        }

        // Protocol of the fixed header, and with pair 2 what it means; used at pair 4.
        if self.s_pair0.val() {
            self.number.d.next = self.s_low.val().get_bits::<8>(8);
        }
        if self.s_pair1_ipv4.val() {
            self.number.d.next = self.s_high.val().get_bits::<8>(16);
        }
        self.first.enable.next = self.s_pair2_ipv4.val() | self.s_pair2_ipv6.val();
        self.first.s_number.next = self.number.q.val();
        self.first.s_ipv4.next = self.s_ipv4.val();

        // The walk.
        self.enters.next = self.s_step.val() & self.here.q.val() & self.follow.q.val();
        self.begins.next = self.s_pair.val() & self.here.q.val() & !self.follow.q.val();
        self.pair4.next = self.s_pair4_ipv4.val() | self.s_pair4_ipv6.val();
        self.less.next = self.skip.q.val() - 1;
        self.options.next = self.s_high.val().get_bits::<3>(25) - 1;
        if self.s_pair.val() {
            self.skip.d.next = self.less.val();
            self.here.d.next = self.skip.q.val() == 1;
            if self.enters.val() {
                self.here.d.next = self.means.q.val().get_bit(4) | self.s_single.val();
                self.skip.d.next = self.s_high.val().get_bits::<4>(16);
                if self.s_far.val() {
                    self.skip.d.next = 15.into();
                }
                if self.means.q.val().get_bit(4) {
                    self.skip.d.next = 0.into();
                }
            }
            if self.s_pair4_ipv6.val() {
                self.skip.d.next = 0.into();
                self.here.d.next = true;
            }
            if self.s_pair0.val() {
                self.here.d.next = false;
                self.skip.d.next = 0.into();
                if self.s_ipv4.val() {
                    self.skip.d.next = bit_cast::<4, 3>(self.options.val());
                }
            }
        }
        self.place_here.next = self.whole.q.val() - 4;
        self.more_hops.next = self.hops.q.val() << 1;
        self.is_later.next = self.means.q.val().get_bit(4) & self.s_offset.val();
        if self.enters.val() {
            self.means.d.next = self.s_next.val();
            self.follow.d.next = self.s_next.val().get_bit(3) & !self.hops.q.val().get_bit(3) & !self.is_later.val();
            self.later.d.next = self.is_later.val();
            self.hops.d.next = self.more_hops.val() | 1;
            self.place.d.next = self.place_here.val();
            self.size.d.next = self.s_high.val().get_bits::<8>(16);
            if self.means.q.val().get_bit(4) {
                self.size.d.next = 0.into();
            }
        }
        if self.pair4.val() {
            self.means.d.next = self.first.m_means.val();
            self.follow.d.next = self.first.m_means.val().get_bit(3);
            self.later.d.next = self.fragment.q.val();
            self.hops.d.next = 0.into();
            self.place.d.next = 0.into();
            self.size.d.next = 0.into();
            self.base.d.next = self.s_whole.val();
        }
        if self.s_pair0.val() {
            self.follow.d.next = false;
        }

        // Layer 4: it begins in either word of a pair; the flags are three words on, in the other one.
        self.begun.next = bit_cast::<5, 4>(self.whole.q.val()) << 1;
        self.begun.next = self.begun.val().replace_bit(0, self.odd.q.val());
        if self.begins.val() {
            self.mark.d.next = self.begun.val();
            self.ports.d.next = self.s_high.val();
            if self.odd.q.val() {
                self.ports.d.next = self.s_low.val();
            }
        }
        if self.s_pair.val() {
            self.second.d.next = self.begins.val() & !self.s_pair0.val();
            self.third.d.next = self.second.q.val() & !self.s_pair0.val();
        }
        self.flags.next = self.s_low.val().get_bits::<8>(16);
        self.flags_here.next = self.second.q.val();
        if self.odd.q.val() {
            self.flags.next = self.s_high.val().get_bits::<8>(16);
            self.flags_here.next = self.third.q.val();
        }
        if self.s_pair.val() & self.flags_here.val() {
            self.syn.d.next = !self.flags.val().get_bit(0)
                & self.flags.val().get_bit(1)
                & !self.flags.val().get_bit(2)
                & !self.flags.val().get_bit(4);
        }

        // How far the frame has come.
        self.added.next = 0.into();
        if self.s_whole.val() {
            self.added.next = 1.into();
        }
        self.count.next = self.whole.q.val() + self.added.val();
        if self.s_pair.val() {
            self.whole.d.next = self.count.val();
            self.half.d.next = self.s_half.val();
        }

        if self.s_pair0.val() {
            self.whole.d.next = self.added.val();
            self.version.d.next = self.s_high.val().get_bits::<4>(28) == 6;
            self.length.d.next = self.s_low.val().get_bits::<14>(18);
            self.mark.d.next = 31.into();
            self.odd.d.next = false;
            self.fragment.d.next = false;
            if self.s_ipv4.val() {
                self.version.d.next = self.s_high.val().get_bits::<4>(28) == 4;
                self.length.d.next = self.s_high.val().get_bits::<14>(2);
                self.mark.d.next = bit_cast::<5, 4>(self.s_high.val().get_bits::<4>(24));
                self.odd.d.next = self.s_high.val().get_bit(24);
                self.fragment.d.next = self.s_low.val().get_bits::<13>(0) != 0;
            }
            self.ihl.d.next = self.s_high.val().get_bits::<4>(24);
            self.low_ihl.d.next = self.s_high.val().get_bits::<4>(24) < 5;
        }

        self.m_source.next = self.source.q.val();
        self.m_destination.next = self.destination.q.val();
        self.m_ports.next = self.ports.q.val();
        self.m_syn.next = self.syn.q.val();
        self.m_means.next = self.means.q.val();
        self.m_follow.next = self.follow.q.val();
        self.m_later.next = self.later.q.val();
        self.m_version.next = self.version.q.val();
        self.m_low_ihl.next = self.low_ihl.q.val();
        self.m_ihl.next = self.ihl.q.val();
        self.m_length.next = self.length.q.val();
        self.m_base.next = self.base.q.val();
        self.m_place.next = self.place.q.val();
        self.m_size.next = self.size.q.val();
        self.m_mark.next = self.mark.q.val();
        self.words.next = bit_cast::<5, 4>(self.whole.q.val()) << 1;
        self.words.next = self.words.val().replace_bit(0, self.half.q.val());
        self.m_words.next = self.words.val();
    }
}
