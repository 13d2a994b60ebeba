use std::collections::BTreeMap;

use rust_hdl::prelude::*;

use super::reference::{agrees, Pins, Shown, Stream};
use super::Narrow;
use crate::bench::step;

fn octets<const N: usize, const W: usize>(value: Bits<W>) -> [u8; N] {
    std::array::from_fn(|i| value.get_bits::<8>((N - 1 - i) * 8).to_u64() as u8)
}

fn drive(front: &mut Narrow, pins: Pins) -> Shown {
    front.reset.next = pins.reset;
    front.tvalid.next = pins.valid;
    front.tlast.next = pins.last;
    front.tkeep.next = u64::from(pins.keep).to_bits();
    front.tdata.next = pins.data.to_bits();
    step!(*front);
    Shown {
        a_valid: front.a_valid.val(),
        ipv6: front.a_ipv6.val(),
        source: octets(front.a_source.val()),
        destination: octets(front.a_destination.val()),
        ports: front.p_ports.val().to_u64() as u32,
        tcp: front.p_tcp.val(),
        no_port: front.p_no_port.val(),
        k_valid: front.k_valid.val(),
        kind: front.k_kind.val().to_u64() as u8,
        late: front.k_late.val(),
        mac: octets(front.k_mac.val()),
        mac_valid: front.k_mac_valid.val(),
    }
}

#[test]
fn it_says_of_every_frame_what_the_spec_says() {
    let mut front = Narrow::default();
    front.connect_all();
    let mut stream = Stream::new(1, true);
    let mut kinds = BTreeMap::new();
    let mut late_ones = 0;
    for clock in 0..CLOCKS {
        let shown = drive(&mut front, stream.pins());
        let wanted = stream.seen();
        assert!(agrees(&shown, &wanted), "clock {clock}: {shown:02x?}, not {wanted:02x?}");
        if let Some(judged) = &wanted[1] {
            *kinds.entry(judged.kind as u8).or_insert(0) += 1;
            late_ones += u32::from(judged.late);
        }
    }
    assert!(
        kinds.len() == 10 && kinds.values().all(|count| *count > 5) && late_ones > 20,
        "{kinds:?}, {late_ones} late"
    );
}

/// More than a thousand frames.
const CLOCKS: usize = 30_000;

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Narrow::default(), "narrow").expect("the lint finds nothing");
}
