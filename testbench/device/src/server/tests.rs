use proptest::prelude::*;
use std::os::unix::net::UnixStream;
use tempfile::TempDir;
use vfio_bindings::bindings::vfio::{VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX};
use weir_nic::socket::SocketBar;
use weir_nic::{Bar, Identity};
use weir_spec::nic::{self, Nic};
use weir_spec::regs::{self, PORT_SIZE, RegId};

use super::*;
use crate::config_space::{DEVICE_ID, VENDOR_ID};
use crate::engine::EngineKind;
use crate::served::{self, Serving};
use crate::trace::Trace;

/// A served spec engine without ports, its folder, and what it did.
struct Served {
    dir: TempDir,
    nic: served::Served,
}

impl Served {
    fn start() -> Served {
        let dir = tempfile::tempdir().expect("a folder");
        let trace = Trace::create(&dir.path().join("trace")).expect("a file");
        let socket = dir.path().join("nic.sock");
        let nic = served::Served::traced(&socket, EngineKind::Spec, Serving::default(), trace).expect("a fresh path");
        Served { dir, nic }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("nic.sock")
    }

    fn connect(&self) -> SocketBar {
        SocketBar::open(&self.path()).expect("a device that answers")
    }

    /// The names of the events traced so far.
    fn events(&self) -> Vec<String> {
        let lines = std::fs::read_to_string(self.dir.path().join("trace")).expect("the trace");
        let event = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["event"].clone();
        lines.lines().map(|line| event(line).as_str().expect("a name").to_string()).collect()
    }
}

#[test]
fn the_function_is_known_by_its_configuration_space_and_by_its_registers() {
    let served = Served::start();
    let mut bar = served.connect();
    let pci = bar.pci();
    assert_eq!((pci.vendor, pci.device, pci.class), (VENDOR_ID, DEVICE_ID, (2, 0)));
    assert_eq!(bar.size(), PORT_SIZE);
    let identity = Identity::read(&mut bar).expect("a Weir NIC");
    assert_eq!((identity.width_bytes, identity.board), (8, 0));
}

#[test]
fn one_connection_after_another_finds_the_same_nic() {
    let served = Served::start();
    for round in 0..5 {
        let mut bar = served.connect();
        let scratch = regs::address(RegId::Scratch, 0);
        assert_eq!(bar.read32(scratch).expect("a register"), round);
        bar.write32(scratch, round + 1).expect("a register");
        if round % 2 == 0 {
            bar.flush().expect("a read");
        }
        drop(bar);
    }
    let mut bar = served.connect();
    bar.flush().expect("a read");
    let events = served.events();
    assert_eq!(events.iter().filter(|event| *event == "attach").count(), 6);
    assert_eq!(events.iter().filter(|event| *event == "detach").count(), 5);
}

#[test]
fn a_host_that_breaks_the_protocol_is_dropped_and_the_next_one_served() {
    use std::io::{Read, Write};
    let served = Served::start();
    // A greeting whose text has no end, and one shorter than itself: the crate panics on either.
    for (size, tail) in [(24u32, b"\0\0\0\0text".as_slice()), (8, b"\0\0\0\0")] {
        let mut stream = UnixStream::connect(served.path()).expect("a listener");
        let mut greeting = vec![1, 0, 1, 0];
        greeting.extend(size.to_le_bytes());
        greeting.extend([0; 8]);
        greeting.extend(tail);
        stream.write_all(&greeting).expect("it is taken");
        stream.shutdown(std::net::Shutdown::Write).expect("an end");
        let mut rest = Vec::new();
        let _ended_somehow = stream.read_to_end(&mut rest);
    }
    served.connect().flush().expect("a read");
}

