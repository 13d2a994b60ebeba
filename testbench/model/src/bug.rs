//! Mistakes that the model must catch, planted at the edges of the real state machine.
//!
//! A host that is handed an altered frame, an answer that is not true, or a clock that runs away, behaves as one whose
//! code has the mistake. So the code that is checked carries none of them, and no feature could switch one on in the
//! product.

use std::sync::Arc;

use weir_cluster::wire::bulk::{Bulk, Message};
use weir_cluster::wire::extension::{self, Extension, Read};
use weir_cluster::wire::records::Operation;
use weir_cluster::wire::{ethernet, heartbeat};
use weir_cluster::{EpochId, HostSet, PhaseKind};

use crate::host::Host;
use crate::host::keys;
use crate::world::World;

/// A mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bug {
    /// A lease is renewed by hearing others, whether they echo or not.
    RenewedByHearing,
    /// A gainer owns before all have released: whoever has loaded a proposal is taken to have released.
    OwnedBeforeReleased,
    /// The NIC opens with a COMMIT whose deadline has passed.
    CommitLiftsAnyFence,
    /// A deadline is a span that begins when it reaches the NIC.
    DeadlinesAreSpans,
    /// A restarted host, which has forgotten its promises, does not listen for a tolerance.
    NoListening,
    /// A host gives up the silent, and goes on alone, after half a tolerance.
    HalfATolerance,
    /// A farewell of the incarnation before is believed.
    StaleFarewell,
    /// After a pause the silence of others counts as if this host had listened.
    SilenceCountsInAPause,
    /// Nobody is excluded for a one-way link.
    NoCliqueRule,
    /// A proposer counts from its own ballots, not from the highest it has heard of.
    BallotsOfOthersAreIgnored,
    /// The lease does not allow for the drift of clocks.
    LeaseWithoutDrift,
    /// Epochs with one counter are taken for one epoch, whatever their lineage and table.
    CountersNameEpochs,
    /// Members release before their promises to an excluded host are over.
    ExclusionEndsThePromise,
    /// Of two lineages that meet, the lesser goes on.
    LineagesDoNotYield,
    /// The first program of a process does not take away what the NIC had.
    FenceLeavesTheMap,
    /// What is alive after a release is what was alive before it.
    SecondDumpIsTheFirst,
    /// Connections of released buckets are not listed in the old owner's NIC.
    PinsAreNotWritten,
    /// Connections of other hosts are not listed in the new owner's NIC.
    ForeignEntriesAreNotWritten,
    /// Records count as listed as soon as they are sent.
    ListedWithoutAnAnswer,
    /// A process that has promised to wait for another leaves nothing to the next that a crash does not reach.
    AbsenceIsForgotten,
    /// A host is absent as soon as it has said so, and nobody waits for it.
    GoesUnpromised,
    /// A promise to wait counts from the last announcement, not from the one that was promised upon.
    PromisedFromTheLast,
    /// Who returns is not waited for any more, though its NIC's lease is not an ordinary one yet.
    BackTooSoon,
    /// The dump after a release tells only what has begun since the one before it, and the rest is unpinned.
    SecondDumpForgetsTheFirst,
    /// What a host drains it gives up altogether when the epoch comes into force.
    DrainEndsWithTheEpoch,
    /// A new owner takes all of a bucket when the epoch comes into force, whoever drains it.
    AdoptedAsOwned,
    /// A host that was left out tells what it has as if it had not been.
    NothingIsDoubtful,
    /// A NIC is not told what to release for another configuration, and its agent believes that it was.
    SwitchReleasesNothing,
    /// Denials are answered, and not heeded.
    DenialsAreNotHeeded,
}

