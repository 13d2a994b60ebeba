//! Updates through the flash's own pins: what a board boots after each, and after power was cut at any point of one.

use std::collections::BTreeMap;

use weir_board::stream::Stream;
use weir_board::{Faults, Fpga, Nor, Running, protection};
use weir_firmware::Board;
use weir_firmware::flash::page::BoardPage;
use weir_firmware::flash::spi::SpiFlash;
use weir_firmware::flash::{Access, Options, Outcome, Plan, Update, UpdateError};
use weir_firmware::image::{ImagePackage, Manifest, Role};
use weir_nic::{Bar, BarError};
use weir_spec::board::Page;
use weir_spec::regs::PORT_SIZE;

const LAYOUT: (u16, u16) = (1, 2);
const GOLDEN: u32 = 0x600d_0001;
const PROVISION: Options = Options { golden: true, force: true, downgrade: false };

/// The Versa with a flash of 1 MiB, which is enough for two empty designs, and read in a sixteenth of the time.
fn board() -> Board {
    let mut board = Board::built_in().find(|board| board.facts.name == "ecp5-versa-5g").expect("the Versa");
    let flash = &mut board.facts.flash;
    flash.bytes = 1 << 20;
    flash.golden.address = 0x8_0000;
    flash.installed.address = 0x7_0000;
    flash.key.as_mut().expect("it has one").address = 0x6_0000;
    flash.jump.address = (1 << 20) - 256;
    board
}

fn package(version: &str, usercode: u32) -> ImagePackage {
    let manifest = Manifest {
        format: Manifest::FORMAT,
        board: "ecp5-versa-5g".into(),
        board_number: 1,
        part: "LFE5UM5G-45F".into(),
        idcode: 0x8111_2043,
        version: version.parse().expect("a version"),
        register_layout: "1.2".into(),
        source: "0123456789abcdef".into(),
        tools: BTreeMap::new(),
        payloads: BTreeMap::new(),
        timing: Vec::new(),
        utilisation: Vec::new(),
    };
    let image = |usercode, mark| Stream { usercode, mark, ..Stream::default() }.write();
    let mark = (9_000, 3, usercode as u8);
    let images = BTreeMap::from([(Role::Primary, image(usercode, mark)), (Role::Golden, image(GOLDEN, (1, 1, 1)))]);
    ImagePackage::new(manifest, 0, images).expect("a package")
}

/// A whole update; power that is gone stays gone.
fn update(nor: &mut Nor, package: &ImagePackage, options: Options) -> Result<(Plan, Outcome), UpdateError> {
    update_by(&mut SpiFlash::new(Pins(nor)), package, options)
}

fn update_by(
    access: &mut dyn Access,
    package: &ImagePackage,
    options: Options,
) -> Result<(Plan, Outcome), UpdateError> {
    let board = board();
    let update = Update::new(&board, package, LAYOUT, options, access)?;
    let plan = update.plan(access, &mut |_| {})?;
    let outcome = update.execute(&plan, access, &mut |_| {}, &mut |_| {})?;
    Ok((plan, outcome))
}

/// The registers of a board that runs, with the flash behind its page.
struct PageBar<'a> {
    page: Page,
    nor: &'a mut Nor,
}

impl PageBar<'_> {
    fn new(nor: &mut Nor) -> PageBar<'_> {
        let map = board().facts.flash.map().expect("it has a place for a key");
        PageBar { page: Page::new(map, 1), nor }
    }
}

impl Bar for PageBar<'_> {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        Ok(self.page.read(offset).unwrap_or(0))
    }

    /// Posted: whoever is refused does not hear of it.
    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        let _ = self.page.write(offset, value, self.nor);
        Ok(())
    }
}

/// An update by the page of a board that runs.
fn update_by_page(nor: &mut Nor, package: &ImagePackage, options: Options) -> Result<(Plan, Outcome), UpdateError> {
    update_by(&mut BoardPage::new(PageBar::new(nor), &board()), package, options)
}

