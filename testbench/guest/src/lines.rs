//! Lines of another program, as they come and no longer than may be.

use std::io::{ErrorKind, Read};

/// Hands on each line without its end, cut at `most` bytes, until the other side closes. What is no text is replaced.
pub(crate) fn each(mut input: impl Read, most: usize, mut tell: impl FnMut(String)) {
    let mut line = Vec::new();
    let mut tell = |line: &mut Vec<u8>| {
        // A serial line ends its lines as terminals do.
        let text = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        line.clear();
        tell(text);
    };
    let mut buffer = [0; 4096];
    loop {
        let read = match input.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for byte in &buffer[..read] {
            match byte {
                b'\n' => tell(&mut line),
                byte if line.len() < most => line.push(*byte),
                _ => {}
            }
        }
    }
    if !line.is_empty() {
        tell(&mut line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: impl Read) -> Vec<String> {
        let mut lines = Vec::new();
        each(input, 5, |line| lines.push(line));
        lines
    }

    #[test]
    fn lines_lose_their_end_and_what_is_too_long() {
        assert_eq!(lines(&b"one\r\n\ntwo and more\nend"[..]), ["one", "", "two a", "end"]);
        assert_eq!(lines(&b""[..]), [""; 0]);
        assert_eq!(lines(&b"\xff\n"[..]), ["\u{fffd}"]);
    }

    #[test]
    fn a_line_is_told_before_the_next_begins() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let (say, said) = std::sync::mpsc::channel();
        let reading = std::thread::spawn(move || each(reader, 99, |line| say.send(line).expect("somebody listens")));
        use std::io::Write;
        writer.write_all(b"one\ntw").expect("a pipe");
        assert_eq!(said.recv().expect("a line"), "one");
        drop(writer);
        assert_eq!(said.recv().expect("a line"), "tw");
        reading.join().expect("no panic");
    }
}
