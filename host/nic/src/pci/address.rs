//! Where a PCI function is.

use std::fmt;
use std::str::FromStr;

/// Domain, bus, device and function, as `0000:03:00.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    /// Segment group; 0 on most machines.
    pub domain: u32,
    /// Bus.
    pub bus: u8,
    /// Device on the bus, 0 to 31.
    pub device: u8,
    /// Function of the device, 0 to 7.
    pub function: u8,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "PCI address `{text}`: {field} is wrong; an address is domain:bus:device.function in hexadecimal, as in `0000:03:00.0`"
)]
pub struct AddressError {
    /// All of it.
    pub text: String,
    /// What is wrong.
    pub field: &'static str,
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads what the kernel writes; the domain may be left out where it is 0, as `lspci` does.
    fn from_str(text: &str) -> Result<Address, AddressError> {
        let wrong = |field| AddressError { text: text.to_string(), field };
        let (place, function) = text.rsplit_once('.').ok_or(wrong("the function"))?;
        let mut parts = place.rsplit(':');
        let mut next = |field, digits: usize, most: u32| match parts.next() {
            None => Err(wrong(field)),
            Some(part) => number(part, digits, most).ok_or(wrong(field)),
        };
        let device = next("the device", 2, 31)? as u8;
        let bus = next("the bus", 2, 255)? as u8;
        let domain = match parts.next() {
            None => 0,
            Some(domain) => number(domain, 8, u32::MAX).ok_or(wrong("the domain"))?,
        };
        if parts.next().is_some() {
            return Err(wrong("the domain"));
        }
        let function = number(function, 1, 7).ok_or(wrong("the function"))? as u8;
        Ok(Address { domain, bus, device, function })
    }
}

/// `text` as at most so many hexadecimal digits, up to `most`.
fn number(text: &str, digits: usize, most: u32) -> Option<u32> {
    // No sign, which the standard library would take.
    let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|value| plain && *value <= most)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.device, self.function)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same(domain: u32, bus: u8, device in 0u8..32, function in 0u8..8) {
            let address = Address { domain, bus, device, function };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_an_address_or_an_error(text in ".{0,20}") {
            let _either = text.parse::<Address>();
        }
    }

    #[test]
    fn the_domain_may_be_left_out() {
        let address = Address { domain: 0, bus: 3, device: 0x1f, function: 7 };
        assert_eq!("03:1f.7".parse(), Ok(address));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |text: &str| text.parse::<Address>().expect_err(text).field;
        for text in ["0000:03:00", "0000:03:00.8", "0000:03:00.", "03:00.00", "03:00.+1", ""] {
            assert_eq!(field(text), "the function", "{text}");
        }
        assert_eq!(field("0000:03:20.0"), "the device");
        assert_eq!(field("0000:103:00.0"), "the bus");
        assert_eq!(field("00.0"), "the bus");
        assert_eq!(field("1:0000:03:00.0"), "the domain");
        assert_eq!(field("g:03:00.0"), "the domain");
    }
}
