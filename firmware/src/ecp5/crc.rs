//! The CRC of configuration streams: polynomial 8005h, start 0, most significant bit first.

/// The octets since the last check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crc(u16);

impl Crc {
    /// Takes octets in.
    pub(super) fn update(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 ^= u16::from(*octet) << 8;
            for _ in 0..8 {
                self.0 = if self.0 & 0x8000 != 0 { (self.0 << 1) ^ 0x8005 } else { self.0 << 1 };
            }
        }
    }

    /// What the stream should say here.
    pub(super) fn value(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_that_of_the_catalogue() {
        // CRC-16/UMTS (also called BUYPASS) has the same parameters and the check value FEE8h.
        let mut crc = Crc::default();
        crc.update(b"123456789");
        assert_eq!(crc.value(), 0xfee8);
    }

    #[test]
    fn octets_and_their_crc_leave_nothing() {
        let mut crc = Crc::default();
        crc.update(b"frame");
        let value = crc.value();
        crc.update(&value.to_be_bytes());
        assert_eq!(crc.value(), 0);
    }
}
