//! Words that no pad can be called: the names of a board's pads become names of its top in SystemVerilog.

/// The reserved words of SystemVerilog (IEEE 1800-2017, annex B), by the alphabet.
const RESERVED: &str = "
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global
highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
inside instance int integer interconnect interface intersect join join_any join_none large let liblist library local
localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri
tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var
vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
";

/// What a name is not, if it cannot be a pad's: small letters, digits and underscores, a letter first, and no reserved word.
pub(crate) fn unfit(name: &str) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(fits) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("small letters, digits and underscores, a letter first");
    }
    RESERVED.split_whitespace().any(|word| word == name).then_some("a name that is no reserved word of SystemVerilog")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_and_what_is_no_name_are_unfit() {
        let words: Vec<&str> = RESERVED.split_whitespace().collect();
        assert!(words.is_sorted() && words.len() == 248);
        for name in ["input", "wire", "always_ff", "s_until_with", "xor"] {
            assert_eq!(unfit(name), Some("a name that is no reserved word of SystemVerilog"), "{name}");
        }
        for name in ["", "1clk", "_clk", "Clk", "clk-100", "led[0]"] {
            assert_eq!(unfit(name), Some("small letters, digits and underscores, a letter first"), "{name}");
        }
        assert!(["clk100", "led_n", "inputs", "rst_n"].iter().all(|name| unfit(name).is_none()));
    }
}