struct Pins<'a>(&'a mut Nor);

impl weir_firmware::flash::spi::Spi for Pins<'_> {
    fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, String> {
        weir_firmware::flash::spi::Spi::transfer(self.0, out, answer)
    }
}

fn erased() -> Nor {
    Nor::new(vec![0xff; 1 << 20])
}

/// A board with a golden image and version 1.0.0.
fn provisioned() -> Nor {
    let mut nor = erased();
    update(&mut nor, &package("1.0.0", 0x0000_0100), PROVISION).expect("a blank board is provisioned");
    nor
}

/// What it boots: the USERCODE, and whether it is the golden image.
fn boots(nor: &Nor) -> Option<(u32, bool)> {
    let mut fpga = Fpga::new(0x8111_2043, nor.clone());
    match fpga.power_on() {
        Running::Nothing(_) => None,
        Running::Golden(image) => Some((image.usercode, true)),
        Running::Primary(image) | Running::Loaded(image) => Some((image.usercode, false)),
    }
}

#[test]
fn a_blank_board_is_provisioned_updated_and_then_left_alone() {
    let mut nor = provisioned();
    assert_eq!(boots(&nor), Some((0x100, false)));
    let (plan, outcome) = update(&mut nor, &package("1.1.0", 0x101), Options::default()).expect("an update");
    let steps: Vec<_> = plan.steps.iter().map(|step| step.what).collect();
    assert_eq!(steps, ["primary image", "note of what is installed"]);
    assert_eq!((plan.primary, plan.golden), (Some(0x100), Some(GOLDEN)));
    assert_eq!(plan.installed.map(|version| version.to_string()).as_deref(), Some("1.0.0"));
    assert_eq!(outcome, Outcome::PendingPowerCycle, "these pins cannot make the part boot");
    assert_eq!(boots(&nor), Some((0x101, false)));
    let operations = nor.operations();
    let (plan, _) = update(&mut nor, &package("1.1.0", 0x101), Options::default()).expect("nothing to do");
    assert_eq!((plan.steps.len(), nor.operations()), (0, operations), "what is there is not written again");
}

#[test]
fn power_cut_at_any_operation_leaves_a_board_that_boots_and_can_be_updated() {
    let before = provisioned();
    let new = package("1.1.0", 0x101);
    let mut whole = before.clone();
    update(&mut whole, &new, Options::default()).expect("an update");
    let operations = whole.operations() - before.operations();
    let mut random = fastrand::Rng::with_seed(2026);
    let mut booted = [0_u32; 3];
    for cut in 0..1_000 {
        let mut nor = before.clone();
        let at = before.operations() + 1 + random.u64(0..operations);
        nor.set_faults(Faults::power_loss(at, cut));
        let error = update(&mut nor, &new, Options::default()).expect_err("its power was cut");
        assert!(matches!(error, UpdateError::Access { .. }) && !nor.powered(), "cut {cut} at {at}: {error:?}");
        let runs = boots(&nor);
        match runs {
            Some((0x100, false)) => booted[0] += 1,
            Some((0x101, false)) => booted[1] += 1,
            Some((GOLDEN, true)) => booted[2] += 1,
            _ => panic!("cut {cut} at operation {at}: {runs:x?} runs"),
        }
        nor.power_on();
        update(&mut nor, &new, Options::default())
            .unwrap_or_else(|error| panic!("cut {cut} at {at}, again: {error:?}"));
        assert_eq!(boots(&nor), Some((0x101, false)), "cut {cut} at operation {at}");
    }
    println!("of 1000 cuts in {operations} operations: old {}, new {}, golden {}", booted[0], booted[1], booted[2]);
    assert!(booted[1] > 0 && booted[2] > 0, "cuts were at all kinds of places: {booted:?}");
}

