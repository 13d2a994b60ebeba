//! Why a replay did not come to its end.

use std::io;
use std::path::PathBuf;

use pcap_file::PcapError;
use weir_agent::config::ConfigError;
use weir_rtl::OpenError;

/// Why a replay did not come to its end. Frames on which circuit and specification differ are no error but a result.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The capture cannot be opened or read.
    #[error("failed to read capture {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its first bytes are not those of a capture.
    #[error("{} is neither pcap nor pcapng{hint}", path.display())]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// What it is instead, if that is known, with the remedy.
        hint: &'static str,
    },
    /// It holds something else than Ethernet frames.
    #[error("{} has link type {link}{interface}, should be 1 (Ethernet): the circuit takes Ethernet frames alone", path.display())]
    LinkType {
        /// The file.
        path: PathBuf,
        /// What it has (`LINKTYPE_` numbers of tcpdump.org).
        link: u32,
        /// Which interface of a pcapng file, else nothing.
        interface: String,
    },
    /// The file contradicts itself.
    #[error("failed to read capture {} behind frame {frame}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The last frame that could be read; 0: none.
        frame: u64,
        /// What is wrong.
        source: PcapError,
    },
    /// A record is longer than any frame that a tool captures.
    #[error("{} is damaged behind frame {frame}: the next record says it has {length} bytes, at most {most} are possible", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The last frame that could be read; 0: none.
        frame: u64,
        /// What the record says.
        length: u64,
        /// The most.
        most: u64,
    },
    /// A version that nobody has written.
    #[error("{} is of version {version}, should be {wanted}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: String,
        /// What is read.
        wanted: &'static str,
    },
    /// The rules are not taken.
    #[error(transparent)]
    Rules(#[from] ConfigError),
    /// A number of hosts that no cluster has.
    #[error("{hosts} hosts; a cluster has 1 to 32")]
    Hosts {
        /// The number.
        hosts: u8,
    },
    /// Two of the files are one.
    #[error("{} would be both the {one} and the {other}; name another file for one of them", path.display())]
    OneFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        one: &'static str,
        /// What it would be, too.
        other: &'static str,
    },
    /// A waveform is written as a whole.
    #[error("{} is no ordinary file; a waveform needs one", path.display())]
    NoPlaceForWaveform {
        /// The file.
        path: PathBuf,
    },
    /// Somebody wants it to end.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// A file could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Waveforms are of a circuit.
    #[error("there is no waveform without a circuit; leave the engine at rtl")]
    NothingToTrace,
    /// The circuit could not be brought to run.
    #[error("failed to open the circuit")]
    Open(#[from] OpenError),
    /// The circuit does not do what every NIC must, so nothing can be replayed.
    #[error("the circuit {what}")]
    Circuit {
        /// What it does or does not.
        what: String,
    },
}
