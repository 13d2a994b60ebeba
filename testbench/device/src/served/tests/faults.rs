use std::time::{Duration, Instant};

use weir_nic::Identity;
use weir_nic::identity::IdentityError;
use weir_nic::socket::{OpenError, SocketError};
use weir_nic::{AccessError, BarError};
use weir_spec::regs::MAGIC;

use super::*;

fn broken(fault: Fault) -> Bench {
    Bench::new(Serving { fault: Some(fault), ..Serving::default() })
}

#[test]
fn one_that_dies_answers_so_many_accesses_and_is_gone_with_its_socket() {
    let bench = broken(Fault::DiesAfter(3));
    let mut bar = bench.open();
    for _ in 0..3 {
        assert_eq!(bar.get(RegId::Magic), MAGIC);
    }
    assert!(matches!(bar.read32(0), Err(BarError::Socket(SocketError::Closed))));
    assert!(matches!(SocketBar::open(&bench.path()), Err(OpenError::Socket(SocketError::Connect { .. }))));
}

#[test]
fn one_that_is_late_answers() {
    let delay = Duration::from_millis(40);
    let bench = broken(Fault::Late(delay));
    let mut bar = bench.open();
    let began = Instant::now();
    bar.put(RegId::Scratch, 5);
    assert_eq!(bar.get(RegId::Scratch), 5);
    assert!(began.elapsed() >= delay * 2);
}

#[test]
fn one_that_was_pulled_out_reads_all_ones_and_takes_nothing() {
    let bench = broken(Fault::AllOnes);
    let mut bar = bench.open();
    let error = Identity::read(&mut bar).expect_err("it is gone");
    assert!(matches!(error, IdentityError::Access(AccessError::Gone { .. })), "{error}");
    bar.put(RegId::Commit, 1);
    assert_eq!(bar.get(RegId::Scratch), u32::MAX);
    assert_eq!(bench.served.epoch().expect("a live engine"), 0);
}

#[test]
fn a_commit_that_never_ends_ends_with_a_reset() {
    let bench = broken(Fault::CommitNeverEnds);
    let mut bar = bench.open();
    let busy = |bar: &mut SocketBar| regs::reg(RegId::Status).field("busy").get(bar.get(RegId::Status));
    assert_eq!(busy(&mut bar), 0);
    bar.lease(1_000_000);
    assert_eq!((busy(&mut bar), bar.get(RegId::EpochActive)), (1, 0));
    bar.reset().expect("an answer");
    assert_eq!(busy(&mut bar), 0);
}

#[test]
fn one_with_another_magic_is_no_weir_nic() {
    let bench = broken(Fault::WrongMagic);
    let error = Identity::read(&mut bench.open()).expect_err("another device");
    assert!(matches!(error, IdentityError::NotWeir { found: 0x5249_4557 }), "{error}");
}
