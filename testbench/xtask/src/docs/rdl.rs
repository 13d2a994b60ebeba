//! The register map in SystemRDL 2.0, made from `weir_spec::regs`, for whatever tool reads that.

use weir_spec::regs::{Access, BLOCKS, Block, Field, LAYOUT, PORT_SIZE, Reg};

use super::after_reset::AfterReset;

/// The whole file.
pub(super) fn file() -> String {
    let mut text = String::from("// Made by `cargo xtask docs` from hdl/spec/src/regs. Do not edit.\n\n");
    text += "property shadowed {\n    component = regfile;\n    type = boolean;\n    default = false;\n};\n\n";
    text += "addrmap weir {\n";
    text += "    name = \"Weir NIC, one port\";\n";
    text += &format!(
        "    desc = \"Register layout {}.{}; {} KiB. Aligned 32-bit accesses only. What is shadowed takes effect with the next COMMIT.\";\n",
        LAYOUT >> 16,
        LAYOUT & 0xffff,
        PORT_SIZE / 1024
    );
    text += "    littleendian;\n    default regwidth = 32;\n    default accesswidth = 32;\n";
    BLOCKS.iter().for_each(|block| regfile(&mut text, block));
    text + "};\n"
}

fn regfile(text: &mut String, block: &Block) {
    *text += "\n    regfile {\n";
    if block.shadow {
        *text += "        shadowed = true;\n";
    }
    block.regs.iter().for_each(|reg| register(text, reg));
    *text += &match block.count {
        1 => format!("    }} {} @ {:#07x};\n", block.name, block.base),
        count => format!("    }} {}[{count}] @ {:#07x} += {:#x};\n", block.name, block.base, block.stride),
    };
}

fn register(text: &mut String, reg: &Reg) {
    *text += &format!("        reg {{\n            desc = {};\n", quoted(reg.doc));
    // Who writes it: the host, the NIC, or both where the NIC may answer in the same register.
    *text += match reg.access {
        Access::ReadOnly => "            default sw = r;\n            default hw = w;\n",
        Access::ReadWrite => "            default sw = rw;\n            default hw = rw;\n",
        Access::WriteOnly => "            default sw = w;\n            default hw = r;\n",
    };
    if reg.fields.is_empty() {
        field(text, reg, &Field { name: "value", low: 0, width: 32, doc: "" });
    }
    reg.fields.iter().for_each(|each| field(text, reg, each));
    *text += &format!("        }} {} @ {:#x};\n", reg.name, reg.offset);
}

fn field(text: &mut String, reg: &Reg, field: &Field) {
    let body = if field.doc.is_empty() { "{}".to_owned() } else { format!("{{ desc = {}; }}", quoted(field.doc)) };
    let (high, low) = (field.low + field.width - 1, field.low);
    let has_reset = reg.access != Access::WriteOnly && AfterReset::of(reg.id) == AfterReset::Value;
    let reset = if has_reset { format!(" = {:#x}", field.get(reg.reset)) } else { String::new() };
    *text += &format!("            field {body} {}[{high}:{low}]{reset};\n", field.name);
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_stands_in_its_block_at_its_offset() {
        let file = file();
        let mut rest = file.as_str();
        for block in BLOCKS {
            for reg in block.regs {
                let line = format!("        }} {} @ {:#x};\n", reg.name, reg.offset);
                let (before, after) = rest.split_once(&line).unwrap_or_else(|| panic!("{}.{}", block.name, reg.name));
                assert_eq!(before.matches("field {").count(), reg.fields.len().max(1), "{}", reg.name);
                assert!(reg.fields.iter().all(|field| before.contains(&format!("}} {}[", field.name))));
                rest = after;
            }
            let end = rest.split('\n').next().expect("a line");
            assert!(end.starts_with(&format!("    }} {}", block.name)), "{end}");
            assert!(end.contains(&format!("@ {:#07x}", block.base)), "{end}");
        }
    }

    #[test]
    fn what_has_no_value_after_reset_is_given_none() {
        for line in file().lines().filter(|line| line.contains("git_hash") || line.contains("width_bytes")) {
            assert!(line.ends_with("];"), "{line}");
        }
        assert!(file().contains(
            "field { desc = \"0 to 63 a map slot; 64 to 67 a constant NONE, OWN, ADOPT, RELEASE\"; } map[6:0] = 0x40;"
        ));
    }
}
