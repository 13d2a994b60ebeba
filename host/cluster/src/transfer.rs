//! Tables on their way: pulled chunk by chunk, one at a time.

use crate::epoch::EpochId;
use crate::host::HostId;
use crate::proposal::Proposal;
use crate::wire::bulk::{CHUNK, Message};

/// A table's name: epoch and digest.
pub(crate) type Name = (EpochId, [u8; 8]);

/// A table that is being fetched.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fetch {
    pub(crate) name: Name,
    pub(crate) from: HostId,
    data: Vec<u8>,
    next: u16,
}

/// What a chunk did to a fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// It was not the one that was asked for.
    Unasked,
    /// It was; ask for the next.
    More,
    /// It was the last.
    Done(Box<Proposal>),
    /// All came, and it is not what its name says.
    Broken,
}

impl Fetch {
    pub(crate) fn new(name: Name, from: HostId) -> Fetch {
        Fetch { name, from, data: Vec::new(), next: 0 }
    }

    /// The question to ask now.
    pub(crate) fn request(&self) -> Message {
        Message::Request { epoch: self.name.0, digest: self.name.1, chunk: self.next }
    }

    /// A chunk came from whoever; its name makes it good.
    pub(crate) fn take(&mut self, name: Name, chunk: u16, of: u16, data: &[u8]) -> Progress {
        if name != self.name || chunk != self.next || chunk >= of {
            return Progress::Unasked;
        }
        self.data.extend(data);
        self.next += 1;
        if self.next < of {
            return Progress::More;
        }
        match Proposal::decode(&self.data) {
            Some(proposal) if (proposal.epoch, proposal.digest()) == self.name => Progress::Done(Box::new(proposal)),
            _ => Progress::Broken,
        }
    }
}

/// The chunk a request asks for; `None` if there is none of that number.
pub(crate) fn chunk(proposal: &Proposal, chunk: u16) -> Option<Message> {
    let octets = proposal.encode();
    let of = octets.len().div_ceil(CHUNK) as u16;
    let data = octets.chunks(CHUNK).nth(usize::from(chunk))?.to_vec();
    Some(Message::Chunk { epoch: proposal.epoch, digest: proposal.digest(), chunk, of, data })
}
