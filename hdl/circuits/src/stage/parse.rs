//! Pairs of words to one header record a frame.
//!
//! Fields are captured as they come; one clock later it is judged whether the header is complete. A header that is not
//! complete [`HEADER_CLOCKS`] clocks after the first beat of its frame makes the frame malformed: the delay line waits no
//! longer. Latency: two clocks behind [`Collect`](super::collect::Collect). Twin: `weir_spec::frame::parse`.

use rust_hdl::prelude::*;

/// Clocks after its first beat in which a frame's header must be complete.
pub const HEADER_CLOCKS: u32 = 20;

/// What a header is, as `m_kind` says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum HeaderKind {
    /// Cut, contradictory or late.
    Malformed = 0,
    /// Neither IPv4 nor IPv6.
    NotIp = 1,
    /// Another protocol.
    Other = 2,
    /// ICMP, no echo request.
    Icmp = 3,
    /// ICMP echo request, or a later fragment of ICMP.
    Echo = 4,
    /// Later fragment of TCP or UDP; `m_tcp` tells which.
    LaterFragment = 5,
    /// Extension headers beyond the window.
    BeyondWindow = 6,
    /// UDP.
    Udp = 7,
    /// TCP, not opening.
    Tcp = 8,
    /// TCP, opening.
    Syn = 9,
}

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Parse {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way.
    pub reset: Signal<In, Bit>,
    /// From [`Collect`](super::collect::Collect), as all `s_` here.
    pub s_beat: Signal<In, Bit>,
    /// First beat of a frame.
    pub s_first: Signal<In, Bit>,
    /// Last beat of a frame or of the window.
    pub s_end: Signal<In, Bit>,
    /// The window is full.
    pub s_window: Signal<In, Bit>,
    /// 60 bytes are there.
    pub s_long: Signal<In, Bit>,
    /// Complete words from byte 14.
    pub s_words: Signal<In, Bits<6>>,
    /// VLAN tags.
    pub s_tags: Signal<In, Bits<2>>,
    /// IPv4.
    pub s_ipv4: Signal<In, Bit>,
    /// IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// A pair is there.
    pub s_pair: Signal<In, Bit>,
    /// It is whole.
    pub s_whole: Signal<In, Bit>,
    /// Its number.
    pub s_index: Signal<In, Bits<4>>,
    /// Its first word.
    pub s_high: Signal<In, Bits<32>>,
    /// Its second word.
    pub s_low: Signal<In, Bits<32>>,

    /// One pulse a frame: the record below is about it.
    pub m_valid: Signal<Out, Bit>,
    /// [`HeaderKind`].
    pub m_kind: Signal<Out, Bits<4>>,
    /// The header was not complete in time.
    pub m_late: Signal<Out, Bit>,
    /// TCP, else UDP, in rules.
    pub m_tcp: Signal<Out, Bit>,
    /// IPv6, else IPv4.
    pub m_ipv6: Signal<Out, Bit>,
    /// Source address, first octet on top; IPv4 in the upper 32 bits, zero below. Stable at `m_valid`, not after.
    pub m_source: Signal<Out, Bits<128>>,
    /// Destination address, likewise.
    pub m_destination: Signal<Out, Bits<128>>,
    /// Source port.
    pub m_source_port: Signal<Out, Bits<16>>,
    /// Destination port.
    pub m_destination_port: Signal<Out, Bits<16>>,

    // Captured fields.
    beat: DFF<Bit>,
    ending: DFF<Bit>,
    window: DFF<Bit>,
    long: DFF<Bit>,
    words: DFF<Bits<6>>,
    tags: DFF<Bits<2>>,
    ipv4: DFF<Bit>,
    ipv6: DFF<Bit>,
    version: DFF<Bits<4>>,
    ihl: DFF<Bits<4>>,
    length: DFF<Bits<16>>,
    fragment: DFF<Bit>,
    protocol: DFF<Bits<8>>,
    skip: DFF<Bits<8>>,
    hops: DFF<Bits<3>>,
    extra: DFF<Bits<11>>,
    l4_seen: DFF<Bits<2>>,
    source: DFF<Bits<128>>,
    destination: DFF<Bits<128>>,
    ports: DFF<Bits<32>>,
    flags: DFF<Bits<8>>,
    // State of the frame under way.
    open: DFF<Bit>,
    age: DFF<Bits<5>>,
    // Record.
    valid: DFF<Bit>,
    kind: DFF<Bits<4>>,
    late: DFF<Bit>,
    tcp_r: DFF<Bit>,
    ipv6_r: DFF<Bit>,

    is_extension: Signal<Local, Bit>,
    tcp: Signal<Local, Bit>,
    udp: Signal<Local, Bit>,
    icmp: Signal<Local, Bit>,
    transport: Signal<Local, Bit>,
    l4_pair: Signal<Local, Bits<4>>,
    l4_word: Signal<Local, Bits<4>>,
    flags_word: Signal<Local, Bits<5>>,
    need_words: Signal<Local, Bits<12>>,
    need_bytes: Signal<Local, Bits<17>>,
    header_words: Signal<Local, Bits<12>>,
    header_bytes: Signal<Local, Bits<17>>,
    wide_length: Signal<Local, Bits<17>>,
    seen: Signal<Local, Bits<12>>,
    header_there: Signal<Local, Bit>,
    base_there: Signal<Local, Bit>,
    l4_there: Signal<Local, Bit>,
    wrong: Signal<Local, Bit>,
    decided: Signal<Local, Bit>,
    bad: Signal<Local, Bit>,
    beyond: Signal<Local, Bit>,
    what: Signal<Local, Bits<4>>,
    l4_kind: Signal<Local, Bits<4>>,
    syn: Signal<Local, Bits<8>>,
    emit: Signal<Local, Bit>,
    expired: Signal<Local, Bit>,
}

