//! The comparison can fail: one bit of the oracle, or of the circuit, is turned over, and it is noticed.

use weir_rtl::{Rtl, Side, Source, Width};
use weir_spec::regs::{self, RegId};

use crate::configs;
use crate::frames::{self, Toward};
use crate::report::Difference;
use crate::rig::{LONG, Rig, at};
use crate::seed::rng;
use crate::shot::Shot;
use crate::width::{self, at_each_width};

/// The first difference, over some random configurations, when the oracle's word at `offset` is turned over in `flip`
/// before the COMMIT.
fn against(width: Width, label: &str, offset: impl Fn(&configs::Setting) -> u32, flip: u32) -> Option<Difference> {
    (0..5).find_map(|round| {
        let mut rig = Rig::new(width, label, 1000);
        let mut rng = rng("mutation", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        let offset = offset(&setting);
        let word = rig.nic.read(offset).expect("a register");
        rig.nic.write(offset, word ^ flip).expect("a register");
        rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
        for _ in 0..600 {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
        }
        rig.judge().err()
    })
}

fn the_true_oracle_finds_no_difference(width: Width) {
    assert!(against(width, "unchanged", |_| at(RegId::Scratch), 0).is_none());
}

fn one_bit_of_the_key_is_noticed(width: Width) {
    let difference = against(width, "key", |_| at(RegId::HashKey), 1 << 7).expect("other buckets");
    assert!(difference.what.contains("verdict"), "{difference:?}");
}

fn one_bit_of_a_virtual_ip_is_noticed(width: Width) {
    let first = |setting: &configs::Setting| {
        let index = setting.config.vips.iter().position(Option::is_some).expect("a virtual IP");
        regs::address(RegId::VipAddress0, index as u32)
    };
    against(width, "virtual IP", first, 1 << 24).expect("another class");
}

fn the_map_of_one_rule_is_noticed(width: Width) {
    against(width, "default rule", |_| regs::address(RegId::RuleMap, 32), 67).expect("other states");
}

fn a_policy_is_noticed(width: Width) {
    let drop = regs::reg(RegId::Policy).field("drop_portless_fragments").mask();
    against(width, "policy", |_| at(RegId::Policy), drop).expect("other verdicts of fragments");
}

fn the_policy_to_quiesce_is_noticed(width: Width) {
    let quiesce = regs::reg(RegId::Policy).field("quiesce").mask();
    against(width, "quiesce", |_| at(RegId::Policy), quiesce).expect("other verdicts of new connections");
}

fn one_byte_of_a_passed_frame_is_noticed(width: Width) {
    let mut rig = Rig::new(width, "byte", 1000);
    let mut frame = vec![0; 80];
    frame[12..14].copy_from_slice(&[0x08, 0x06]);
    for byte in [0, 7, 8, 63, 72, 79] {
        let mut other = frame.clone();
        other[byte] ^= 0x10;
        // The circuit gets one frame, the comparison is told of another.
        rig.rtl.push(Side::Rx, &other, &[]);
        rig.expect_only(Side::Rx, Shot::plain(frame.clone()));
        let difference = rig.judge().expect_err("a byte differs");
        assert!(difference.what.contains(&format!("from byte {byte} ")), "{difference:?}");
    }
}

fn a_fault_in_the_circuit_is_noticed(width: Width) {
    let source = width::emitted(width).clone();
    let (line, text) = fault(&source.text).expect("the circuit has a comparison to break");
    let rtl = Rtl::to_try(&Source { text, ..source }).unwrap_or_else(|error| panic!("{error}"));
    let mut rig = Rig::around(rtl, "faulty circuit", 1000);
    let mut rng = rng("mutation", 0);
    let setting = configs::random(&mut rng);
    rig.load(&setting);
    rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
    for _ in 0..2000 {
        rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
    }
    assert!(rig.judge().is_err(), "the fault in line {line} was not noticed");
}

/// The circuit with the EtherType of IPv6 off by one, and where.
fn fault(text: &str) -> Option<(usize, String)> {
    let line = text.lines().position(|line| line.contains("86dd"))?;
    Some((line + 1, text.replace("86dd", "86de")))
}

at_each_width!(
    the_true_oracle_finds_no_difference,
    one_bit_of_the_key_is_noticed,
    one_bit_of_a_virtual_ip_is_noticed,
    the_map_of_one_rule_is_noticed,
    a_policy_is_noticed,
    the_policy_to_quiesce_is_noticed,
    one_byte_of_a_passed_frame_is_noticed,
    a_fault_in_the_circuit_is_noticed,
);