#[test]
fn power_cut_while_a_blank_board_is_provisioned_needs_no_more_than_doing_it_again() {
    let new = package("1.0.0", 0x100);
    let operations = provisioned().operations();
    let mut random = fastrand::Rng::with_seed(7);
    for cut in 0..100 {
        let mut nor = erased();
        nor.set_faults(Faults::power_loss(1 + random.u64(0..operations), cut));
        update(&mut nor, &new, PROVISION).expect_err("its power was cut");
        nor.power_on();
        update(&mut nor, &new, PROVISION).expect("it is done again");
        assert_eq!(boots(&nor), Some((0x100, false)));
    }
}

#[test]
fn a_board_without_a_golden_image_is_not_updated() {
    let mut nor = erased();
    let told = update(&mut nor, &package("1.0.0", 0x100), Options::default()).expect_err("no way back").to_string();
    assert!(told.contains("golden image is not there") && told.contains("--golden --force"), "{told}");
    assert_eq!(nor.operations(), 0);

    let mut cells = provisioned().cells().to_vec();
    cells[0x8_1000] ^= 0x55;
    let mut nor = Nor::new(cells);
    let told = update(&mut nor, &package("1.1.0", 0x101), Options::default()).expect_err("no way back").to_string();
    assert!(told.contains("golden image is not whole"), "{told}");
    assert_eq!(nor.operations(), 0);
}

#[test]
fn the_golden_image_is_written_only_when_that_is_said_twice() {
    let mut nor = provisioned();
    let operations = nor.operations();
    let once = Options { golden: true, force: false, downgrade: false };
    let told = update(&mut nor, &package("1.1.0", 0x101), once).expect_err("said once").to_string();
    assert!(told.contains("say --force too"), "{told}");
    assert_eq!(nor.operations(), operations);
}

#[test]
fn an_earlier_version_than_the_flash_tells_of_is_refused() {
    let mut nor = provisioned();
    let operations = nor.operations();
    let told = update(&mut nor, &package("0.9.0", 0x90), Options::default()).expect_err("a downgrade").to_string();
    assert!(told.contains("version is 0.9.0, should be 1.0.0, which is installed, or later"), "{told}");
    assert_eq!(nor.operations(), operations);
    let meant = Options { downgrade: true, ..Options::default() };
    update(&mut nor, &package("0.9.0", 0x90), meant).expect("it is meant");
    assert_eq!(boots(&nor), Some((0x90, false)));
}

#[test]
fn a_bad_cell_is_found_before_the_image_can_boot() {
    let mut nor = provisioned();
    nor.set_faults(Faults::bad_cell(0x1_1234, 0x55));
    let error = update(&mut nor, &package("1.1.0", 0x101), Options::default()).expect_err("a bad cell");
    let UpdateError::Access { during, source } = &error else { panic!("{error:?}") };
    assert_eq!((*during, source.to_string().contains("holds 0x55 at 0x011234")), ("primary image", true), "{source}");
    assert_eq!(boots(&nor), Some((GOLDEN, true)), "the first block is written last, and was not");
}

#[test]
fn protected_blocks_are_told_with_the_status_register() {
    let mut nor = provisioned();
    let operations = nor.operations();
    nor.protect(protection::ONE_BLOCK | protection::BOTTOM);
    let error = update(&mut nor, &package("1.1.0", 0x101), Options::default()).expect_err("protected");
    let UpdateError::Access { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("status register (0x26)"), "{source}");
    assert_eq!(nor.operations(), operations);
    assert_eq!(boots(&nor), Some((0x100, false)));
}

#[test]
fn a_flash_that_does_not_answer_is_not_written() {
    struct Open;
    impl weir_firmware::flash::spi::Spi for Open {
        fn transfer(&mut self, _: &[u8], answer: usize) -> Result<Vec<u8>, String> {
            Ok(vec![0xff; answer])
        }
    }
    let board = board();
    let package = package("1.0.0", 0x100);
    let error =
        Update::new(&board, &package, LAYOUT, Options::default(), &mut SpiFlash::new(Open)).expect_err("nobody");
    assert!(matches!(error, UpdateError::Access { during: "identifying the board", .. }), "{error:?}");
}

