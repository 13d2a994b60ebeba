//! Bring-up against a PHY as the standard has it.

use super::*;
use crate::bench::step;
use crate::board::mdio::model;

type Fast = Phy<3, 4>;
/// Clocks of a transaction.
const TRANSACTION: usize = 8 * 66;
/// What is to be written once a PHY is found.
const WRITTEN: [(usize, u16); 7] =
    [(4, 0x0001), (9, 0x0200), (13, 0x0007), (14, 0x003c), (13, 0x4007), (14, 0x0000), (0, 0x1200)];

struct Bench {
    circuit: Fast,
    phy: model::Phy,
}

impl Bench {
    fn new(address: u16) -> Bench {
        let mut circuit = Fast::new(None);
        circuit.connect_all();
        circuit.mdio_in.next = true;
        circuit.turn.next = true;
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        let mut phy = model::Phy::new(address);
        (phy.registers[2], phy.registers[3]) = (0x0141, 0x0dd1);
        Bench { circuit, phy }
    }

    fn run(&mut self, transactions: usize) {
        for _ in 0..transactions * TRANSACTION {
            let circuit = &mut self.circuit;
            let level = self.phy.pin(circuit.mdc.val(), circuit.mdio_drive.val(), circuit.mdio_out.val());
            circuit.mdio_in.next = level;
            step!(*circuit);
        }
    }

    fn link(&mut self, has: bool) {
        self.phy.registers[1] = 0x7949 | u16::from(has) << 2;
        self.run(3);
    }
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Phy::<6, 20>::new(None), "phy").expect("nothing that Verilog takes otherwise");
}

#[test]
fn a_phy_is_reset_found_and_told_to_do_1000_full_alone() {
    let mut bench = Bench::new(3);
    let mut low = 0;
    for _ in 0..20 * TRANSACTION {
        low += usize::from(!bench.circuit.phy_reset_n.val());
        let circuit = &mut bench.circuit;
        circuit.mdio_in.next = bench.phy.pin(circuit.mdc.val(), circuit.mdio_drive.val(), circuit.mdio_out.val());
        step!(*circuit);
    }
    assert_eq!(low, 16, "the reset lasts 2^W clocks");
    assert_eq!(bench.phy.written, WRITTEN);
    assert!(bench.circuit.found.val() && bench.circuit.address.val().to_u64() == 3);
    assert_eq!(bench.circuit.identifier.val().to_u64(), 0x0141_0dd1);
}

#[test]
fn the_link_is_what_the_phy_says_and_a_phy_that_is_gone_is_sought_again() {
    let mut bench = Bench::new(1);
    bench.run(14);
    assert!(bench.circuit.found.val() && !bench.circuit.link.val());
    for has in [true, false, true] {
        bench.link(has);
        assert_eq!(bench.circuit.link.val(), has);
    }
    bench.phy.there = false;
    bench.run(3);
    assert!(!bench.circuit.found.val() && !bench.circuit.link.val());
    bench.phy.there = true;
    bench.phy.written.clear();
    bench.run(32 + 14);
    assert_eq!(bench.phy.written, WRITTEN, "it may have been without power");
    assert!(bench.circuit.link.val());
}

#[test]
fn a_port_that_is_to_be_down_is_powered_down_until_it_may_be_up() {
    let mut bench = Bench::new(0);
    bench.run(14);
    bench.link(true);
    bench.circuit.down.next = true;
    bench.run(4);
    assert_eq!(bench.phy.written.last(), Some(&(0, 0x0800)));
    assert!(!bench.circuit.link.val() && bench.circuit.found.val());
    bench.circuit.down.next = false;
    bench.run(4);
    assert_eq!(bench.phy.written.last(), Some(&(0, 0x1200)));
    assert!(bench.circuit.link.val());
}
