//! The flash's pins as a bus: for drivers that are not behind JTAG, and for the page of a board.

use crate::Nor;
use weir_firmware::flash::spi::Spi;

impl Spi for Nor {
    fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, String> {
        Ok(weir_spec::board::Flash::transfer(self, out, answer))
    }
}

impl weir_spec::board::Flash for Nor {
    fn transfer(&mut self, out: &[u8], answer: usize) -> Vec<u8> {
        self.select();
        out.iter().for_each(|octet| self.put(*octet));
        let told = self.read_at_once(answer).unwrap_or_else(|| {
            let one = |_| {
                let octet = self.answer();
                self.put(0);
                octet
            };
            (0..answer).map(one).collect()
        });
        self.deselect();
        told
    }
}
