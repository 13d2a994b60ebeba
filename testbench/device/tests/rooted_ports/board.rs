//! The NIC as a board in the wire: driven by control frames over its own host interface, with the driver that drives cards.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use weir_device::{Device, DeviceError, Options};
use weir_link::{Ethertype, PacketSocket};
use weir_nic::eth::{EthBar, EthError, read_key};
use weir_nic::{BarError, Nic, Program};
use weir_spec::control::{BOARD, ETHERTYPE, Key};

use super::{ip, options, rooted, setup_wire};

const KEY: Key = Key(*b"sixteen octets!!");

/// A board that runs until it is dropped; what it sends to the wire is seen by `peer`.
struct Running {
    stop: UnixStream,
    carrying: Option<thread::JoinHandle<Result<(), DeviceError>>>,
}

impl Running {
    fn start(dir: &Path, key: &Path) -> Running {
        let device = Device::start(&Options { board_key: Some(key.into()), ..options(dir) }).expect("a board");
        std::fs::write("/proc/sys/net/ipv6/conf/tap/disable_ipv6", "1").expect("a fresh interface");
        ip("link set tap up");
        let (stop, stopped) = UnixStream::pair().expect("a pipe");
        Running { stop, carrying: Some(thread::spawn(move || device.carry(&stopped))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        use std::io::Write;
        self.stop.write_all(&[0]).expect("it listens");
        if let Some(carrying) = self.carrying.take() {
            carrying.join().expect("no panic").expect("it ends as it was told");
        }
    }
}

#[test]
fn a_blank_board_takes_a_key_and_is_driven_by_control_frames_that_never_reach_the_wire() {
    rooted(|| {
        let dir = setup_wire();
        let key = dir.path().join("board.key");
        let peer = PacketSocket::open("peer", Ethertype::Only(ETHERTYPE)).expect("the wire's other end");
        {
            let _board = Running::start(dir.path(), &key);
            let mut blank = EthBar::open("tap", None).expect("it greets without a key");
            assert!(matches!(EthBar::open("tap", None), Err(EthError::Taken { .. })), "one program at a time");
            assert!(matches!(blank.set_key(KEY), Ok(())), "it takes one");
            drop(blank);
            let mut again = EthBar::open("tap", Some(KEY)).expect("it greets to the key");
            assert!(matches!(again.set_key(Key([1; 16])), Err(BarError::Refused { .. })), "once for all");
        }
        assert_eq!(key.metadata().expect("it was kept").permissions().mode() & 0o777, 0o600);
        assert_eq!(read_key(&key).expect("a key"), KEY);

        let _board = Running::start(dir.path(), &key);
        assert!(matches!(EthBar::open("tap", Some(Key([2; 16]))), Err(EthError::Silent { .. })), "another key");
        let mut nic = Nic::open(EthBar::open("tap", Some(KEY)).expect("a session")).expect("a Weir NIC");
        nic.load(&Program::default()).expect("it loads");
        let until = nic.time().expect("its time") + 2_000_000;
        nic.commit(1, until).expect("it commits");
        let status = nic.status().expect("its status");
        assert_eq!((status.epoch, status.fenced), (1, false));

        // What looks like a control frame goes no further either.
        let host = PacketSocket::open("tap", Ethertype::All).expect("the host's interface");
        host.send(&[&BOARD.0[..], &[2, 0, 0, 0, 0, 9], &ETHERTYPE.to_be_bytes(), &[0xee; 60]].concat()).expect("sent");
        assert_eq!(nic.status().expect("it still answers").epoch, 1);
        let mut buffer = [0; 2048];
        let leaked = peer.receive(&mut buffer);
        assert!(leaked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "one reached the wire");
    });
}
