//! The register bus: every address, every stall, every strobe.

use weir_rtl::{Read, Width, Write};
use weir_spec::map::{CRC_START, SLOTS, crc_step};
use weir_spec::nic::Refused;
use weir_spec::regs::{self, Access, RegId};

use crate::rig::{Rig, at};
use crate::seed::{chance, rng, rounds};
use crate::width::{self, at_each_width};

/// Words of the map block that the walk visits: ends of slots and some between; all 16 Ki of them take too long.
fn visited(offset: u32) -> bool {
    offset < regs::MAP.base || matches!(offset / 4 % 256, 0 | 1 | 100 | 255)
}

fn every_register_answers_as_the_table_says(width: Width) {
    let mut rig = Rig::new(width, "register walk", 0x1234_5678_9abc);
    for offset in (0..regs::PORT_SIZE).step_by(4).filter(|offset| visited(*offset)) {
        rig.read(offset).ok();
    }
    for offset in (0..regs::PORT_SIZE).step_by(4).filter(|offset| visited(*offset)) {
        let doorbell = regs::find(offset).is_some_and(|(_, reg, _)| reg.access == Access::WriteOnly);
        for pattern in [u32::MAX, 0x5a5a_5a5a, 0] {
            // Doorbells have tests of their own.
            if !doorbell {
                rig.write(offset, pattern).ok();
            }
            rig.read(offset).ok();
        }
    }
    // What was written to one is not found at another.
    let mut rng = rng("register walk", 0);
    let writable: Vec<u32> = (0..regs::PORT_SIZE)
        .step_by(4)
        .filter(|offset| regs::find(*offset).is_some_and(|(_, reg, _)| reg.access == Access::ReadWrite))
        .filter(|offset| visited(*offset))
        .collect();
    for offset in &writable {
        rig.write(*offset, rng.u32(..)).expect("it can be written");
    }
    for offset in &writable {
        rig.read(*offset).expect("it can be read");
    }
    rig.read(at(RegId::RefusedCount)).expect("it can be read");
    rig.read(at(RegId::RefusedAddress)).expect("it can be read");
}

fn an_unaligned_address_is_no_register(width: Width) {
    let mut rig = Rig::new(width, "unaligned", 0);
    for low in 1..4 {
        assert_eq!(rig.read(at(RegId::Scratch) + low), Err(Refused));
        assert_eq!(rig.write(at(RegId::Scratch) + low, 1), Err(Refused));
    }
    assert_eq!(rig.read(at(RegId::Scratch)), Ok(0));
}

fn a_write_without_all_strobes_is_refused_and_changes_nothing(width: Width) {
    let mut rig = Rig::new(width, "strobes", 0);
    for id in
        [RegId::Scratch, RegId::LeaseNextLo, RegId::RulePorts, RegId::HashKey, RegId::MapWord, RegId::ClusterMacLo]
    {
        rig.write(at(id), 0x0102_0304).expect("it can be written");
        for strobes in 0..15 {
            let before = rig.rtl.read32(at(RegId::RefusedCount)).expect("a count");
            let write = Write { strobes, ..Write::new(at(id), 0xffff_ffff) };
            assert_eq!(rig.rtl.access(None, Some(write)), Ok((None, Some(Err(Refused)))), "strobes {strobes:04b}");
            rig.read(at(id)).expect("it can be read");
            assert_eq!(rig.rtl.read32(at(RegId::RefusedCount)), Ok(before + 1), "strobes {strobes:04b}");
            assert_eq!(rig.rtl.read32(at(RegId::RefusedAddress)), Ok(at(id)));
        }
    }
    let crc = crc_step(CRC_START, 0, 0x0102_0304);
    assert_eq!(rig.rtl.read32(at(RegId::MapCrc)), Ok(crc), "refused writes are not in the checksum");
}

fn the_channels_of_the_bus_may_stall_in_any_order(width: Width) {
    let mut rig = Rig::new(width, "stalls", 0);
    let mut rng = rng("stalls", 0);
    let offsets = [
        at(RegId::Scratch),
        at(RegId::RulePorts),
        at(RegId::MapWord) + 0x8,
        at(RegId::HashKey),
        at(RegId::Magic),
        0xfffc,
    ];
    for round in 0..rounds(600) {
        let mut stall = || if rng.bool() { 0 } else { rng.u32(..12) };
        let (address_stall, data_stall, response_stall) = (stall(), stall(), stall());
        let (read_address_stall, read_response_stall) = (stall(), stall());
        let (target, source) = (offsets[rng.usize(..offsets.len())], offsets[rng.usize(..offsets.len())]);
        let value = rng.u32(..);
        let both = chance(&mut rng, 70);
        // A read at the time of a write to the same place may see either word.
        let before = rig.nic.read(source);
        let spec = rig.nic.write(target, value);
        let after = rig.nic.read(source);
        let write = Write { address_stall, data_stall, response_stall, ..Write::new(target, value) };
        let read = Read { offset: source, address_stall: read_address_stall, response_stall: read_response_stall };
        let (read, written) = rig.rtl.access(both.then_some(read), Some(write)).expect("the bus answers");
        assert_eq!(written, Some(spec), "round {round}, write to {target:#x}");
        assert!(
            read.is_none_or(|read| read == before || read == after),
            "round {round}, read of {source:#x}: {read:x?}"
        );
        rig.read(target).ok();
    }
    rig.read(at(RegId::RefusedCount)).expect("it can be read");
}

fn the_running_crc_of_a_slot_is_the_hosts(width: Width) {
    let mut rig = Rig::new(width, "map checksums", 0);
    let mut rng = rng("map checksums", 0);
    for _ in 0..rounds(3000) {
        let (slot, word) = (rng.u32(..SLOTS as u32), rng.u32(..256));
        rig.write(regs::address(RegId::MapWord, slot * 256 + word), rng.u32(..)).expect("a map word");
    }
    for slot in 0..SLOTS as u32 {
        rig.read(regs::address(RegId::MapCrc, slot)).expect("a checksum");
    }
}

fn the_two_halves_of_the_time_belong_together(width: Width) {
    let mut rtl = width::open(width);
    for time in [0xffff_fff0u64, 0x5_ffff_ffff, 0x1234_ffff_fffe] {
        rtl.set_time(time);
        rtl.run(16);
        let low = rtl.read32(at(RegId::NicTimeLo)).expect("it can be read");
        rtl.set_time(time + 0x1_0000_0000);
        rtl.run(16);
        let high = rtl.read32(at(RegId::NicTimeHi)).expect("it can be read");
        assert_eq!(u64::from(high) << 32 | u64::from(low), time);
    }
}

fn a_reset_puts_every_register_back_and_fences(width: Width) {
    let mut rig = Rig::new(width, "reset", 77);
    let mut rng = rng("reset", 0);
    let setting = crate::configs::random(&mut rng);
    rig.load(&setting);
    rig.commit(9, 1000).expect("a deadline in reach");
    assert!(!rig.rtl.fenced());
    rig.reset();
    assert!(rig.rtl.fenced());
    for offset in (0..regs::MAP.base).step_by(4) {
        rig.read(offset).ok();
    }
}

at_each_width!(
    every_register_answers_as_the_table_says,
    an_unaligned_address_is_no_register,
    a_write_without_all_strobes_is_refused_and_changes_nothing,
    the_channels_of_the_bus_may_stall_in_any_order,
    the_running_crc_of_a_slot_is_the_hosts,
    the_two_halves_of_the_time_belong_together,
    a_reset_puts_every_register_back_and_fences,
);
