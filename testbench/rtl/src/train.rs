//! What a circuit mostly does, as a C++ program: run once, it tells the compiler which branches are taken.
//!
//! The circuit is configured, then frames of 64 bytes come on both sides without a gap, every received one goes through
//! rules, hash and map, and half of those pass.

use std::fmt::Write;
use std::net::Ipv4Addr;

use weir_spec::config::{Config, RSS_KEY};
use weir_spec::map::MapRef;
use weir_spec::regs::{self, RegId, codec};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

const VIP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const FRAMES: u32 = 64;
const LENGTH: usize = 64;

/// The functions and arrays after the shim and the circuit.
pub(crate) fn text() -> String {
    let writes = writes().into_iter().fold(String::new(), |mut text, (offset, word)| {
        let _ = write!(text, "{{{offset}u,{word}u}},");
        text
    });
    let bytes = |toward| (0..FRAMES).flat_map(move |index| frame(index, toward));
    let side = |toward| bytes(toward).map(|byte| format!("{byte},")).collect::<String>();
    format!(
        "static const uint32_t WRITES[][2] = {{{writes}}};
static const uint8_t BYTES_OF[2][{FRAMES}][{LENGTH}] = {{{{{}}},{{{}}}}};
int main() {{
    Bench* bench = weir_new(nullptr, 0);
    weir_reset(bench, 128);
    for (const auto& write : WRITES) {{
        Request request{{write[0], write[1], 15, 0, 0, 0}};
        weir_write(bench, &request);
        weir_run_bus(bench, 20000);
    }}
    weir_run(bench, 5000);
    for (int round = 0; round < 40; round++) {{
        for (int index = 0; index < {FRAMES}; index++)
            for (int side = 0; side < 2; side++) weir_push(bench, side, BYTES_OF[side][index], {LENGTH}, nullptr, 0, 0);
        weir_settle(bench, 5000);
        weir_forget(bench);
    }}
    weir_free(bench);
}}
",
        side(true),
        side(false),
    )
}

/// A rule, its map, and the first commit.
fn writes() -> Vec<(u32, u32)> {
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    config.vips[15] = Some(VIP.into());
    config.rules[31] = Some(Rule {
        vip: VipSelect::One(15),
        first_port: 80,
        last_port: 80,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        map: MapRef::Slot(63),
    });
    let map = (0..256).map(|word| (regs::address(RegId::MapWord, 63 * 256 + word), 0x1111_1111));
    let lease = [(regs::address(RegId::LeaseNextLo, 0), 1_000_000), (regs::address(RegId::Commit, 0), 1)];
    map.chain(codec::encode(&config)).chain(lease).collect()
}

/// TCP of one of many clients to the virtual IP, or back.
fn frame(index: u32, toward_vip: bool) -> [u8; LENGTH] {
    let client = Ipv4Addr::from_bits(0x0a00_0000 + index.wrapping_mul(0x9e37_79b9) % 0x00ff_ffff);
    let (source, destination) = if toward_vip { (client, VIP) } else { (VIP, client) };
    let mut frame = [0; LENGTH];
    frame[..14].copy_from_slice(&[2, 0xbf, 1, 2, 3, 4, 2, 5, 1, 2, 3, 4, 0x08, 0]);
    frame[14..18].copy_from_slice(&[0x45, 0, 0, (LENGTH - 14) as u8]);
    frame[22..24].copy_from_slice(&[64, 6]);
    frame[26..30].copy_from_slice(&source.octets());
    frame[30..34].copy_from_slice(&destination.octets());
    frame[34..38].copy_from_slice(&[0, index as u8, 0, 80]);
    frame[46..48].copy_from_slice(&[0x50, 0x10]);
    frame
}
