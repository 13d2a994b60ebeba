//! The status of an HTTP answer, as far as it has come.
//!
//! Of HTTP/1.0 and 1.1 (RFC 9112, section 4) a check needs the status line and no more. What stands before it are interim
//! answers (RFC 9110, section 15.2), which end with their empty line; a client that asked for none still may get one.

/// Most octets that may stand before the end of the status line, interim answers among them.
pub(crate) const MOST: usize = 8192;

/// What the octets so far say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Nothing yet: more have to come.
    Partial,
    /// The status.
    Status(u16),
    /// They are no answer of HTTP/1.
    NotHttp,
}

/// Reads an answer from its first octet on. Anything may stand in it; once this is not [`Answer::Partial`], further octets
/// change nothing.
pub(crate) fn read(octets: &[u8]) -> Answer {
    let mut rest = &octets[..octets.len().min(MOST)];
    let whole = octets.len() >= MOST;
    loop {
        // What cannot become a status line is told before the line ends.
        if !may_begin(rest) {
            return Answer::NotHttp;
        }
        let Some((line, after)) = line(rest) else {
            return if whole { Answer::NotHttp } else { Answer::Partial };
        };
        match status(line) {
            None => return Answer::NotHttp,
            Some(101) | Some(200..) => return status(line).map_or(Answer::NotHttp, Answer::Status),
            Some(_) => {}
        }
        let Some(next) = after_the_fields(after) else {
            return if whole { Answer::NotHttp } else { Answer::Partial };
        };
        rest = next;
    }
}

fn may_begin(octets: &[u8]) -> bool {
    octets.iter().zip(b"HTTP/1.").all(|(octet, wanted)| octet == wanted)
}

/// The first line, and what stands behind it. A lone line feed ends it as well (RFC 9112, section 2.2).
fn line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().position(|&octet| octet == b'\n')?;
    let line = &octets[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &octets[end + 1..]))
}

/// What stands behind the empty line.
fn after_the_fields(mut octets: &[u8]) -> Option<&[u8]> {
    loop {
        let (field, rest) = line(octets)?;
        if field.is_empty() {
            return Some(rest);
        }
        octets = rest;
    }
}

/// 100 to 999, from a whole status line.
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [minor, b' ', hundreds, tens, ones, after @ ..] = rest else { return None };
    // The reason may be missing, and its space with it.
    if !minor.is_ascii_digit() || !matches!(after, [] | [b' ', ..]) {
        return None;
    }
    let digits = [hundreds, tens, ones];
    if !digits.iter().all(|digit| digit.is_ascii_digit()) || *hundreds == b'0' {
        return None;
    }
    Some(digits.iter().fold(0, |status, digit| status * 10 + u16::from(**digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_status_is_read_as_soon_as_its_line_is_whole() {
        let text = b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n";
        for length in 0..24 {
            assert_eq!(read(&text[..length]), Answer::Partial, "{length}");
        }
        assert_eq!(read(&text[..25]), Answer::Status(204));
        assert_eq!(read(text), Answer::Status(204));
        for (text, status) in [("HTTP/1.0 503\n", 503), ("HTTP/1.1 200 \r\n", 200), ("HTTP/1.9 999 x\n", 999)] {
            assert_eq!(read(text.as_bytes()), Answer::Status(status), "{text}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over_and_a_switch_of_protocols_is_none() {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\n";
        assert_eq!(read(text.as_bytes()), Answer::Status(500));
        assert_eq!(read(&text.as_bytes()[..60]), Answer::Partial);
        assert_eq!(read(b"HTTP/1.1 101 Switching\r\n"), Answer::Status(101));
    }

    #[test]
    fn what_is_no_answer_is_told_at_its_first_wrong_octet_and_what_never_ends_at_the_limit() {
        for text in
            ["SSH-2.0-OpenSSH_9\r\n", "h", "HTTP/2", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 099 OK\n"]
        {
            assert_eq!(read(text.as_bytes()), Answer::NotHttp, "{text}");
        }
        let endless = [b"HTTP/1.1 200 ".to_vec(), vec![b'a'; MOST]].concat();
        assert_eq!(read(&endless[..MOST - 1]), Answer::Partial);
        assert_eq!(read(&endless), Answer::NotHttp);
        let interim = b"HTTP/1.1 100 C\r\n\r\n".repeat(1000);
        assert_eq!(read(&interim), Answer::NotHttp);
    }

    proptest! {
        #[test]
        fn what_was_decided_stays_so(octets in proptest::collection::vec(any::<u8>(), 0..80), at in any::<proptest::sample::Index>()) {
            let text = [b"HTTP/1.1 ".to_vec(), octets].concat();
            let some = read(&text[..at.index(text.len())]);
            prop_assert!(some == Answer::Partial || some == read(&text));
        }
    }
}
