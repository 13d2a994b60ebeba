//! What an agent has promised to a host that is absent, where neither a crash nor a restart of the machine reaches it.
//!
//! A small file in `host.promises`, one for each host of each cluster. It holds nothing secret, and one moment: until then an
//! agent that does not go on from what the one before has left takes no part. The clock it is told by is that of one boot; after
//! another one the whole span counts anew, since nobody knows how long the machine was off. So it does where the file cannot be
//! read: a promise that may be there is kept.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{info, warn};
use weir_cluster::absence::LONGEST;
use weir_cluster::{HostTime, Micros};

use crate::clock;
use crate::config::Config;
use crate::successor::on_disk::boot;

/// Begins the file; another layout has another number.
const MAGIC: &[u8; 8] = b"weir pr1";
/// Magic, boot, when it was written, until when.
const LENGTH: usize = 8 + 36 + 8 + 8;

/// Until when was to be written, and whether that is on the disk.
type Written = (HostTime, bool);

/// The file, and who writes it: a disk may take its time.
pub(crate) struct Promised {
    path: PathBuf,
    /// To the thread that writes, once there is one.
    asked: Option<Sender<HostTime>>,
    told: UnboundedSender<Written>,
    written: UnboundedReceiver<Written>,
    /// That it cannot be written was told.
    fails: bool,
}

impl Promised {
    /// Touches nothing.
    pub(crate) fn new(config: &Config) -> Promised {
        let name = format!("promised-{}-{}", config.cluster.primary, config.host.priority);
        let (told, written) = unbounded_channel();
        Promised { path: config.host.promises.join(name), asked: None, told, written, fails: false }
    }

    /// Until when a process before this one has promised to take no part without what it knew.
    pub(crate) fn before(&self, config: &Config) -> Option<HostTime> {
        let octets = match fs::read(&self.path) {
            Ok(octets) => Ok(octets),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => Err(error.to_string()),
        };
        let now = clock::now();
        let boot = boot().unwrap_or([0; 36]);
        let longest =
            config.cluster.period_us * u64::from(config.cluster.tolerance) + Micros::from(LONGEST) * 1_000_000;
        let until = octets.and_then(|octets| opened(&octets, &boot, now).map_err(Into::into)).unwrap_or_else(|why| {
            warn!("{} is taken to promise the longest: {why}", self.path.display());
            now + longest
        });
        (until > now).then_some(until)
    }

    /// Writes it, in a thread of its own, one after the other; [`written`](Promised::written) tells when it is done.
    pub(crate) fn remember(&mut self, until: HostTime) {
        let asked = self.asked.get_or_insert_with(|| {
            let (asked, asking) = channel();
            let (path, told) = (self.path.clone(), self.told.clone());
            thread::spawn(move || write_all(&asking, &path, &told));
            asked
        });
        // It ends with this process.
        let _ = asked.send(until);
    }

    /// The next one that was written, or could not be.
    pub(crate) async fn written(&mut self) -> Written {
        let Some((until, kept)) = self.written.recv().await else { return std::future::pending().await };
        if !kept && !std::mem::replace(&mut self.fails, true) {
            info!("no host can be absent for longer than its lease while this one cannot remember: see host.promises");
        }
        self.fails &= !kept;
        (until, kept)
    }
}

fn write_all(asked: &Receiver<HostTime>, path: &Path, told: &UnboundedSender<Written>) {
    for until in asked {
        let written = write(path, until);
        if let Err(error) = &written {
            warn!("failed to write {}: {error}", path.display());
        }
        if told.send((until, written.is_ok())).is_err() {
            return;
        }
    }
}

/// Whole or not at all, and on the disk when this returns.
fn write(path: &Path, until: HostTime) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    file.write_all(MAGIC)?;
    file.write_all(&boot()?)?;
    file.write_all(&clock::now().0.to_le_bytes())?;
    file.write_all(&until.0.to_le_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

/// Until when the file's octets say.
fn opened(octets: &[u8], boot: &[u8; 36], now: HostTime) -> Result<HostTime, &'static str> {
    let octets: &[u8; LENGTH] = octets.try_into().map_err(|_| "it has another length")?;
    let rest = octets.strip_prefix(MAGIC).ok_or("it was left by another version")?;
    let (of, rest) = rest.split_first_chunk::<36>().ok_or("it is cut short")?;
    let (at, until) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
    let until: [u8; 8] = until.try_into().map_err(|_| "it is cut short")?;
    let (at, until) = (HostTime(u64::from_le_bytes(*at)), HostTime(u64::from_le_bytes(until)));
    Ok(if of == boot { until } else { now + (until - at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path) -> Config {
        let text = format!(
            "[cluster]\nvips = [\"10.0.0.100\"]\nkey = \"{:064x}\"\n[host]\npriority = 3\ninterface = \"lo\"\nnic = \"sim\"\n\
             promises = \"{}\"\n[[rule]]\nports = 80\n",
            1,
            folder.display()
        );
        Config::parse(Path::new("weir.toml"), &text).expect("a good configuration")
    }

    fn wait(promised: &mut Promised, until: HostTime) -> Written {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            promised.remember(until);
            promised.written().await
        })
    }

    #[test]
    fn the_next_process_knows_until_when() {
        let folder = tempfile::tempdir().expect("a directory");
        let config = config(&folder.path().join("made"));
        let mut promised = Promised::new(&config);
        assert_eq!(promised.before(&config), None);
        let until = clock::now() + 30_000_000;
        assert_eq!(wait(&mut promised, until), (until, true));
        assert_eq!(Promised::new(&config).before(&config), Some(until));
        let over = HostTime(clock::now().0 - 1);
        assert_eq!(wait(&mut promised, over), (over, true));
        assert_eq!(Promised::new(&config).before(&config), None);
    }

    #[test]
    fn what_cannot_be_written_is_no_promise() {
        let folder = tempfile::tempdir().expect("a directory");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let mut promised = Promised::new(&config(&file));
        let until = clock::now() + 1_000_000;
        assert_eq!(wait(&mut promised, until), (until, false));
    }

    #[test]
    fn what_cannot_be_read_promises_the_longest() {
        let folder = tempfile::tempdir().expect("a directory");
        let config = config(folder.path());
        let promised = Promised::new(&config);
        fs::write(&promised.path, b"weir pr0").expect("written");
        let until = promised.before(&config).expect("a promise");
        assert!((64_000_000..=65_000_000).contains(&(until - clock::now())), "{until:?}");
    }

    #[test]
    fn after_another_boot_all_of_it_counts_anew() {
        let file = |at: u64, until: u64| [&MAGIC[..], &[b'a'; 36], &at.to_le_bytes(), &until.to_le_bytes()].concat();
        let open = |boot: u8| opened(&file(900, 1000), &[boot; 36], HostTime(20));
        assert_eq!(open(b'a'), Ok(HostTime(1000)));
        assert_eq!(open(b'b'), Ok(HostTime(120)));
        assert_eq!(opened(&file(900, 1000)[1..], &[b'a'; 36], HostTime(0)), Err("it has another length"));
    }
}
