//! What the caller has to do, in order.

use std::fmt;

use weir_spec::config::DefaultRule;
use weir_spec::map::Map;
use weir_spec::rules::Rule;

use crate::config::PortRule;
use crate::difference::Difference;
use crate::epoch::EpochId;
use crate::flow::{Flow, Listing};
use crate::flow_key::FlowKey;
use crate::host::{HostId, HostSet};
use crate::staged::Announced;
use crate::time::{HostTime, Micros, NicTime};

/// What the caller has to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Send this frame: Ethernet header and payload, no FCS.
    Send(Vec<u8>),
    /// Put this in force on the NIC with one COMMIT and answer with `Programmed` or `ProgramFailed`. There is never more
    /// than one unanswered.
    Program(Box<Program>),
    /// Move the NIC's deadline to this time. No answer; a fenced NIC ignores it, and that is as it should be.
    Renew(NicTime),
    /// Answer with `Dumped` under this number: all live TCP connections of the virtual IPs, half-open ones too, but none
    /// in TIME_WAIT. Only the last that was asked counts.
    Dump {
        /// Names the answer.
        id: u32,
        /// First let what the NIC has passed so far reach its sockets: a bucket has just been released.
        settle: bool,
        /// Sort them by the rules of the staged configuration.
        staged: bool,
    },
    /// The staged configuration is the one in force from here on.
    Activated,
    /// Bring the flow table of the NIC to this, in this order, and answer with `Listed` when all of it is done; it may take
    /// its time. There is never more than one unanswered, but for one that clears the table: it takes the place of the one
    /// before, which need not be answered then.
    List(Box<Listing>),
    /// The drain limit is reached: end these connections, but for those that are half-open.
    Destroy(Vec<Flow>),
    /// End all half-open connections of the virtual IPs. Others have owned their buckets while this host was fenced, which it
    /// still is: a client that repeated its SYN has been answered, and must not be answered from here as well.
    EndHalfOpen,
    /// End these connections: they have been answered by other hosts while this one was fenced, which it still is.
    EndStale(Vec<Flow>),
    /// Lay down, where neither a crash of this process nor one of the machine reaches it, that the next process must not take part
    /// before this time unless it goes on from what this one leaves, and answer with `Remembered`. It takes the place of what was
    /// asked before, in this order.
    Remember {
        /// By this host's clock.
        until: HostTime,
    },
    /// Tell the operator.
    Report(Report),
}

/// What a program is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Own nothing, at once.
    Fence,
    /// Take no new connections in what the next epoch takes away, and pass all that are not listed as others'.
    Quiesce,
    /// Give up what the next epoch takes away; keep the rest.
    Release,
    /// Pass what it passed, and heed listed connections no longer where there are none left.
    Tidy,
    /// Own what the epoch gives.
    Own,
}

/// All a NIC has to hold from one COMMIT on, besides virtual IPs, the hash key and policies, which are the caller's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Program {
    /// The word for COMMIT: the epoch's counter in bits 31:8, a running number in bits 7:0, so that two programs in a row
    /// never share a word.
    pub epoch: u32,
    /// What it is for.
    pub step: Step,
    /// Port rules in the order of the first match: exact virtual IPs before "all". `MapRef::Slot(n)` means `maps[n]`.
    pub rules: Vec<Rule>,
    /// The rule behind them.
    pub default_rule: DefaultRule,
    /// The distinct maps, to be loaded into free slots.
    pub maps: Vec<Map>,
    /// The deadline that comes into force with it. One that has passed leaves the NIC fenced.
    pub deadline: NicTime,
    /// The NIC's policy to quiesce: buckets in OWN take no new connections, and what goes on is ADOPT.
    pub quiesce: bool,
    /// By which key it signs connections. It differs from that of the program before only where the epoch does.
    pub flow_key: FlowKey,
    /// Virtual IPs, the hash key and policies are those of the staged configuration.
    pub staged: bool,
}

/// Why a host does not converge, or began to. Numbers below 32 are those of NLB's `ConvergingEvent`, the rest are ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Cause {
    /// Nothing to tell.
    #[default]
    None = 0,
    /// Rules contradict each other: two hosts with one handling priority, or weights that cannot be read.
    BadConfig = 1,
    /// A host joined.
    NewMember = 2,
    /// Two hosts have one priority.
    DuplicateHost = 4,
    /// Numbers of rules differ.
    RuleCount = 5,
    /// Rules differ.
    Rules = 6,
    /// A host was lost or left.
    MemberLost = 7,
    /// Something else all hosts must agree in differs, or a load was changed.
    Parameters = 8,
    /// A host that is not ours (Windows NLB) uses this cluster IP.
    ForeignHost = 9,
    /// One side of the cluster runs in availability mode, the other in quorum mode.
    Mode = 32,
    /// Just started, resumed or plugged in: listening for a whole tolerance.
    Listening = 33,
    /// A link works in one direction only.
    OneWay = 34,
    /// Too few of the configured hosts are here.
    NoQuorum = 35,
    /// The NIC does not answer.
    Nic = 36,
    /// Another part of a healed partition ranks higher.
    Partition = 37,
    /// Heartbeats of this cluster come that no key opens, and no others: somebody has another key.
    WrongKey = 38,
}

