//! All that a host talks to, in one piece: bus, registers, store, commit, lease and counters. The same for every width.

use rust_hdl::prelude::*;
use weir_spec::nic::Identity;

use super::axil::Axil;
use super::deadline::Deadline;
use super::epoch::Epoch;
use super::file::RegisterFile;
use super::store::Store;
use super::totals::Totals;
use super::warning::Warning;
use crate::cell::address::ADDRESS;

/// `D`: clocks from `a_valid` to the use of fence and `configured`; `W`: bits of the counters of a rule.
#[derive(LogicBlock)]
pub struct Plane<const D: usize, const W: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Everything as after power-on, but the words of block RAM that no register shows.
    pub reset: Signal<In, Bit>,
    /// Microseconds, never falling.
    pub nic_time: Signal<In, Bits<64>>,

    /// Write address.
    pub awaddr: Signal<In, Bits<ADDRESS>>,
    /// Write address valid.
    pub awvalid: Signal<In, Bit>,
    /// Write address taken.
    pub awready: Signal<Out, Bit>,
    /// Write data.
    pub wdata: Signal<In, Bits<32>>,
    /// Whole words alone.
    pub wstrb: Signal<In, Bits<4>>,
    /// Write data valid.
    pub wvalid: Signal<In, Bit>,
    /// Write data taken.
    pub wready: Signal<Out, Bit>,
    /// 0 done, 2 refused.
    pub bresp: Signal<Out, Bits<2>>,
    /// Write answered.
    pub bvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub bready: Signal<In, Bit>,
    /// Read address.
    pub araddr: Signal<In, Bits<ADDRESS>>,
    /// Read address valid.
    pub arvalid: Signal<In, Bit>,
    /// Read address taken.
    pub arready: Signal<Out, Bit>,
    /// Read data.
    pub rdata: Signal<Out, Bits<32>>,
    /// 0 done, 2 refused.
    pub rresp: Signal<Out, Bits<2>>,
    /// Read answered.
    pub rvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub rready: Signal<In, Bit>,

    /// Load bus, as of [`Store`]: a rule word.
    pub load_rule: Signal<Out, Bit>,
    /// A word of a virtual IP.
    pub load_vip: Signal<Out, Bit>,
    /// A word of the Toeplitz key.
    pub load_hash_key: Signal<Out, Bit>,
    /// A word of the key of flow signatures.
    pub load_flow_key: Signal<Out, Bit>,
    /// The policy.
    pub load_policy: Signal<Out, Bit>,
    /// Rule, virtual IP or key word.
    pub load_entry: Signal<Out, Bits<6>>,
    /// Register in the entry.
    pub load_reg: Signal<Out, Bits<3>>,
    /// The word.
    pub load_data: Signal<Out, Bits<32>>,
    /// Bank it goes to.
    pub load_bank: Signal<Out, Bit>,
    /// Any table cannot take a word.
    pub load_busy: Signal<In, Bit>,
    /// Bank in force, for the header whose `a_valid` is in this clock.
    pub bank: Signal<Out, Bit>,
    /// It holds a configuration.
    pub live: Signal<Out, Bit>,
    /// A commit has landed, for the verdict.
    pub configured: Signal<Out, Bit>,
    /// Rules accept nothing, for the verdict.
    pub fenced: Signal<Out, Bit>,

    /// A frame was received.
    pub rx_valid: Signal<In, Bit>,
    /// Its decision, as `Decision::encode`.
    pub rx_word: Signal<In, Bits<32>>,
    /// A frame was sent.
    pub tx_valid: Signal<In, Bit>,
    /// Its decision, as `Egress::encode`.
    pub tx_word: Signal<In, Bits<32>>,

    /// Slot and word of the pool of maps.
    pub map_addr: Signal<Out, Bits<14>>,
    /// Write it.
    pub map_we: Signal<Out, Bit>,
    /// Word to write.
    pub map_wdata: Signal<Out, Bits<32>>,
    /// The word there, two clocks after its address.
    pub map_rdata: Signal<In, Bits<32>>,

    /// A pulse: read the heat of a bucket.
    pub heat_read: Signal<Out, Bit>,
    /// Which.
    pub heat_bucket: Signal<Out, Bits<12>>,
    /// A pulse: it is there, and holds.
    pub heat_done: Signal<In, Bit>,
    /// Its frames.
    pub heat_value: Signal<In, Bits<24>>,

    /// A pulse: FLOW.COMMAND is written.
    pub flow_command: Signal<Out, Bit>,
    /// FLOW.SIGNATURE_LO is.
    pub flow_write_lo: Signal<Out, Bit>,
    /// FLOW.SIGNATURE_HI is.
    pub flow_write_hi: Signal<Out, Bit>,
    /// FLOW.INDEX is.
    pub flow_write_index: Signal<Out, Bit>,
    /// What is written.
    pub flow_wdata: Signal<Out, Bits<32>>,
    /// `flow_wdata` is no command that can be taken.
    pub flow_refuses: Signal<In, Bit>,
    /// FLOW.STATUS.
    pub flow_status: Signal<In, Bits<32>>,
    /// FLOW.SIGNATURE_LO.
    pub flow_lo: Signal<In, Bits<32>>,
    /// FLOW.SIGNATURE_HI.
    pub flow_hi: Signal<In, Bits<32>>,
    /// FLOW.INDEX.
    pub flow_index: Signal<In, Bits<10>>,
    /// FLOW.COUNT.
    pub flow_count: Signal<In, Bits<13>>,

    /// CLUSTER_MAC, first octet in bits 7:0.
    pub cluster_mac: Signal<Out, Bits<48>>,
    /// Masking is on.
    pub masking: Signal<Out, Bit>,
    /// The shell says that the port has no link.
    pub no_link: Signal<In, Bit>,
    /// Conditions of interrupts, by vector.
    pub irq: Signal<Out, Bits<4>>,
    /// MASKED_MAC, first octet in bits 7:0.
    pub masked_mac: Signal<Out, Bits<48>>,

    axil: Axil,
    file: RegisterFile,
    store: Store,
    epoch: Epoch<D>,
    lease: Deadline,
    totals: Totals<W>,
    warning: Warning,
}

