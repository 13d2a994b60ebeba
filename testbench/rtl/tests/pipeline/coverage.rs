//! What the frames of a test have reached, and what they must have.
//!
//! The verdict table is the product of class, reason, bucket state, kind of frame and outcome. Every cell of it is either
//! listed as possible, and must be reached, or excluded by a stated reason, and must not: `the_table_is_complete` holds
//! both to that. It is kept for each width.

use std::collections::BTreeMap;

use weir_rtl::Width;
use weir_spec::egress::Egress;
use weir_spec::frame::{Parsed, Payload, Transport, parse};
use weir_spec::map::BucketState;
use weir_spec::verdict::{self, Class, Decision, Reason, Row};

use crate::shot::Made;

/// What a frame is to the verdict, whatever the NIC holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    /// Not IP, or malformed.
    Plain,
    /// An IP protocol that nobody balances.
    Other,
    /// ICMP but echo requests.
    Icmp,
    /// An echo request, or a later fragment of ICMP.
    Echo,
    /// TCP with SYN alone.
    Syn,
    /// Any other TCP.
    Tcp,
    /// UDP.
    Udp,
    /// A later fragment of TCP or UDP.
    Fragment,
    /// Headers that go on behind the window.
    Beyond,
}

impl Kind {
    const ALL: [Kind; 9] = [
        Kind::Plain,
        Kind::Other,
        Kind::Icmp,
        Kind::Echo,
        Kind::Syn,
        Kind::Tcp,
        Kind::Udp,
        Kind::Fragment,
        Kind::Beyond,
    ];

    /// Of a frame that comes in time.
    pub(crate) fn of(frame: &[u8]) -> Kind {
        let Parsed::Ip(packet) = parse(frame) else { return Kind::Plain };
        match packet.payload {
            Payload::Other => Kind::Other,
            Payload::Icmp { echo_request: false } => Kind::Icmp,
            Payload::Icmp { echo_request: true } | Payload::LaterFragment(Transport::Icmp) => Kind::Echo,
            Payload::Tcp { flags, .. } if verdict::Kind::of_tcp(flags) == verdict::Kind::Syn => Kind::Syn,
            Payload::Tcp { .. } => Kind::Tcp,
            Payload::Udp { .. } => Kind::Udp,
            Payload::LaterFragment(_) => Kind::Fragment,
            Payload::BeyondWindow => Kind::Beyond,
        }
    }

    /// The class of such frames to a virtual IP.
    fn class(self) -> Option<Class> {
        match self {
            Kind::Plain => None,
            Kind::Other => Some(Class::OtherProtocol),
            Kind::Icmp => Some(Class::Icmp),
            Kind::Echo => Some(Class::Echo),
            Kind::Syn | Kind::Tcp | Kind::Udp => Some(Class::Transport),
            Kind::Fragment => Some(Class::LaterFragment),
            Kind::Beyond => Some(Class::BeyondWindow),
        }
    }

    /// What no NIC passes before its first COMMIT.
    fn is_transport(self) -> bool {
        matches!(self, Kind::Syn | Kind::Tcp | Kind::Udp | Kind::Fragment | Kind::Beyond)
    }

    /// The column of the verdict table it is looked up in.
    fn column(self) -> verdict::Kind {
        match self {
            Kind::Syn => verdict::Kind::Syn,
            Kind::Tcp | Kind::Beyond => verdict::Kind::Tcp,
            Kind::Fragment => verdict::Kind::Fragment,
            _ => verdict::Kind::Datagram,
        }
    }
}

/// A cell of the verdict table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Cell {
    class: Class,
    reason: Reason,
    /// None: no bucket was looked up.
    state: Option<u32>,
    kind: Kind,
    accept: bool,
}

/// OWN while the policy is to quiesce, beside the codes of the states.
const QUIESCED: u32 = 4;
const STATES: [Option<u32>; 6] = [None, Some(0), Some(1), Some(2), Some(3), Some(QUIESCED)];
const CELLS: usize = Class::ALL.len() * Reason::ALL.len() * STATES.len() * Kind::ALL.len() * 2;

impl Cell {
    fn of(decision: &Decision, kind: Kind, quiesce: bool) -> Cell {
        let Decision { class, reason, accept, .. } = *decision;
        let state = decision.bucket.map(|(_, state)| match state {
            BucketState::Own if quiesce => QUIESCED,
            state => state as u32,
        });
        Cell { class, reason, state, kind, accept }
    }