#[test]
fn a_board_that_runs_is_updated_by_its_page_and_runs_it_after_a_cycle_of_power() {
    let mut nor = provisioned();
    let (plan, outcome) = update_by_page(&mut nor, &package("1.1.0", 0x101), Options::default()).expect("an update");
    assert_eq!((plan.steps.len(), outcome), (2, Outcome::PendingPowerCycle));
    assert_eq!(boots(&nor), Some((0x101, false)));
    let operations = nor.operations();
    let (plan, _) = update_by_page(&mut nor, &package("1.1.0", 0x101), Options::default()).expect("nothing to do");
    assert_eq!((plan.steps.len(), nor.operations()), (0, operations));
}

#[test]
fn what_a_board_could_not_come_back_from_is_not_written_by_its_page() {
    let mut nor = erased();
    let error = update_by_page(&mut nor, &package("1.0.0", 0x100), PROVISION).expect_err("a golden image");
    let UpdateError::Access { during: "golden image", source } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("the board does not let 0xd8 of 0 octets at 0x080000 through"), "{source}");
    assert_eq!((nor.operations(), nor.cells() == erased().cells()), (0, true));
}

#[test]
fn another_board_and_a_smaller_flash_are_told_before_anything_is_written() {
    let told = |access: &mut dyn Access| match update_by(access, &package("1.1.0", 0x101), Options::default()) {
        Err(UpdateError::Access { during: "identifying the board", source }) => source.to_string(),
        other => panic!("{other:?}"),
    };
    let mut nor = provisioned();
    let before = nor.clone();
    let mut bar = PageBar::new(&mut nor);
    bar.page.number = 2;
    let words = told(&mut BoardPage::new(bar, &board()));
    assert_eq!(
        words,
        "number of the board is 2, should be 1; name the --device of that board, or the --board and the package that are for this one; nothing was written"
    );
    let mut larger = board();
    larger.facts.flash.bytes = 1 << 25;
    let words = told(&mut BoardPage::new(PageBar::new(&mut nor), &larger));
    assert_eq!(
        words,
        "JEDEC id of the flash is 20ba18, should be one that ends in 19 or more; take a board.toml whose flash is as large as the board's, and packages built for that; nothing was written"
    );
    // A NIC without a page.
    let words = told(&mut BoardPage::new(Nothing, &board()));
    assert!(words.starts_with("MAGIC of the board's page is 0x00000000, should be 0x57425244"), "{words}");
    assert_eq!(nor.operations(), before.operations());
}

/// A BAR that reads as zeros.
struct Nothing;

impl Bar for Nothing {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    fn load(&mut self, _: u32) -> Result<u32, BarError> {
        Ok(0)
    }

    fn store(&mut self, _: u32, _: u32) -> Result<(), BarError> {
        Ok(())
    }
}

#[test]
fn power_cut_during_an_update_by_the_page_leaves_a_board_that_boots() {
    let before = provisioned();
    let new = package("1.1.0", 0x101);
    let mut whole = before.clone();
    update_by_page(&mut whole, &new, Options::default()).expect("an update");
    let operations = whole.operations() - before.operations();
    for cut in 0..40 {
        let mut nor = before.clone();
        nor.set_faults(Faults::power_loss(before.operations() + 1 + cut * operations / 40, cut));
        update_by_page(&mut nor, &new, Options::default()).expect_err("its power was cut");
        let runs = boots(&nor);
        assert!(matches!(runs, Some((0x100 | 0x101, false) | (GOLDEN, true))), "cut {cut}: {runs:x?} runs");
        nor.power_on();
        update_by_page(&mut nor, &new, Options::default()).expect("again");
        assert_eq!(boots(&nor), Some((0x101, false)), "cut {cut}");
    }
}
