//! The block RAM of ECP5, DP16KD, as text: with its output register, which no synthesis infers.
//!
//! A cell of this folder writes two texts: this one under `WEIR_ECP5`, and one that every other tool infers and every
//! simulator runs. They mean the same, which `testbench/rtl` checks. The register is what makes block RAM usable at
//! 200 MHz: from the clock to the data take 4.3 ns without it and 0.7 ns with it at speed grade 8.
//!
//! The wiring is that of yosys' own mapping. Addresses count bits of the RAM, so a word of 18 bits starts at address bit
//! 4; a port of 18 or 36 bits takes its byte enables in the lowest address bits. With 36 bits both data ports belong to
//! one word, whose lower half is on port A for writing and for reading.

/// What the host's port shows while it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Writing {
    /// What it showed before.
    Holds,
    /// The word that is overwritten; only ports of 9 and 18 bits can.
    ShowsOld,
}

/// How `2^a` words of `w` bits are cut into RAMs: side by side, never one behind the other, so that no multiplexer
/// follows them.
pub(super) struct Tiles {
    width: usize,
    count: usize,
    address: usize,
}

impl Tiles {
    /// One port writes, the other reads: up to 36 bits a RAM.
    pub(super) fn simple(w: usize, a: usize) -> Self {
        match a {
            0..=9 => Tiles { width: 36, count: w.div_ceil(36), address: a },
            _ => Tiles::twin(w, a),
        }
    }

    /// One port reads, the other does either: up to 18 bits a RAM.
    pub(super) fn twin(w: usize, a: usize) -> Self {
        let width = match a {
            0..=10 => 18,
            11 => 9,
            12 => 4,
            13 => 2,
            14 => 1,
            _ => panic!("a block RAM without a multiplexer has at most 14 address bits, not {a}"),
        };
        Tiles { width, count: w.div_ceil(width), address: a }
    }

    /// RAMs.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// `ram_q` is the word at `raddr`; `ram_d`, which the cell declares as wide as [`top`](Tiles::top) says, is written to
    /// `waddr` if `we`. What is passed are names; they may depend on `tile`, the number of the RAM.
    pub(super) fn simple_text(&self, we: &str, waddr: &str, raddr: &str) -> String {
        let t = self.width;
        let ram = match t {
            36 => format!(
                "{}
    assign ram_q[tile * 36 +: 36] = {{b_q, a_q}};",
                self.ram(
                    Writing::Holds,
                    "1'b1",
                    "ram_d[tile * 36 +: 18]",
                    "ram_d[tile * 36 + 18 +: 18]",
                    waddr,
                    we,
                    raddr
                )
            ),
            _ => format!(
                "{}
    assign ram_q[tile * {t} +: {t}] = b_q[{}:0];",
                self.ram(Writing::Holds, we, &format!("ram_d[tile * {t} +: {t}]"), "18'b0", waddr, "1'b1", raddr),
                t - 1
            ),
        };
        self.all("ram_q", &ram)
    }

    /// As [`simple_text`](Tiles::simple_text); `host_q` is the word at `at`, where `ram_d` is written.
    pub(super) fn twin_text(&self, writing: Writing, we: &str, at: &str, raddr: &str) -> String {
        assert!(writing == Writing::Holds || self.width >= 9, "{} bits cannot show what they overwrite", self.width);
        let t = self.width;
        let ram = format!(
            "{}
    assign host_q[tile * {t} +: {t}] = a_q[{top}:0];
    assign ram_q[tile * {t} +: {t}] = b_q[{top}:0];",
            self.ram(writing, we, &format!("ram_d[tile * {t} +: {t}]"), "18'b0", at, "1'b1", raddr),
            top = t - 1
        );
        self.all("ram_q, host_q", &ram)
    }

    /// The top bit of all RAMs side by side.
    pub(super) fn top(&self) -> usize {
        self.width * self.count - 1
    }