    /// Its row of the verdict table.
    fn row(&self) -> Option<Row> {
        self.state.map(|state| match state {
            QUIESCED => Row::Quiesced,
            state => Row::new(BucketState::from_bits(state), false),
        })
    }

    fn all() -> impl Iterator<Item = Cell> {
        (0..CELLS).map(|index| Cell {
            accept: index % 2 == 1,
            kind: Kind::ALL[index / 2 % Kind::ALL.len()],
            state: STATES[index / 2 / Kind::ALL.len() % STATES.len()],
            reason: Reason::ALL[index / 2 / Kind::ALL.len() / STATES.len() % Reason::ALL.len()],
            class: Class::ALL[index / 2 / Kind::ALL.len() / STATES.len() / Reason::ALL.len()],
        })
    }

    fn index(&self) -> usize {
        let state = self.state.map_or(0, |state| 1 + state as usize);
        let row = (self.class as usize * Reason::ALL.len() + self.reason as usize) * STATES.len() + state;
        (row * Kind::ALL.len() + self.kind as usize) * 2 + usize::from(self.accept)
    }

    /// Why no frame can come here; `None`: some must.
    fn excluded(&self) -> Option<&'static str> {
        use Reason::{Bucket, Class as ByClass, Fenced, Foreign, Pin, Policy};
        let Cell { class, reason, state, kind, accept } = *self;
        let asks =
            |reason| self.row().is_some_and(|row| row.overruled_by(kind.column()).is_some_and(|by| by.1 == reason));
        let hand_over = matches!(reason, Pin | Foreign);
        let first = |rules: &[(bool, &'static str)]| rules.iter().find(|(holds, _)| *holds).map(|(_, why)| *why);
        let shape = first(&[
            ((class <= Class::NotIp) != (kind == Kind::Plain), "what is no IP packet is malformed or not IP"),
            (class > Class::NotVip && kind.class() != Some(class), "the class of a packet follows from its kind"),
            (state.is_none() && (matches!(reason, Bucket) || hand_over), "the reason is the state of a bucket"),
            (state.is_some() && matches!(reason, ByClass | Policy), "no bucket is looked up before the class decides"),
            (reason == Fenced && accept, "fenced is a reason to drop"),
        ]);
        shape.or_else(|| match class {
            Class::Malformed => first(&[
                (reason != ByClass || state.is_some(), "malformed comes first"),
                (accept, "malformed never passes"),
            ]),
            Class::NotIp | Class::OtherProtocol | Class::Icmp => first(&[
                (reason != ByClass || state.is_some(), "passes whatever the NIC holds"),
                (!accept, "passes whatever the NIC holds"),
            ]),
            Class::NotVip => first(&[
                (state.is_some(), "what goes to no virtual IP has no bucket"),
                (reason == Fenced && !kind.is_transport(), "before the first COMMIT only TCP and UDP are held back"),
                (!matches!(reason, ByClass | Fenced), "no rule and no policy is asked"),
                (reason == ByClass && !accept, "passes unless it is held back"),
            ]),
            Class::Echo | Class::LaterFragment | Class::BeyondWindow | Class::Transport => first(&[
                (reason == ByClass, "a rule or a policy decides"),
                (reason == Policy && !matches!(class, Class::Echo | Class::LaterFragment), "there is no policy for it"),
                (reason == Policy && class == Class::Echo && !accept, "the policy passes echo requests or hashes them"),
                (reason == Fenced && state.is_none(), "the bucket is looked up, fenced or not"),
                (hand_over && !matches!(kind, Kind::Syn | Kind::Tcp), "only TCP is looked up in the flow table"),
                (reason == Pin && !asks(Pin), "pins are consulted in RELEASE, and for SYNs while to quiesce"),
                (
                    reason == Foreign && !asks(Foreign),
                    "foreign flows are consulted in ADOPT, and for the rest while to quiesce",
                ),
                (reason == Pin && !accept, "a pinned flow passes"),
                (reason == Foreign && accept, "a foreign flow does not pass"),
                (
                    reason == Bucket && self.row().is_some_and(|row| row.passes(kind.column(), false) != accept),
                    "the verdict table says otherwise",
                ),
            ]),
        })
    }
}

/// Bucket states, each with whether the frame passes.
type Outcomes = [(Option<u32>, bool)];

/// The cells that must be reached, one line a row of the table: class, kinds, reason, states with their outcomes.
#[rustfmt::skip]
const POSSIBLE: &[(Class, &[Kind], Reason, &Outcomes)] = {
    use Class::*;
    use Kind::*;
    use Reason::{Bucket, Class as ByClass, Fenced, Foreign, Pin, Policy};
    const ALL: &[Kind] = &[Kind::Other, Kind::Icmp, Kind::Echo, Kind::Syn, Kind::Tcp, Kind::Udp, Kind::Fragment, Kind::Beyond];
    const TRANSPORT: &[Kind] = &[Kind::Syn, Kind::Tcp, Kind::Udp, Kind::Fragment, Kind::Beyond];
    const PASSED: &Outcomes = &[(None, true)];
    const DROPPED: &Outcomes = &[(None, false)];
    // NONE, OWN, ADOPT, RELEASE, OWN while to quiesce.
    const MISS: &Outcomes = &[(Some(0), false), (Some(1), true), (Some(2), true), (Some(3), false), (Some(4), true)];
    const NEW: &Outcomes = &[(Some(0), false), (Some(1), true), (Some(2), true), (Some(3), false), (Some(4), false)];
    const FRAGMENTS: &Outcomes = &[(Some(0), false), (Some(1), true), (Some(2), true), (Some(3), true), (Some(4), true)];
    const FENCE: &Outcomes = &[(Some(0), false), (Some(1), false), (Some(2), false), (Some(3), false), (Some(4), false)];
    &[
        (Malformed,     &[Plain],         ByClass, DROPPED),
        (NotIp,         &[Plain],         ByClass, PASSED),
        (NotVip,        ALL,              ByClass, PASSED),
        (NotVip,        TRANSPORT,        Fenced,  DROPPED),
        (OtherProtocol, &[Other],         ByClass, PASSED),
        (Class::Icmp,   &[Kind::Icmp],    ByClass, PASSED),
        (Class::Echo,   &[Kind::Echo],    Policy,  PASSED),
        (Class::Echo,   &[Kind::Echo],    Bucket,  MISS),
        (Class::Echo,   &[Kind::Echo],    Fenced,  FENCE),
        (LaterFragment, &[Fragment],      Policy,  &[(None, true), (None, false)]),
        (LaterFragment, &[Fragment],      Bucket,  FRAGMENTS),
        (LaterFragment, &[Fragment],      Fenced,  FENCE),
        (BeyondWindow,  &[Beyond],        Bucket,  MISS),
        (BeyondWindow,  &[Beyond],        Fenced,  FENCE),
        (Class::Transport, &[Syn],        Bucket,  NEW),
        (Class::Transport, &[Tcp, Udp],   Bucket,  MISS),
        (Class::Transport, &[Syn, Tcp, Udp], Fenced, FENCE),
        (Class::Transport, &[Syn],        Pin,     &[(Some(3), true), (Some(4), true)]),
        (Class::Transport, &[Tcp],        Pin,     &[(Some(3), true)]),
        (Class::Transport, &[Syn],        Foreign, &[(Some(2), false)]),
        (Class::Transport, &[Tcp],        Foreign, &[(Some(2), false), (Some(4), false)]),
    ]
};

fn possible() -> Vec<Cell> {
    let mut cells = Vec::new();
    for &(class, kinds, reason, outcomes) in POSSIBLE {
        for &kind in kinds {
            cells.extend(outcomes.iter().map(|&(state, accept)| Cell { class, reason, state, kind, accept }));
        }
    }
    cells
}

#[test]
fn the_table_is_complete() {
    let possible = possible();
    for (index, cell) in Cell::all().enumerate() {
        assert_eq!(cell.index(), index);
        let listed = possible.iter().filter(|known| **known == cell).count();
        match cell.excluded() {
            None => assert_eq!(listed, 1, "{cell:?} is neither listed nor excluded, or listed twice"),
            Some(why) => assert_eq!(listed, 0, "{cell:?} is listed, and excluded: {why}"),
        }
    }
}

/// How often each cell was hit.
pub(crate) struct Coverage {
    width: Width,
    verdicts: Vec<u64>,
    /// By kind: held back, passed, masked.
    egress: [[u64; 3]; Kind::ALL.len()],
    rules: [u64; 33],
    /// By tags and family.
    tags: [[u64; 2]; 4],
    /// By words and class.
    ihl: [[u64; Class::ALL.len()]; 16],
    /// By count and class.
    extensions: [[u64; Class::ALL.len()]; 8],
    cut: u64,
}

impl Coverage {
    pub(crate) fn new(width: Width) -> Coverage {
        Coverage {
            width,
            verdicts: vec![0; CELLS],
            egress: Default::default(),
            rules: [0; 33],
            tags: Default::default(),
            ihl: Default::default(),
            extensions: Default::default(),
            cut: 0,
        }
    }

