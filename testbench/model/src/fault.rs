//! What may happen to a modelled cluster.

/// What may happen. Hosts are numbered from 0; spans are microseconds, [`FOREVER`](crate::FOREVER) until the repair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// The agent dies. Its NIC goes on until its lease ends. A new agent starts after `back`.
    Crash {
        /// Whose.
        host: usize,
        /// After what time.
        back: u64,
    },
    /// The machine loses power: NIC and sockets are gone, too.
    PowerLoss {
        /// Whose.
        host: usize,
        /// After what time it starts again.
        back: u64,
    },
    /// The agent is stopped, and goes on after `span`.
    Pause {
        /// Whose.
        host: usize,
        /// For how long.
        span: u64,
        /// What it had decided to write to the NIC lands when it goes on, not before.
        hold: bool,
        /// What came meanwhile waits in its socket; else it is lost.
        keep: bool,
    },
    /// Frames in one direction are lost.
    Cut {
        /// From this host.
        from: usize,
        /// To that.
        to: usize,
        /// For how long.
        span: u64,
    },
    /// Whatever a host sends is lost.
    Mute {
        /// Which.
        host: usize,
        /// For how long.
        span: u64,
    },
    /// A host hears nobody.
    Deaf {
        /// Which.
        host: usize,
        /// For how long.
        span: u64,
    },
    /// Both.
    Isolate {
        /// Which.
        host: usize,
        /// For how long.
        span: u64,
    },
    /// The first half of the hosts and the others lose each other.
    Split {
        /// For how long.
        span: u64,
    },
    /// A host's weight for the first rule changes.
    Weigh {
        /// Whose.
        host: usize,
        /// To what.
        weight: u8,
    },
    /// A host takes no new connections any more, or takes them again.
    Drain {
        /// Which.
        host: usize,
        /// Which of both.
        drain: bool,
    },
    /// The operator edits a host's configuration: its rule takes another port as well, so that none of its buckets means what it
    /// did.
    Edit {
        /// Whose.
        host: usize,
    },
    /// A host is told to stop, and starts again after `back`.
    Stop {
        /// Which.
        host: usize,
        /// After what time.
        back: u64,
    },
    /// The agent is replaced by another process, which goes on where it ended.
    Replace {
        /// Whose.
        host: usize,
        /// How long there is none.
        gap: u64,
    },
    /// The agent announces to be absent, and ends as soon as all others wait for it; another process goes on later. If they do not
    /// within two tolerances it stays.
    Absent {
        /// Whose.
        host: usize,
        /// What it announces.
        seconds: u16,
        /// How long there is none.
        gap: u64,
    },
    /// A client connects in this bucket of the first rule.
    Connect {
        /// Which.
        bucket: u16,
    },
    /// Clients of fenced hosts have forgotten their connections, and begin them anew with the same ports.
    BeginAnew,
    /// The oldest connection ends.
    Close,
    /// The last farewell of a host that stopped once reaches everybody again.
    Replay {
        /// Whose.
        host: usize,
    },
    /// The frame that is about to arrive is lost.
    Lose,
    /// It arrives now, and again after `later`.
    Double {
        /// After what time.
        later: u64,
    },
    /// What is about to arrive or to land does so `later`: others overtake it.
    Delay {
        /// By what time.
        later: u64,
    },
}
