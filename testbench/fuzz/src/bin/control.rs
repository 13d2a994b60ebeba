//! Any octets as a control frame, to a board and to its host: no panic, what is read is written the same, and nothing without the
//! right tag reaches a register.
#![no_main]

use weir_spec::control::{BOARD, ETHERTYPE, Frame, Key, Port, TAG, VERSION, tag};
use weir_spec::nic::{Identity, Nic};

const KEY: Key = Key(*b"a key of sixteen");
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut port = Port::new(Some(KEY));
    let mut nic = Nic::new(Identity::default());
    assert_eq!(port.hear(data, &mut nic, 1), None, "a frame without a tag was answered");

    // Now frame by frame as a host that has the key would say them, each a slice of the input.
    let mut nonce = 1;
    for (at, body) in data.chunks(80).enumerate() {
        let mut octets = [&BOARD.0[..], &[2, 0, 0, 0, 0, 9], &ETHERTYPE.to_be_bytes(), body].concat();
        if octets.len() < ETHERNET + 32 {
            return;
        }
        octets[ETHERNET] = VERSION;
        octets[ETHERNET + 2] = 0;
        octets[ETHERNET + 28..ETHERNET + 32].fill(0);
        // Nonces that are not guessed: those of the greeting before.
        if at > 0 {
            octets[ETHERNET + 16..ETHERNET + 24].copy_from_slice(&u64::to_be_bytes(nonce));
        }
        let end = octets.len();
        octets.extend(tag(&KEY, &octets[ETHERNET..end]));
        if let Ok(frame) = Frame::read(&octets, &KEY) {
            assert_eq!(frame.write(&KEY), octets);
        }
        if let Some(answer) = port.hear(&octets, &mut nic, nonce + 1) {
            let answer = Frame::read(&answer, &KEY).expect("the board's own frame");
            assert!(answer.kind.is_of_board());
            nonce = answer.board_nonce;
        }
        assert!(octets.len() >= TAG);
    }
});