impl Cause {
    /// From the octet of a heartbeat; unknown ones read as `None`.
    pub fn from_code(code: u8) -> Cause {
        use Cause::*;
        let all = [
            BadConfig,
            NewMember,
            DuplicateHost,
            RuleCount,
            Rules,
            MemberLost,
            Parameters,
            ForeignHost,
            Mode,
            Listening,
            OneWay,
            NoQuorum,
            Nic,
            Partition,
            WrongKey,
        ];
        all.into_iter().find(|&cause| cause as u8 == code).unwrap_or_default()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::None => "none",
            Cause::BadConfig => "bad configuration",
            Cause::NewMember => "new member",
            Cause::DuplicateHost => "duplicate host priority",
            Cause::RuleCount => "different number of port rules",
            Cause::Rules => "different port rules",
            Cause::MemberLost => "member lost",
            Cause::Parameters => "different parameters",
            Cause::ForeignHost => "foreign host",
            Cause::Mode => "different partition mode",
            Cause::Listening => "listening",
            Cause::OneWay => "one-way link",
            Cause::NoQuorum => "no quorum",
            Cause::Nic => "NIC not answering",
            Cause::Partition => "partition healed",
            Cause::WrongKey => "wrong key",
        })
    }
}

/// What an operator should know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Report {
    /// Taking part from now on.
    Started,
    /// Out of the cluster, owning nothing.
    Stopped,
    /// A host is heard for the first time, or again.
    Heard {
        /// Which.
        host: HostId,
    },
    /// A member has announced to be absent: no epoch is made, and its silence does not count, until it is back.
    Waits {
        /// Which.
        host: HostId,
        /// For how long at most.
        seconds: u16,
    },
    /// It is back, or has stayed.
    Back {
        /// Which.
        host: HostId,
    },
    /// This host takes part only when what a process before it has promised is over.
    Deferred {
        /// In this time.
        span: Micros,
    },
    /// A member is gone.
    Lost {
        /// Which.
        host: HostId,
        /// Why: member lost, one-way link, or what else it does not share with us.
        cause: Cause,
    },
    /// This host proposes an epoch.
    Proposed {
        /// Its name.
        epoch: EpochId,
        /// Who is to be in it.
        view: HostSet,
        /// Buckets that change hands, of all tables together.
        moved: u32,
    },
    /// The state of convergence was entered, or its cause changed.
    Converging {
        /// Why.
        cause: Cause,
        /// The host it is about, if it is one.
        host: Option<HostId>,
    },
    /// Converged.
    Converged {
        /// The epoch.
        epoch: EpochId,
        /// All hosts in it.
        members: HostSet,
        /// The one that takes what no rule is for.
        default_host: HostId,
    },
    /// The NIC's lease has run out, or was taken back: it accepts nothing.
    Fenced,
    /// The NIC accepts again.
    Unfenced,
    /// The clock jumped: this process was stopped. Silence of others counts anew from here.
    Resumed {
        /// How late it is.
        late: Micros,
    },
    /// A heartbeat of this cluster IP without our extension: a Windows host. Nobody new converges while it is there.
    Foreign {
        /// Its priority, as it says.
        priority: u8,
    },
    /// Another host has this host's priority.
    DuplicatePriority,
    /// A host is heard that cannot converge with this one.
    Mismatch {
        /// Which.
        host: HostId,
        /// In what it differs.
        difference: Difference,
    },
    /// Heartbeats of this cluster IP that no key of ours opens. Told once until one opens again.
    Unauthenticated {
        /// The host they claim to be from.
        priority: u8,
    },
    /// The NIC did not take a program.
    NicFailed,
    /// An epoch is in force that leaves live connections here whose buckets are others' now.
    Draining {
        /// How many.
        connections: u32,
    },
    /// The last of them has ended.
    Drained,
    /// SYN cookies were sent of late: before buckets are released, what answers them is waited for.
    Quiescing {
        /// How long.
        settle: Micros,
    },
    /// The drain limit is reached: those that are left are destroyed.
    DrainLimit {
        /// How many.
        connections: u32,
    },
    /// Connections that this host had before it was left out have been answered by others since: these are ended.
    Superseded {
        /// How many.
        connections: u32,
    },
    /// Another configuration is announced, and comes into force when all members announce it.
    Staged {
        /// Its name.
        name: Announced,
    },
    /// It is not announced any more: it was taken back.
    Withdrawn,
    /// It is not announced any more: a flow table has no room for the connections it concerns.
    NoRoom,
    /// The configuration that was staged is in force.
    Reconfigured,
    /// An epoch is in force in which no host that would take a rule is fit for it.
    NoneFit {
        /// Which; `None`: the default rule.
        rule: Option<PortRule>,
        /// Whether unfit hosts take it nevertheless, as a last resort.
        taken: bool,
    },
    /// The key of flow signatures stays what it was until fewer connections are listed: the flow table has no room for two.
    KeyHasNoRoom,
    /// Buckets stay here until a later epoch, since a flow table has no room for their connections.
    Held {
        /// How many.
        buckets: u32,
    },
}
