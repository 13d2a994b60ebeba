//! Any octets as a package, as its manifest, as a signature and as the keys it is held against: no panic, and what is
//! read is written the same again.
#![no_main]

use weir_firmware::image::{ImagePackage, Manifest, Trust, public_key_id, signer};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    check(data);
    // As somebody would write it who can compute a checksum: whatever size the header claims, its CRC holds.
    let mut octets = data.to_vec();
    if octets.len() > 23 {
        octets[..17].copy_from_slice(b"\xf0\x18\x87\x8c\xcb\x7d\x49\x43\x98\x00\xa0\x2f\x05\x9a\xca\x02\x01");
        let size = usize::from(u16::from_le_bytes([octets[17], octets[18]])).clamp(23, octets.len());
        octets[17..19].copy_from_slice(&(size as u16).to_le_bytes());
        let crc = crc32fast::hash(&octets[..size - 4]);
        octets[size - 4..size].copy_from_slice(&crc.to_le_bytes());
        check(&octets);
    }
    if let Ok(manifest) = Manifest::read(data) {
        let again = Manifest::read(&manifest.write()).expect("what was written");
        assert_eq!(again, manifest);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = signer(text);
        let _ = public_key_id(text);
        let _ = Trust::read(text);
    }
});

fn check(octets: &[u8]) {
    match ImagePackage::read(octets) {
        Ok(package) => assert_eq!(package.write().expect("it was read"), octets),
        Err(error) => drop(error.to_string()),
    }
}