    fn all(&self, outs: &str, ram: &str) -> String {
        format!(
            "wire [{top}:0] {outs};
genvar tile;
generate for (tile = 0; tile < {count}; tile = tile + 1) begin : tiles
{ram}
end endgenerate",
            top = self.top(),
            count = self.count,
        )
    }

    /// The 14 address pins for the word at `name`; `enable` is on every byte enable.
    fn pins(&self, name: &str, enable: &str) -> String {
        let (depth, bytes) = match self.width {
            36 => (9, 4),
            18 => (10, 2),
            9 => (11, 0),
            4 => (12, 0),
            2 => (13, 0),
            _ => (14, 0),
        };
        let zeros = |count: usize| (count > 0).then(|| format!("{count}'b0"));
        let enables = (bytes > 0).then(|| format!("{{{bytes}{{{enable}}}}}"));
        let parts = [zeros(depth - self.address), Some(name.to_string()), zeros(14 - depth - bytes), enables];
        format!("{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    #[allow(clippy::too_many_arguments)]
    fn ram(&self, writing: Writing, we: &str, a_d: &str, b_d: &str, at: &str, bytes: &str, raddr: &str) -> String {
        let vector = |pin: &str, bits: usize, name: &str| {
            let bit = |i| format!(".{pin}{i}({name}[{i}])");
            let rows: Vec<String> = (0..bits).map(bit).collect();
            rows.chunks(6).map(|row| row.join(", ")).collect::<Vec<_>>().join(",\n        ")
        };
        let [a_at, b_at] = [vector("ADA", 14, "a_at"), vector("ADB", 14, "b_at")];
        let [a_in, b_in] = [vector("DIA", 18, "a_d"), vector("DIB", 18, "b_d")];
        let [a_out, b_out] = [vector("DOA", 18, "a_q"), vector("DOB", 18, "b_q")];
        format!(
            "    wire [13:0] a_at = {};
    wire [13:0] b_at = {};
    wire [17:0] a_d = {a_d};
    wire [17:0] b_d = {b_d};
    wire [17:0] a_q;
    wire [17:0] b_q;
    DP16KD #(
        .DATA_WIDTH_A({width}), .DATA_WIDTH_B({width}), .REGMODE_A(\"OUTREG\"), .REGMODE_B(\"OUTREG\"),
        .WRITEMODE_A(\"{mode}\"), .WRITEMODE_B(\"NORMAL\"), .RESETMODE(\"SYNC\"), .ASYNC_RESET_RELEASE(\"SYNC\"),
        .CSDECODE_A(\"0b000\"), .CSDECODE_B(\"0b000\"), .GSR(\"DISABLED\")
    ) ebr (
        .CLKA(clock), .CEA(1'b1), .OCEA(1'b1), .WEA({we}), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .CLKB(clock), .CEB(1'b1), .OCEB(1'b1), .WEB(1'b0), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        {a_at},
        {b_at},
        {a_in},
        {b_in},
        {a_out},
        {b_out}
    );",
            self.pins(at, bytes),
            self.pins(raddr, "1'b0"),
            width = self.width,
            mode = match writing {
                Writing::Holds => "NORMAL",
                Writing::ShowsOld => "READBEFOREWRITE",
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_take_the_rams_that_were_budgeted() {
        let counts =
            [(Tiles::simple(72, 6), 2), (Tiles::twin(72, 10), 4), (Tiles::twin(32, 14), 32), (Tiles::twin(24, 12), 6)];
        for (tiles, count) in counts {
            assert_eq!(tiles.count(), count, "{} address bits", tiles.address);
        }
    }

    #[test]
    fn an_address_starts_at_the_bit_its_width_leaves() {
        assert_eq!(Tiles::twin(32, 14).pins("at", "we"), "{at}");
        assert_eq!(Tiles::twin(24, 12).pins("at", "we"), "{at, 2'b0}");
        assert_eq!(Tiles::twin(72, 10).pins("at", "we"), "{at, 2'b0, {2{we}}}");
        assert_eq!(Tiles::simple(72, 6).pins("at", "we"), "{3'b0, at, 1'b0, {4{we}}}");
    }
}
