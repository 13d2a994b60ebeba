//! The block that sends a boot to another image.

use super::reader::{DUMMY, Opcode, PREAMBLE};

/// Octets of a jump block with what pads it.
pub const JUMP_BYTES: usize = 58;

/// A jump to the image at `target`, an address of 24 bits, at the slow read speed (opcode 03h) that every flash knows.
///
/// # Panics
///
/// If `target` has more than 24 bits: boards are checked for that when they are loaded.
pub fn jump_block(target: u32) -> Vec<u8> {
    assert!(target < 1 << 24, "boot addresses have 24 bits");
    let mut block = vec![DUMMY; 16];
    block.extend(PREAMBLE);
    block.extend([DUMMY; 4]);
    block.extend([Opcode::ProgramControl0 as u8, 0, 0, 0, 0, 0, 0, 0]);
    block.extend([Opcode::Jump as u8, 0, 0, 0, 0x03]);
    block.extend(&target.to_be_bytes()[1..]);
    block.extend([DUMMY; 18]);
    debug_assert_eq!(block.len(), JUMP_BYTES);
    block
}