    /// Notes a received frame. Panics in a cell that cannot be.
    pub(crate) fn received(&mut self, made: &Made, kind: Kind, decision: &Decision, quiesce: bool) {
        let cell = Cell::of(decision, kind, quiesce);
        if self.verdicts[cell.index()] == 0
            && let Some(why) = cell.excluded()
        {
            panic!("{} bit: {cell:?} was reached, but {why}", self.width);
        }
        self.verdicts[cell.index()] += 1;
        if let Some(rule) = decision.rule {
            self.rules[usize::from(rule)] += 1;
        }
        if decision.class > Class::NotVip {
            let Made { vlans, family, ihl, extensions, .. } = *made;
            let class = decision.class as usize;
            match family {
                4 => {
                    self.tags[usize::from(vlans)][0] += 1;
                    self.ihl[usize::from(ihl)][class] += 1;
                }
                6 => {
                    self.tags[usize::from(vlans)][1] += 1;
                    self.extensions[usize::from(extensions)][class] += 1;
                }
                _ => {}
            }
        }
        self.cut += u64::from(made.cut && decision.class == Class::Malformed);
    }

    /// Notes a frame that left, or not. Panics if it was both held back and masked.
    pub(crate) fn sent(&mut self, kind: Kind, egress: &Egress) {
        assert!(egress.pass || !egress.masked, "what is held back is not masked");
        self.egress[kind as usize][usize::from(egress.pass) + usize::from(egress.masked)] += 1;
    }

