//! Any bytes as ARP and as a neighbour solicitation: no panic, what was written is read again, and no answer goes to a group
//! that the question named. A fuzzer does not guess a checksum, so each frame is also read with the right one put in its place.
#![no_main]

use weir_link::arp::{Arp, Operation};
use weir_link::ndp::Solicitation;
use weir_spec::mac::Mac;

const CLUSTER: Mac = Mac([0x03, 0xbf, 10, 0, 0, 100]);
const OWN: Mac = Mac([0x02, 0, 0, 0, 0, 1]);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(arp) = Arp::read(data) {
        assert_eq!(Arp::read(&arp.emit(Mac::BROADCAST, OWN)), Some(arp));
        if let Some(answer) = arp.answer(CLUSTER) {
            assert_eq!((answer.operation, answer.sender, answer.sender_mac), (Operation::Reply, arp.target, CLUSTER));
            assert_eq!(answer.target_mac.0[0] & 1, 0, "an answer to a group");
            assert_eq!(answer.answer(CLUSTER), None, "an answer asks nothing");
        }
    }
    solicitation(data);
    let mut summed = data.to_vec();
    if let Some(sum) = checksum(data) {
        summed[56..58].copy_from_slice(&sum.to_be_bytes());
        solicitation(&summed);
    }
});

fn solicitation(frame: &[u8]) {
    let Some(asked) = Solicitation::read(frame) else { return };
    let answer = asked.answer(CLUSTER).emit(OWN);
    assert_eq!(answer[..6], asked.reply_to.0);
    assert!(asked.source.is_unspecified() || asked.reply_to.0[0] & 1 == 0, "an answer to a group");
    assert_eq!(answer[6..12], OWN.0);
    assert_eq!(answer[62..78], asked.target.octets());
    assert_eq!(checksum(&answer), Some(u16::from_be_bytes([answer[56], answer[57]])), "the sum of the answer");
    assert_eq!(Solicitation::read(&answer), None, "an answer asks nothing");
}

/// The right checksum of the ICMPv6 message in a frame, if it is whole: written for this target alone.
fn checksum(frame: &[u8]) -> Option<u16> {
    let length = usize::from(u16::from_be_bytes(*frame.get(18..)?.first_chunk()?));
    let message = frame.get(54..54 + length).filter(|message| message.len() >= 4)?;
    let mut octets = frame[22..54].to_vec();
    octets.extend((length as u32).to_be_bytes());
    octets.extend([0, 0, 0, 58]);
    octets.extend(&message[..2]);
    octets.extend([0, 0]);
    octets.extend(&message[4..]);
    if octets.len() % 2 == 1 {
        octets.push(0);
    }
    let mut sum = 0_u16;
    for pair in octets.chunks_exact(2) {
        let (added, carry) = sum.overflowing_add(u16::from_be_bytes([pair[0], pair[1]]));
        sum = added + u16::from(carry);
    }
    Some(!sum)
}
