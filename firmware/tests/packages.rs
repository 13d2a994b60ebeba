//! Packages: written, read back by us and by another reader, changed bit by bit, and held against boards.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use weir_board::stream::Stream;
use weir_firmware::Board;
use weir_firmware::image::{
    ImagePackage, KeyPair, Manifest, PackageError, Role, SignatureError, Target, Trust, TrustError,
};
use weir_firmware::image::{sign, verify};

const MONDAY: i64 = 1_792_000_000;

fn board() -> Board {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../constraints/ecp5-versa-5g");
    Board::load(&folder).expect("the committed board")
}

fn manifest() -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        board: "ecp5-versa-5g".into(),
        board_number: 1,
        part: "LFE5UM5G-45F".into(),
        idcode: 0x8111_2043,
        version: "0.2.7".parse().expect("a version"),
        register_layout: "1.2".into(),
        source: "0123456789abcdef".into(),
        tools: BTreeMap::from([("place-and-route".into(), "nextpnr-ecp5 0.11.1".into())]),
        payloads: BTreeMap::new(),
        timing: Vec::new(),
        utilisation: Vec::new(),
    }
}

fn images() -> BTreeMap<Role, Vec<u8>> {
    let golden = Stream { usercode: 0x600d_0001, mark: (7, 7, 7), ..Stream::default() };
    BTreeMap::from([(Role::Primary, Stream::default().write()), (Role::Golden, golden.write())])
}

fn package() -> ImagePackage {
    ImagePackage::new(manifest(), MONDAY, images()).expect("a package")
}

#[test]
fn a_package_is_read_as_it_was_written_and_written_the_same_again() {
    let package = package();
    let octets = package.write().expect("a file");
    let read = ImagePackage::read(&octets).expect("what was written");
    assert_eq!(read, package);
    assert_eq!(read.write().expect("a file"), octets);
    assert_eq!(read.manifest().payloads[&Role::Golden].usercode, 0x600d_0001);
    assert_eq!(read.released(), MONDAY);
}

#[test]
fn another_reader_of_the_format_finds_the_same() {
    let octets = package().write().expect("a file");
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&octets).expect("room");
    std::io::Seek::rewind(&mut file).expect("a file");
    let theirs = pldm_fw::pkg::Package::parse(file).expect("a package by DSP0267");
    assert_eq!(theirs.version.to_string(), "0.2.7");
    assert_eq!(theirs.devices.len(), 1);
    assert_eq!(theirs.devices[0].components.as_index_vec(), [0, 1, 2]);
    let ids = format!("{:?}", theirs.devices[0].ids);
    assert!(ids.contains("JTAG-IDCODE") && ids.contains("WEIR-BOARD"), "{ids}");
    for (component, role) in theirs.components.iter().zip([Role::Primary, Role::Golden]) {
        let mut octets = vec![0; component.file_size];
        theirs.read_component(component, 0, &mut octets).expect("a component");
        assert_eq!(octets, package().image(role).expect("an image").0);
        assert_eq!(component.comparison_stamp, 0x0002_0007);
    }
}

#[test]
fn a_bit_that_flips_anywhere_is_found_without_any_key() {
    let octets = package().write().expect("a file");
    let header = usize::from(u16::from_le_bytes([octets[17], octets[18]]));
    let manifest = octets.len() - package().manifest().write().len();
    let everywhere = (0..header).chain((header..manifest).step_by(1_999)).chain(manifest..octets.len());
    for at in everywhere {
        let mut flipped = octets.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(ImagePackage::read(&flipped).is_err(), "octet {at} of {}", octets.len());
    }
}

