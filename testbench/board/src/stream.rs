//! Small configuration streams, for tests: by the same facts as the reader of `weir-firmware`, in other code.

/// A stream for the LFE5UM5G-45F, as `ecppack` orders its commands.
pub struct Stream {
    /// The part it is for; frames are those of the die of a 45F.
    pub idcode: u32,
    /// How many frames it says it has, and has.
    pub frames: u16,
    /// Octets of a frame.
    pub frame_octets: usize,
    /// Its USERCODE.
    pub usercode: u32,
    /// Whether its frames are compressed.
    pub compressed: bool,
    /// One octet of one frame that is not zero, to tell designs apart: frame, octet, value.
    pub mark: (u16, usize, u8),
    /// Rows of the one block RAM it fills.
    pub rows: u16,
}

impl Default for Stream {
    fn default() -> Stream {
        let (idcode, usercode) = (0x8111_2043, 0x1234_5678);
        Stream { idcode, frames: 9_470, frame_octets: 106, usercode, compressed: true, mark: (0, 0, 0), rows: 256 }
    }
}

impl Stream {
    /// The octets of its file.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.octets.extend(b"\xff\0Part: LFE5UM5G-45F-8CABGA381\0\xff\xff\xff\xbd\xb3\xff\xff\xff\xff");
        out.put(&[0x3b, 0, 0, 0]);
        out.covered.clear();
        out.put(&[0xe2, 0, 0, 0]);
        out.put(&self.idcode.to_be_bytes());
        out.put(&[0x22, 0, 0, 0, 0x40, 0, 0, 0]);
        out.put(&[0x46, 0, 0, 0]);
        let [high, low] = self.frames.to_be_bytes();
        if self.compressed {
            out.put(&[0x02, 0, 0, 0, 0x11, 0x09, 0x05, 0x03, 0x88, 0x48, 0x28, 0x18]);
        }
        out.put(&[if self.compressed { 0xb8 } else { 0x82 }, 0x91, high, low]);
        for frame in 0..self.frames {
            let mut octets = vec![0; self.frame_octets];
            if frame == self.mark.0 {
                octets[self.mark.1] = self.mark.2;
            }
            if self.compressed {
                out.put(&compress(&octets))
            } else {
                out.put(&octets)
            }
            out.crc();
            out.put(&[0xff]);
        }
        out.octets.extend([0xff; 12]);
        out.put(&[0xc2, 0x80, 0, 0]);
        out.put(&self.usercode.to_be_bytes());
        out.crc();
        out.put(&[0xf6, 0, 0, 0, 0, 0, 0x08, 0]);
        let [high, low] = self.rows.to_be_bytes();
        out.put(&[0xb2, 0xd0, high, low]);
        out.put(&vec![0x5a; usize::from(self.rows) * 9]);
        out.crc();
        out.put(&[0x5e, 0, 0, 0]);
        out.octets.extend([0xff; 4]);
        out.octets
    }
}

#[derive(Default)]
struct Writer {
    octets: Vec<u8>,
    covered: Vec<u8>,
}

impl Writer {
    fn put(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
        self.covered.extend(octets);
    }

    fn crc(&mut self) {
        let mut crc = 0_u32;
        for octet in self.covered.drain(..).chain([0, 0]) {
            for bit in (0..8).rev() {
                crc = crc << 1 | u32::from(octet >> bit & 1);
                if crc & 0x1_0000 != 0 {
                    crc ^= 0x1_8005;
                }
            }
        }
        self.octets.extend((crc as u16).to_be_bytes());
    }
}

/// Zeros as one bit, all else as literals: legal, and enough.
fn compress(frame: &[u8]) -> Vec<u8> {
    let mut bits = vec![false; frame.len().next_multiple_of(8) - frame.len()];
    for octet in frame {
        if *octet == 0 {
            bits.push(false);
        } else {
            bits.extend([true, true]);
            bits.extend((0..8).rev().map(|bit| octet >> bit & 1 == 1));
        }
    }
    bits.chunks(8)
        .map(|chunk| chunk.iter().enumerate().fold(0, |octet, (at, bit)| octet | u8::from(*bit) << (7 - at)))
        .collect()
}
