//! Turns of two on one wire: each has `2^T` clocks, and may begin in the first of them.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock)]
pub struct Turns<const T: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin anew.
    pub reset: Signal<In, Bit>,
    /// The first one may begin in this clock.
    pub first: Signal<Out, Bit>,
    /// The second one may.
    pub second: Signal<Out, Bit>,
    at: DFF<Bits<T>>,
    whose: DFF<Bit>,
    begins_first: DFF<Bit>,
    begins_second: DFF<Bit>,
    last: Constant<Bits<T>>,
}

impl<const T: usize> Default for Turns<T> {
    fn default() -> Self {
        Turns {
            clock: Default::default(),
            reset: Default::default(),
            first: Default::default(),
            second: Default::default(),
            at: Default::default(),
            whose: Default::default(),
            begins_first: Default::default(),
            begins_second: Default::default(),
            last: Constant::new(((1u64 << T) - 1).to_bits()),
        }
    }
}

impl<const T: usize> Logic for Turns<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, at, whose, begins_first, begins_second);
        self.at.d.next = self.at.q.val() + 1;
        if self.at.q.val() == self.last.val() {
            self.whose.d.next = !self.whose.q.val();
        }
        self.begins_first.d.next = (self.at.q.val() == 0) & !self.whose.q.val();
        self.begins_second.d.next = (self.at.q.val() == 0) & self.whose.q.val();
        if self.reset.val() {
            self.at.d.next = 0.into();
            self.whose.d.next = false;
            self.begins_first.d.next = false;
            self.begins_second.d.next = false;
        }
        self.first.next = self.begins_first.q.val();
        self.second.next = self.begins_second.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::mdio::model::Phy as Model;
    use crate::board::phy::Phy;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Turns::<13>::default(), "turns").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn two_find_their_phys_on_one_wire_and_never_drive_it_together() {
        let mut turns = Turns::<9>::default();
        turns.connect_all();
        let mut circuits = [Phy::<2, 3>::new(Some(4)), Phy::<2, 3>::new(Some(1))];
        let mut phys = [Model::new(4), Model::new(1)];
        for (phy, identifier) in phys.iter_mut().zip([0x1234, 0x5678]) {
            phy.registers[2] = identifier;
            phy.registers[3] = 0x0010;
            phy.registers[1] = 0x0004;
        }
        turns.reset.next = true;
        step!(turns);
        turns.reset.next = false;
        for circuit in &mut circuits {
            circuit.connect_all();
            circuit.mdio_in.next = true;
            circuit.reset.next = true;
            step!(*circuit);
            circuit.reset.next = false;
        }
        let mut drove = [0; 2];
        for _ in 0..40 << 9 {
            let [one, other] = &mut circuits;
            one.turn.next = turns.first.val();
            other.turn.next = turns.second.val();
            let drives = [one.mdio_drive.val(), other.mdio_drive.val()];
            assert!(drives != [true, true], "both drive the wire");
            assert_eq!(one.mdc.val(), other.mdc.val(), "one clock serves both");
            drives.iter().zip(&mut drove).for_each(|(&drives, times)| *times += usize::from(drives));
            let out = if drives[0] { one.mdio_out.val() } else { other.mdio_out.val() };
            let drive = drives.contains(&true);
            // Open drain, pulled up: who is silent lets it be.
            let level = phys.iter_mut().fold(true, |level, phy| phy.pin(one.mdc.val(), drive, out) & level);
            for circuit in &mut circuits {
                circuit.mdio_in.next = level;
            }
            circuits.iter_mut().for_each(|circuit| step!(*circuit));
            step!(turns);
        }
        let found = circuits.map(|phy| (phy.found.val(), phy.address.val().to_u64(), phy.identifier.val().to_u64()));
        assert_eq!(found, [(true, 4, 0x1234_0010), (true, 1, 0x5678_0010)]);
        assert!(drove.iter().all(|&clocks| clocks > 1000), "{drove:?}");
    }
}
