//! Configuration streams: what is read, and what is refused at which octet.

use proptest::prelude::*;
use weir_board::stream::Stream;
use weir_firmware::ecp5::{self, Bitstream, BootError, StreamError};

const PART: u32 = 0x8111_2043;

#[test]
fn an_image_is_read_with_all_its_crcs() {
    for compressed in [true, false] {
        let octets = Stream { compressed, ..Stream::default() }.write();
        let image = Bitstream::read(&octets, Some(PART)).expect("a whole image");
        assert_eq!(image.part.name, "LFE5UM5G-45F");
        assert_eq!(image.comments, ["Part: LFE5UM5G-45F-8CABGA381"]);
        assert_eq!((image.usercode, image.control0), (0x1234_5678, 0x4000_0000));
        assert_eq!((image.crcs, image.block_rams, image.compressed), (9_470 + 2, 1, compressed));
        assert_eq!(image.end, octets.len() - 4, "trailing dummies are no part of it");
    }
}

#[test]
fn one_design_has_the_same_contents_compressed_and_plain() {
    let contents = |compressed, mark| {
        let octets = Stream { compressed, mark, ..Stream::default() }.write();
        Bitstream::read(&octets, None).expect("a whole image").contents
    };
    assert_eq!(contents(true, (4_711, 105, 0x81)), contents(false, (4_711, 105, 0x81)));
    assert_ne!(contents(true, (4_711, 105, 0x81)), contents(true, (4_711, 104, 0x81)));
}

#[test]
fn a_flipped_bit_behind_the_preamble_is_found_where_it_is() {
    let octets = Stream::default().write();
    let image = Bitstream::read(&octets, Some(PART)).expect("a whole image");
    // Dummies between commands carry nothing, so a stride that meets every kind of octet is enough.
    for at in (image.start + 12..image.end).step_by(613) {
        let mut flipped = octets.clone();
        flipped[at] ^= 0x04;
        match Bitstream::read(&flipped, Some(PART)) {
            Err(StreamError::Crc { at: found, .. }) => assert!(found + 2 > at, "{at} was told at {found}"),
            Err(_) => {}
            Ok(_) => panic!("octet {at} was flipped and not noticed"),
        }
    }
}

#[test]
fn a_cut_image_says_how_much_is_missing() {
    let octets = Stream::default().write();
    let end = octets.len() - 4;
    assert!(Bitstream::read(&octets[..end], None).is_ok());
    for cut in [end - 1, end - 4, end / 2, end / 2 + 1, 120, 60] {
        match Bitstream::read(&octets[..cut], None) {
            Err(StreamError::Truncated { at, missing, .. }) => assert!(at == cut && missing > 0, "cut at {cut}"),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn erased_flash_and_foreign_files_have_no_preamble() {
    for octets in [vec![0xff; 1 << 20], vec![], b"\x7fELF".to_vec()] {
        let error = Bitstream::read(&octets, Some(PART)).expect_err("no image");
        assert_eq!(error.boot_error(), BootError::Preamble, "{error}");
    }
}

#[test]
fn an_image_for_another_part_names_both() {
    let octets = Stream { idcode: 0x4111_2043, ..Stream::default() }.write();
    let error = Bitstream::read(&octets, Some(PART)).expect_err("another part");
    assert_eq!(error.boot_error(), BootError::Id);
    let text = error.to_string();
    assert!(text.contains("LFE5U-45F") && text.contains("LFE5UM5G-45F"), "{text}");
    let unknown = Stream { idcode: 0x1234_5043, ..Stream::default() }.write();
    assert!(matches!(Bitstream::read(&unknown, None), Err(StreamError::UnknownPart { .. })));
}

#[test]
fn frames_of_another_count_are_refused() {
    let octets = Stream { frames: 9_469, ..Stream::default() }.write();
    assert!(matches!(Bitstream::read(&octets, None), Err(StreamError::FrameCount { count: 9_469, .. })));
}

#[test]
fn an_end_without_frames_configures_nothing() {
    let octets = b"\xff\xff\xbd\xb3\x3b\0\0\0\xe2\0\0\0\x81\x11\x20\x43\x5e\0\0\0";
    assert!(matches!(Bitstream::read(octets, None), Err(StreamError::Unconfigured { frames: 0, .. })));
}

#[test]
fn a_jump_leads_to_its_address_and_is_no_image() {
    let block = ecp5::jump_block(0x80_0000);
    assert_eq!(block.len(), ecp5::JUMP_BYTES);
    let read = ecp5::Stream::read(&block, Some(PART)).expect("a jump");
    assert!(matches!(read, ecp5::Stream::Jump { target: 0x80_0000, .. }));
    assert!(matches!(Bitstream::read(&block, None), Err(StreamError::Jump { target: 0x80_0000, .. })));
}

proptest! {
    #[test]
    fn no_octets_are_too_much_for_the_reader(mut octets in prop::collection::vec(any::<u8>(), 0..400), preamble: bool) {
        if preamble {
            octets.splice(0..0, *b"\xff\xff\xbd\xb3\x3b\0\0\0\xe2\0\0\0\x81\x11\x20\x43");
        }
        let _ = ecp5::Stream::read(&octets, None);
    }
}
