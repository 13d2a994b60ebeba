//! Layer 4 out of its slot, and what the frame is. Three clocks: the slots one by one, the ports, the kind.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Judge {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A record is here.
    pub s_valid: Signal<In, Bit>,
    /// It has the 60 bytes that Ethernet asks for.
    pub s_long: Signal<In, Bit>,
    /// It fills the window.
    pub s_full: Signal<In, Bit>,
    /// Its second beat did not come in time.
    pub s_late: Signal<In, Bit>,
    /// IPv4.
    pub s_four: Signal<In, Bit>,
    /// IPv6.
    pub s_six: Signal<In, Bit>,
    /// From [`Four`](super::four::Four), one clock later than the rest: first word of layer 4.
    pub s_word: Signal<In, Bits<32>>,
    /// From `Four`: opening, TCP, UDP, ICMP, later fragment, cut, bad, from bit 0 up.
    pub s_found: Signal<In, Bits<7>>,
    /// First words of the slots.
    pub s_slot: [Signal<In, Bits<32>>; 9],
    /// Slots that are whole.
    pub s_there: Signal<In, Bits<9>>,
    /// Slots from which 20 bytes are there.
    pub s_twenty: Signal<In, Bits<9>>,
    /// Slots from which TCP would be opening.
    pub s_opening: Signal<In, Bits<9>>,
    /// From the last [`Hop`](super::hop::Hop), as all below: there is a sixth extension header.
    pub s_at: Signal<In, Bits<10>>,
    /// Where layer 4 is.
    pub s_place: Signal<In, Bits<9>>,
    /// Beyond the window.
    pub s_beyond: Signal<In, Bit>,
    /// Behind a header with a length.
    pub s_by_length: Signal<In, Bit>,
    /// A header is not all there.
    pub s_cut: Signal<In, Bit>,
    /// Not the first fragment.
    pub s_later: Signal<In, Bit>,
    /// TCP.
    pub s_tcp: Signal<In, Bit>,
    /// UDP.
    pub s_udp: Signal<In, Bit>,
    /// ICMPv6.
    pub s_icmp: Signal<In, Bit>,
    /// The header contradicts itself.
    pub s_bad: Signal<In, Bit>,
    /// The payload is long enough for anything.
    pub s_roomy: Signal<In, Bit>,
    /// Slots that the payload leaves beyond TCP.
    pub s_left_tcp: Signal<In, Bits<10>>,
    /// Beyond UDP.
    pub s_left_udp: Signal<In, Bits<10>>,

    /// Two clocks later: source port above, destination port below.
    pub p_ports: Signal<Out, Bits<32>>,
    /// TCP, else UDP.
    pub p_tcp: Signal<Out, Bit>,
    /// Later fragment: there are no ports.
    pub p_no_port: Signal<Out, Bit>,
    /// Three clocks later: [`HeaderKind`](crate::front::kind::HeaderKind).
    pub k_kind: Signal<Out, Bits<4>>,
    /// Malformed, because the header was not complete in time.
    pub k_late: Signal<Out, Bit>,

    // First clock.
    valid1: DFF<Bit>,
    part: [DFF<Bits<32>>; 3],
    length: DFF<Bits<8>>,
    left: DFF<Bits<10>>,
    roomy: DFF<Bit>,
    beyond: DFF<Bit>,
    seen: DFF<Bit>,
    six: DFF<Bit>,
    opening1: DFF<Bit>,
    tcp1: DFF<Bit>,
    udp1: DFF<Bit>,
    icmp1: DFF<Bit>,
    later1: DFF<Bit>,
    cut1: DFF<Bit>,
    bad1: DFF<Bit>,
    sixth1: DFF<Bit>,
    full1: DFF<Bit>,
    late1: DFF<Bit>,
    not_ip1: DFF<Bit>,
    runt1: DFF<Bit>,
    // Second clock.
    valid2: DFF<Bit>,
    ports: DFF<Bits<32>>,
    six2: DFF<Bit>,
    opening2: DFF<Bit>,
    tcp2: DFF<Bit>,
    udp2: DFF<Bit>,
    icmp2: DFF<Bit>,
    later2: DFF<Bit>,
    cut2: DFF<Bit>,
    bad2: DFF<Bit>,
    sixth2: DFF<Bit>,
    full2: DFF<Bit>,
    late2: DFF<Bit>,
    not_ip2: DFF<Bit>,
    // Third clock.
    kind: DFF<Bits<4>>,
    late3: DFF<Bit>,

    masked: [Signal<Local, Bits<32>>; 9],
    lengths: [Signal<Local, Bits<8>>; 9],
    any_length: Signal<Local, Bits<8>>,
    slot: Signal<Local, Bits<10>>,
    spare: Signal<Local, Bits<10>>,
    opens: Signal<Local, Bits<9>>,
    ends: Signal<Local, Bits<9>>,
    layer4: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    echo: Signal<Local, Bit>,
}