    /// Every cell that must be reached, with its hits.
    fn required(&self) -> BTreeMap<String, u64> {
        let mut cells = BTreeMap::new();
        for cell in possible() {
            let Cell { class, reason, kind, accept, .. } = cell;
            let state = cell.row().map_or("no bucket".into(), |row| format!("{row:?}"));
            let outcome = if accept { "passed" } else { "dropped" };
            cells.insert(format!("{class:?} by {reason:?}, {state}, {kind:?}, {outcome}"), self.verdicts[cell.index()]);
        }
        for (kind, hits) in Kind::ALL.iter().zip(self.egress) {
            for (outcome, hits) in ["held back", "left", "left masked"].iter().zip(hits) {
                cells.insert(format!("from the host: {kind:?}, {outcome}"), hits);
            }
        }
        for (rule, hits) in self.rules.iter().enumerate() {
            cells.insert(format!("rule {rule:02}"), *hits);
        }
        for vlans in 0..=2 {
            for (family, hits) in ["IPv4", "IPv6"].iter().zip(self.tags[vlans]) {
                cells.insert(format!("{family} behind {vlans} tags"), hits);
            }
        }
        let classes = [Class::OtherProtocol, Class::Icmp, Class::Echo, Class::LaterFragment, Class::Transport];
        for class in classes {
            for words in 5..=15 {
                cells.insert(format!("IPv4 header of {words:02} words, {class:?}"), self.ihl[words][class as usize]);
            }
            // A fragment header is an extension of its own.
            for count in usize::from(class == Class::LaterFragment)..=5 {
                cells.insert(format!("{count} extensions, {class:?}"), self.extensions[count][class as usize]);
            }
        }
        for count in 1..=7 {
            let hits = self.extensions[count][Class::BeyondWindow as usize];
            cells.insert(format!("{count} extensions, BeyondWindow"), hits);
        }
        cells.insert("cut in its headers".into(), self.cut);
        cells
    }

    /// Prints every cell with its hits, and panics unless all were reached.
    pub(crate) fn demand_all(&self) {
        let cells = self.required();
        for (cell, hits) in &cells {
            println!("{:>10} {cell}", hits);
        }
        let missing: Vec<&String> = cells.iter().filter(|(_, hits)| **hits == 0).map(|(cell, _)| cell).collect();
        println!("{} bit: {} of {} cells reached", self.width, cells.len() - missing.len(), cells.len());
        assert!(missing.is_empty(), "{} bit, never reached: {missing:#?}", self.width);
    }
}
