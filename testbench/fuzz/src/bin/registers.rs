//! Any sequence of register accesses, frames and time: no panic, refused writes change nothing, and a fenced NIC accepts
//! nothing by a rule.
#![no_main]

use std::sync::LazyLock;
use weir_spec::nic::{Identity, Nic};
use weir_spec::regs::{self, RegId};
use weir_spec::verdict::Reason;

/// Fresh from reset. Making one, like a commit, prepares the hash tables, which takes longer than everything else here.
static FRESH: LazyLock<Nic> = LazyLock::new(|| Nic::new(Identity::default()));

/// Commits of one input; more teach nothing and cost milliseconds each.
const COMMITS: usize = 3;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut nic = FRESH.clone();
    let mut commits = 0;
    let mut rest = data;
    while let Some((&[what, a, b, c, d, e, f, g], after)) = rest.split_first_chunk::<8>() {
        rest = after;
        // The low bits of the offset stay: an unaligned access is one of the things to try.
        let offset = u32::from_le_bytes([a, b, c & 3, 0]);
        let value = u32::from_le_bytes([d, e, f, g]);
        match what % 7 {
            0 if offset != regs::address(RegId::Commit, 0) => {
                let before = (nic.epoch(), nic.fenced(), nic.lease_until());
                if nic.write(offset, value).is_err() {
                    let after = (nic.epoch(), nic.fenced(), nic.lease_until());
                    assert_eq!(before, after, "a refused write had an effect");
                }
            }
            1 => assert_eq!(nic.read(offset).is_ok(), regs::find(offset).is_some()),
            2 => nic.set_time(u64::from(value) * 16),
            // A doorbell a random offset hardly ever hits.
            3 if commits < COMMITS => {
                commits += 1;
                let _ = nic.write(regs::address(RegId::LeaseNextLo, 0), value);
                let _ = nic.write(regs::address(RegId::Commit, 0), offset);
            }
            4 => {
                let _ = nic.write(regs::address(RegId::Renew, 0), value);
            }
            // The mailbox of the flow table: an entry of any kind at any place, or another operation on it.
            5 => {
                let before = nic.flows().count();
                let _ = nic.write(regs::address(RegId::FlowSignatureLo, 0), value);
                let _ = nic.write(regs::address(RegId::FlowIndex, 0), value >> 8);
                let taken = nic.write(regs::address(RegId::FlowCommand, 0), offset);
                assert!(taken.is_ok() || nic.flows().count() == before, "a refused command had an effect");
                assert_eq!(nic.read(regs::address(RegId::FlowCount, 0)), Ok(nic.flows().iter().count() as u32));
            }
            _ => {
                let end = after.len().min(usize::from(a) + 60);
                let decision = nic.rx(&after[..end]);
                let by_rule = matches!(decision.reason, Reason::Bucket | Reason::Pin | Reason::Foreign);
                assert!(!(nic.fenced() && decision.accept && by_rule), "{decision:?} while fenced");
                let mut sent = after[..end].to_vec();
                nic.tx(&mut sent);
            }
        }
    }
});
