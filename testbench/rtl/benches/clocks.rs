//! How fast the Verilated pipeline runs, and what it spends on a frame of each size.
//!
//! Prints one JSON object a line, for `cargo xtask bench rtl`. Both sides are at 100 % load, every received frame goes
//! through rules, hash and map, and half of them pass. Clocks a frame are counted at the input, from the first beat of
//! the first frame to the last beat of the last; latency is from a beat going in to the same beat coming out.

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Instant;

use weir_rtl::{Rtl, Side, Width};
use weir_spec::config::{Config, RSS_KEY};
use weir_spec::map::MapRef;
use weir_spec::regs::{self, RegId, codec};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

const SIZES: [usize; 7] = [60, 64, 128, 256, 512, 1024, 1514];
const VIP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// Frames that are queued at once.
const BATCH: usize = 500;
/// Clocks of one round.
const CLOCKS: usize = 60_000;
/// The speed varies with the machine, so it is measured in rounds.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    for width in Width::ALL {
        measure(Rtl::of_width(width)?)?;
    }
    Ok(())
}

fn measure(mut rtl: Rtl) -> Result<(), Box<dyn Error>> {
    let width = rtl.width();
    configure(&mut rtl)?;
    let mut speeds = Vec::new();
    for size in SIZES {
        let batches = CLOCKS / (BATCH * width.beats(size)) + 1;
        let (mut clocks, mut latencies) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (start, mut seconds) = (rtl.clocks(), 0.0);
            for _ in 0..batches {
                for index in 0..BATCH {
                    rtl.push(Side::Rx, &frame(index as u32, size, true), &[]);
                    rtl.push(Side::Tx, &frame(index as u32, size, false), &[]);
                }
                let began = Instant::now();
                if !rtl.settle() {
                    return Err(format!("frames of {size} bytes do not come out").into());
                }
                seconds += began.elapsed().as_secs_f64();
                let [rx, _] = rtl.drain();
                clocks.push((rx.sent[rx.sent.len() - 1] - rx.sent[0] + 1) as f64 / BATCH as f64);
                latencies.extend(latency(&rx.frames, &rx.sent, width.beats(size)));
            }
            speeds.push((rtl.clocks() - start) as f64 / seconds);
        }
        report(&format!("{width} bit, clocks a frame of {size} bytes"), clocks, "clocks");
        report(&format!("{width} bit, latency of a frame of {size} bytes"), latencies, "clocks");
    }
    report(&format!("{width} bit, clocks a second, both sides at full load"), speeds, "clocks/s");
    Ok(())
}

fn report(name: &str, mut values: Vec<f64>, unit: &str) {
    values.sort_by(f64::total_cmp);
    let (median, least, most) = (values[values.len() / 2], values[0], values[values.len() - 1]);
    println!("{{\"name\":\"{name}\",\"median\":{median:.2},\"min\":{least:.2},\"max\":{most:.2},\"unit\":\"{unit}\"}}");
}

/// The clocks from the first beat going in to the first beat coming out, of each frame that passed.
fn latency(passed: &[weir_rtl::Passed], sent: &[u64], beats: usize) -> Vec<f64> {
    // Not every frame passed: the bytes of one tell which it is.
    let index = |frame: &weir_rtl::Passed| {
        u32::from_be_bytes([frame.bytes[50], frame.bytes[51], frame.bytes[52], frame.bytes[53]])
    };
    passed.iter().map(|frame| (frame.clocks[0] - sent[index(frame) as usize * beats]) as f64).collect()
}

fn configure(rtl: &mut Rtl) -> Result<(), Box<dyn Error>> {
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
    let refused = |_| "the circuit refused a plain write";
    for word in 0..256 {
        rtl.write32(regs::address(RegId::MapWord, 63 * 256 + word), 0x1111_1111).map_err(refused)?;
    }
    for (offset, word) in codec::encode(&config) {
        rtl.write32(offset, word).map_err(refused)?;
    }
    rtl.write32(regs::address(RegId::LeaseNextLo, 0), 1_000_000).map_err(refused)?;
    rtl.write32(regs::address(RegId::Commit, 0), 1).map_err(refused)?;
    rtl.run(10_000);
    if rtl.fenced() { Err("the circuit is fenced after its first COMMIT".into()) } else { Ok(()) }
}

/// TCP of one of many clients to the virtual IP, or back; the sequence number at byte 50 is the frame's own.
fn frame(index: u32, length: usize, toward_vip: bool) -> Vec<u8> {
    let client = Ipv4Addr::from_bits(0x0a00_0000 + index.wrapping_mul(0x9e37_79b9) % 0x00ff_ffff);
    let (source, destination) = if toward_vip { (client, VIP) } else { (VIP, client) };
    let mut frame = vec![0; length];
    frame[..14].copy_from_slice(&[2, 0xbf, 1, 2, 3, 4, 2, 5, 1, 2, 3, 4, 0x08, 0]);
    frame[14..18].copy_from_slice(&[0x45, 0, ((length - 14) >> 8) as u8, (length - 14) as u8]);
    frame[22..24].copy_from_slice(&[64, 6]);
    frame[26..30].copy_from_slice(&source.octets());
    frame[30..34].copy_from_slice(&destination.octets());
    frame[34..38].copy_from_slice(&[(index >> 8) as u8, index as u8, 0, 80]);
    frame[46..48].copy_from_slice(&[0x50, 0x10]);
    frame[50..54].copy_from_slice(&index.to_be_bytes());
    frame
}
