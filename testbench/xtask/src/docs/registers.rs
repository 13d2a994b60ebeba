//! The register reference, made from `weir_spec::regs`.

use std::fmt::Write;
use weir_spec::counters;
use weir_spec::regs::{Access, BLOCKS, BOARD_BLOCKS, BOARD_LAYOUT, Block, EVENT_NAMES, LAYOUT, PORT_SIZE, Reg};

use super::after_reset::AfterReset;

const INTRODUCTION: &str = "\
# Register reference

<!-- Made by `cargo xtask docs` from hdl/spec/src/regs. Do not edit. -->

One port of the NIC as its host sees it through the BAR. Registers are 32 bits wide, little-endian, and read and written as
aligned whole words; every other access is refused and has no effect. An address that is no register reads as zero and
refuses writes. *Shadowed* blocks are written at any time except while a commit is under way, and take effect with the next
COMMIT. The same map for tools: [weir.rdl](weir.rdl), SystemRDL 2.0.
";

const BOARD_INTRODUCTION: &str = "\
# Registers of a board

<!-- Made by `cargo xtask docs` from hdl/spec/src/regs/board.rs. Do not edit. -->

What is around the pipeline of a board that is a bump in the wire: its ports, its flash, and what it counted. The page is read
and written as the [registers](registers.md) are, in the same port, where the pipeline has none; a NIC without a board, and the simulated
one, have nothing there. By control frames it is there with the key alone.

**What the flash refuses.** The host may read all of it but the block of the key, and erase and program the primary image and
the block that says what is installed. Golden image, the block that leads to it and key are beyond what circuits let through,
and so are opcodes that change protection. Only JTAG goes around that.
";

/// The page of boards.
pub(super) fn board_page() -> String {
    let mut page = String::from(BOARD_INTRODUCTION);
    page += &format!("\nLayout version {}.{}.\n", BOARD_LAYOUT >> 16, BOARD_LAYOUT & 0xffff);
    BOARD_BLOCKS.iter().for_each(|block| section(&mut page, block));
    page += "\n## Which event is which\n\n| index | event |\n|---|---|\n";
    for (index, name) in EVENT_NAMES.iter().enumerate().filter_map(|(index, name)| name.map(|name| (index, name))) {
        page += &format!("| {index} | {name} |\n");
    }
    page
}

/// The whole page.
pub(super) fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    writeln!(
        page,
        "\nLayout version {}.{}; a port occupies {} KiB.\n",
        LAYOUT >> 16,
        LAYOUT & 0xffff,
        PORT_SIZE / 1024
    )
    .expect("a string takes all text");
    page += "| block | offset | bytes | entries | kind |\n|---|---|---|---|---|\n";
    for block in BLOCKS {
        page += &format!(
            "| [{}](#{}) | `0x{:05x}` | {} | {} | {} |\n",
            block.name,
            block.name.to_lowercase(),
            block.base,
            block.size,
            block.count,
            kind(block)
        );
    }
    BLOCKS.iter().for_each(|block| section(&mut page, block));
    counter_names(&mut page);
    page
}

fn kind(block: &Block) -> &'static str {
    if block.shadow { "shadowed" } else { "" }
}

fn section(page: &mut String, block: &Block) {
    *page += &format!("\n## {}\n\n", block.name);
    if block.count > 1 {
        *page += &format!("{} entries of {} bytes from `0x{:05x}`.\n\n", block.count, block.stride, block.base);
    }
    *page += "| offset | register | access | reset | meaning |\n|---|---|---|---|---|\n";
    for reg in block.regs {
        let at = if block.count > 1 {
            format!("`0x{:05x} + {} i`", block.base + reg.offset, block.stride)
        } else {
            format!("`0x{:05x}`", block.base + reg.offset)
        };
        let reset = match AfterReset::of(reg.id) {
            AfterReset::Value => format!("`0x{:08x}`", reg.reset),
            AfterReset::OfImage => "the image's".to_owned(),
            AfterReset::Kept => "kept".to_owned(),
        };
        *page += &format!("| {at} | {} | {} | {reset} | {} |\n", reg.name, access(reg), cell(reg.doc));
    }
    for reg in block.regs.iter().filter(|reg| !reg.fields.is_empty()) {
        *page += &format!("\n**{}**\n\n| bits | field | meaning |\n|---|---|---|\n", reg.name);
        for field in reg.fields {
            let bits = match field.width {
                1 => field.low.to_string(),
                width => format!("{}:{}", field.low + width - 1, field.low),
            };
            *page += &format!("| {bits} | {} | {} |\n", field.name, cell(field.doc));
        }
    }
}

fn counter_names(page: &mut String) {
    *page += "\n## Which counter is which\n\nIndexes of the COUNTER block that are in use.\n\n| index | counter |\n|---|---|\n";
    for index in 0..counters::COUNTERS {
        if let Some(name) = counters::name(index) {
            *page += &format!("| {index} | {name} |\n");
        }
    }
}

fn access(reg: &Reg) -> &'static str {
    match reg.access {
        Access::ReadOnly => "read",
        Access::ReadWrite => "read, write",
        Access::WriteOnly => "write (reads as zero)",
    }
}

/// Text in a table cell: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_and_every_field_is_on_the_page() {
        let page = page();
        for block in BLOCKS {
            assert!(page.contains(&format!("\n## {}\n", block.name)), "{}", block.name);
            for reg in block.regs {
                assert!(page.contains(&format!("| {} |", reg.name)), "{}", reg.name);
                assert!(reg.fields.iter().all(|field| page.contains(&format!("| {} |", field.name))), "{}", reg.name);
            }
        }
    }

    #[test]
    fn every_register_of_a_board_is_on_its_page() {
        let page = board_page();
        for block in BOARD_BLOCKS {
            assert!(page.contains(&format!("\n## {}\n", block.name)), "{}", block.name);
            for reg in block.regs {
                assert!(page.contains(&format!("| {} |", reg.name)), "{}", reg.name);
            }
        }
    }

    #[test]
    fn what_differs_between_images_is_given_no_value() {
        let page = page();
        assert!(page.contains("| CAPS | read | the image's |") && page.contains("| NIC_TIME_LO | read | kept |"));
        assert!(page.contains("| STATUS | read | `0x00000001` |"));
    }

    #[test]
    fn no_row_is_broken_by_its_text() {
        for row in page().lines().filter(|line| line.starts_with('|')) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert!((3..=6).contains(&bars), "{row}");
        }
    }
}
