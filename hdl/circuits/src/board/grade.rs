//! How much a frame is worth when there is little room: what the cluster lives by outlives what it balances.
//!
//! It looks at the type behind up to two VLAN tags and, of IP, at the protocol, in the first four beats. This is coarser than
//! the pipeline's class, which comes too late and knows addresses: a TCP or UDP frame to a host's own address, a heartbeat
//! over UDP among them, is graded as one to a virtual IP. Latency: `m_grade` is that of a frame from two clocks after its
//! fourth beat until the second beat of the next.

use rust_hdl::prelude::*;

/// From the cheapest up; the number is what the circuits pass on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grade {
    /// TCP, UDP, or an IPv6 extension header before whatever it is.
    Balanced,
    /// Other IP: it passes on all hosts.
    OtherIp,
    /// Not IP: ARP, heartbeats.
    NotIp,
    /// MAC control (type 0x8808): it belongs to one wire, and never crosses. From the switch the same goes for the board's own
    /// control frames (type 0x88b5), which only a host says.
    MacControl,
}

/// See the module.
#[derive(LogicBlock)]
pub struct Grader {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// A beat.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// It is the first of its frame.
    pub s_first: Signal<In, Bit>,
    /// [`Grade`] by number.
    pub m_grade: Signal<Out, Bits<2>>,

    // Which beat is next, one-hot: the second, third or fourth.
    turn: DFF<Bits<3>>,
    // What may be a type or a protocol, as it stands in the beats: the first octet of a type is in the lower half.
    second: DFF<Bits<16>>,
    third: DFF<Bits<64>>,
    fourth: DFF<Bits<64>>,
    kind: DFF<Bits<16>>,
    protocol: DFF<Bits<8>>,
    next_header: DFF<Bits<8>>,
    grade: DFF<Bits<2>>,

    later: Signal<Local, Bits<3>>,
    tag: Signal<Local, Bit>,
    two_tags: Signal<Local, Bit>,
    kind_here: Signal<Local, Bits<16>>,
    protocol_here: Signal<Local, Bits<8>>,
    next_header_here: Signal<Local, Bits<8>>,
    upper: Signal<Local, Bits<8>>,
    extended: Signal<Local, Bit>,
    here: Signal<Local, Bits<2>>,
    of_switch: Constant<Bit>,
}

impl Default for Grader {
    fn default() -> Self {
        Grader::new(false)
    }
}

impl Grader {
    /// For the port of the switch: control frames do not come from there.
    pub fn of_switch() -> Self {
        Grader::new(true)
    }

    fn new(of_switch: bool) -> Self {
        const _: () = assert!(weir_spec::control::ETHERTYPE.swap_bytes() == 0xb588);
        Grader {
            clock: Default::default(),
            s_valid: Default::default(),
            s_data: Default::default(),
            s_first: Default::default(),
            m_grade: Default::default(),
            turn: Default::default(),
            second: Default::default(),
            third: Default::default(),
            fourth: Default::default(),
            kind: Default::default(),
            protocol: Default::default(),
            next_header: Default::default(),
            grade: Default::default(),
            later: Default::default(),
            tag: Default::default(),
            two_tags: Default::default(),
            kind_here: Default::default(),
            protocol_here: Default::default(),
            next_header_here: Default::default(),
            upper: Default::default(),
            extended: Default::default(),
            here: Default::default(),
            of_switch: Constant::new(of_switch),
        }
    }
}

