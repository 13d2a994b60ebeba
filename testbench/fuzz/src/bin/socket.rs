//! A vfio-user server that answers anything: no panic, no wait for what cannot come, and nothing is read past an answer.
//!
//! The first byte says how wrong it is: raw bytes in place of all answers, or answers that are right but for their contents
//! and now and then a byte. The rest are those contents, and when they are used up the server is gone.
#![no_main]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use weir_nic::socket::SocketBar;
use weir_nic::{Bar, Nic};

const HEADER: usize = 16;
const REGION_READ: u16 = 9;
const REGION_WRITE: u16 = 10;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let (host, mut device) = UnixStream::pair().expect("a pair");
    thread::scope(|scope| {
        scope.spawn(move || {
            if how % 4 == 0 {
                let _ = device.write_all(data);
                let _ = device.shutdown(Shutdown::Write);
                // Till the host goes, so that it never fails to send.
                let _ = std::io::copy(&mut device, &mut std::io::sink());
            } else {
                let _ = answer(&mut device, data, how % 4 == 1);
            }
        });
        if let Ok(mut bar) = SocketBar::over(host) {
            let _ = bar.interrupts(2);
            let _ = bar.write_block(0x1000, &[1, 2, 3]);
            let _ = Nic::open(bar).map(|mut nic| nic.time());
        }
    });
});

/// Answers each question, right in form or with a byte turned, until the contents are used up.
fn answer(device: &mut UnixStream, mut contents: &[u8], wrong: bool) -> std::io::Result<()> {
    loop {
        let mut header = [0; HEADER];
        device.read_exact(&mut header)?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let mut body = vec![0; (word(4) as usize).saturating_sub(HEADER)];
        device.read_exact(&mut body)?;
        let command = u16::from_le_bytes([header[2], header[3]]);
        // Posted writes are not answered.
        if command == REGION_WRITE {
            continue;
        }
        // A read is answered with what was asked, and a word; everything else with a changed question.
        if command == REGION_READ {
            body.extend([0; 4]);
        }
        let fixed = if command == REGION_READ { body.len() - 4 } else { body.len().min(4) };
        let free = &mut body[fixed..];
        let Some((given, rest)) = contents.split_at_checked(free.len().min(24)) else { return Ok(()) };
        free[..given.len()].copy_from_slice(given);
        contents = rest;
        let size = (HEADER + body.len()) as u32;
        let mut reply = [&header[..4], &size.to_le_bytes(), &1u32.to_le_bytes(), &[0; 4], &body].concat();
        if wrong {
            let Some(([place, turn], rest)) = contents.split_first_chunk::<2>().map(|(two, rest)| (*two, rest)) else {
                return Ok(());
            };
            contents = rest;
            let place = usize::from(place) % reply.len();
            // One in four answers is wrong.
            if turn % 4 == 0 {
                reply[place] ^= turn >> 2;
                // It may now promise more than there is, which nobody should have to wait for.
                if (4..8).contains(&place) {
                    return device.write_all(&reply);
                }
            }
        }
        device.write_all(&reply)?;
    }
}
