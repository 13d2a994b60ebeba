//! `weir image inspect`: what a package or a bitstream is.
//!
//! ```text
//! $ weir image inspect weir.pldm
//! package    0.2.7 for ecp5-versa-5g (number 1)
//! ...
//! $ weir image inspect weir.bit
//! image for LFE5UM5G-45F, 9470 compressed frames, 56 block RAMs, 9528 CRCs hold, USERCODE 0x12345678
//! ```
//!
//! All that can be held without a key is held: what is printed is so. With `--json` one object: a package's manifest, or the
//! facts of a bitstream.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;
use weir_firmware::ecp5::Bitstream;
use weir_firmware::image::{Digest, ImagePackage, Role};

use super::file;
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// a package, or an ECP5 bitstream
    file: PathBuf,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let octets = file::read(&args.file)?;
    let named = || args.file.display().to_string();
    // A bitstream begins with its comment or the dummies before its preamble, a package with its UUID.
    if octets.first() == Some(&0xff) {
        bitstream(&Bitstream::read(&octets, None).with_context(named)?, &octets, args.json);
    } else {
        package(&ImagePackage::read(&octets).with_context(named)?, args.json)?;
    }
    Ok(Exit::Done)
}

fn bitstream(image: &Bitstream, octets: &[u8], json: bool) {
    if json {
        let told = json!({
            "part": image.part.name,
            "idcode": image.part.idcode,
            "usercode": image.usercode,
            "compressed": image.compressed,
            "frames": image.part.frames,
            "block_rams": image.block_rams,
            "crcs": image.crcs,
            "bytes": octets.len(),
            "sha256": Digest::of(octets),
            "contents": Digest(image.contents),
            "comments": image.comments,
        });
        println!("{told}");
        return;
    }
    println!("{image}");
    println!("{} octets, sha256 {}", octets.len(), Digest::of(octets));
    println!("contents {}", Digest(image.contents));
    for comment in &image.comments {
        println!("comment  {}", comment.escape_debug());
    }
}

fn package(package: &ImagePackage, json: bool) -> anyhow::Result<()> {
    let manifest = package.manifest();
    if json {
        println!("{}", serde_json::to_string(manifest)?);
        return Ok(());
    }
    println!("package    {} for {} (number {})", manifest.version, manifest.board, manifest.board_number);
    println!("part       {}, IDCODE {:#010x}", manifest.part, manifest.idcode);
    println!("registers  layout {}", manifest.register_layout);
    println!("source     {}", manifest.source);
    for (stage, version) in &manifest.tools {
        println!("tool       {stage}: {version}");
    }
    for role in [Role::Primary, Role::Golden] {
        if let Some((octets, image)) = package.image(role) {
            println!("{:<10} {image}", role.to_string());
            println!("           {} octets, sha256 {}", octets.len(), Digest::of(octets));
        }
    }
    for clock in &manifest.timing {
        let [reached, wanted] = [clock.reached_khz, clock.wanted_khz].map(|khz| f64::from(khz) / 1e3);
        println!("clock      {}: {reached:.1} MHz reached, {wanted:.1} wanted", clock.clock);
    }
    for resource in &manifest.utilisation {
        println!("uses       {} of {} {}", resource.used, resource.of, resource.resource);
    }
    Ok(())
}
