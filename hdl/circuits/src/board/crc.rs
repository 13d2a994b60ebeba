//! One octet of the frame check sequence: CRC-32 of IEEE 802.3, reflected, as an octet of the wire has its first bit in bit 0.
//!
//! No clock. A check starts with all ones. Behind the data, the inverted register is the sequence to send, lowest octet
//! first; behind data and sequence it is [`RESIDUE`], whatever the data were.

use rust_hdl::prelude::*;

/// The register behind a frame whose sequence is right.
pub const RESIDUE: u32 = 0xdebb_20e3;

/// The polynomial, lowest power on top.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The register after the octet `octet`, from a register of zeros.
const fn after(octet: u32) -> u32 {
    let (mut register, mut bit) = (octet, 0);
    while bit < 8 {
        register = (register >> 1) ^ if register & 1 == 1 { POLYNOMIAL } else { 0 };
        bit += 1;
    }
    register
}

/// See the module.
#[derive(LogicBlock)]
pub struct Crc {
    /// Register so far.
    pub s_crc: Signal<In, Bits<32>>,
    /// Octet.
    pub s_octet: Signal<In, Bits<8>>,
    /// Register behind it.
    pub m_crc: Signal<Out, Bits<32>>,
    // Which bits of octet and register together turn a bit of the sum.
    masks: [Constant<Bits<8>>; 32],
    mixed: Signal<Local, Bits<8>>,
    picked: [Signal<Local, Bits<8>>; 32],
    sum: Signal<Local, Bits<32>>,
}

impl Default for Crc {
    fn default() -> Self {
        let mask = |bit: usize| (0..8).fold(0u64, |mask, of| mask | u64::from(after(1 << of) >> bit & 1) << of);
        Crc {
            s_crc: Default::default(),
            s_octet: Default::default(),
            m_crc: Default::default(),
            masks: std::array::from_fn(|bit| Constant::new(mask(bit).to_bits())),
            mixed: Default::default(),
            picked: std::array::from_fn(|_| Default::default()),
            sum: Default::default(),
        }
    }
}

impl Logic for Crc {
    #[hdl_gen]
    fn update(&mut self) {
        self.mixed.next = self.s_crc.val().get_bits::<8>(0) ^ self.s_octet.val();
        self.sum.next = 0.into();
        for i in 0..32 {
            self.picked[i].next = self.mixed.val() & self.masks[i].val();
            self.sum.next = self.sum.val().replace_bit(i, self.picked[i].val().xor());
        }
        self.m_crc.next = self.sum.val() ^ bit_cast::<32, 24>(self.s_crc.val().get_bits::<24>(8));
    }
}

/// The register behind `octets`, for the models of the benches: bit by bit, as the standard has it.
#[cfg(test)]
pub(super) fn model(octets: &[u8]) -> u32 {
    octets.iter().fold(u32::MAX, |register, &octet| {
        (0..8).fold(register ^ u32::from(octet), |register, _| match register & 1 {
            1 => register >> 1 ^ POLYNOMIAL,
            _ => register >> 1,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Crc::default(), "crc").expect("nothing that Verilog takes otherwise");
    }

    fn run(octets: &[u8]) -> u32 {
        let mut circuit = Crc::default();
        circuit.connect_all();
        let mut register = u32::MAX;
        for &octet in octets {
            circuit.s_crc.next = u64::from(register).into();
            circuit.s_octet.next = u64::from(octet).into();
            assert!(simulate(&mut circuit, 10));
            register = circuit.m_crc.val().to_u64() as u32;
        }
        register
    }

    #[test]
    fn the_published_check_value_and_the_residue_come_out() {
        assert_eq!(!run(b"123456789"), 0xcbf4_3926);
        let sequence = (!run(b"123456789")).to_le_bytes();
        assert_eq!(run(&[&b"123456789"[..], &sequence].concat()), RESIDUE);
    }

    #[test]
    fn every_octet_equals_the_bitwise_model() {
        for octet in 0..=255u8 {
            assert_eq!(run(&[octet]), model(&[octet]));
            assert_eq!(run(&[0x5a, octet, !octet]), model(&[0x5a, octet, !octet]));
        }
    }
}
