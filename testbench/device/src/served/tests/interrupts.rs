use std::fs::File;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE, VFIO_PCI_BAR4_REGION_INDEX,
    VFIO_PCI_MSIX_IRQ_INDEX,
};
use weir_nic::interrupt::Interrupt as Arrival;
use weir_nic::socket::SocketError;
use weir_spec::interrupt::Interrupt;

use super::*;
use crate::msix::{PENDING, TABLE, VECTORS};

const BAR4: u32 = VFIO_PCI_BAR4_REGION_INDEX;
const MSIX: u32 = VFIO_PCI_MSIX_IRQ_INDEX;
const EVENTFD: u32 = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
const NONE: u32 = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
const FENCED: u32 = Interrupt::Fenced as u32;
const CONTROL: u32 = TABLE + 16 * FENCED + 12;
/// Long enough for a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// Long enough for what must not come.
const SHORT: Duration = Duration::from_millis(50);
/// Long enough for a busy machine to commit within; microseconds.
const LEASE: Micros = 500_000;

fn counts(arrivals: &[Arrival]) -> Vec<u64> {
    arrivals.iter().map(Arrival::take).collect()
}

fn event() -> EventFd {
    EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).expect("an event file")
}

/// Waits for an interrupt.
fn arrives(event: &EventFd, patience: Duration) -> bool {
    let end = std::time::Instant::now() + patience;
    while std::time::Instant::now() < end {
        if event.read().is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

impl Raw {
    fn connect(&mut self, vector: u32, event: &EventFd) {
        self.0.set_irqs(MSIX, EVENTFD, vector, 1, &[event.as_raw_fd()]).expect("an answer");
    }

    /// Message control of MSI-X.
    fn control(&mut self) -> u32 {
        let at = self.capability(0x11);
        self.read(CONFIG, at) >> 16
    }
}

#[test]
fn the_end_of_a_lease_interrupts_once() {
    let bench = Bench::new(Serving::default());
    let mut bar = bench.open();
    let arrivals = bar.interrupts(4).expect("four vectors");
    bar.lease(LEASE);
    assert!(arrivals[FENCED as usize].wait(LONG), "nothing but the clock was needed");
    assert!(bar.fenced());
    assert!(!arrivals[FENCED as usize].wait(SHORT), "a condition that goes on is not told again");
    assert_eq!(counts(&arrivals), [0; 4]);
    bar.lease(LEASE);
    assert!(arrivals[FENCED as usize].wait(LONG), "it is told again when it begins again");
}

#[test]
fn the_link_interrupts_when_it_goes() {
    let bench = Bench::new(Serving::default());
    let mut bar = bench.open();
    let arrivals = bar.interrupts(4).expect("four vectors");
    for _ in 0..2 {
        bench.served.set_link(false).expect("a live engine");
        bench.served.set_link(false).expect("a live engine");
        assert_eq!(counts(&arrivals), [0, 0, 0, 1]);
        bench.served.set_link(true).expect("a live engine");
        assert_eq!(counts(&arrivals), [0; 4]);
    }
}

#[test]
fn vectors_are_there_as_the_capability_says_and_no_more() {
    let bench = Bench::new(Serving::default());
    let mut raw = bench.raw();
    assert_eq!(raw.control() & 0x7ff, VECTORS as u32 - 1);
    let info = raw.0.get_irq_info(MSIX).expect("an answer");
    assert_eq!((info.count, info.flags & 1), (VECTORS as u32, 1));
    assert!((0..5).filter(|index| *index != MSIX).all(|index| raw.0.get_irq_info(index).expect("one").count == 0));
    drop(raw);
    let mut bar = bench.open();
    assert!(matches!(bar.interrupts(5), Err(SocketError::NoVector { wanted: 5, there: 4 })));
    let first = bar.interrupts(4).expect("four vectors");
    let second = bar.interrupts(4).expect("four vectors");
    bench.served.set_link(false).expect("a live engine");
    assert_eq!((counts(&first), counts(&second)), (vec![0; 4], vec![0, 0, 0, 1]));
    assert_eq!(bar.interrupts(0).expect("none").len(), 0);
    bench.served.set_link(true).expect("a live engine");
    bench.served.set_link(false).expect("a live engine");
    assert_eq!(counts(&second), [0; 4]);
}

#[test]
fn masked_in_the_table_an_interrupt_is_pending_and_comes_when_unmasked() {
    let bench = Bench::new(Serving::default());
    let (mut raw, event) = (bench.raw(), event());
    raw.connect(FENCED, &event);
    assert_eq!(raw.read(BAR4, CONTROL), 0, "connecting it unmasked it");
    raw.write(BAR4, CONTROL, 1);
    raw.lease(LEASE);
    let end = std::time::Instant::now() + LONG;
    while raw.read(BAR4, PENDING) == 0 {
        assert!(std::time::Instant::now() < end, "it never became pending");
    }
    assert_eq!(raw.read(BAR4, PENDING), 1 << FENCED);
    assert!(event.read().is_err());
    raw.write(BAR4, CONTROL, 0);
    assert_eq!(event.read(), Ok(1));
    assert_eq!(raw.read(BAR4, PENDING), 0);
}

#[test]
fn masked_by_the_capability_an_interrupt_is_pending_and_switched_off_it_is_lost() {
    let bench = Bench::new(Serving::default());
    let (mut raw, event) = (bench.raw(), event());
    let link = Interrupt::LinkDown as u32;
    raw.connect(link, &event);
    let at = raw.capability(0x11) + 2;
    let mut pull_with = |control: u16| {
        raw.0.region_write(CONFIG, at.into(), &control.to_le_bytes()).expect("an answer");
        bench.served.set_link(true).expect("a live engine");
        bench.served.set_link(false).expect("a live engine");
        (raw.read(BAR4, PENDING), event.read().is_ok())
    };
    assert_eq!(pull_with(0xc000), (1 << link, false));
    assert_eq!(pull_with(0x8000), (0, true));
    assert_eq!(pull_with(0x0000), (0, false));
    raw.0.region_write(CONFIG, at.into(), &[0, 0x80]).expect("an answer");
    assert!(event.read().is_err(), "nothing was kept");
}

#[test]
fn a_reset_switches_interrupts_off_and_a_host_that_kept_its_connections_switches_them_on() {
    let bench = Bench::new(Serving::default());
    let (mut raw, event) = (bench.raw(), event());
    raw.connect(Interrupt::LinkDown as u32, &event);
    assert_eq!(raw.control() >> 15, 1, "connecting switched them on");
    raw.0.reset().expect("an answer");
    assert_eq!(raw.control() >> 15, 0);
    bench.served.set_link(false).expect("a live engine");
    assert!(event.read().is_err());
    let at = raw.capability(0x11) + 2;
    raw.0.region_write(CONFIG, at.into(), &[0, 0x80]).expect("an answer");
    for (command, count) in [(2, Err(Errno::EAGAIN)), (4, Ok(1))] {
        raw.write(CONFIG, 4, command);
        bench.served.set_link(true).expect("a live engine");
        bench.served.set_link(false).expect("a live engine");
        assert_eq!(event.read(), count, "an interrupt is sent by a bus master alone");
    }
}

#[test]
fn a_host_that_goes_takes_its_interrupts_with_it() {
    let bench = Bench::new(Serving::default());
    let (mut raw, event) = (bench.raw(), event());
    raw.connect(Interrupt::LinkDown as u32, &event);
    drop(raw);
    let mut raw = bench.raw();
    assert_eq!(raw.control() >> 14, 0);
    bench.served.set_link(false).expect("a live engine");
    assert!(event.read().is_err());
}

#[test]
fn a_host_may_try_its_own_end_and_disconnect_one_vector() {
    let bench = Bench::new(Serving::default());
    let (mut raw, first, second) = (bench.raw(), event(), event());
    raw.connect(1, &first);
    raw.connect(2, &second);
    raw.0.set_irqs(MSIX, NONE, 0, 4, &[]).expect("an answer");
    assert_eq!((first.read(), second.read()), (Ok(1), Ok(1)));
    // One vector and no descriptor: how QEMU disconnects.
    raw.0.set_irqs(MSIX, EVENTFD, 1, 1, &[]).expect("an answer");
    raw.0.set_irqs(MSIX, NONE, 0, 4, &[]).expect("an answer");
    assert!(first.read().is_err());
    assert!(arrives(&second, LONG));
    raw.0.set_irqs(MSIX, NONE, 0, 0, &[]).expect("an answer");
    assert_eq!(raw.control() >> 15, 0);
}

#[test]
fn nonsense_about_interrupts_is_refused_and_the_conversation_goes_on() {
    let bench = Bench::new(Serving::default());
    let (mut raw, event) = (bench.raw(), event());
    raw.connect(3, &event);
    let null = File::open("/dev/null").expect("it is there");
    let files = |count| vec![null.as_raw_fd(); count];
    let numbers = [0, 1, 3, 4, 5, 255, 1 << 31, u32::MAX];
    for index in 0..6 {
        for (start, count) in numbers.iter().flat_map(|start| numbers.map(|count| (*start, count))) {
            for flags in [0, 1, 4, 0x0c, 0x14, 0x21, 0x24, 0x25, 0x3f, !2] {
                for beside in [0, 1, 5, 16] {
                    // Not what switches it off, or sends it, rightly.
                    let right = index == MSIX && (flags == NONE || beside == 0);
                    if !right {
                        // The crate's client does not tell a refusal from consent.
                        raw.0.set_irqs(index, flags, start, count, &files(beside)).expect("an answer");
                    }
                }
            }
        }
    }
    assert_eq!(raw.get(RegId::Magic), regs::MAGIC, "question and answer still belong together");
    bench.served.set_link(false).expect("a live engine");
    assert_eq!(event.read(), Ok(1), "and the vector that was connected still is");
    // More descriptors than the server has room for end the connection, and not the device.
    assert!(raw.0.set_irqs(MSIX, EVENTFD, 0, 1, &files(17)).is_err());
    bench.open().flush().expect("the next host is served");
}
