//! Any bytes as ARP and as a neighbour solicitation: no panic, what was written is read again, and no answer goes to a group
//! that the question named.
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
    if let Some(asked) = Solicitation::read(data) {
        let frame = asked.answer(CLUSTER).emit(OWN);
        assert_eq!(frame[..6], asked.reply_to.0);
        assert_eq!(frame[6..12], OWN.0);
        assert_eq!(frame[62..78], asked.target.octets());
        assert_eq!(Solicitation::read(&frame), None, "an answer asks nothing");
    }
});