impl Bug {
    /// A frame as the host with the mistake takes it.
    pub(crate) fn bends(self, world: &World, from: usize, to: usize, frame: Arc<[u8]>) -> Arc<[u8]> {
        let bent = |change: &dyn Fn(&mut Extension)| rewritten(world, from, &frame, change).unwrap_or(frame.clone());
        let receiver = &world.hosts[to];
        match self {
            Bug::RenewedByHearing => {
                let newest = world.newest_beat(to);
                bent(&|extension| extension.echo[to] = newest)
            }
            Bug::OwnedBeforeReleased => bent(&|extension| {
                if [PhaseKind::Loaded, PhaseKind::Listed].map(|phase| phase as u8).contains(&extension.phase) {
                    extension.phase = PhaseKind::Released as u8;
                }
            }),
            Bug::NoCliqueRule => {
                let all: HostSet = world.hosts.iter().map(|host| host.config.host).collect();
                bent(&|extension| extension.heard = all)
            }
            Bug::BallotsOfOthersAreIgnored => {
                let Some(status) = world.status(to).filter(|status| status.epoch.is_none()) else { return frame };
                bent(&|extension| {
                    if to < from && Some(extension.proposed) != status.proposed {
                        (extension.committed, extension.proposed) = (EpochId::NONE, EpochId::NONE);
                    }
                })
            }
            Bug::CountersNameEpochs => {
                let Some(status) = world.status(to) else { return frame };
                let Some((epoch, digest)) = world.shown(to) else { return frame };
                bent(&|extension| {
                    let shown =
                        if extension.proposed.is_none() { &mut extension.committed } else { &mut extension.proposed };
                    if shown.counter == epoch.counter {
                        (*shown, extension.table_digest) = (epoch, digest);
                    }
                    if extension.committed.counter == status.epoch.counter {
                        extension.committed = status.epoch;
                    }
                })
            }
            Bug::LineagesDoNotYield => {
                let own = world.epoch(to);
                let member = receiver.config.host;
                bent(&|extension| {
                    if extension.committed != own && !extension.members.contains(member) && !own.is_none() {
                        extension.committed = EpochId::NONE;
                    }
                })
            }
            Bug::NothingIsDoubtful => with_other_records(world, from, &frame, &|doubtful, _| *doubtful = false),
            Bug::DenialsAreNotHeeded => with_other_records(world, from, &frame, &|_, operations| {
                operations.retain(|operation| !matches!(operation, Operation::Deny(_)));
            }),
            Bug::GoesUnpromised => bent(&|extension| extension.absence = 0),
            Bug::BackTooSoon => bent(&|extension| {
                if extension.lease & extension::RETURNED != 0 {
                    extension.absence = 0;
                }
            }),
            Bug::PromisedFromTheLast => promised_from_the_last(world, from, to, &frame).unwrap_or(frame),
            Bug::StaleFarewell => bent(&|extension| {
                let now = world.hosts[from].incarnation();
                if extension.incarnation != now {
                    extension.incarnation = now;
                    extension.sequence = world.hosts[from].said.map_or(0, |said| said.sequence) + 1;
                }
            }),
            _ => frame,
        }
    }
}

impl World {
    /// The last beat a host has sent.
    fn newest_beat(&self, host: usize) -> u8 {
        self.hosts[host].said.map_or(0, |said| said.beat)
    }

    /// The epoch a host shows, with the digest of its table.
    fn shown(&self, host: usize) -> Option<(EpochId, [u8; 8])> {
        let said = self.hosts[host].said?;
        let epoch = if said.proposed.is_none() { said.committed } else { said.proposed };
        Some((epoch, said.table_digest))
    }

    /// Keeps what a host says for the bugs that need it, and every farewell.
    pub(crate) fn record(&mut self, from: usize, frame: &Arc<[u8]>) {
        if self.bug.is_some()
            && let Some(said) = extension_of(&self.hosts[from], frame)
        {
            let host = self.host(from);
            (host.said, host.heartbeat) = (Some(said), Some(frame.clone()));
        }
        let phase = ethernet::HEADER + heartbeat::field::EXTENSION.start + 17;
        let whole = frame.len() == ethernet::HEADER + heartbeat::LEN;
        if whole && frame[phase] == PhaseKind::Stopped as u8 {
            self.farewells.insert(from, frame.clone());
        }
    }

    /// As if all others had promised to wait for whoever announces to be absent.
    pub(crate) fn promise_for_all(&mut self, from: usize, frame: &[u8]) {
        if self.bug != Some(Bug::GoesUnpromised) {
            return;
        }
        let Some(said) = extension_of(&self.hosts[from], frame).filter(|said| said.absence > 0) else { return };
        for other in (0..self.hosts.len()).filter(|&other| other != from) {
            let message = Message::Waits { incarnation: said.incarnation, sequence: said.sequence };
            // Above what was sent.
            let sequence = said.sequence + 1_000_000;
            let promise = bulk(&self.hosts, other, from, sequence, message);
            self.inject(other, from, promise);
        }
    }

    /// The last farewell of a host reaches everybody once more.
    pub(crate) fn replay(&mut self, host: usize) {
        let Some(frame) = self.farewells.get(&host).cloned() else { return };
        for to in (0..self.hosts.len()).filter(|&to| to != host) {
            self.inject(host, to, frame.clone());
        }
    }

    /// A host takes another for one that has stopped.
    pub(crate) fn bid_farewell(&mut self, host: usize, other: usize) {
        let Some(said) = self.hosts[other].said else { return };
        let (mut payload, header) = ([0; heartbeat::LEN], ethernet::header(&self.hosts[other].config));
        let Some(last) = self.hosts[other].heartbeat.clone() else { return };
        payload.copy_from_slice(&last[ethernet::HEADER..]);
        let farewell = Extension {
            phase: PhaseKind::Stopped as u8,
            lease: said.lease | extension::FENCED | extension::OWNS_NOTHING,
            sequence: said.sequence + 1,
            ..said
        };
        farewell.emit(&mut payload, &keys());
        self.inject(other, host, [&header[..], &payload].concat().into());
    }
}

