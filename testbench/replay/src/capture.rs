//! Frames out of a capture, as far as it goes.
//!
//! Lengths are taken as they are: captures from the field have snap lengths of zero, frames longer than the snap length
//! and frames of which only the head was kept. A file that ends inside a frame (the tool was killed) gives all before. One
//! that is damaged is refused: see [`damage`].

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressBarIter};
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::{DataLink, PcapError, TsResolution};

use crate::blocks;
use crate::damage::{self, Impossible, LONGEST_FRAME};
use crate::error::ReplayError;

/// A frame as it was captured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Captured {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    /// Bytes it had on the wire.
    pub(crate) original_length: u32,
    /// Those that were kept.
    pub(crate) bytes: Vec<u8>,
}

/// An open capture.
pub(crate) struct Capture {
    path: PathBuf,
    reader: Reader,
    frame: u64,
    cut_off: bool,
}

type Source = std::io::Chain<std::io::Cursor<Vec<u8>>, ProgressBarIter<File>>;

enum Reader {
    Old(PcapReader<Source>),
    New(PcapNgReader<Source>),
}

const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const PCAP: [[u8; 4]; 4] =
    [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];

impl Capture {
    /// Opens a pcap or pcapng file; `bar` moves with the bytes that are read of it.
    pub(crate) fn open(path: &Path, bar: &ProgressBar) -> Result<Capture, ReplayError> {
        let read = |source| ReplayError::Read { path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(read)?;
        bar.set_length(file.metadata().map_err(read)?.len());
        let mut magic = Vec::new();
        (&mut file).take(4).read_to_end(&mut magic).map_err(read)?;
        let hint = match magic[..] {
            [0x1f, 0x8b, ..] => "; it is compressed: try `gunzip`",
            [0x28, 0xb5, 0x2f, 0xfd] => "; it is compressed: try `unzstd`",
            [0xfd, b'7', b'z', b'X'] => "; it is compressed: try `unxz`",
            [] => "; it is empty",
            _ => "",
        };
        let (old, new) = (PCAP.iter().any(|known| magic == *known), magic == PCAPNG);
        if !old && !new {
            return Err(ReplayError::NotACapture { path: path.to_path_buf(), hint });
        }
        let source = std::io::Cursor::new(magic).chain(bar.wrap_read(file));
        let broken = |source| ReplayError::Broken { path: path.to_path_buf(), frame: 0, source };
        let reader = if old {
            let reader = PcapReader::new(source).map_err(broken)?;
            let header = reader.header();
            version(path, (header.version_major, header.version_minor), 2, "2.4, or another of 2")?;
            // The upper bits may tell of a frame check sequence.
            link_type(path, u32::from(reader.header().datalink) & 0xffff, String::new())?;
            Reader::Old(reader)
        } else {
            let reader = PcapNgReader::new(source).map_err(broken)?;
            let section = reader.section();
            version(path, (section.major_version, section.minor_version), 1, "1.0, or another of 1")?;
            Reader::New(reader)
        };
        Ok(Capture { path: path.to_path_buf(), reader, frame: 0, cut_off: false })
    }

    /// Whether the file ended inside a frame; known when all frames were taken.
    pub(crate) fn cut_off(&self) -> bool {
        self.cut_off
    }

    /// The next frame; `None` at the end.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Captured>, ReplayError> {
        let next = match &mut self.reader {
            Reader::Old(reader) => next_of_pcap(reader),
            Reader::New(reader) => next_of_pcapng(reader, &self.path, self.frame)?,
        };
        match next {
            Some(Ok(captured)) if captured.bytes.len() as u64 > LONGEST_FRAME => {
                Err(self.damaged(Impossible { length: captured.bytes.len() as u64, most: LONGEST_FRAME }))
            }
            Some(Ok(captured)) => {
                self.frame += 1;
                Ok(Some(captured))
            }
            Some(Err(PcapError::IoError(error))) if error.kind() == ErrorKind::UnexpectedEof => {
                let read = |source| ReplayError::Read { path: self.path.clone(), source };
                if let Some(found) = damage::find(&self.path).map_err(read)? {
                    return Err(self.damaged(found));
                }
                self.cut_off = true;
                Ok(None)
            }
            Some(Err(source)) => Err(ReplayError::Broken { path: self.path.clone(), frame: self.frame, source }),
            None => Ok(None),
        }
    }

    fn damaged(&self, found: Impossible) -> ReplayError {
        too_long(&self.path, self.frame, found)
    }
}

fn too_long(path: &Path, frame: u64, Impossible { length, most }: Impossible) -> ReplayError {
    ReplayError::TooLong { path: path.to_path_buf(), frame, length, most }
}

/// Later minor versions may be read as the ones that are known.
fn version(path: &Path, (major, minor): (u16, u16), known: u16, wanted: &'static str) -> Result<(), ReplayError> {
    if major == known {
        return Ok(());
    }
    Err(ReplayError::Version { path: path.to_path_buf(), version: format!("{major}.{minor}"), wanted })
}

fn link_type(path: &Path, link: u32, interface: String) -> Result<(), ReplayError> {
    if link == u32::from(DataLink::ETHERNET) {
        return Ok(());
    }
    Err(ReplayError::LinkType { path: path.to_path_buf(), link, interface })
}

fn next_of_pcap(reader: &mut PcapReader<Source>) -> Option<Result<Captured, PcapError>> {
    let nanoseconds = reader.header().ts_resolution == TsResolution::NanoSecond;
    // Raw: the checked form refuses every frame that is longer than the snap length.
    let packet = match reader.next_raw_packet()? {
        Ok(packet) => packet,
        Err(error) => return Some(Err(error)),
    };
    let fraction = u64::from(packet.ts_frac) * if nanoseconds { 1 } else { 1000 };
    let time = u64::from(packet.ts_sec) * 1_000_000_000 + fraction;
    Some(Ok(Captured { time, original_length: packet.orig_len, bytes: packet.data.into_owned() }))
}

type Next = Option<Result<Captured, PcapError>>;

fn next_of_pcapng(reader: &mut PcapNgReader<Source>, path: &Path, frame: u64) -> Result<Next, ReplayError> {
    loop {
        let order = reader.section().endianness;
        let snap_length = reader.interfaces().first().map_or(0, |interface| interface.snaplen);
        let (index, stamp, original_length, bytes) = match reader.next_raw_block() {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(error))),
            Some(Ok(block)) => match blocks::packet(&block, order, snap_length) {
                Ok(None) => continue,
                Ok(Some(packet)) => (packet.interface, packet.stamp, packet.original_length, packet.bytes.to_vec()),
                Err(found) => return Err(too_long(path, frame, found)),
            },
        };
        let Some(interface) = reader.interfaces().get(index as usize) else {
            return Ok(Some(Err(PcapError::InvalidInterfaceId(index))));
        };
        link_type(path, interface.linktype.into(), format!(" on interface {index}"))?;
        let time = stamp.map_or(0, |stamp| blocks::nanoseconds(interface, stamp));
        return Ok(Some(Ok(Captured { time, original_length, bytes })));
    }
}
