//! The decision on a frame, and why.

use crate::flow::FlowKind;
use crate::map::BucketState;
use crate::rules::DEFAULT_RULE;

/// What kind of frame it is; the first that fits. Each has a counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// Too short, or a header that is cut or contradicts itself: dropped.
    Malformed = 0,
    /// ARP, heartbeats, whatever is not IP: passed.
    NotIp = 1,
    /// The destination is no virtual IP: passed; it is the dedicated IP's and everybody else's business.
    NotVip = 2,
    /// Not TCP, UDP or ICMP: passed on all hosts.
    OtherProtocol = 3,
    /// ICMP errors, neighbour discovery, all but echo requests: passed on all hosts.
    Icmp = 4,
    /// ICMP echo requests, and later fragments of ICMP: passed on all hosts or decided by hash, by configuration.
    Echo = 5,
    /// Not the first fragment of TCP or UDP: no ports, so the first rule of the virtual IP and protocol decides.
    LaterFragment = 6,
    /// Extension headers beyond what the parser follows: decided by the default rule.
    BeyondWindow = 7,
    /// TCP and UDP: decided by port rule.
    Transport = 8,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub const ALL: [Class; 9] = [
        Class::Malformed,
        Class::NotIp,
        Class::NotVip,
        Class::OtherProtocol,
        Class::Icmp,
        Class::Echo,
        Class::LaterFragment,
        Class::BeyondWindow,
        Class::Transport,
    ];
}

/// What decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Reason {
    /// The class alone: such frames always pass, or (malformed) always drop.
    Class = 0,
    /// A policy that depends on no bucket: echo passed on all hosts, fragments without ports.
    Policy = 1,
    /// The state of the bucket.
    Bucket = 2,
    /// The NIC is fenced: dropped whatever the bucket says.
    Fenced = 3,
    /// A pinned flow, in a bucket that is being released.
    Pin = 4,
    /// A flow that another host holds, in a bucket that is being adopted.
    Foreign = 5,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Reason; 6] =
        [Reason::Class, Reason::Policy, Reason::Bucket, Reason::Fenced, Reason::Pin, Reason::Foreign];
}

/// What is to happen to a received frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Decision {
    /// The frame goes to the host.
    pub accept: bool,
    /// What it is.
    pub class: Class,
    /// What decided.
    pub reason: Reason,
    /// The rule that was consulted, [`DEFAULT_RULE`] for the default rule.
    pub rule: Option<u8>,
    /// The bucket that was looked up, and its state.
    pub bucket: Option<(u16, BucketState)>,
}

impl Decision {
    /// A decision by class or policy, where no rule and no bucket was consulted.
    pub fn plain(accept: bool, class: Class, reason: Reason) -> Decision {
        Decision { accept, class, reason, rule: None, bucket: None }
    }

    /// The word a circuit shows beside each frame: accept 0 · class 4:1 · reason 8:5 · bucket state 10:9 · rule 16:11 ·
    /// bucket 28:17 · rule valid 29 · bucket valid 30. What is not valid is zero.
    pub fn encode(&self) -> u32 {
        let rule = self.rule.map_or(0, |rule| u32::from(rule) << 11 | 1 << 29);
        let bucket = self.bucket.map_or(0, |(bucket, state)| (state as u32) << 9 | u32::from(bucket) << 17 | 1 << 30);
        u32::from(self.accept) | (self.class as u32) << 1 | (self.reason as u32) << 5 | rule | bucket
    }

    /// The inverse of [`encode`](Decision::encode); `None` for a word that no decision gives.
    pub fn decode(word: u32) -> Option<Decision> {
        let decision = Decision {
            accept: word & 1 == 1,
            class: *Class::ALL.get((word >> 1 & 15) as usize)?,
            reason: *Reason::ALL.get((word >> 5 & 15) as usize)?,
            rule: (word >> 29 & 1 == 1).then_some((word >> 11 & 63) as u8).filter(|&rule| rule <= DEFAULT_RULE),
            bucket: (word >> 30 & 1 == 1).then(|| ((word >> 17 & 0xfff) as u16, BucketState::from_bits(word >> 9))),
        };
        (decision.encode() == word).then_some(decision)
    }
}

/// The three kinds of packet the bucket states tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// TCP with SYN and without ACK, RST or FIN: a new connection.
    Syn,
    /// Any other TCP, and what lies beyond the window.
    Tcp,
    /// UDP, and ICMP echo by hash.
    Datagram,
    /// A later fragment.
    Fragment,
}

impl Kind {
    /// By the TCP flags byte.
    pub fn of_tcp(flags: u8) -> Kind {
        const FIN_SYN_RST_ACK: u8 = 0x17;
        const SYN: u8 = 0x02;
        if flags & FIN_SYN_RST_ACK == SYN { Kind::Syn } else { Kind::Tcp }
    }
}