#[test]
fn an_access_longer_than_any_region_is_refused_and_the_conversation_goes_on() {
    use std::io::{Read, Write};
    let served = Served::start();
    let mut stream = UnixStream::connect(served.path()).expect("a listener");
    let mut read = |count: u32| {
        // Message id 7, REGION_READ, so many bytes, no flags, no error; offset 0 of BAR 0.
        let mut message = vec![7, 0, 9, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend(count.to_le_bytes());
        stream.write_all(&message).expect("it is taken");
        let mut header = [0; 16];
        stream.read_exact(&mut header).expect("an answer");
        let [size, flags] = [4, 8].map(|at| u32::from_le_bytes(header[at..at + 4].try_into().expect("a word")));
        let mut rest = vec![0; size as usize - header.len()];
        stream.read_exact(&mut rest).expect("the rest of it");
        (flags & 0x20 != 0, rest.len())
    };
    assert_eq!(read(u32::MAX), (true, 0));
    assert_eq!(read(PORT_SIZE + 1), (true, 0));
    assert_eq!(read(4), (false, 16 + 4));
}

#[test]
fn a_reset_fences_and_forgets_all_but_the_time() {
    let served = Served::start();
    let mut bar = served.connect();
    let scratch = regs::address(RegId::Scratch, 0);
    bar.write32(scratch, 7).expect("a register");
    let time = bar.read32(regs::address(RegId::NicTimeLo, 0)).expect("a register");
    bar.reset().expect("a reset");
    assert_eq!(bar.read32(scratch).expect("a register"), 0);
    let later = bar.read32(regs::address(RegId::NicTimeLo, 0)).expect("a register");
    assert!(later.wrapping_sub(time) < 10_000_000, "{time} {later}");
    assert_eq!(served.events(), ["attach", "reset"]);
}

#[test]
fn what_is_no_aligned_word_reads_all_ones_has_no_effect_and_is_counted() {
    let served = Served::start();
    let mut client = vfio_user::Client::new(&served.path()).expect("a device that answers");
    let scratch = u64::from(regs::address(RegId::Scratch, 0));
    let mut expected = 0;
    // Memory decoding is off after power-on: not even words.
    let mut word = [0; 4];
    client.region_read(VFIO_PCI_BAR0_REGION_INDEX, 0, &mut word).expect("an answer");
    assert_eq!(word, [0xff; 4]);
    client.region_write(VFIO_PCI_CONFIG_REGION_INDEX, 4, &[2, 0]).expect("an answer");
    client.region_write(VFIO_PCI_BAR0_REGION_INDEX, scratch, &[1, 2, 3, 4]).expect("an answer");
    for (offset, length) in [
        (scratch, 1),
        (scratch, 2),
        (scratch, 3),
        (scratch, 8),
        (scratch + 1, 4),
        (scratch + 2, 4),
        (scratch, 0),
        (scratch, 64),
        (PORT_SIZE.into(), 4),
        (u64::MAX - 3, 4),
        (1 << 32, 4),
    ] {
        let mut data = vec![0; length];
        client.region_read(VFIO_PCI_BAR0_REGION_INDEX, offset, &mut data).expect("an answer");
        assert_eq!(data, vec![0xff; length], "{length} bytes at {offset:#x}");
        client.region_write(VFIO_PCI_BAR0_REGION_INDEX, offset, &data).expect("an answer");
        expected += 2;
        assert_eq!(served.nic.bad_accesses().expect("a live engine"), expected);
    }
    client.region_read(VFIO_PCI_BAR0_REGION_INDEX, scratch, &mut word).expect("an answer");
    assert_eq!(word, [1, 2, 3, 4]);
    assert_eq!(served.events().iter().filter(|event| *event == "bad_access").count(), 22);
}

#[test]
fn configuration_space_takes_any_size_at_any_place() {
    let served = Served::start();
    let mut client = vfio_user::Client::new(&served.path()).expect("a device that answers");
    let mut read = |offset, length| {
        let mut data = vec![0; length];
        client.region_read(VFIO_PCI_CONFIG_REGION_INDEX, offset, &mut data).expect("an answer");
        data
    };
    let whole = read(0, 256);
    for (offset, length) in [(0, 1), (1, 2), (3, 4), (0x0a, 2), (0x2d, 7), (255, 1)] {
        assert_eq!(read(offset, length), whole[offset as usize..offset as usize + length]);
    }
    assert_eq!(read(254, 4), [whole[254], whole[255], 0, 0]);
    assert_eq!(served.nic.bad_accesses().expect("a live engine"), 0);
}

#[test]
fn a_live_socket_is_not_taken_and_a_dead_one_is() {
    let served = Served::start();
    assert!(matches!(Socket::listen(&served.path()), Err(ServerError::Busy { .. })));
    served.connect().flush().expect("the live one was not disturbed");

    let dead = served.dir.path().join("dead.sock");
    drop(UnixListener::bind(&dead).expect("a fresh path"));
    let taken = Socket::listen(&dead).expect("nobody lives there");
    drop(taken);
    assert!(!dead.exists(), "it is removed at the end");

    let file = served.dir.path().join("trace");
    assert!(matches!(Socket::listen(&file), Err(ServerError::Occupied { .. })));
    assert!(file.exists());
    let nowhere = served.dir.path().join("no/such/folder/nic.sock");
    assert!(matches!(Socket::listen(&nowhere), Err(ServerError::Listen { .. })));
}

/// An access whose effect does not depend on when it happens.
#[derive(Clone, Debug)]
enum Operation {
    Read(u32),
    Write(u32, u32),
    /// A deadline long past, or one too far ahead for ever.
    Deadline(bool),
    Doorbell(RegId, u32),
    Reset,
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let offset = prop_oneof![
        2 => (0..PORT_SIZE / 4).prop_map(|word| word * 4),
        4 => proptest::sample::select(
            (0..PORT_SIZE).step_by(4).filter(|offset| regs::find(*offset).is_some()).collect::<Vec<_>>()),
        2 => proptest::sample::select((0..0x90).step_by(4).collect::<Vec<u32>>()),
    ];
    // Not the clock, and not the deadline by halves.
    let timeless = |offset: &u32| {
        !matches!(
            regs::find(*offset).map(|(_, reg, _)| reg.id),
            Some(RegId::NicTimeLo | RegId::NicTimeHi | RegId::LeaseNextLo | RegId::LeaseNextHi)
        )
    };
    let offset = offset.prop_filter("depends on the time", timeless);
    prop_oneof![
        6 => offset.clone().prop_map(Operation::Read),
        6 => (offset, any::<u32>()).prop_map(|(offset, word)| Operation::Write(offset, word)),
        1 => any::<bool>().prop_map(Operation::Deadline),
        2 => (proptest::sample::select(vec![RegId::Commit, RegId::Renew, RegId::Snapshot]), any::<u32>())
            .prop_map(|(id, word)| Operation::Doorbell(id, word)),
        1 => Just(Operation::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn registers_over_the_socket_are_those_of_the_spec(
        operations in proptest::collection::vec(any_operation(), 1..80)
    ) {
        let served = Served::start();
        let mut bar = served.connect();
        let mut oracle = Nic::new(nic::Identity::default());
        oracle.set_time(1_000_000);
        for operation in operations {
            match operation {
                Operation::Read(offset) => {
                    let expected = oracle.read(offset).unwrap_or(0);
                    prop_assert_eq!(bar.read32(offset).expect("an answer"), expected, "{:#x}", offset);
                }
                Operation::Write(offset, word) => {
                    let _counted = oracle.write(offset, word);
                    bar.write32(offset, word).expect("it is sent");
                }
                Operation::Deadline(ahead) => {
                    for id in [RegId::LeaseNextLo, RegId::LeaseNextHi] {
                        let word = if ahead { u32::MAX } else { 0 };
                        let _counted = oracle.write(regs::address(id, 0), word);
                        bar.write32(regs::address(id, 0), word).expect("it is sent");
                    }
                }
                Operation::Doorbell(id, word) => {
                    let _counted = oracle.write(regs::address(id, 0), word);
                    bar.write32(regs::address(id, 0), word).expect("it is sent");
                }
                Operation::Reset => {
                    oracle.reset();
                    bar.reset().expect("an answer");
                }
            }
        }
        for id in [RegId::RefusedCount, RegId::RefusedAddress, RegId::EpochActive, RegId::Status, RegId::LeaseUntilLo] {
            let offset = regs::address(id, 0);
            prop_assert_eq!(bar.read32(offset).expect("an answer"), oracle.read(offset).expect("a register"));
        }
    }
}