#[test]
fn a_cut_or_longer_file_is_refused() {
    let octets = package().write().expect("a file");
    for cut in [0, 1, 16, 19, 60, octets.len() / 2, octets.len() - 1] {
        assert!(ImagePackage::read(&octets[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [octets.as_slice(), &[0]].concat();
    let error = ImagePackage::read(&longer).expect_err("an octet too many").to_string();
    assert!(error.contains("length of the package"), "{error}");
}

#[test]
fn images_that_cannot_be_told_apart_make_no_package() {
    let images = [Role::Primary, Role::Golden].map(|role| (role, Stream::default().write()));
    let error = ImagePackage::new(manifest(), MONDAY, images.into()).expect_err("one USERCODE twice").to_string();
    assert!(error.contains("USERCODE is 0x12345678 in both images"), "{error}");
}

#[test]
fn what_is_no_image_for_the_part_makes_no_package() {
    for octets in [b"bitstream".to_vec(), Stream { idcode: 0x4111_2043, ..Stream::default() }.write()] {
        let images = BTreeMap::from([(Role::Primary, octets)]);
        let error = ImagePackage::new(manifest(), MONDAY, images).expect_err("no image");
        assert!(matches!(error, PackageError::Image { role: Role::Primary, .. }), "{error}");
    }
    let golden = BTreeMap::from([(Role::Golden, Stream::default().write())]);
    let error = ImagePackage::new(manifest(), MONDAY, golden).expect_err("no primary").to_string();
    assert!(error.contains("without a primary image"), "{error}");
}

#[test]
fn a_manifest_of_a_later_form_is_told_as_one() {
    let error = Manifest::read(br#"{ "format": 2, "what": "ever" }"#).expect_err("a later form").to_string();
    assert!(error.contains("format of the manifest is 2, should be 1"), "{error}");
}

#[test]
fn a_signature_holds_for_these_octets_and_this_key_alone() {
    let octets = package().write().expect("a file");
    let pair = KeyPair::generate(None).expect("a pair");
    let signature = sign(&pair.secret, None, &octets, "weir 0.2.7").expect("a signature");
    assert_eq!(verify(&pair.public, &signature, &octets).expect("it holds"), "weir 0.2.7");

    let mut flipped = octets.clone();
    flipped[4_000] ^= 1;
    assert!(matches!(verify(&pair.public, &signature, &flipped), Err(SignatureError::Broken { .. })));
    let comment = signature.replace("weir 0.2.7", "weir 9.9.9");
    assert!(matches!(verify(&pair.public, &comment, &octets), Err(SignatureError::Broken { .. })));
    let other = KeyPair::generate(None).expect("a pair");
    match verify(&other.public, &signature, &octets) {
        Err(SignatureError::OtherKey { found, wanted }) => assert_eq!((found, wanted), (pair.id, other.id)),
        told => panic!("{told:?}"),
    }
    assert!(matches!(verify(&other.public, "no signature", &octets), Err(SignatureError::Syntax(_))));
}

#[test]
fn a_key_under_a_password_signs_with_it_alone() {
    let pair = KeyPair::generate(Some("weir".into())).expect("a pair");
    let signed = sign(&pair.secret, Some("weir".into()), b"octets", "comment").expect("a signature");
    assert!(verify(&pair.public, &signed, b"octets").is_ok());
    for password in [None, Some("dam".to_string())] {
        let error = sign(&pair.secret, password, b"octets", "comment").expect_err("another password");
        assert!(matches!(error, SignatureError::Password(_)), "{error}");
    }
}

#[test]
fn a_key_is_trusted_by_name_and_until_its_day() {
    let [first, second] = [(); 2].map(|()| KeyPair::generate(None).expect("a pair"));
    let line = |pair: &KeyPair| pair.public.lines().last().expect("a line").to_string();
    let text = format!("[[key]]\nname = \"builds\"\npublic = \"{}\"\nuntil = 2026-12-31\n", line(&first));
    let trust = Trust::read(&text).expect("a file");
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("a time");

    let signature = sign(&first.secret, None, b"octets", "comment").expect("a signature");
    let (key, comment) = trust.check(&signature, b"octets", at("2026-12-31T23:59:59Z")).expect("trusted");
    assert_eq!((key.name.as_str(), comment.as_str()), ("builds", "comment"));
    let late = trust.check(&signature, b"octets", at("2027-01-01T00:00:00Z")).expect_err("too late");
    assert!(matches!(late, TrustError::Expired { .. }), "{late}");
    let other = sign(&second.secret, None, b"octets", "comment").expect("a signature");
    let unknown = trust.check(&other, b"octets", at("2026-01-01T00:00:00Z")).expect_err("unknown").to_string();
    assert!(unknown.contains(&second.id) && unknown.contains("builds"), "{unknown}");

    for (text, told) in [
        (format!("{text}{text}"), "key[1].public is"),
        (text.replace("until = 2026-12-31", "until = 12:00:00"), "key[0].until is 12:00:00, should be a day"),
        (text.replace("until", "til"), "unknown field `til`"),
        (text.replace(&line(&first), "RWQ"), "key[0].public is \"RWQ\", should be the line of a minisign public key"),
    ] {
        let error = Trust::read(&text).expect_err("no such file").to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn each_misfit_is_refused_with_what_was_found_and_what_to_do() {
    let board = board();
    let fits = Target { board: &board, idcode: Some(0x8111_2043), installed: None, layout: (1, 2), downgrade: false };
    assert_eq!(fits.check(&package()), Ok(()));

    let told = |change: &dyn Fn(&mut Manifest), target: &Target<'_>| {
        let mut manifest = manifest();
        change(&mut manifest);
        let package = ImagePackage::new(manifest, MONDAY, images()).expect("a package");
        target.check(&package).expect_err("a misfit").to_string()
    };
    let other = told(&|manifest| manifest.board = "trellisboard".into(), &fits);
    assert!(other.contains("board is trellisboard (number 1), should be ecp5-versa-5g (number 1)"), "{other}");
    let number = told(&|manifest| manifest.board_number = 9, &fits);
    assert!(number.contains("(number 9)"), "{number}");
    let part = told(&|_| {}, &Target { idcode: Some(0x0111_2043), ..fits.clone() });
    assert!(part.contains("LFE5UM5G-45F") && part.contains("LFE5UM-45F") && part.contains("JTAG"), "{part}");
    for layout in ["2.0", "1.1", "1", "", "x.y"] {
        let text = told(&|manifest| manifest.register_layout = layout.into(), &fits);
        assert!(text.contains("register layout is") && text.contains("1.2 or a later 1.x"), "{text}");
    }
    let installed = Target { installed: "0.2.8".parse().ok(), ..fits.clone() };
    let text = told(&|_| {}, &installed);
    assert!(
        text.contains("version is 0.2.7, should be 0.2.8, which is installed, or later; say --downgrade"),
        "{text}"
    );
    assert_eq!(Target { downgrade: true, ..installed }.check(&package()), Ok(()));
}

#[test]
fn an_image_larger_than_its_region_is_refused() {
    let mut board = board();
    board.facts.flash.installed.address = 0x2_0000;
    let target = Target { board: &board, idcode: None, installed: None, layout: (1, 2), downgrade: false };
    let text = target.check(&package()).expect_err("too large").to_string();
    assert!(text.contains("size of the primary image") && text.contains("at most 131072 octets"), "{text}");
}
