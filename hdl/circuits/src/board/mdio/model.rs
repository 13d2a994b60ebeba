//! What a PHY does with the two wires: it looks at the rising edges, and speaks behind them.

/// A PHY at an address.
pub(in crate::board) struct Phy {
    address: u16,
    /// What its registers hold.
    pub(in crate::board) registers: [u16; 32],
    /// What was written where, in order.
    pub(in crate::board) written: Vec<(usize, u16)>,
    /// It is there at all.
    pub(in crate::board) there: bool,
    mdc: bool,
    /// Ones since the last frame; bits of the frame under way.
    ones: usize,
    bits: Vec<bool>,
    /// What it says from the next rising edge on, last bit first.
    says: Vec<bool>,
    level: bool,
}

impl Phy {
    pub(in crate::board) fn new(address: u16) -> Phy {
        Phy {
            address,
            registers: [0; 32],
            written: Vec::new(),
            there: true,
            mdc: false,
            ones: 0,
            bits: Vec::new(),
            says: Vec::new(),
            level: true,
        }
    }

    /// One look at the wires; the level of the pin.
    pub(in crate::board) fn pin(&mut self, mdc: bool, drive: bool, out: bool) -> bool {
        let rises = mdc && !self.mdc;
        self.mdc = mdc;
        assert!(!drive || self.level, "both drive the pin");
        if rises {
            self.rise(if drive { out } else { self.level });
            self.level = self.says.pop().unwrap_or(true);
        }
        if drive {
            out
        } else {
            self.level
        }
    }

    fn rise(&mut self, bit: bool) {
        if self.bits.is_empty() && bit {
            self.ones += 1;
            return;
        }
        if self.bits.is_empty() && self.ones < 32 {
            // No preamble, no frame.
            self.ones = 0;
            return;
        }
        self.bits.push(bit);
        let field = |from: usize, count: usize| {
            self.bits[from..from + count].iter().fold(0u16, |word, &bit| word << 1 | u16::from(bit))
        };
        match self.bits.len() {
            // The turnaround's first bit has gone by.
            15 if field(0, 4) == 0b0110 && field(4, 5) == self.address && self.there => {
                // Its second bit, then the word.
                let word = self.registers[usize::from(field(9, 5))];
                self.says = (0..16).map(|bit| word >> bit & 1 == 1).chain([false]).collect();
            }
            32 => {
                if field(0, 4) == 0b0101 && field(4, 5) == self.address && field(14, 2) == 0b10 && self.there {
                    let (register, word) = (usize::from(field(9, 5)), field(16, 16));
                    self.registers[register] = word;
                    self.written.push((register, word));
                }
                self.bits.clear();
                self.ones = 0;
            }
            _ => {}
        }
    }
}
