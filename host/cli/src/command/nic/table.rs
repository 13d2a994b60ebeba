//! `weir nic table`: rules and bucket maps of one NIC.
//!
//! ```text
//! $ weir nic table vfio:0000:03:00.0
//! RULE     VIP        PORTS    PROTOCOL  AFFINITY  MAP
//! 0        192.0.2.1  80-80    tcp       single    0
//! default  all        all      both      none      none
//!
//! ICMP echo requests                 every host answers
//! later fragments of affinity none   pass on every host
//!
//! map 0: own 1366, adopt 0, release 0, none 2730
//!   0-1365     own
//! ```
//!
//! Read back from the NIC's registers, and nothing is written. They hold what was loaded last; what is in force cannot be read.
//! Whether the two are the same is told by the driver's journal in the NIC. Where they may differ (between a load and its COMMIT,
//! or after a COMMIT that was refused) a last line says so, and with `--json` the field `in_force`.
//!
//! With `--json`, what `weir nic load` takes. The hash key is not shown unless asked for, since who knows it can choose whom to
//! burden: it is `"rss"`, the key of the published RSS vectors, or `"nic"`, for which `load` keeps the key that the NIC has.
//!
//! Exit codes: 0 shown; 1 failed, or no Weir NIC; 3 there is no such function or socket.

use weir_nic::driver::{Shadow, Standing, read_back};
use weir_nic::listing::{ListedMap, Listing};
use weir_nic::{Identity, Selector};
use weir_spec::map::BucketState;

use super::columns::columns;
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    /// print one JSON object, as `weir nic load` takes it
    #[arg(long)]
    json: bool,
    /// with --json: write out the digits of the hash key
    #[arg(long, requires = "json")]
    show_keys: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut bar = args.nic.open()?;
    Identity::read(&mut bar)?;
    let shadow = read_back(&mut bar)?;
    if args.json {
        let listing = if args.show_keys { Listing::with_key(&shadow.program) } else { Listing::of(&shadow.program) };
        let in_force = Some(shadow.standing == Standing::InForce);
        println!("{}", serde_json::to_string(&Listing { in_force, ..listing })?);
    } else {
        print!("{}", text(&shadow));
    }
    Ok(Exit::Done)
}

fn text(Shadow { program, standing }: &Shadow) -> String {
    let listing = Listing::of(program);
    let map = |map: ListedMap| match map {
        ListedMap::Number(number) => number.to_string(),
        ListedMap::All(state) => named(&state),
    };
    let mut rows = vec![["RULE", "VIP", "PORTS", "PROTOCOL", "AFFINITY", "MAP"].map(str::to_owned)];
    for (index, rule) in &listing.rules {
        let vip = rule.vip.map(|vip| listing.vips.get(&vip).map_or_else(|| format!("#{vip}"), ToString::to_string));
        rows.push([
            index.to_string(),
            vip.unwrap_or_else(|| "all".into()),
            format!("{}-{}", rule.ports.0, rule.ports.1),
            named(&rule.protocol),
            named(&rule.affinity),
            map(rule.map),
        ]);
    }
    let default = &listing.default_rule;
    let all = || "all".to_owned();
    rows.push(["default".into(), all(), all(), "both".into(), named(&default.affinity), map(default.map)]);
    let mut out = columns(&rows);
    let echo = listing.echo.map_or_else(|| "every host answers".to_owned(), |echo| format!("map {}", map(echo)));
    out += &format!("\nICMP echo requests                 {echo}\n");
    let fragments = if listing.drop_portless_fragments { "dropped" } else { "pass on every host" };
    out += &format!("later fragments of affinity none   {fragments}\n");
    if listing.quiesce {
        out += "buckets that are own               take no new connections\n";
    }
    for (number, (map, runs)) in program.maps.iter().zip(&listing.maps).enumerate() {
        let [own, adopt, release, none] =
            [BucketState::Own, BucketState::Adopt, BucketState::Release, BucketState::None].map(|it| map.count(it));
        out += &format!("\nmap {number}: own {own}, adopt {adopt}, release {release}, none {none}\n");
        for run in runs {
            let buckets = format!("{}-{}", run.buckets.0, run.buckets.1);
            out += &format!("  {buckets:9}  {}\n", named(&run.state));
        }
    }
    out += match standing {
        Standing::InForce => "",
        Standing::NeverCommitted => "\nnothing is in force: there was no COMMIT since the NIC's reset\n",
        Standing::Staged => {
            "\nthis is what is staged in the registers; what is in force may differ until the next COMMIT\n"
        }
    };
    out
}

/// The name in JSON.
fn named<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_maps_are_columns_and_runs() {
        let listing = r#"{
            "vips": { "0": "192.0.2.1" },
            "rules": {
                "0": { "vip": 0, "ports": [80, 80], "protocol": "tcp", "affinity": "single", "map": 0 },
                "7": { "ports": [0, 65535], "protocol": "udp", "affinity": "none", "map": "own" }
            },
            "maps": [[{ "buckets": [0, 1365], "state": "own" }, { "buckets": [4095, 4095], "state": "adopt" }]]
        }"#;
        let listing: Listing = serde_json::from_str(listing).expect("a listing");
        let wanted = "\
RULE     VIP        PORTS    PROTOCOL  AFFINITY  MAP
0        192.0.2.1  80-80    tcp       single    0
7        all        0-65535  udp       none      own
default  all        all      both      none      none

ICMP echo requests                 every host answers
later fragments of affinity none   pass on every host

map 0: own 1366, adopt 1, release 0, none 2729
  0-1365     own
  4095-4095  adopt
";
        let program = listing.program().expect("a program");
        assert_eq!(text(&Shadow { program: program.clone(), standing: Standing::InForce }), wanted);
        let staged = text(&Shadow { program: program.clone(), standing: Standing::Staged });
        assert!(staged.starts_with(wanted) && staged.contains("what is in force may differ"), "{staged}");
        let none = text(&Shadow { program, standing: Standing::NeverCommitted });
        assert!(none.contains("nothing is in force: there was no COMMIT"), "{none}");
    }

    #[test]
    fn what_no_rule_decides_is_told_as_well() {
        let listing: Listing =
            serde_json::from_str(r#"{"echo":"own","drop_portless_fragments":true,"quiesce":true}"#).expect("a listing");
        let program = listing.program().expect("a program");
        let said = text(&Shadow { program, standing: Standing::InForce });
        assert!(said.contains("ICMP echo requests                 map own\n"), "{said}");
        assert!(said.contains("later fragments of affinity none   dropped\n"), "{said}");
        assert!(said.contains("buckets that are own               take no new connections\n"), "{said}");
    }
}
