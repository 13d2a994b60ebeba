use super::*;

fn flash() -> Nor {
    Nor::new(vec![0xff; 1 << 20])
}

/// A command, and so many octets of its answer.
fn ask(flash: &mut Nor, command: &[u8], answer: usize) -> Vec<u8> {
    flash.select();
    command.iter().for_each(|octet| flash.put(*octet));
    let told = (0..answer).map(|_| {
        let octet = flash.answer();
        flash.put(0);
        octet
    });
    let told = told.collect();
    flash.deselect();
    told
}

fn wait(flash: &mut Nor) {
    // Without power it would look busy for ever.
    while flash.powered() && ask(flash, &[0x05], 1)[0] & BUSY != 0 {}
}

fn write(flash: &mut Nor, command: &[u8]) {
    ask(flash, &[0x06], 0);
    ask(flash, command, 0);
    wait(flash);
}

#[test]
fn it_answers_its_id_and_reads_on_and_around() {
    let mut flash = flash();
    assert_eq!(ask(&mut flash, &[0x9f], 4), [0x20, 0xba, 0x18, 0]);
    write(&mut flash, &[0x02, 0x0f, 0xff, 0xff, 0x42]);
    assert_eq!(ask(&mut flash, &[0x03, 0x0f, 0xff, 0xff], 2), [0x42, 0xff]);
    assert_eq!(ask(&mut flash, &[0x0b, 0x0f, 0xff, 0xff, 0], 1), [0x42]);
}

#[test]
fn programming_only_clears_bits_and_wraps_in_its_page() {
    let mut flash = flash();
    write(&mut flash, &[0x02, 0, 0, 0xfe, 0xf0, 0xf1, 0xf2]);
    assert_eq!((flash.cells()[0xfe], flash.cells()[0xff], flash.cells()[0]), (0xf0, 0xf1, 0xf2));
    write(&mut flash, &[0x02, 0, 0, 0xfe, 0x0f]);
    assert_eq!(flash.cells()[0xfe], 0, "f0 and 0f have no bit in common");
    write(&mut flash, &[0x20, 0, 0, 0x42]);
    assert!(flash.cells()[..SECTOR].iter().all(|octet| *octet == 0xff));
    assert_eq!(flash.most_worn(), 1);
}

#[test]
fn nothing_is_written_without_being_enabled_each_time() {
    let mut flash = flash();
    ask(&mut flash, &[0x02, 0, 0, 0, 0], 0);
    ask(&mut flash, &[0x20, 0, 0, 0], 0);
    assert_eq!((flash.cells()[0], flash.operations(), flash.statistics().rejected), (0xff, 0, 2));
    write(&mut flash, &[0x02, 0, 0, 0, 0x12]);
    ask(&mut flash, &[0x02, 0, 0, 1, 0x34], 0);
    assert_eq!(flash.cells()[..2], [0x12, 0xff], "an enable is good for one write");
}

#[test]
fn nothing_is_taken_while_it_is_busy() {
    let mut flash = flash();
    ask(&mut flash, &[0x06], 0);
    ask(&mut flash, &[0x20, 0, 0, 0], 0);
    ask(&mut flash, &[0x06], 0);
    assert_eq!(flash.statistics().rejected, 1);
    assert_eq!(ask(&mut flash, &[0x03, 0, 0, 0], 1), [0xff], "nor is it read");
    wait(&mut flash);
    write(&mut flash, &[0x02, 0, 0, 0, 0x12]);
    assert_eq!(flash.cells()[0], 0x12);
}

#[test]
fn protected_blocks_stay_as_they_are() {
    let mut flash = flash();
    write(&mut flash, &[0x02, 0, 0, 0, 0x12]);
    flash.protect(protection::ONE_BLOCK | protection::BOTTOM);
    for command in [&[0x02, 0, 0, 1, 0][..], &[0x20, 0, 0, 0], &[0xd8, 0, 0, 0], &[0xc7]] {
        write(&mut flash, command);
    }
    assert_eq!((flash.cells()[..2].to_vec(), flash.statistics().protected), (vec![0x12, 0xff], 4));
    write(&mut flash, &[0x02, 1, 0, 0, 0x34]);
    assert_eq!(flash.cells()[0x1_0000], 0x34, "above them all goes");
    write(&mut flash, &[0x01, 0]);
    write(&mut flash, &[0x20, 0, 0, 0]);
    assert_eq!(flash.cells()[0], 0xff, "until the bits are cleared");
}

#[test]
fn a_loss_of_power_leaves_a_half_done_page_and_then_nothing_is_answered() {
    let mut flash = flash();
    flash.set_faults(Faults::power_loss(1, 7));
    write(&mut flash, &[&[0x02, 0, 0, 0][..], &[0; PAGE]].concat());
    assert!(!flash.powered());
    let page = &flash.cells()[..PAGE];
    assert!(page.contains(&0) || page.iter().any(|octet| *octet != 0xff), "some bits are cleared");
    assert!(page.iter().any(|octet| *octet != 0), "not all");
    assert_eq!(ask(&mut flash, &[0x9f], 1), [0xff]);
    flash.power_on();
    assert_eq!(ask(&mut flash, &[0x9f], 1), [0x20]);
    assert_eq!(ask(&mut flash, &[0x05], 1), [0], "neither enabled nor busy");
}

#[test]
fn a_bad_cell_reads_what_it_is_stuck_at() {
    let mut flash = flash();
    flash.set_faults(Faults::bad_cell(3, 0xfb));
    write(&mut flash, &[0x20, 0, 0, 0]);
    assert_eq!(ask(&mut flash, &[0x03, 0, 0, 2], 3), [0xff, 0xfb, 0xff]);
}

#[test]
fn asleep_it_hears_only_what_wakes_it() {
    let mut flash = flash();
    ask(&mut flash, &[0xb9], 0);
    assert_eq!(ask(&mut flash, &[0x9f], 1), [0xff]);
    ask(&mut flash, &[0xab], 0);
    assert_eq!(ask(&mut flash, &[0x9f], 1), [0x20]);
}
