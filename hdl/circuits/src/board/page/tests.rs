//! The page against its table in `weir-spec`.

use super::*;
use crate::bench::step;
use weir_spec::regs::{find_on_board, Access, RegId};

struct Bench {
    page: BoardPage,
    /// What the window holds, and the commands that it was given.
    words: [u32; 64],
    comes: [u32; 2],
    commands: Vec<(u64, u64, u64)>,
    clocks: usize,
}

impl Bench {
    fn new() -> Bench {
        let mut page = BoardPage::new(7);
        page.connect_all();
        page.link.next = 2.into();
        page.found.next = 3.into();
        page.phy0_address.next = 4.into();
        page.phy1_address.next = 19.into();
        page.phy0_identifier.next = 0x0141_0dd1_u32.to_bits();
        page.phy1_identifier.next = 0x0141_0dd2_u32.to_bits();
        page.keyed.next = true;
        page.boot_there.next = true;
        page.boot.next = 0xfedcb_u32.to_bits();
        page.reset.next = true;
        let mut bench =
            Bench { page, words: std::array::from_fn(|at| at as u32), comes: [0; 2], commands: Vec::new(), clocks: 0 };
        bench.clock();
        bench.page.reset.next = false;
        bench
    }

    fn clock(&mut self) {
        let page = &mut self.page;
        // The guard takes a clock, the buffer two.
        page.w_lawful.next = page.w_opcode.val().to_u64() == 0x03 && page.w_count.val().to_u64() == 256;
        page.w_word.next = self.comes[0].to_bits();
        self.comes = [self.comes[1], self.words[page.w_at.val().index()]];
        if page.w_go.val() {
            self.commands.push((
                page.w_opcode.val().to_u64(),
                page.w_address.val().to_u64(),
                page.w_count.val().to_u64(),
            ));
        }
        if page.w_we.val() {
            self.words[page.w_at.val().index()] = page.w_data.val().to_u64() as u32;
        }
        step!(*page);
        page.events.next = 0.into();
        self.clocks += 1;
    }

    fn read(&mut self, offset: u32) -> Option<u32> {
        self.page.s_axil_araddr.next = offset.to_bits();
        self.page.s_axil_arvalid.next = true;
        while !self.page.s_axil_arready.val() {
            self.clock();
        }
        self.clock();
        self.page.s_axil_arvalid.next = false;
        let before = self.clocks;
        while !self.page.s_axil_rvalid.val() {
            assert!(self.clocks < before + 80, "answered");
            self.clock();
        }
        let read = (self.page.s_axil_rresp.val().to_u64() == 0).then(|| self.page.s_axil_rdata.val().to_u64() as u32);
        self.page.s_axil_rready.next = true;
        self.clock();
        self.page.s_axil_rready.next = false;
        read
    }

    fn write(&mut self, offset: u32, word: u32, strobes: u64) -> bool {
        self.page.s_axil_awaddr.next = offset.to_bits();
        self.page.s_axil_wdata.next = word.to_bits();
        self.page.s_axil_wstrb.next = strobes.into();
        (self.page.s_axil_awvalid.next, self.page.s_axil_wvalid.next) = (true, true);
        while !self.page.s_axil_awready.val() {
            self.clock();
        }
        self.clock();
        (self.page.s_axil_awvalid.next, self.page.s_axil_wvalid.next) = (false, false);
        while !self.page.s_axil_bvalid.val() {
            self.clock();
        }
        let done = self.page.s_axil_bresp.val().to_u64() == 0;
        self.page.s_axil_bready.next = true;
        self.clock();
        self.page.s_axil_bready.next = false;
        self.clock();
        done
    }
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut BoardPage::new(1), "board_page").expect("nothing that Verilog takes otherwise");
}

#[test]
fn every_offset_is_read_and_written_as_the_table_says() {
    let mut bench = Bench::new();
    let mut denied = 0;
    for offset in (0x8000..0x8240).step_by(4).chain([0x8001, 0x8042, 0x8103, 0x8400, 0xc000, 0xfffc]) {
        let found = find_on_board(offset);
        let wanted = found.map(|(block, reg, index)| match reg.id {
            RegId::BoardNumber => 7,
            RegId::BoardLinks => 0x0013_040e,
            RegId::SwitchPhy => 0x0141_0dd1,
            RegId::HostPhy => 0x0141_0dd2,
            RegId::BoardState => 0x0fed_cb03,
            RegId::FlashState => denied,
            RegId::FlashWord => bench.words[index as usize],
            _ => {
                assert!(
                    block.name != "BOARD" || reg.access != Access::ReadOnly || reg.fields.len() < 3,
                    "{}",
                    reg.name
                );
                reg.reset
            }
        });
        assert_eq!(bench.read(offset), wanted, "{offset:#x}");
        let takes = found.is_some_and(|(_, reg, _)| reg.access == Access::ReadWrite);
        assert_eq!(bench.write(offset, 0xffff_ffff, 15), takes, "{offset:#x}");
        if offset == 0x8044 {
            denied = 2;
        }
        if let Some((_, reg, _)) = found.filter(|_| takes) {
            assert_eq!(bench.read(offset), Some(reg.writable()), "{offset:#x}");
            assert!(!bench.write(offset, 0, 7), "whole words alone");
            assert_eq!(bench.read(offset), Some(reg.writable()), "{offset:#x}");
        }
    }
    assert!(bench.commands.is_empty(), "none of those was lawful");
}

#[test]
fn a_command_goes_to_the_window_if_it_is_lawful_and_none_is_under_way() {
    let mut bench = Bench::new();
    assert!(bench.write(0x8040, 0x123456, 15));
    assert!(bench.write(0x8044, 0x0100_0003, 15));
    assert_eq!(bench.read(0x8048), Some(0));
    assert!(!bench.write(0x8044, 0x0100_0002, 15));
    assert_eq!(bench.read(0x8048), Some(2));
    assert!(!bench.write(0x8044, 0x0100_0003, 3));
    assert_eq!(bench.read(0x8044), Some(0));
    bench.page.w_busy.next = true;
    assert_eq!(bench.read(0x8048), Some(3));
    for offset in [0x8040, 0x8044, 0x8100] {
        assert!(!bench.write(offset, 0x0100_0003, 15), "{offset:#x}");
    }
    assert_eq!(bench.read(0x8100), None);
    assert_eq!(bench.read(0x8040), Some(0x123456));
    bench.page.w_busy.next = false;
    assert!(bench.write(0x8044, 0x0100_0003, 15));
    assert_eq!(bench.read(0x8048), Some(0));
    assert_eq!(bench.commands, [(0x03, 0x123456, 256); 2]);
}

#[test]
fn events_are_counted_at_their_place() {
    let mut bench = Bench::new();
    (0..70).for_each(|_| bench.clock());
    for round in 0..3u64 {
        bench.page.events.next = (0x80_8421 | round << 1).into();
        (0..70).for_each(|_| bench.clock());
    }
    for (kind, count) in [(0, 3), (1, 1), (2, 1), (3, 0), (5, 3), (10, 3), (15, 3), (23, 3), (22, 0)] {
        assert_eq!(bench.read(0x8080 + 4 * kind), Some(count), "event {kind}");
    }
    assert_eq!(bench.read(0x8080 + 4 * 24), None);
}
