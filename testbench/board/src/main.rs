//! `weir-board`: an emulated ECP5 board on a TCP port, for anything that speaks XVC.

use clap::Parser;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use weir_board::{Faults, Fpga, Nor, Running, xvc};

/// An emulated ECP5 board behind a virtual cable; its flash is a file.
#[derive(Parser)]
struct Args {
    /// the flash's contents; made, erased, if it is not there; written back at the end
    #[arg(long, value_name = "FILE")]
    flash: PathBuf,
    /// where to listen, on the loopback
    #[arg(long, value_name = "PORT", default_value_t = 2542)]
    port: u16,
    /// what the part answers, in hexadecimal (default: LFE5UM5G-45F)
    #[arg(long, value_name = "HEX", default_value = "81112043", value_parser = hex)]
    idcode: u32,
    /// power goes in the middle of this erase or program, counted from 1
    #[arg(long, value_name = "OPERATION")]
    power_loss: Option<u64>,
    /// tell what boots, and end
    #[arg(long)]
    boot_only: bool,
}

fn hex(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u32::from_str_radix(digits, 16).map_err(|_| format!("{text:?} should be up to eight hexadecimal digits"))
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let mut board = Fpga::new(args.idcode, open(&args.flash)?);
    tell(board.power_on());
    if args.boot_only {
        return Ok(());
    }
    if let Some(operation) = args.power_loss {
        board.nor_mut().set_faults(Faults::power_loss(operation, operation));
    }

    let failed = |error: io::Error| format!("failed to listen on port {}: {error}", args.port);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(failed)?;
    println!("xvc on {}", listener.local_addr().map_err(failed)?);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| format!("failed to take signals: {error}"))?;
    }
    let board = Mutex::new(board);
    let served = xvc::serve(&listener, &board, &stop).map_err(failed);
    let board = board.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let told = fs::write(&args.flash, board.nor().cells());
    told.map_err(|error| format!("failed to write {}: {error}", args.flash.display()))?;
    tell(board.running());
    println!("{:?}, most worn sector {}", board.nor().statistics(), board.nor().most_worn());
    served
}

fn open(path: &Path) -> Result<Nor, String> {
    match fs::read(path) {
        Ok(cells) if cells.len().is_power_of_two() && (64 << 10..=16 << 20).contains(&cells.len()) => {
            Ok(Nor::new(cells))
        }
        Ok(cells) => Err(format!(
            "{} has {} octets, should have a power of two from 65536 to 16777216",
            path.display(),
            cells.len()
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Nor::erased()),
        Err(error) => Err(format!("failed to read {}: {error}", path.display())),
    }
}

fn tell(running: &Running) {
    match running {
        Running::Nothing(None) => println!("nothing runs"),
        Running::Nothing(Some(error)) => println!("nothing runs: {error}"),
        Running::Primary(image) => println!("runs the primary {image}"),
        Running::Golden(image) => println!("runs the golden {image}"),
        Running::Loaded(image) => println!("runs, loaded by JTAG, the {image}"),
    }
}
