//! Keys are kept out of what is said of a file: it ends up in logs and in tickets.
//!
//! Known by its field a key is easily left out. But the line that is wrong may be one whose field is misspelt, or a key may stand
//! in the place of something else. So digits of a key are known by their number as well.

use std::ops::Range;

/// So many hexadecimal digits in a row are in no address and no port.
const IN_A_ROW: usize = 16;
/// So many with separators between are in no address either: a full one of IPv6 has 32.
const IN_GROUPS: usize = 40;
/// Fields that are named after a key and hold none.
const HARMLESS: [&str; 3] = ["key_id", "key_file", "[cluster.old_key]"];

/// Whether a line of a file that is whole holds a key, by its fields or by its digits.
pub(super) fn holds_a_key(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let is_field = |(at, name): (usize, &str)| {
        lower[at + name.len()..].trim_start_matches(['"', '\'']).trim_start().starts_with('=')
    };
    lower.match_indices("key").any(is_field) || holds_digits_of_a_key(line)
}

/// Whether a line of a file that is broken somewhere may hold a key.
pub(super) fn may_hold_a_key(line: &str) -> bool {
    let lower = HARMLESS.iter().fold(line.to_ascii_lowercase(), |line, name| line.replace(name, ""));
    lower.contains("key") || holds_digits_of_a_key(line)
}

pub(super) fn holds_digits_of_a_key(text: &str) -> bool {
    next_digits_of_a_key(text).is_some()
}

/// A message without what looks like a key.
pub(super) fn without_secrets(message: &str) -> String {
    let (mut said, mut rest) = (String::new(), message);
    while let Some(digits) = next_digits_of_a_key(rest) {
        said += &rest[..digits.start];
        said += "(not shown)";
        rest = &rest[digits.end..];
    }
    said + rest
}

/// A message of the parser without the value that it found.
pub(super) fn without_value(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_string() };
    match found.split_once(['"', '`']) {
        Some((kind, _)) if found.starts_with("invalid ") => format!("{}, expected {expected}", kind.trim_end()),
        _ => message.to_string(),
    }
}

fn next_digits_of_a_key(text: &str) -> Option<Range<usize>> {
    let octets = text.as_bytes();
    let is_digit = |at: usize| octets.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut at = 0;
    while at < octets.len() {
        let (start, mut digits, mut row, mut longest) = (at, 0, 0, 0);
        while is_digit(at) || digits > 0 && is_separator(octets, at) && is_digit(at + 1) {
            row = if is_digit(at) { row + 1 } else { 0 };
            digits += usize::from(is_digit(at));
            longest = longest.max(row);
            at += 1;
        }
        if longest >= IN_A_ROW || digits >= IN_GROUPS {
            return Some(start..at);
        }
        at += 1;
    }
    None
}

fn is_separator(octets: &[u8], at: usize) -> bool {
    octets.get(at).is_some_and(|octet| b" :-_.".contains(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_key_are_known_in_a_row_and_in_groups() {
        let key = "5ec2e7".repeat(10) + "5ec2";
        let groups = |separator: &str| {
            key.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(separator)
        };
        for text in [key.clone(), groups(":"), groups(" "), groups("-"), key[..16].into(), format!("é{key}é")] {
            assert!(holds_digits_of_a_key(&text), "{text}");
            let said = without_secrets(&format!("a «{text}» z"));
            assert!(!said.contains("5e") && said.contains("(not shown)"), "{said}");
        }
        for text in [
            "vips = [\"2001:0db8:0000:0000:0000:0000:0000:0007\", \"2001:0db8:0000:0000:0000:0000:0000:0008\"]",
            "netns = [\"/run/netns/cni-01234567-89ab-cdef-0123-456789abcdef\"]",
            "key_id = 3",
            "drain_limit_s = 604800",
        ] {
            assert!(!may_hold_a_key(text), "{text}");
        }
        for text in ["key_file = \"cluster.key\"", "key_id = 3", "[[cluster.old_key]]", "nic = \"eth:eth0:/board.key\""]
        {
            assert!(!holds_a_key(text), "{text}");
        }
        for text in ["Key = \"short\"", "\"key\" = 7", "hash_key='a'", "{ id = 1, key= \"short\" }"] {
            assert!(holds_a_key(text), "{text}");
        }
        assert!(may_hold_a_key("Key = \"short\"") && may_hold_a_key("a = { key_id = 1, key = \"short\" }"));
    }

    #[test]
    fn the_value_is_left_out_of_what_the_parser_says() {
        let said = |message: &str| without_value(message);
        assert_eq!(
            said("invalid type: string \"a, expected b\", expected a sequence"),
            "invalid type: string, expected a sequence"
        );
        assert_eq!(said("invalid type: integer `12`, expected a string"), "invalid type: integer, expected a string");
        assert_eq!(said("missing field `key`"), "missing field `key`");
        assert_eq!(said("unknown field `k`, expected `a` or `b`"), "unknown field `k`, expected `a` or `b`");
    }
}
