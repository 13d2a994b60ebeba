//! `weir nic list`: the PCI functions of this machine that can be a Weir NIC.
//!
//! A Weir NIC is known by its registers, and nobody may read those of a function that others hold. So the list has every
//! function whose BAR 0 is large enough, and says what keeps weir from it.
//!
//! ```text
//! $ weir nic list
//! ADDRESS       ID         BAR 0    DRIVER    GROUP  INTERFACES
//! 0000:03:00.0  1af4:10f5  256 KiB  vfio-pci  7      -
//! ```
//!
//! Exit codes: 0 listed; 1 failed; 3 there is none.

use weir_nic::pci::Kernel;

use super::columns::columns;
use super::shown::Shown;
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// print one JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let functions = Kernel::default().functions()?;
    let able: Vec<Shown> = functions.iter().filter(|one| one.registers().is_some()).map(Shown::of).collect();
    if args.json {
        println!("{}", serde_json::to_string(&able)?);
    } else if able.is_empty() {
        eprintln!("no PCI function here has a BAR 0 that can be a Weir NIC's ({} are there)", functions.len());
    } else {
        print!("{}", table(&able));
    }
    Ok(if able.is_empty() { Exit::NotFound } else { Exit::Done })
}

fn table(functions: &[Shown]) -> String {
    let heading = ["ADDRESS", "ID", "BAR 0", "DRIVER", "GROUP", "INTERFACES"].map(str::to_owned);
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let rows = functions.iter().map(|one| {
        let others = match one.shares_group_with.len() {
            0 => String::new(),
            more => format!(" (+{more})"),
        };
        [
            one.address.clone(),
            one.id.clone(),
            format!("{} KiB", one.bar0_bytes >> 10),
            or_dash(one.driver.clone().unwrap_or_default()),
            or_dash(one.iommu_group.map(|group| format!("{group}{others}")).unwrap_or_default()),
            or_dash(one.interfaces.join(",")),
        ]
    });
    let rows: Vec<[String; 6]> = std::iter::once(heading).chain(rows).collect();
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let one = |address: &str, driver: Option<&str>, group, others: &[&str], interfaces: &[&str]| Shown {
            address: address.into(),
            id: "1af4:10f5".into(),
            class: "0200".into(),
            bar0_bytes: 0x4_0000,
            driver: driver.map(Into::into),
            iommu_group: group,
            shares_group_with: others.iter().map(|other| (*other).to_owned()).collect(),
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        };
        let shown = table(&[
            one("0000:03:00.0", Some("vfio-pci"), Some(7), &[], &[]),
            one("10000:04:00.0", None, None, &[], &[]),
            one("0000:05:00.0", Some("igb"), Some(12), &["0000:05:00.1"], &["eth0", "eth1"]),
        ]);
        let wanted = "\
ADDRESS        ID         BAR 0    DRIVER    GROUP    INTERFACES
0000:03:00.0   1af4:10f5  256 KiB  vfio-pci  7        -
10000:04:00.0  1af4:10f5  256 KiB  -         -        -
0000:05:00.0   1af4:10f5  256 KiB  igb       12 (+1)  eth0,eth1
";
        assert_eq!(shown, wanted);
    }
}