impl<const D: usize, const W: usize> Default for Plane<D, W> {
    /// For the simulated NIC.
    fn default() -> Self {
        Plane::new(&Identity::default())
    }
}

impl<const D: usize, const W: usize> Plane<D, W> {
    /// For an image that is built with this identity.
    pub fn new(identity: &Identity) -> Self {
        Plane {
            clock: Default::default(),
            reset: Default::default(),
            nic_time: Default::default(),
            awaddr: Default::default(),
            awvalid: Default::default(),
            awready: Default::default(),
            wdata: Default::default(),
            wstrb: Default::default(),
            wvalid: Default::default(),
            wready: Default::default(),
            bresp: Default::default(),
            bvalid: Default::default(),
            bready: Default::default(),
            araddr: Default::default(),
            arvalid: Default::default(),
            arready: Default::default(),
            rdata: Default::default(),
            rresp: Default::default(),
            rvalid: Default::default(),
            rready: Default::default(),
            load_rule: Default::default(),
            load_vip: Default::default(),
            load_hash_key: Default::default(),
            load_flow_key: Default::default(),
            load_policy: Default::default(),
            load_entry: Default::default(),
            load_reg: Default::default(),
            load_data: Default::default(),
            load_bank: Default::default(),
            load_busy: Default::default(),
            bank: Default::default(),
            live: Default::default(),
            configured: Default::default(),
            fenced: Default::default(),
            rx_valid: Default::default(),
            rx_word: Default::default(),
            tx_valid: Default::default(),
            tx_word: Default::default(),
            map_addr: Default::default(),
            map_we: Default::default(),
            map_wdata: Default::default(),
            map_rdata: Default::default(),
            heat_read: Default::default(),
            heat_bucket: Default::default(),
            heat_done: Default::default(),
            heat_value: Default::default(),
            flow_command: Default::default(),
            flow_write_lo: Default::default(),
            flow_write_hi: Default::default(),
            flow_write_index: Default::default(),
            flow_wdata: Default::default(),
            flow_refuses: Default::default(),
            flow_status: Default::default(),
            flow_lo: Default::default(),
            flow_hi: Default::default(),
            flow_index: Default::default(),
            flow_count: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            masked_mac: Default::default(),
            no_link: Default::default(),
            irq: Default::default(),
            axil: Default::default(),
            file: Default::default(),
            store: Store::new(identity),
            epoch: Default::default(),
            lease: Default::default(),
            totals: Default::default(),
            warning: Default::default(),
        }
    }
}

