//! Frames as they are written into a stream: plain, or by a prefix code that favours zero octets.
//!
//! The code has four words: `0` is a zero octet, `100` and an index the octet with that one bit set, `101` and an index an
//! entry of the stream's dictionary, `11` a literal octet. A frame is padded with zero octets *in front* to a multiple of 8
//! before it is compressed, and its last octet in the stream with zero bits.

/// The eight octets that `101` chooses from.
pub(super) type Dictionary = [u8; 8];

/// Why a compressed frame ends nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The stream ends inside it.
    Short,
    /// What pads it is not zero.
    Padding,
}

/// Reads one compressed frame of `padded` octets into `frame`, whose length is the frame's; returns the octets it took.
pub(super) fn expand(stream: &[u8], dictionary: &Dictionary, padded: usize, frame: &mut [u8]) -> Result<usize, Broken> {
    let mut bits = Bits { stream, at: 0 };
    let front = padded - frame.len();
    for at in 0..padded {
        let octet = match (bits.take(1)?, at) {
            (0, _) => 0,
            _ => match bits.take(1)? {
                1 => bits.take(8)?,
                _ => match (bits.take(1)?, bits.take(3)?) {
                    (0, index) => 1 << index,
                    (_, index) => dictionary[usize::from(index)],
                },
            },
        };
        match at.checked_sub(front) {
            Some(at) => frame[at] = octet,
            None if octet == 0 => {}
            None => return Err(Broken::Padding),
        }
    }
    while !bits.at.is_multiple_of(8) {
        if bits.take(1)? != 0 {
            return Err(Broken::Padding);
        }
    }
    Ok(bits.at / 8)
}

struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next bits, most significant first; at most 8.
    fn take(&mut self, count: usize) -> Result<u8, Broken> {
        let mut value = 0;
        for _ in 0..count {
            let octet = self.stream.get(self.at / 8).ok_or(Broken::Short)?;
            value = value << 1 | (octet >> (7 - self.at % 8)) & 1;
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DICTIONARY: Dictionary = [0x18, 0x28, 0x48, 0x88, 0x03, 0x05, 0x09, 0x11];

    #[test]
    fn each_word_of_the_code_gives_its_octet() {
        // 0, 100_101, 101_100, 11_10100101, then padding: 0_100101_1 01100_111 0100101_0
        let stream = [0b0100_1011, 0b0110_0111, 0b0100_1010];
        let mut frame = [0xff; 4];
        assert_eq!(expand(&stream, &DICTIONARY, 4, &mut frame), Ok(3));
        assert_eq!(frame, [0, 0x20, 0x03, 0xa5]);
    }

    #[test]
    fn octets_in_front_are_dropped_and_have_to_be_zero() {
        let mut frame = [0xff; 2];
        assert_eq!(expand(&[0], &DICTIONARY, 8, &mut frame), Ok(1));
        assert_eq!(frame, [0, 0]);
        assert_eq!(expand(&[0b1000_0000, 0, 0], &DICTIONARY, 8, &mut frame), Err(Broken::Padding));
    }

    #[test]
    fn bits_behind_a_frame_have_to_be_zero() {
        let mut frame = [0xff; 4];
        assert_eq!(expand(&[0b0000_0000], &DICTIONARY, 4, &mut frame), Ok(1));
        assert_eq!(expand(&[0b0000_0001], &DICTIONARY, 4, &mut frame), Err(Broken::Padding));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_short() {
        let mut frame = [0; 16];
        assert_eq!(expand(&[], &DICTIONARY, 16, &mut frame), Err(Broken::Short));
        assert_eq!(expand(&[0xff], &DICTIONARY, 16, &mut frame), Err(Broken::Short));
    }
}
