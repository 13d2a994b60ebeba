//! Accepted frames, as a pcap file with nanoseconds.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use pcap_file::{PcapError, TsResolution};

use crate::error::ReplayError;
use crate::part::Part;

/// What readers take for no limit.
const SNAP_LENGTH: u32 = 262_144;

/// A file that appears under its name when it is whole.
pub(crate) struct Output {
    path: PathBuf,
    /// Where it is written meanwhile; none if the name is a device or a pipe.
    part: Option<Part>,
    /// There until the file is finished.
    writer: Option<PcapWriter<BufWriter<File>>>,
}

impl Output {
    pub(crate) fn create(path: &Path) -> Result<Output, ReplayError> {
        let failed = |source| ReplayError::Write { path: path.to_path_buf(), source };
        let plain = fs::metadata(path).map_or(true, |metadata| metadata.is_file());
        let (part, file) = if plain {
            let (part, file) = Part::create(path).map_err(failed)?;
            (Some(part), file)
        } else {
            (None, File::create(path).map_err(failed)?)
        };
        let header =
            PcapHeader { snaplen: SNAP_LENGTH, ts_resolution: TsResolution::NanoSecond, ..PcapHeader::default() };
        let writer = PcapWriter::with_header(BufWriter::new(file), header).map_err(|error| failed(system(error)))?;
        Ok(Output { path: path.to_path_buf(), part, writer: Some(writer) })
    }

    /// Appends a frame.
    pub(crate) fn write(&mut self, time: u64, original_length: u32, bytes: &[u8]) -> Result<(), ReplayError> {
        let length = u32::try_from(bytes.len()).expect("a frame that a capture held");
        let packet = RawPcapPacket {
            ts_sec: u32::try_from(time / 1_000_000_000).unwrap_or(u32::MAX),
            ts_frac: (time % 1_000_000_000) as u32,
            incl_len: length,
            orig_len: original_length.max(length),
            data: bytes.into(),
        };
        let writer = self.writer.as_mut().expect("it is not finished");
        let written = writer.write_raw_packet(&packet);
        written.map(|_| ()).map_err(|error| self.failed(system(error)))
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), ReplayError> {
        let writer = self.writer.take().expect("it is finished once");
        writer.into_writer().flush().map_err(|error| self.failed(error))?;
        self.part.take().map_or(Ok(()), Part::finish).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> ReplayError {
        ReplayError::Write { path: self.path.clone(), source }
    }
}

/// A writer has no other errors than the system's.
fn system(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
