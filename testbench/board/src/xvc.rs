//! A server for Xilinx Virtual Cable 1.0: `getinfo:`, `settck:` and `shift:` over TCP.
//!
//! openFPGALoader 0.13.1 writes `shift:` and what belongs to it by two calls, and does not turn Nagle's algorithm off: a delayed
//! acknowledgement of the first costs 40 ms a transaction. So every read here asks for acknowledgements at once.

use crate::Fpga;
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Octets of a vector, as `getinfo:` tells.
const VECTOR: usize = 4096;

/// Bits of a shift that are taken: more than any client may send after `getinfo:`.
const MOST_BITS: usize = 8 * VECTOR;

/// How often a server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// Serves one client after the other until `stop`. A client whose board loses its power is cut off.
///
/// # Errors
///
/// Whatever the listener says; what a client does wrong ends that client alone.
pub fn serve(listener: &TcpListener, board: &Mutex<Fpga>, stop: &AtomicBool) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(false)?;
                client.set_nodelay(true)?;
                client.set_read_timeout(Some(LOOK))?;
                let _ = attend(client, board, stop);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn attend(mut client: TcpStream, board: &Mutex<Fpga>, stop: &AtomicBool) -> io::Result<()> {
    loop {
        let mut name = [0; 2];
        take(&mut client, &mut name, stop)?;
        match &name {
            b"ge" => {
                take(&mut client, &mut [0; 6], stop)?;
                client.write_all(format!("xvcServer_v1.0:{VECTOR}\n").as_bytes())?;
            }
            b"se" => {
                let mut period = [0; 9];
                take(&mut client, &mut period, stop)?;
                client.write_all(&period[5..])?;
            }
            b"sh" => {
                let mut head = [0; 8];
                take(&mut client, &mut head, stop)?;
                let bits = u32::from_le_bytes(head[4..].try_into().expect("four octets")) as usize;
                if bits > MOST_BITS {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                let mut vectors = vec![0; 2 * bits.div_ceil(8)];
                take(&mut client, &mut vectors, stop)?;
                let answer = shift(board, &vectors, bits).ok_or(io::ErrorKind::ConnectionReset)?;
                client.write_all(&answer)?;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Clocks TMS and TDI through the board; `None` when its power is gone.
fn shift(board: &Mutex<Fpga>, vectors: &[u8], bits: usize) -> Option<Vec<u8>> {
    let (tms, tdi) = vectors.split_at(vectors.len() / 2);
    let bit = |vector: &[u8], at: usize| vector[at / 8] >> (at % 8) & 1 == 1;
    let mut tdo = vec![0; tms.len()];
    let mut board = board.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for at in 0..bits {
        let out = board.clock(bit(tms, at), bit(tdi, at));
        tdo[at / 8] |= u8::from(out) << (at % 8);
        if !board.nor().powered() {
            return None;
        }
    }
    Some(tdo)
}

/// Fills `octets`, however slowly they come.
fn take(client: &mut TcpStream, octets: &mut [u8], stop: &AtomicBool) -> io::Result<()> {
    let mut filled = 0;
    while filled < octets.len() {
        SockRef::from(&*client).set_tcp_quickack(true)?;
        match client.read(&mut octets[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if stop.load(Ordering::Relaxed) {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