impl<const D: usize, const W: usize> Logic for Plane<D, W> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, axil, file, store, epoch, lease, totals, warning);
        self.axil.reset.next = self.reset.val();
        self.file.reset.next = self.reset.val();
        self.store.reset.next = self.reset.val();
        self.epoch.reset.next = self.reset.val();
        self.lease.reset.next = self.reset.val();
        self.totals.reset.next = self.reset.val();
        self.warning.reset.next = self.reset.val();

        // Bus.
        self.axil.awaddr.next = self.awaddr.val();
        self.axil.awvalid.next = self.awvalid.val();
        self.awready.next = self.axil.awready.val();
        self.axil.wdata.next = self.wdata.val();
        self.axil.wstrb.next = self.wstrb.val();
        self.axil.wvalid.next = self.wvalid.val();
        self.wready.next = self.axil.wready.val();
        self.bresp.next = self.axil.bresp.val();
        self.bvalid.next = self.axil.bvalid.val();
        self.axil.bready.next = self.bready.val();
        self.axil.araddr.next = self.araddr.val();
        self.axil.arvalid.next = self.arvalid.val();
        self.arready.next = self.axil.arready.val();
        self.rdata.next = self.axil.rdata.val();
        self.rresp.next = self.axil.rresp.val();
        self.rvalid.next = self.axil.rvalid.val();
        self.axil.rready.next = self.rready.val();
        self.file.request.next = self.axil.m_request.val();
        self.file.write.next = self.axil.m_write.val();
        self.file.whole.next = self.axil.m_whole.val();
        self.file.address.next = self.axil.m_address.val();
        self.file.wdata.next = self.axil.m_wdata.val();
        self.axil.done.next = self.file.done.val();
        self.axil.refused.next = self.file.refused.val();
        self.axil.answer.next = self.file.answer.val();

        // Store and load bus.
        self.store.op.next = self.file.store_op.val();
        self.store.from.next = self.file.store_from.val();
        self.store.to.next = self.file.store_to.val();
        self.store.write.next = self.file.store_write.val();
        self.store.rewrite.next = self.file.store_rewrite.val();
        self.store.count.next = self.file.store_count.val();
        self.store.crc.next = self.file.store_crc.val();
        self.store.bus.next = self.file.store_bus.val();
        self.store.crc_index.next = self.axil.m_address.val().get_bits::<8>(2);
        self.file.store_ready.next = self.store.ready.val();
        self.file.store_done.next = self.store.done.val();
        self.file.store_value.next = self.store.value.val();
        self.store.commit.next = self.file.commit.val();
        self.file.loaded.next = self.store.loaded.val();
        self.store.bank.next = self.epoch.m_bank.val();
        self.load_rule.next = self.store.load_rule.val();
        self.load_vip.next = self.store.load_vip.val();
        self.load_hash_key.next = self.store.load_hash_key.val();
        self.load_flow_key.next = self.store.load_flow_key.val();
        self.load_policy.next = self.store.load_policy.val();
        self.load_entry.next = self.store.load_entry.val();
        self.load_reg.next = self.store.load_reg.val();
        self.load_data.next = self.store.load_data.val();
        self.load_bank.next = self.store.load_bank.val();
        self.store.load_busy.next = self.load_busy.val();

        // Commit and lease.
        self.epoch.flip.next = self.file.flip.val();
        self.bank.next = self.epoch.m_bank.val();
        self.live.next = self.epoch.m_live.val();
        self.configured.next = self.epoch.m_configured.val();
        self.file.configured.next = self.epoch.m_configured.val();
        self.file.landed.next = self.epoch.m_lease.val();
        self.file.commit_done.next = self.epoch.m_done.val();
        self.lease.load.next = self.epoch.m_load.val();
        self.lease.commit.next = self.epoch.m_lease.val();
        self.lease.nic_time.next = self.nic_time.val();
        self.lease.word.next = self.store.value.val();
        self.lease.stamp.next = self.file.stamp.val();
        self.lease.latch.next = self.file.latch.val();
        self.lease.take_lo.next = self.file.take_lo.val();
        self.lease.take_hi.next = self.file.take_hi.val();
        self.lease.judge.next = self.file.judge.val();
        self.lease.renew.next = self.file.renew.val();
        self.file.time_lo.next = self.lease.time_lo.val();
        self.file.time_hi.next = self.lease.time_hi.val();
        self.file.judged.next = self.lease.judged.val();
        self.file.too_far.next = self.lease.too_far.val();
        self.file.fenced.next = self.lease.fenced.val();
        self.fenced.next = self.lease.fenced.val();

        // Interrupts.
        self.warning.nic_time.next = self.nic_time.val();
        self.warning.deadline.next = self.lease.in_force.val();
        self.warning.moves.next = self.file.renew.val() | self.epoch.m_load.val() | self.file.warn.val();
        self.warning.fenced.next = self.lease.fenced.val();
        self.warning.lease.next = self.file.warn_lease.val();
        self.warning.flows.next = self.flow_count.val();
        self.warning.most.next = self.file.warn_flows.val();
        self.warning.no_link.next = self.no_link.val();
        self.file.lease_ending.next = self.warning.lease_ending.val();
        self.file.flows_high.next = self.warning.flows_high.val();
        self.file.link_down.next = self.warning.link_down.val();
        self.irq.next = self.warning.irq.val();

        // Counters.
        self.totals.rx_valid.next = self.rx_valid.val();
        self.totals.rx_word.next = self.rx_word.val();
        self.totals.tx_valid.next = self.tx_valid.val();
        self.totals.tx_word.next = self.tx_word.val();
        self.totals.snapshot.next = self.file.snapshot.val();
        self.file.snapshot_busy.next = self.totals.busy.val();
        self.file.snapshot_taken.next = self.totals.taken.val();
        self.totals.host_word.next = self.file.counter_word.val();
        self.file.counter_rdata.next = self.totals.host_rdata.val();

        // Maps, heat, flows, MACs.
        self.map_addr.next = self.file.map_addr.val();
        self.map_we.next = self.file.map_we.val();
        self.map_wdata.next = self.file.map_wdata.val();
        self.file.map_rdata.next = self.map_rdata.val();
        self.heat_read.next = self.file.heat_read.val();
        self.heat_bucket.next = self.file.heat_bucket.val();
        self.file.heat_done.next = self.heat_done.val();
        self.file.heat_value.next = self.heat_value.val();
        self.flow_command.next = self.file.flow_command.val();
        self.flow_write_lo.next = self.file.flow_write_lo.val();
        self.flow_write_hi.next = self.file.flow_write_hi.val();
        self.flow_write_index.next = self.file.flow_write_index.val();
        self.flow_wdata.next = self.file.flow_wdata.val();
        self.file.flow_refuses.next = self.flow_refuses.val();
        self.file.flow_status.next = self.flow_status.val();
        self.file.flow_lo.next = self.flow_lo.val();
        self.file.flow_hi.next = self.flow_hi.val();
        self.file.flow_index.next = self.flow_index.val();
        self.file.flow_count.next = self.flow_count.val();
        self.cluster_mac.next = self.file.cluster_mac.val();
        self.masking.next = self.file.masking.val();
        self.masked_mac.next = self.file.masked_mac.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::control::file;
    use weir_spec::counters::RX_PASSED;
    use weir_spec::nic::Nic;
    use weir_spec::regs::{self, Access, RegId};
    use weir_spec::verdict::{Class, Decision, Reason};

    const IDENTITY: Identity = Identity { width_bytes: 64, clock_khz: 156_250, git_hash: 0x1234_5678, board: 3 };
    /// Clocks no request may take, whatever else goes on.
    const PATIENCE: usize = 700;

    /// The circuit, what lies around it, and its twin.
    struct Bench {
        plane: Plane<22, 6>,
        nic: Nic,
        pool: Vec<u32>,
        /// Map words on their way.
        read: [u32; 2],
        loads: usize,
        clocks: usize,
    }

    impl Bench {
        fn new() -> Bench {
            let mut plane = Plane::new(&IDENTITY);
            plane.connect_all();
            let mut bench =
                Bench { plane, nic: Nic::new(IDENTITY), pool: vec![0; 1 << 14], read: [0; 2], loads: 0, clocks: 0 };
            bench.reset();
            bench
        }

        fn reset(&mut self) {
            self.plane.reset.next = true;
            self.step();
            self.step();
            self.plane.reset.next = false;
            self.nic.reset();
        }

        fn step(&mut self) {
            let plane = &mut self.plane;
            let at = plane.map_addr.val().index();
            if plane.map_we.val() {
                self.pool[at] = plane.map_wdata.val().to_u64() as u32;
            }
            plane.map_rdata.next = self.read[1].to_bits();
            self.read = [self.pool[at], self.read[0]];
            plane.heat_done.next = plane.heat_read.val();
            plane.heat_value.next = (plane.heat_bucket.val().to_u64() * 3).to_bits();
            step!(*plane);
            self.loads +=
                [&plane.load_rule, &plane.load_vip, &plane.load_hash_key, &plane.load_flow_key, &plane.load_policy]
                    .iter()
                    .filter(|load| load.val())
                    .count();
            self.clocks += 1;
        }

        fn read(&mut self, offset: u32) -> Option<u32> {
            self.plane.araddr.next = offset.to_bits();
            self.plane.arvalid.next = true;
            self.plane.rready.next = true;
            self.until(|plane| plane.arready.val());
            self.step();
            self.plane.arvalid.next = false;
            self.until(|plane| plane.rvalid.val());
            let (word, refused) = (self.plane.rdata.val().to_u64() as u32, self.plane.rresp.val().to_u64());
            self.step();
            (refused == 0).then_some(word)
        }

        fn write_bytes(&mut self, offset: u32, word: u32, strobes: u64) -> bool {
            self.plane.awaddr.next = offset.to_bits();
            self.plane.wdata.next = word.to_bits();
            self.plane.wstrb.next = strobes.into();
            (self.plane.awvalid.next, self.plane.wvalid.next, self.plane.bready.next) = (true, true, true);
            self.until(|plane| plane.awready.val() && plane.wready.val());
            self.step();
            (self.plane.awvalid.next, self.plane.wvalid.next) = (false, false);
            self.until(|plane| plane.bvalid.val());
            let refused = self.plane.bresp.val().to_u64();
            self.step();
            refused == 0
        }

        fn write(&mut self, offset: u32, word: u32) -> bool {
            self.write_bytes(offset, word, 15)
        }

        fn until(&mut self, there: impl Fn(&Plane<22, 6>) -> bool) {
            let clocks = (0..PATIENCE).find(|_| {
                let there = there(&self.plane);
                if !there {
                    self.step();
                }
                there
            });
            assert!(clocks.is_some(), "the bus hangs");
        }

        /// The same access to both.
        fn both_read(&mut self, offset: u32) {
            let expected = self.nic.read(offset).ok();
            assert_eq!(self.read(offset), expected, "read of {offset:#x}");
        }

        fn both_write(&mut self, offset: u32, word: u32) -> bool {
            let expected = self.nic.write(offset, word).is_ok();
            assert_eq!(self.write(offset, word), expected, "write of {word:#x} to {offset:#x}");
            expected
        }

        fn time(&mut self, now: u64) {
            self.plane.nic_time.next = now.into();
            self.nic.set_time(now);
        }

        /// Until STATUS shows no commit any more; the clocks that took.
        fn landed(&mut self) -> usize {
            let since = self.clocks;
            let busy = regs::reg(RegId::Status).field("busy");
            while busy.get(self.read(regs::address(RegId::Status, 0)).expect("STATUS reads")) == 1 {
                assert!(self.clocks - since < 10_000, "the commit does not end");
            }
            self.clocks - since
        }
    }

    fn at(id: RegId) -> u32 {
        regs::address(id, 0)
    }

    /// Registers whose words come from circuits that are not here.
    fn elsewhere(id: RegId) -> bool {
        matches!(
            id,
            RegId::FlowCommand
                | RegId::FlowStatus
                | RegId::FlowSignatureLo
                | RegId::FlowSignatureHi
                | RegId::FlowIndex
                | RegId::FlowCount
                | RegId::Heat
        )
    }

    #[test]
    fn every_register_answers_as_the_spec() {
        let mut bench = Bench::new();
        bench.time(0x5_0000_1234);
        for block in regs::BLOCKS {
            for reg in block.regs.iter().filter(|reg| !elsewhere(reg.id)) {
                for index in [0, block.count / 2, block.count - 1] {
                    let offset = block.address(reg, index);
                    bench.both_read(offset);
                    if reg.access != Access::WriteOnly {
                        for pattern in [u32::MAX, 0x5a5a_5a5a, index] {
                            bench.both_write(offset, pattern);
                            bench.both_read(offset);
                        }
                    }
                }
            }
        }
        for offset in [0x01c + 2, 0x098, 0x1000 + 33 * 16, 0x100c, 0x2004, 0x3710, 0x8000, 0x3_0000] {
            bench.both_read(offset);
            bench.both_write(offset, 1);
        }
        bench.both_read(at(RegId::RefusedCount));
        bench.both_read(at(RegId::RefusedAddress));
        assert!(!bench.write_bytes(at(RegId::Scratch), 7, 7), "part of a word");
        assert_eq!(bench.read(at(RegId::RefusedAddress)), Some(at(RegId::Scratch)));
        assert_eq!(bench.read(at(RegId::Board)), Some(3));
        assert_eq!(bench.read(regs::address(RegId::Heat, 4095)), Some(4095 * 3));
        bench.reset();
        for id in [RegId::Scratch, RegId::RefusedCount, RegId::LeaseNextLo, RegId::ClusterMacHi, RegId::RuleMap] {
            bench.both_read(at(id));
        }
        bench.both_read(regs::address(RegId::MapWord, 8192));
        bench.both_read(regs::address(RegId::MapCrc, 32));
    }

    #[test]
    fn a_commit_loads_the_other_bank_and_then_changes_epoch_and_deadline() {
        let mut bench = Bench::new();
        bench.time(1000);
        for epoch in 1..=3u32 {
            let bank = bench.plane.bank.val();
            assert_eq!((bench.plane.live.val(), bench.plane.configured.val()), (epoch > 1, epoch > 1));
            bench.both_write(at(RegId::LeaseNextLo), 5000 * epoch);
            bench.both_write(regs::address(RegId::RulePorts, 32), epoch);
            bench.loads = 0;
            assert!(bench.both_write(at(RegId::Commit), epoch));
            // While it is under way: no shadow, no map, no second commit; all else as ever.
            assert!(!bench.write(at(RegId::RulePorts), 1) && !bench.write(at(RegId::MapWord), 1));
            assert!(!bench.write(at(RegId::Commit), 9));
            assert_eq!(bench.read(at(RegId::EpochActive)), Some(epoch - 1));
            assert!(bench.write(at(RegId::Scratch), epoch));
            bench.landed();
            assert_eq!(bench.loads, 33 * 3 + 16 * 5 + 10 + 10 + 1);
            assert_eq!((bench.plane.bank.val(), bench.plane.live.val()), (!bank, true));
            for id in [RegId::EpochActive, RegId::Status, RegId::LeaseUntilLo, RegId::LeaseUntilHi] {
                bench.both_read(at(id));
            }
            assert_eq!(bench.read(regs::address(RegId::RulePorts, 32)), Some(epoch));
        }
        assert_eq!(bench.read(at(RegId::RefusedCount)), Some(9));
    }

    #[test]
    fn renewals_and_commits_are_judged_as_the_spec_judges_them() {
        let mut bench = Bench::new();
        let mut random = 9u64;
        let mut now = 0xffff_f000u64;
        let mut seen = [0; 4];
        for _ in 0..60 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let dice = random >> 35;
            now += dice & 63;
            let next = match dice >> 6 & 7 {
                0 => now - 1,
                1 | 2 => now + weir_spec::lease::LEASE_MAX + (dice >> 9 & 1),
                ahead => now + 20 * ahead,
            };
            bench.time(now);
            bench.both_write(at(RegId::LeaseNextLo), next as u32);
            bench.both_write(at(RegId::LeaseNextHi), (next >> 32) as u32);
            let commits = dice >> 16 & 3 == 0;
            let taken = bench.both_write(at(if commits { RegId::Commit } else { RegId::Renew }), dice as u32);
            bench.landed();
            for id in [RegId::Status, RegId::LeaseUntilLo, RegId::LeaseUntilHi, RegId::NicTimeLo, RegId::NicTimeHi] {
                bench.both_read(at(id));
            }
            assert_eq!(bench.plane.fenced.val(), bench.nic.fenced());
            seen[usize::from(commits) * 2 + usize::from(taken)] += 1;
        }
        assert!(seen.iter().all(|&n| n > 1), "{seen:?}");
    }

    #[test]
    fn a_request_takes_the_clocks_that_are_documented() {
        let mut bench = Bench::new();
        bench.time(5);
        bench.read(0);
        let mut clocks = |access: &dyn Fn(&mut Bench)| {
            let since = bench.clocks;
            access(&mut bench);
            bench.clocks - since
        };
        let read = clocks(&|bench| assert!(bench.read(at(RegId::Scratch)).is_some()));
        let write = clocks(&|bench| assert!(bench.write(at(RegId::Scratch), 1)));
        let map = clocks(&|bench| assert!(bench.write(at(RegId::MapWord), 1)));
        let commit = clocks(&|bench| assert!(bench.write(at(RegId::Commit), 1)));
        let landed = clocks(&|bench| {
            bench.landed();
        });
        assert_eq!([read, write, map, commit], [file::READ, file::WRITE, file::MAP, file::COMMIT]);
        assert!(landed < 2600, "a commit takes {landed} clocks");
    }

    #[test]
    fn a_snapshot_shows_what_was_counted_and_counts_itself() {
        let mut bench = Bench::new();
        let passed = Decision::plain(true, Class::NotIp, Reason::Class);
        bench.plane.rx_word.next = passed.encode().to_bits();
        for frames in 1..=3 {
            bench.plane.rx_valid.next = true;
            bench.step();
            bench.plane.rx_valid.next = false;
            assert!(bench.write(at(RegId::Snapshot), 0));
            assert!(!bench.write(at(RegId::Snapshot), 0), "one is under way");
            while bench.read(at(RegId::SnapSeq)) != Some(frames) {
                assert!(bench.clocks < 30_000, "SNAP_SEQ does not rise");
            }
            assert_eq!(bench.read(regs::address(RegId::CounterLo, RX_PASSED as u32)), Some(frames));
            assert_eq!(bench.read(regs::address(RegId::CounterHi, RX_PASSED as u32)), Some(0));
        }
    }
}