/// A row of the verdict table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Row {
    /// NONE.
    None,
    /// OWN.
    Own,
    /// OWN while the [policy](crate::config::Policy::quiesce) says to quiesce.
    Quiesced,
    /// ADOPT.
    Adopt,
    /// RELEASE.
    Release,
}

impl Row {
    /// The row of a bucket in `state`.
    pub fn new(state: BucketState, quiesce: bool) -> Row {
        match state {
            BucketState::None => Row::None,
            BucketState::Own if quiesce => Row::Quiesced,
            BucketState::Own => Row::Own,
            BucketState::Adopt => Row::Adopt,
            BucketState::Release => Row::Release,
        }
    }

    /// Whether a packet passes. `hit`: its flow is listed in the way [asked for](Row::overruled_by).
    pub fn passes(self, kind: Kind, hit: bool) -> bool {
        match (self, kind) {
            (Row::None, _) => false,
            (Row::Own, _) => true,
            (Row::Adopt, Kind::Syn | Kind::Tcp) | (Row::Quiesced, Kind::Tcp) => !hit,
            (Row::Release, Kind::Syn | Kind::Tcp) | (Row::Quiesced, Kind::Syn) => hit,
            (Row::Release, Kind::Datagram) => false,
            (Row::Adopt | Row::Quiesced, Kind::Datagram | Kind::Fragment) | (Row::Release, Kind::Fragment) => true,
        }
    }

    /// Which entry overrules the state of a bucket on TCP, and the reason then; `None` where no flow is looked up.
    pub fn overruled_by(self, kind: Kind) -> Option<(FlowKind, Reason)> {
        let (pin, foreign) = ((FlowKind::Pin, Reason::Pin), (FlowKind::Foreign, Reason::Foreign));
        match (self, kind) {
            (_, Kind::Datagram | Kind::Fragment) | (Row::None | Row::Own, _) => None,
            (Row::Adopt, _) | (Row::Quiesced, Kind::Tcp) => Some(foreign),
            (Row::Release, _) | (Row::Quiesced, Kind::Syn) => Some(pin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_verdict_table_is_the_designed_one() {
        let row = |row: Row| {
            let tcp = [(Kind::Syn, true), (Kind::Syn, false), (Kind::Tcp, true), (Kind::Tcp, false)];
            let tcp = tcp.map(|(kind, hit)| row.passes(kind, hit));
            (tcp, [Kind::Datagram, Kind::Fragment].map(|kind| row.passes(kind, false)))
        };
        assert_eq!(row(Row::None), ([false; 4], [false; 2]));
        assert_eq!(row(Row::Own), ([true; 4], [true; 2]));
        assert_eq!(row(Row::Quiesced), ([true, false, false, true], [true; 2]));
        assert_eq!(row(Row::Adopt), ([false, true, false, true], [true; 2]));
        assert_eq!(row(Row::Release), ([true, false, true, false], [false, true]));
    }

    #[test]
    fn to_quiesce_only_takes_away() {
        for (state, bits) in
            (0..4).map(BucketState::from_bits).flat_map(|state| (0..8u32).map(move |bits| (state, bits)))
        {
            let kind = [Kind::Syn, Kind::Tcp, Kind::Datagram, Kind::Fragment][(bits & 3) as usize];
            let (quiesced, before) = (Row::new(state, true), Row::new(state, false));
            assert!(before.passes(kind, bits & 4 != 0) || !quiesced.passes(kind, bits & 4 != 0), "{state:?} {kind:?}");
            assert!(quiesced == before || state == BucketState::Own);
        }
    }

    #[test]
    fn a_syn_is_a_syn_alone() {
        for flags in 0..=255u8 {
            let syn = flags & 2 != 0 && flags & 0x15 == 0;
            assert_eq!(Kind::of_tcp(flags), if syn { Kind::Syn } else { Kind::Tcp });
        }
    }

    proptest! {
        #[test]
        fn decisions_round_trip(accept: bool, class in 0..9usize, reason in 0..6usize, rule in proptest::option::of(0u8..33),
                                bucket in proptest::option::of((0u16..4096, 0u32..4))) {
            let decision = Decision {
                accept, class: Class::ALL[class], reason: Reason::ALL[reason], rule,
                bucket: bucket.map(|(b, s)| (b, BucketState::from_bits(s))),
            };
            prop_assert_eq!(Decision::decode(decision.encode()), Some(decision));
        }

        #[test]
        fn every_word_decodes_to_itself_or_not_at_all(word: u32) {
            if let Some(decision) = Decision::decode(word) {
                prop_assert_eq!(decision.encode(), word);
            }
        }
    }
}
