//! What a NIC did and when, as JSON lines: so that a test can show by time stamps that one NIC was fenced before another
//! owned its buckets.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use weir_spec::Micros;

/// Something worth a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The power of a board came on, and it booted.
    Boot {
        /// Not the primary image, but what is kept for when that fails.
        golden: bool,
        /// What JTAG would read.
        usercode: u32,
    },
    /// A host connected.
    Attach,
    /// It went away.
    Detach,
    /// The function was reset.
    Reset,
    /// A program came into force.
    Commit {
        /// Low word of its epoch.
        epoch: u32,
        /// The deadline it brought.
        until: Micros,
        /// It was past.
        fenced: bool,
        /// OWN buckets of rule 0's map.
        buckets: usize,
    },
    /// The deadline moved.
    Renew {
        /// Where to.
        until: Micros,
    },
    /// A COMMIT or a RENEW was refused.
    Refused {
        /// Byte offset of the doorbell.
        offset: u32,
    },
    /// What a host stored in the mapped window was refused when it was carried to the engine.
    CarryRefused {
        /// Byte offset of the word in BAR 0.
        offset: u32,
    },
    /// The wire lost its link, or has it again.
    Link {
        /// It is there.
        up: bool,
    },
    /// Rules accept nothing from here on.
    Fenced {
        /// The deadline that passed.
        until: Micros,
    },
    /// BAR 0 was accessed other than by aligned words: a host that does so is wrong.
    BadAccess {
        /// Byte offset.
        offset: u64,
        /// Bytes.
        length: usize,
    },
}

#[derive(Serialize)]
struct Line {
    us: Micros,
    #[serde(flatten)]
    event: Event,
}

/// Where lines go; nowhere, if nobody asked.
pub(crate) struct Trace(Option<File>);

impl Trace {
    pub(crate) fn none() -> Trace {
        Trace(None)
    }

    pub(crate) fn create(path: &Path) -> io::Result<Trace> {
        File::create(path).map(|file| Trace(Some(file)))
    }

    /// Writes one line, whole and at once. A full disk ends the trace, not the NIC.
    pub(crate) fn record(&mut self, us: Micros, event: Event) {
        let Some(file) = &mut self.0 else { return };
        let mut line = serde_json::to_vec(&Line { us, event }).expect("numbers and names are JSON");
        line.push(b'\n');
        if let Err(error) = file.write_all(&line) {
            tracing::warn!("the trace ends here: {error}");
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_flat_objects_with_their_time_first() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("trace");
        let mut trace = Trace::create(&path).expect("a file");
        trace.record(5, Event::Commit { epoch: 7, until: 9, fenced: false, buckets: 1024 });
        trace.record(9, Event::Fenced { until: 9 });
        trace.record(10, Event::BadAccess { offset: 1, length: 2 });
        let lines = std::fs::read_to_string(&path).expect("the file");
        assert_eq!(
            lines,
            concat!(
                "{\"us\":5,\"event\":\"commit\",\"epoch\":7,\"until\":9,\"fenced\":false,\"buckets\":1024}\n",
                "{\"us\":9,\"event\":\"fenced\",\"until\":9}\n",
                "{\"us\":10,\"event\":\"bad_access\",\"offset\":1,\"length\":2}\n",
            )
        );
    }
}
