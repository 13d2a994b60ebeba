//! Random frames that mean something: tags, options, extension headers, and lengths near every boundary.

/// A small generator of random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// 64 random bits.
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn octet(&mut self) -> u8 {
        self.word() as u8
    }

    fn fill(&mut self, into: &mut Vec<u8>, octets: usize) {
        into.extend((0..octets).map(|_| self.octet()));
    }
}

const TRANSPORTS: [u8; 8] = [6, 6, 6, 17, 17, 1, 58, 50];

fn layer4(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    random.fill(&mut bytes, 20);
    bytes[0] = random.pick(&[0, 8, 128, 129, 9, bytes[0]]);
    bytes[13] = random.pick(&[2, 2, 0x12, 0x10, 0xc2, bytes[13]]);
    bytes
}

/// What a length field says: around what it should, or anything.
fn length(random: &mut Random, right: usize, need: usize) -> u16 {
    match random.below(6) {
        0 => (right + need + random.below(9)).saturating_sub(4) as u16,
        1 => (right + random.below(7)).saturating_sub(3) as u16,
        2 => random.below(64) as u16,
        3 => random.word() as u16,
        _ => (right + need + random.below(1400)) as u16,
    }
}

/// Layer 3 and what is behind it; the second part is where layer 4 begins.
fn ipv4(random: &mut Random) -> (Vec<u8>, usize) {
    let words = if random.chance(80) { 5 + random.below(11) } else { random.below(16) };
    let version = if random.chance(95) { 4 } else { random.below(16) };
    let protocol = random.pick(&[6, 6, 17, 17, 1, 58, 0, 44, 60, 7, 22]);
    let total = length(random, words * 4, if protocol == 6 { 20 } else { 8 });
    let fragment = match random.below(8) {
        0 => random.word() as u16,
        1 => 1 << random.below(16),
        2 => 0x2000,
        _ => random.pick(&[0, 0x4000]),
    };
    let mut bytes = Vec::new();
    random.fill(&mut bytes, words.max(5) * 4);
    bytes[0] = (version << 4 | words) as u8;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
    bytes[9] = protocol;
    let end = bytes.len();
    bytes.extend(layer4(random));
    (bytes, end)
}

fn ipv6(random: &mut Random) -> (Vec<u8>, usize) {
    let hops = random.pick(&[0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 6, 7]);
    let kinds: Vec<u8> = (0..hops).map(|_| random.pick(&[0, 43, 44, 60])).collect();
    let last = if random.chance(95) { random.pick(&TRANSPORTS) } else { random.octet() };
    let after = |hop: usize| kinds.get(hop).copied().unwrap_or(last);
    let mut chain = Vec::new();
    for (hop, kind) in kinds.iter().enumerate() {
        let size = match random.below(12) {
            0..7 => 0,
            7 | 8 => 1,
            9 => 2 + random.below(7),
            10 => random.below(20),
            _ => random.below(256),
        };
        let start = chain.len();
        random.fill(&mut chain, if *kind == 44 { 8 } else { (size + 1) * 8 });
        chain[start] = after(hop + 1);
        if *kind == 44 {
            let offset = if random.chance(25) { 1 << random.below(16) } else { random.below(8) } as u16;
            chain[start + 2..start + 4].copy_from_slice(&offset.to_be_bytes());
            if random.chance(50) {
                chain[start + 1] = 0;
            }
        } else {
            chain[start + 1] = size as u8;
        }
    }
    let version = if random.chance(95) { 6 } else { random.below(16) };
    let payload = length(random, chain.len(), if last == 6 { 20 } else { 8 });
    let mut bytes = Vec::new();
    random.fill(&mut bytes, 40);
    bytes[0] = (version << 4) as u8;
    bytes[4..6].copy_from_slice(&payload.to_be_bytes());
    bytes[6] = after(0);
    bytes.extend(chain);
    let end = bytes.len();
    bytes.extend(layer4(random));
    (bytes, end)
}

/// A frame of 1 to 300 bytes.
pub(crate) fn frame(random: &mut Random) -> Vec<u8> {
    let mut frame = Vec::new();
    random.fill(&mut frame, 12);
    for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2, 2, 3]) {
        frame.extend(random.pick(&[[0x81, 0x00], [0x88, 0xa8]]));
        random.fill(&mut frame, 2);
    }
    let (kind, (body, layer4)) = match random.below(20) {
        0 => ([random.octet(), random.octet()], ipv4(random)),
        1 => (random.pick(&[[0x08, 0x06], [0x86, 0xdc], [0x81, 0xa8], [0x88, 0x00], [0, 0]]), ipv6(random)),
        2..11 => ([0x08, 0x00], ipv4(random)),
        _ => ([0x86, 0xdd], ipv6(random)),
    };
    frame.extend(kind);
    let layer4 = frame.len() + layer4;
    frame.extend(body);
    random.fill(&mut frame, 160);
    let end = match random.below(16) {
        0 => 1 + random.below(140),
        1 => 52 + random.below(16),
        2 => 120 + random.below(16),
        3 => (layer4 + random.below(8)).saturating_sub(4),
        4 => layer4 + 4 + random.below(8),
        5 => layer4 + 16 + random.below(8),
        6 => 1 + random.below(24),
        7 => 60 + random.below(8),
        8 | 9 => 60 + random.below(120),
        _ => layer4 + 20 + random.below(70),
    };
    frame.truncate(end.clamp(1, 300));
    frame
}