impl Logic for Judge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid1, length, left, roomy, beyond, seen, six, opening1, tcp1, udp1, icmp1, later1);
        dff_setup!(self, clock, cut1, bad1, sixth1, full1, late1, not_ip1, runt1);
        dff_setup!(self, clock, valid2, ports, six2, opening2, tcp2, udp2, icmp2, later2, cut2, bad2, sixth2);
        dff_setup!(self, clock, full2, late2, not_ip2, kind, late3);
        for i in 0..3 {
            self.part[i].clock.next = self.clock.val();
        }
        for i in 0..9 {
            self.masked[i].next = 0.into();
            self.lengths[i].next = 0.into();
        }
        self.any_length.next = 0.into();
        self.slot.next = 0.into();
        self.spare.next = 0.into();
        self.opens.next = 0.into();
        self.ends.next = 0.into();
        self.layer4.next = false;
        self.fits.next = false;
        self.echo.next = false;

        // One slot of nine; ungated, as an enable for it all would cost more than it saves.
        for i in 0..9 {
            if self.s_place.val().get_bit(i) {
                self.masked[i].next = self.s_slot[i].val();
                if self.s_by_length.val() {
                    self.lengths[i].next = self.s_slot[i].val().get_bits::<8>(16);
                }
            }
        }
        for i in 0..3 {
            self.part[i].d.next =
                self.masked[i * 3].val() | self.masked[i * 3 + 1].val() | self.masked[i * 3 + 2].val();
        }

        // How much payload it leaves, and what is known so far.
        self.valid1.d.next = self.s_valid.val();
        if self.s_valid.val() {
            for i in 0..9 {
                self.any_length.next = self.any_length.val() | self.lengths[i].val();
            }
            self.length.d.next = self.any_length.val();
            self.slot.next = self.slot.val().replace_bit(
                0,
                self.s_place.val().get_bit(1)
                    | self.s_place.val().get_bit(3)
                    | self.s_place.val().get_bit(5)
                    | self.s_place.val().get_bit(7),
            );
            self.slot.next = self.slot.val().replace_bit(
                1,
                self.s_place.val().get_bit(2)
                    | self.s_place.val().get_bit(3)
                    | self.s_place.val().get_bit(6)
                    | self.s_place.val().get_bit(7),
            );
            self.slot.next = self.slot.val().replace_bit(
                2,
                self.s_place.val().get_bit(4)
                    | self.s_place.val().get_bit(5)
                    | self.s_place.val().get_bit(6)
                    | self.s_place.val().get_bit(7),
            );
            self.slot.next = self.slot.val().replace_bit(3, self.s_place.val().get_bit(8));
            self.opens.next = self.s_place.val() & self.s_opening.val();
            if self.s_tcp.val() {
                self.spare.next = self.s_left_tcp.val();
                self.ends.next = self.s_place.val() & self.s_twenty.val();
            } else {
                self.spare.next = self.s_left_udp.val();
                self.ends.next = self.s_place.val() & self.s_there.val();
            }
            self.left.d.next = self.spare.val() - self.slot.val();
            self.seen.d.next = self.ends.val().any() & !self.s_beyond.val();
            self.roomy.d.next = self.s_roomy.val();
            self.beyond.d.next = self.s_beyond.val();
            self.six.d.next = self.s_six.val();
            self.opening1.d.next = self.opens.val().any() | self.s_found.val().get_bit(0);
            self.tcp1.d.next = self.s_tcp.val() | self.s_found.val().get_bit(1);
            self.udp1.d.next = self.s_udp.val() | self.s_found.val().get_bit(2);
            self.icmp1.d.next = self.s_icmp.val() | self.s_found.val().get_bit(3);
            self.later1.d.next = self.s_later.val() | self.s_found.val().get_bit(4);
            self.cut1.d.next = self.s_cut.val() | self.s_found.val().get_bit(5);
            self.bad1.d.next = self.s_bad.val() | self.s_found.val().get_bit(6);
            self.sixth1.d.next = self.s_at.val().any();
            self.full1.d.next = self.s_full.val();
            self.late1.d.next = self.s_late.val();
            self.not_ip1.d.next = !self.s_four.val() & !self.s_six.val();
            self.runt1.d.next = !self.s_long.val();
        }

        // The ports, and whether IPv6 holds what it promises.
        self.valid2.d.next = self.valid1.q.val();
        if self.valid1.q.val() {
            self.ports.d.next = self.part[0].q.val() | self.part[1].q.val() | self.part[2].q.val() | self.s_word.val();
            self.layer4.next =
                self.six.q.val() & !self.later1.q.val() & (self.tcp1.q.val() | self.udp1.q.val() | self.icmp1.q.val());
            self.fits.next = self.roomy.q.val()
                | (!self.left.q.val().get_bit(9)
                    & (!self.beyond.q.val()
                        | (self.left.q.val().get_bits::<9>(0) > bit_cast::<9, 8>(self.length.q.val()))));
            self.bad2.d.next = self.bad1.q.val() | self.runt1.q.val() | (self.layer4.val() & !self.fits.val());
            self.cut2.d.next = self.cut1.q.val() | (self.layer4.val() & !self.seen.q.val());
            self.six2.d.next = self.six.q.val();
            self.opening2.d.next = self.opening1.q.val();
            self.tcp2.d.next = self.tcp1.q.val();
            self.udp2.d.next = self.udp1.q.val();
            self.icmp2.d.next = self.icmp1.q.val();
            self.later2.d.next = self.later1.q.val();
            self.sixth2.d.next = self.sixth1.q.val();
            self.full2.d.next = self.full1.q.val();
            self.late2.d.next = self.late1.q.val();
            self.not_ip2.d.next = self.not_ip1.q.val() & !self.runt1.q.val();
        }

        // The kind.
        if self.valid2.q.val() {
            self.late3.d.next = false;
            self.echo.next = (self.ports.q.val().get_bits::<8>(24) == 8) & !self.six2.q.val();
            if (self.ports.q.val().get_bits::<8>(24) == 128) & self.six2.q.val() {
                self.echo.next = true;
            }
            self.kind.d.next = 2.into();
            if self.not_ip2.q.val() {
                self.kind.d.next = 1.into();
            } else if self.bad2.q.val() {
                self.kind.d.next = 0.into();
            } else if self.cut2.q.val() {
                self.kind.d.next = 0.into();
                self.late3.d.next = self.late2.q.val();
                if self.full2.q.val() {
                    self.kind.d.next = 6.into();
                }
            } else if self.sixth2.q.val() {
                self.kind.d.next = 6.into();
            } else if self.later2.q.val() {
                if self.icmp2.q.val() {
                    self.kind.d.next = 4.into();
                }
                if self.tcp2.q.val() | self.udp2.q.val() {
                    self.kind.d.next = 5.into();
                }
            } else if self.tcp2.q.val() {
                self.kind.d.next = 8.into();
                if self.opening2.q.val() {
                    self.kind.d.next = 9.into();
                }
            } else if self.udp2.q.val() {
                self.kind.d.next = 7.into();
            } else if self.icmp2.q.val() {
                self.kind.d.next = 3.into();
                if self.echo.val() {
                    self.kind.d.next = 4.into();
                }
            }
        }

        self.p_ports.next = self.ports.q.val();
        self.p_tcp.next = self.tcp2.q.val();
        self.p_no_port.next = self.later2.q.val();
        self.k_kind.next = self.kind.q.val();
        self.k_late.next = self.late3.q.val();
    }
}
