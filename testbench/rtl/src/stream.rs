//! What came out of the NIC, put together from beats.

/// One of the two directions through the NIC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// From the wire to the host.
    Rx = 0,
    /// From the host to the wire.
    Tx = 1,
}

/// The word the NIC shows beside each frame: an encoded `Decision` (RX) or `Egress` (TX) of `weir-spec`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word {
    /// The clock in which it was valid.
    pub clock: u64,
    /// The word.
    pub word: u32,
}

/// A frame that came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The clock of each of its beats.
    pub clocks: Vec<u64>,
    /// `tuser[0]` of its last beat.
    pub user: bool,
}

/// All that happened on one side since the last drain.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Drained {
    /// The clock of each beat that was driven, in order of pushing.
    pub sent: Vec<u64>,
    /// Verdict words in order.
    pub words: Vec<Word>,
    /// Frames in order; one that is not complete yet comes with a later drain.
    pub frames: Vec<Passed>,
}

/// A beat as the shim keeps it. Layout: `Beat` in shim.cpp.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Beat {
    pub(crate) clock: u64,
    pub(crate) keep: u64,
    pub(crate) last: u8,
    pub(crate) user: u8,
    unused: [u8; 6],
}

/// Beats on their way to becoming frames.
#[derive(Default)]
pub(crate) struct Assembly {
    bytes: Vec<u8>,
    clocks: Vec<u64>,
}

impl Assembly {
    /// `data` holds a whole beat for each of `beats`.
    pub(crate) fn take(&mut self, beats: &[Beat], data: &[u8]) -> Vec<Passed> {
        let mut frames = Vec::new();
        let stride = data.len() / beats.len().max(1);
        for (beat, data) in beats.iter().zip(data.chunks(stride.max(1))) {
            self.bytes.extend(&data[..beat.keep.count_ones() as usize]);
            self.clocks.push(beat.clock);
            if beat.last != 0 {
                let (bytes, clocks) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.clocks));
                frames.push(Passed { bytes, clocks, user: beat.user != 0 });
            }
        }
        frames
    }
}
