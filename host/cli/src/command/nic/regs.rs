//! `weir nic regs`: registers by name, with their fields.
//!
//! ```text
//! $ weir nic regs sim STATUS LEASE_MAX
//! 0x00048  ID.STATUS     0x00000001  fenced=1 busy=0 configured=0
//! 0x00078  ID.LEASE_MAX  0x03d09000
//! ```
//!
//! Without names: the id block, and what is not as after reset of rules, virtual IPs and policy. Names are those of the
//! register reference. Keys are not shown unless asked for: who knows them can forge. Nothing is written; a read of
//! NIC_TIME_LO latches NIC_TIME_HI, so that another's reading of the pair may be off once in 71 minutes.
//!
//! Exit codes: 0 shown; 1 failed, or no Weir NIC; 2 no such register; 3 there is no such function or socket.

use serde::Serialize;
use weir_nic::{Bar, Identity, Selector};
use weir_spec::regs::{FLOW_KEY, HASH_KEY, ID, POLICY, RULE, VIP};

use super::place::{One, Place};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    // Not a doc comment: rustdoc would take the indexes for links.
    #[arg(
        value_name = "register",
        help = "registers: BLOCK, BLOCK[n], BLOCK[n].REGISTER, a register of the id block, or 0xOFFSET"
    )]
    registers: Vec<Place>,
    /// show keys as well
    #[arg(long)]
    show_keys: bool,
    /// print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    offset: u32,
    name: String,
    /// `None`: a key.
    value: Option<u32>,
    #[serde(skip)]
    fields: String,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut bar = args.nic.open()?;
    Identity::read(&mut bar)?;
    let mut rows = Vec::new();
    if args.registers.is_empty() {
        for one in Place::block(&ID).registers() {
            rows.push(read(&mut bar, one, false)?);
        }
        for one in [&RULE, &VIP, &POLICY].into_iter().flat_map(|block| Place::block(block).registers()) {
            let row = read(&mut bar, one, false)?;
            if row.value != Some(one.reg.reset) {
                rows.push(row);
            }
        }
    }
    for one in args.registers.iter().flat_map(|place| place.registers()) {
        let key = [HASH_KEY.name, FLOW_KEY.name].contains(&one.block.name);
        rows.push(read(&mut bar, one, key && !args.show_keys)?);
    }
    if args.json {
        println!("{}", serde_json::to_string(&rows)?);
    } else {
        print!("{}", text(&rows));
    }
    Ok(Exit::Done)
}

fn read<B: Bar>(bar: &mut B, one: One, hide: bool) -> anyhow::Result<Row> {
    let (offset, name) = (one.offset(), one.name());
    if hide {
        return Ok(Row { offset, name, value: None, fields: String::new() });
    }
    let value = bar.read32(offset)?;
    let fields = one.reg.fields.iter().map(|field| format!("{}={}", field.name, field.get(value)));
    let fields = fields.collect::<Vec<_>>().join(" ");
    Ok(Row { offset, name, value: Some(value), fields })
}

fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let value = row.value.map_or_else(|| "(a key: see --show-keys)".to_owned(), |value| format!("{value:#010x}"));
        format!("{:#07x}  {:width$}  {value}  {}", row.offset, row.name, row.fields).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