impl Logic for Grader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, second, third, fourth, kind, protocol, next_header, grade);
        self.later.next = self.turn.q.val() << 1;
        if self.s_valid.val() {
            self.turn.d.next = self.later.val();
            if self.turn.q.val().get_bit(0) {
                self.second.d.next = self.s_data.val().get_bits::<16>(32);
            }
            if self.turn.q.val().get_bit(1) {
                self.third.d.next = self.s_data.val();
            }
            if self.turn.q.val().get_bit(2) {
                self.fourth.d.next = self.s_data.val();
            }
            if self.s_first.val() {
                self.turn.d.next = 1.into();
            }
        }

        // Behind no tag, one, two: type at octet 12, 16, 20; protocol of IPv4 at 23, 27, 31; next header of IPv6 at 20, 24, 28.
        self.tag.next = (self.second.q.val() == 0x0081) | (self.second.q.val() == 0xa888);
        self.two_tags.next =
            (self.third.q.val().get_bits::<16>(0) == 0x0081) | (self.third.q.val().get_bits::<16>(0) == 0xa888);
        self.kind_here.next = self.second.q.val();
        self.protocol_here.next = self.third.q.val().get_bits::<8>(56);
        self.next_header_here.next = self.third.q.val().get_bits::<8>(32);
        if self.tag.val() {
            self.kind_here.next = self.third.q.val().get_bits::<16>(0);
            self.protocol_here.next = self.fourth.q.val().get_bits::<8>(24);
            self.next_header_here.next = self.fourth.q.val().get_bits::<8>(0);
            if self.two_tags.val() {
                self.kind_here.next = self.third.q.val().get_bits::<16>(32);
                self.protocol_here.next = self.fourth.q.val().get_bits::<8>(56);
                self.next_header_here.next = self.fourth.q.val().get_bits::<8>(32);
            }
        }
        self.kind.d.next = self.kind_here.val();
        self.protocol.d.next = self.protocol_here.val();
        self.next_header.d.next = self.next_header_here.val();

        // 0x0800, 0x86dd, 0x8808; TCP 6, UDP 17; hop-by-hop 0, routing 43, fragment 44, destination 60.
        self.here.next = 2.into();
        self.upper.next = self.protocol.q.val();
        self.extended.next = false;
        if self.kind.q.val() == 0xdd86 {
            self.upper.next = self.next_header.q.val();
            self.extended.next = (self.next_header.q.val() == 0)
                | (self.next_header.q.val() == 43)
                | (self.next_header.q.val() == 44)
                | (self.next_header.q.val() == 60);
        }
        if (self.kind.q.val() == 0x0008) | (self.kind.q.val() == 0xdd86) {
            self.here.next = 1.into();
            if (self.upper.val() == 6) | (self.upper.val() == 17) | self.extended.val() {
                self.here.next = 0.into();
            }
        }
        if (self.kind.q.val() == 0x0888) | (self.of_switch.val() & (self.kind.q.val() == 0xb588)) {
            self.here.next = 3.into();
        }
        self.grade.d.next = self.here.val();
        self.m_grade.next = self.grade.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::random::Random;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Grader::default(), "grade").expect("nothing that Verilog takes otherwise");
        crate::emit(&mut Grader::of_switch(), "grade").expect("nothing that Verilog takes otherwise");
    }

    /// Octet by octet, as one would read a frame.
    fn model(frame: &[u8], of_switch: bool) -> Grade {
        let mut at = 12;
        for _ in 0..2 {
            if matches!(frame[at..at + 2], [0x81, 0x00] | [0x88, 0xa8]) {
                at += 4;
            }
        }
        match (frame[at], frame[at + 1]) {
            (0x88, 0x08) => Grade::MacControl,
            (0x88, 0xb5) if of_switch => Grade::MacControl,
            (0x08, 0x00) if matches!(frame[at + 11], 6 | 17) => Grade::Balanced,
            (0x86, 0xdd) if matches!(frame[at + 8], 0 | 6 | 17 | 43 | 44 | 60) => Grade::Balanced,
            (0x08, 0x00) | (0x86, 0xdd) => Grade::OtherIp,
            _ => Grade::NotIp,
        }
    }

    #[test]
    fn every_grade_is_told_behind_any_tags_at_any_distance() {
        tells_every_grade(Grader::default(), false);
        tells_every_grade(Grader::of_switch(), true);
    }

    fn tells_every_grade(mut circuit: Grader, of_switch: bool) {
        circuit.connect_all();
        let mut random = Random::new(11);
        let mut seen = [0; 4];
        for _ in 0..400 {
            let mut frame = random.octets(64);
            let mut at = 12;
            for _ in 0..random.below(4) {
                frame[at..at + 2].copy_from_slice(&[[0x81, 0], [0x88, 0xa8]][random.below(2) as usize]);
                at += 4;
            }
            let kinds =
                [[0x08, 0x00], [0x86, 0xdd], [0x88, 0x08], [0x08, 0x06], [0x88, 0x6f], [0x86, 0xde], [0x88, 0xb5]];
            frame[at..at + 2].copy_from_slice(&kinds[random.below(7) as usize]);
            let protocols = [0, 1, 6, 17, 43, 44, 50, 58, 60];
            frame[at + 8] = protocols[random.below(9) as usize];
            frame[at + 11] = protocols[random.below(9) as usize];
            // One of them on its last beat: what the next frame begins with changes nothing before its second.
            let spread = random.once_in(2);
            for (number, beat) in frame.chunks(8).enumerate() {
                circuit.s_valid.next = true;
                circuit.s_first.next = number == 0;
                circuit.s_data.next = u64::from_le_bytes(beat.try_into().expect("eight octets")).into();
                if number == 7 {
                    let grade = model(&frame, of_switch);
                    assert_eq!(circuit.m_grade.val().index(), grade as usize, "{frame:02x?}");
                    seen[grade as usize] += 1;
                }
                step!(circuit);
                if spread {
                    circuit.s_valid.next = false;
                    step!(circuit);
                }
            }
        }
        assert!(seen.iter().all(|&times| times > 20), "{seen:?}");
    }
}
