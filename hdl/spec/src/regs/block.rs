//! The shape of the table: blocks of registers of fields.

use super::RegId;

/// Who may do what with a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A write is refused.
    ReadOnly,
    /// A read gives what was written.
    ReadWrite,
    /// A doorbell: a read gives zero.
    WriteOnly,
}

/// Some bits of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Name, lower case.
    pub name: &'static str,
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// Meaning, unit, legal values.
    pub doc: &'static str,
}

impl Field {
    /// The bits of the register that belong to this field.
    pub const fn mask(&self) -> u32 {
        (((1u64 << self.width) - 1) << self.low) as u32
    }

    /// The field's value in a register word.
    pub const fn get(&self, word: u32) -> u32 {
        (word & self.mask()) >> self.low
    }

    /// `value` at the field's place; bits that do not fit are lost.
    pub const fn place(&self, value: u32) -> u32 {
        ((value as u64) << self.low) as u32 & self.mask()
    }
}

/// One 32-bit register of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reg {
    /// Its name in code.
    pub id: RegId,
    /// Its name in the reference.
    pub name: &'static str,
    /// Byte offset in the entry.
    pub offset: u32,
    /// Who may do what.
    pub access: Access,
    /// Value after reset; of the id block's capability words, what a simulator without capabilities shows.
    pub reset: u32,
    /// Its bits; empty: one field of 32 bits.
    pub fields: &'static [Field],
    /// What it is, and what a read or a write does.
    pub doc: &'static str,
}

impl Reg {
    /// The field of this name. Panics when there is none: only our own code asks.
    pub const fn field(&self, name: &str) -> Field {
        let mut i = 0;
        while i < self.fields.len() {
            if same(self.fields[i].name, name) {
                return self.fields[i];
            }
            i += 1;
        }
        panic!("no such field")
    }

    /// The bits that hold what is written; the others read as zero.
    pub fn writable(&self) -> u32 {
        match self.access {
            Access::ReadWrite if self.fields.is_empty() => u32::MAX,
            Access::ReadWrite => self.fields.iter().fold(0, |mask, field| mask | field.mask()),
            Access::ReadOnly | Access::WriteOnly => 0,
        }
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// An array of equal entries of registers, or a single one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Name, upper case.
    pub name: &'static str,
    /// Byte offset in the port.
    pub base: u32,
    /// Bytes kept for it.
    pub size: u32,
    /// Entries.
    pub count: u32,
    /// Bytes from one entry to the next.
    pub stride: u32,
    /// Registers of an entry, rising.
    pub regs: &'static [Reg],
    /// Writes take effect with the next COMMIT, and are refused while one is under way.
    pub shadow: bool,
}

impl Block {
    pub(super) const fn single(name: &'static str, base: u32, size: u32, regs: &'static [Reg]) -> Block {
        Block::array(name, base, size, 1, size, regs)
    }

    pub(super) const fn array(
        name: &'static str,
        base: u32,
        size: u32,
        count: u32,
        stride: u32,
        regs: &'static [Reg],
    ) -> Block {
        Block { name, base, size, count, stride, regs, shadow: false }
    }

    pub(super) const fn shadowed(self) -> Block {
        Block { shadow: true, ..self }
    }

    /// The register at a byte offset of the port, and its entry.
    pub fn find(&self, offset: u32) -> Option<(&'static Reg, u32)> {
        let inside = offset.checked_sub(self.base)?;
        let (index, at) = (inside / self.stride, inside % self.stride);
        let reg = self.regs.iter().find(|reg| reg.offset == at)?;
        (index < self.count).then_some((reg, index))
    }

    /// The byte offset of a register of this block. Panics when there is no such entry.
    pub fn address(&self, reg: &Reg, index: u32) -> u32 {
        assert!(index < self.count, "{} has {} entries, not {}", self.name, self.count, index + 1);
        self.base + index * self.stride + reg.offset
    }
}

pub(super) const fn field(name: &'static str, low: u32, width: u32, doc: &'static str) -> Field {
    Field { name, low, width, doc }
}

pub(super) const fn bit(name: &'static str, low: u32, doc: &'static str) -> Field {
    field(name, low, 1, doc)
}

pub(super) const fn ro(
    id: RegId,
    name: &'static str,
    offset: u32,
    reset: u32,
    fields: &'static [Field],
    doc: &'static str,
) -> Reg {
    Reg { id, name, offset, access: Access::ReadOnly, reset, fields, doc }
}

pub(super) const fn rw(
    id: RegId,
    name: &'static str,
    offset: u32,
    reset: u32,
    fields: &'static [Field],
    doc: &'static str,
) -> Reg {
    Reg { id, name, offset, access: Access::ReadWrite, reset, fields, doc }
}

pub(super) const fn wo(id: RegId, name: &'static str, offset: u32, fields: &'static [Field], doc: &'static str) -> Reg {
    Reg { id, name, offset, access: Access::WriteOnly, reset: 0, fields, doc }
}