impl Logic for Parse {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, beat, ending, window, long, words, tags, ipv4, ipv6, version, ihl, length, fragment);
        dff_setup!(self, clock, protocol, skip, hops, extra, l4_seen, source, destination, ports, flags);
        dff_setup!(self, clock, open, age, valid, kind, late, tcp_r, ipv6_r);

        // What the protocol number captured so far means.
        self.is_extension.next = self.ipv6.q.val()
            & ((self.protocol.q.val() == 0)
                | (self.protocol.q.val() == 43)
                | (self.protocol.q.val() == 44)
                | (self.protocol.q.val() == 60));
        self.tcp.next = self.protocol.q.val() == 6;
        self.udp.next = self.protocol.q.val() == 17;
        self.icmp.next =
            (!self.ipv6.q.val() & (self.protocol.q.val() == 1)) | (self.ipv6.q.val() & (self.protocol.q.val() == 58));
        self.transport.next = self.tcp.val() | self.udp.val() | self.icmp.val();
        self.l4_pair.next = bit_cast::<4, 3>(self.ihl.q.val().get_bits::<3>(1));
        self.l4_word.next = 0.into();
        self.flags_word.next = 0.into();

        self.beat.d.next = self.s_beat.val();
        if self.s_beat.val() {
            self.ending.d.next = self.s_end.val();
            self.window.d.next = self.s_window.val();
            self.long.d.next = self.s_long.val();
            self.words.d.next = self.s_words.val();
            self.tags.d.next = self.s_tags.val();
            self.ipv4.d.next = self.s_ipv4.val();
            self.ipv6.d.next = self.s_ipv6.val();
            if self.s_first.val() {
                self.skip.d.next = 0.into();
                self.hops.d.next = 0.into();
                self.extra.d.next = 0.into();
                self.l4_seen.d.next = 0.into();
                self.fragment.d.next = false;
            }
        }
        if self.s_pair.val() {
            if self.s_index.val() == 0 {
                self.version.d.next = self.s_high.val().get_bits::<4>(28);
            }
            if self.s_ipv4.val() {
                if self.s_index.val() == 0 {
                    self.ihl.d.next = self.s_high.val().get_bits::<4>(24);
                    self.length.d.next = self.s_high.val().get_bits::<16>(0);
                    self.fragment.d.next = self.s_low.val().get_bits::<13>(0) != 0;
                }
                if self.s_index.val() == 1 {
                    self.protocol.d.next = self.s_high.val().get_bits::<8>(16);
                    self.source.d.next = bit_cast::<128, 32>(self.s_low.val()) << 96;
                }
                if self.s_index.val() == 2 {
                    self.destination.d.next = bit_cast::<128, 32>(self.s_high.val()) << 96;
                }
                // Layer 4 starts in either word of a pair; the flags are three words on, in the other one. Never before pair
                // 2: a header length below 5, or in pair 0 that of an earlier frame, would overwrite the ports of the
                // record before, which are still in use then.
                if (self.s_index.val() == self.l4_pair.val()) & (self.s_index.val() >= 2) {
                    self.ports.d.next = self.s_high.val();
                    if self.ihl.q.val().get_bit(0) {
                        self.ports.d.next = self.s_low.val();
                    }
                }
                self.l4_word.next = self.l4_pair.val() + 1;
                if self.ihl.q.val().get_bit(0) {
                    self.l4_word.next = self.l4_pair.val() + 2;
                }
                if self.s_index.val() == self.l4_word.val() {
                    self.flags.d.next = self.s_low.val().get_bits::<8>(16);
                    if self.ihl.q.val().get_bit(0) {
                        self.flags.d.next = self.s_high.val().get_bits::<8>(16);
                    }
                }
            } else {
                if self.s_index.val() == 0 {
                    self.length.d.next = self.s_low.val().get_bits::<16>(16);
                    self.protocol.d.next = self.s_low.val().get_bits::<8>(8);
                }
                if self.s_index.val() == 1 {
                    self.source.d.next =
                        (bit_cast::<128, 32>(self.s_high.val()) << 96) | (bit_cast::<128, 32>(self.s_low.val()) << 64);
                }
                if self.s_index.val() == 2 {
                    self.source.d.next = self.source.q.val()
                        | (bit_cast::<128, 32>(self.s_high.val()) << 32)
                        | bit_cast::<128, 32>(self.s_low.val());
                }
                if self.s_index.val() == 3 {
                    self.destination.d.next =
                        (bit_cast::<128, 32>(self.s_high.val()) << 96) | (bit_cast::<128, 32>(self.s_low.val()) << 64);
                }
                if self.s_index.val() == 4 {
                    self.destination.d.next = self.destination.q.val()
                        | (bit_cast::<128, 32>(self.s_high.val()) << 32)
                        | bit_cast::<128, 32>(self.s_low.val());
                }
                // Extension headers are whole pairs: each starts where the one before ends.
                if (self.s_index.val() >= 5) & self.s_whole.val() {
                    if self.skip.q.val() != 0 {
                        self.skip.d.next = self.skip.q.val() - 1;
                    } else if self.is_extension.val() {
                        if (self.hops.q.val() != 5) & !self.fragment.q.val() {
                            self.hops.d.next = self.hops.q.val() + 1;
                            self.protocol.d.next = self.s_high.val().get_bits::<8>(24);
                            if self.protocol.q.val() == 44 {
                                self.extra.d.next = self.extra.q.val() + 1;
                                self.fragment.d.next = self.s_high.val().get_bits::<13>(3) != 0;
                            } else {
                                self.skip.d.next = self.s_high.val().get_bits::<8>(16);
                                self.extra.d.next =
                                    self.extra.q.val() + bit_cast::<11, 8>(self.s_high.val().get_bits::<8>(16)) + 1;
                            }
                        }
                    } else if self.l4_seen.q.val() == 0 {
                        self.ports.d.next = self.s_high.val();
                        self.l4_seen.d.next = 1.into();
                    } else if self.l4_seen.q.val() == 1 {
                        self.flags.d.next = self.s_low.val().get_bits::<8>(16);
                        self.l4_seen.d.next = 2.into();
                    }
                }
            }
        }

        // Judge what is captured.
        self.need_words.next = 0.into();
        self.need_bytes.next = 0.into();
        self.header_words.next = 0.into();
        self.header_bytes.next = 0.into();
        self.wide_length.next = 0.into();
        self.seen.next = 0.into();
        self.header_there.next = false;
        self.base_there.next = false;
        self.l4_there.next = false;
        self.wrong.next = false;
        self.decided.next = false;
        self.bad.next = false;
        self.beyond.next = false;
        self.what.next = 0.into();
        self.l4_kind.next = 0.into();
        self.syn.next = 0.into();
        self.emit.next = false;
        self.expired.next = false;
        self.valid.d.next = false;

        if self.open.q.val() {
            self.age.d.next = self.age.q.val() + 1;
            self.expired.next = self.age.q.val() == 20;
        }
        if self.beat.q.val() & self.open.q.val() {
            self.seen.next = bit_cast::<12, 6>(self.words.q.val());
            self.wide_length.next = bit_cast::<17, 16>(self.length.q.val());
            if self.ipv4.q.val() {
                self.header_words.next = bit_cast::<12, 4>(self.ihl.q.val()) + bit_cast::<12, 2>(self.tags.q.val());
                self.header_bytes.next = bit_cast::<17, 4>(self.ihl.q.val()) << 2;
                self.base_there.next = self.seen.val() >= self.header_words.val();
            } else {
                self.header_words.next = bit_cast::<12, 2>(self.tags.q.val()) + 10;
                self.base_there.next = self.seen.val() >= self.header_words.val();
                self.header_words.next = self.header_words.val() + (bit_cast::<12, 11>(self.extra.q.val()) << 1);
                self.header_bytes.next = bit_cast::<17, 11>(self.extra.q.val()) << 3;
            }
            self.header_there.next = self.base_there.val();
            if self.tcp.val() {
                self.need_words.next = self.header_words.val() + 5;
                self.need_bytes.next = self.header_bytes.val() + 20;
            } else {
                self.need_words.next = self.header_words.val() + 2;
                self.need_bytes.next = self.header_bytes.val() + 8;
            }
            self.l4_there.next = self.seen.val() >= self.need_words.val();
            // A length too short for the header it promises.
            self.bad.next = self.wide_length.val() < self.need_bytes.val();

            self.l4_kind.next = 7.into();
            if self.tcp.val() {
                self.l4_kind.next = 8.into();
                self.syn.next = self.flags.q.val() & 0x17;
                if self.syn.val() == 2 {
                    self.l4_kind.next = 9.into();
                }
            }
            if self.icmp.val() {
                self.l4_kind.next = 3.into();
                if (!self.ipv6.q.val() & (self.ports.q.val().get_bits::<8>(24) == 8))
                    | (self.ipv6.q.val() & (self.ports.q.val().get_bits::<8>(24) == 128))
                {
                    self.l4_kind.next = 4.into();
                }
            }

            if !self.ipv4.q.val() & !self.ipv6.q.val() {
                self.decided.next = true;
                self.what.next = 1.into();
            } else {
                self.wrong.next = (self.ipv4.q.val() & (self.version.q.val() != 4))
                    | (self.ipv4.q.val() & (self.ihl.q.val() < 5))
                    | (self.ipv4.q.val() & (self.wide_length.val() < self.header_bytes.val()))
                    | (self.ipv6.q.val() & (self.version.q.val() != 6));
                if self.wrong.val() {
                    self.decided.next = true;
                } else if !self.header_there.val() {
                    self.decided.next = false;
                } else if self.fragment.q.val() {
                    self.decided.next = true;
                    self.what.next = 2.into();
                    if self.icmp.val() {
                        self.what.next = 4.into();
                    }
                    if self.tcp.val() | self.udp.val() {
                        self.what.next = 5.into();
                    }
                } else if self.is_extension.val() {
                    self.beyond.next = true;
                    self.decided.next = self.hops.q.val() == 5;
                    self.what.next = 6.into();
                } else if !self.transport.val() {
                    self.decided.next = true;
                    self.what.next = 2.into();
                } else if self.bad.val() {
                    self.decided.next = true;
                } else {
                    self.beyond.next = self.ipv6.q.val();
                    self.decided.next = self.l4_there.val();
                    self.what.next = self.l4_kind.val();
                }
            }
            if !self.decided.val() {
                self.what.next = 0.into();
                if self.beyond.val() & self.window.q.val() {
                    self.what.next = 6.into();
                }
            }
            if !self.long.q.val() {
                self.what.next = 0.into();
            }
            self.emit.next = self.ending.q.val() | (self.decided.val() & self.long.q.val());
        }
        if self.emit.val() | self.expired.val() {
            self.valid.d.next = true;
            self.kind.d.next = self.what.val();
            self.late.d.next = !self.emit.val();
            if !self.emit.val() {
                self.kind.d.next = 0.into();
            }
            self.tcp_r.d.next = self.tcp.val();
            self.ipv6_r.d.next = self.ipv6.q.val();
            self.open.d.next = false;
        }
        if self.s_beat.val() & self.s_first.val() {
            self.open.d.next = true;
            self.age.d.next = 0.into();
        }

        if self.reset.val() {
            self.beat.d.next = false;
            self.open.d.next = false;
            self.valid.d.next = false;
        }

        self.m_valid.next = self.valid.q.val();
        self.m_kind.next = self.kind.q.val();
        self.m_late.next = self.late.q.val();
        self.m_tcp.next = self.tcp_r.q.val();
        self.m_ipv6.next = self.ipv6_r.q.val();
        self.m_source.next = self.source.q.val();
        self.m_destination.next = self.destination.q.val();
        self.m_source_port.next = self.ports.q.val().get_bits::<16>(16);
        self.m_destination_port.next = self.ports.q.val().get_bits::<16>(0);
    }
}