/// A heartbeat with other contents, signed anew; `None` if it is none.
fn rewritten(world: &World, from: usize, frame: &[u8], change: &dyn Fn(&mut Extension)) -> Option<Arc<[u8]>> {
    let mut extension = extension_of(&world.hosts[from], frame)?;
    let before = extension;
    change(&mut extension);
    if extension == before {
        return None;
    }
    let mut payload: [u8; heartbeat::LEN] = frame[ethernet::HEADER..].try_into().ok()?;
    extension.emit(&mut payload, &keys());
    Some([&frame[..ethernet::HEADER], &payload].concat().into())
}

/// Records with other contents, signed anew; any other frame as it is.
fn with_other_records(
    world: &World,
    from: usize,
    frame: &Arc<[u8]>,
    change: &dyn Fn(&mut bool, &mut Vec<Operation>),
) -> Arc<[u8]> {
    let config = &world.hosts[from].config;
    let payload = ethernet::payload(frame, ethernet::ether_type(config));
    let read = payload.and_then(|payload| Bulk::read(payload, &config.keys, config.cluster_ip).ok());
    let Some(mut bulk) = read else { return frame.clone() };
    let Message::Records { doubtful, operations, .. } = &mut bulk.message else { return frame.clone() };
    change(doubtful, operations);
    [&frame[..ethernet::HEADER], &bulk.emit(&keys())].concat().into()
}

/// What a heartbeat says; `None` if the frame is none.
pub(crate) fn extension_of(host: &Host, frame: &[u8]) -> Option<Extension> {
    let payload = ethernet::payload(frame, ethernet::ether_type(&host.config))?;
    let whole: &[u8; heartbeat::LEN] = payload.try_into().ok()?;
    if weir_cluster::wire::signature(whole) != Some(weir_cluster::wire::MEMBERSHIP) {
        return None;
    }
    match extension::read(whole, &host.config.keys) {
        Read::Authentic(extension) => Some(extension),
        _ => None,
    }
}

/// A bulk frame as a host sends it.
fn bulk(hosts: &[Arc<Host>], from: usize, to: usize, sequence: u32, message: Message) -> Arc<[u8]> {
    let config = &hosts[from].config;
    let bulk = Bulk {
        from: config.host,
        cluster_ip: config.cluster_ip,
        incarnation: hosts[from].incarnation(),
        sequence,
        to: hosts[to].config.host,
        message,
    };
    [&ethernet::header(config)[..], &bulk.emit(&keys())].concat().into()
}

/// A promise to wait that names the addressee's last heartbeat; `None` if the frame is none.
fn promised_from_the_last(world: &World, from: usize, to: usize, frame: &[u8]) -> Option<Arc<[u8]>> {
    let config = &world.hosts[from].config;
    let payload = ethernet::payload(frame, ethernet::ether_type(config))?;
    let read = Bulk::read(payload, &config.keys, config.cluster_ip).ok()?;
    let Message::Waits { incarnation, .. } = read.message else { return None };
    let newest = world.hosts[to].said?.sequence;
    Some(bulk(&world.hosts, from, to, read.sequence, Message::Waits { incarnation, sequence: newest }))
}

/// The answer to records of `from`, as if they had come and been listed: from whom it is, and the frame.
pub(crate) fn answer_to_records(hosts: &[Arc<Host>], from: usize, frame: &[u8]) -> Option<(usize, Arc<[u8]>)> {
    let config = &hosts[from].config;
    let payload = ethernet::payload(frame, ethernet::ether_type(config))?;
    let bulk = Bulk::read(payload, &config.keys, config.cluster_ip).ok()?;
    let Message::Records { generation, number, .. } = bulk.message else { return None };
    let to = bulk.to.index();
    let receiver = hosts.get(to)?;
    let answer = Bulk {
        from: bulk.to,
        cluster_ip: config.cluster_ip,
        incarnation: receiver.incarnation(),
        // Above what was sent, and below what will be: bulk frames count for themselves.
        sequence: bulk.sequence + 1_000_000,
        to: bulk.from,
        message: Message::Listed {
            incarnation: bulk.incarnation,
            generation,
            next: number.wrapping_add(1),
            refused: vec![],
        },
    };
    let payload = answer.emit(&keys());
    Some((to, [&frame[..ethernet::HEADER], &payload].concat().into()))
}
