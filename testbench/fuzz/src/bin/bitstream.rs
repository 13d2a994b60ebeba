//! Any octets as a configuration stream: no panic, and what is read lies within what was given.
#![no_main]

use weir_firmware::ecp5::{Stream, StreamError};

/// A preamble, a reset of the CRC, and the IDCODE of an LFE5U-25F, whose frames are the shortest.
const HEAD: &[u8] = b"\xff\xff\xbd\xb3\x3b\0\0\0\xe2\0\0\0\x41\x11\x10\x43";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    check(data);
    let mut octets = [HEAD, data].concat();
    // A fuzzer guesses no CRC. So each that is wrong is set right, and reading goes on behind it.
    for _ in 0..64 {
        let Err(StreamError::Crc { at, computed, .. }) = Stream::read(&octets, None) else {
            break;
        };
        octets[at..at + 2].copy_from_slice(&computed.to_be_bytes());
    }
    check(&octets);
});

fn check(octets: &[u8]) {
    match Stream::read(octets, None) {
        Ok(Stream::Image(image)) => {
            assert!(image.start < image.end && image.end <= octets.len());
            // What ends an image ends it whatever follows.
            let again = Stream::read(&octets[..image.end], Some(image.part.idcode));
            assert_eq!(again, Ok(Stream::Image(image)));
        }
        Ok(Stream::Jump { target, at }) => assert!(target < 1 << 24 && at < octets.len()),
        Err(error) => drop(error.to_string()),
    }
}
