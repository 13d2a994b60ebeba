//! The heat counters from the host.

use weir_spec::regs::RegId;

use super::*;
use crate::driver::Nic;

#[test]
fn heat_is_what_was_asked_since_the_last_reading_and_survives_a_reset() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(sim.clone()).expect("a NIC");
    let mut asked = program(&[owning(2048)]);
    asked.config.rules[0].as_mut().expect("a rule").last_port = u16::MAX;
    driver.load(&asked).expect("a load");
    driver.commit(1, 9_000_000).expect("a commit");
    let frame = |client: u8| {
        let mut frame = [0; 60];
        frame[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        frame[16..18].copy_from_slice(&46u16.to_be_bytes());
        frame[23] = 17;
        frame[26..30].copy_from_slice(&[10, 0, 0, client]);
        frame[30..34].copy_from_slice(&[198, 51, 100, 7]);
        frame
    };
    let bucket = |client| usize::from(sim.nic().rx(&frame(client)).bucket.expect("a look-up").0);
    let (one, two) = (bucket(1), bucket(2));
    assert_ne!(one, two);
    let before = driver.heat().expect("registers");
    for client in [1, 2, 1, 1] {
        sim.nic().rx(&frame(client));
    }
    sim.nic().reset();
    let since = driver.heat().expect("registers").since(&before);
    assert_eq!((since[one], since[two], since.iter().sum::<u32>()), (3, 1, 4));
    let first = sim.nic().read(weir_spec::regs::address(RegId::Heat, one as u32));
    assert_eq!(first, Ok(4), "what the NIC itself counts");
}
