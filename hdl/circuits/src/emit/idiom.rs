//! Registers as clocked processes, and wires as assignments.
//!
//! RustHDL writes every register as an instance whose next value `x__d` is worked out in one block for the whole circuit,
//! starting from `x__q`. Here a register becomes a variable that an `always_ff` assigns where it changes, and what has one
//! value on every path a plain `assign`: what a person would have written, and what a simulator can skip or leave out.
//!
//! A statement moves out of the block only where every signal it reads has its last value by then; else its register keeps
//! `x__d`, and its wire stays in the block.

use std::collections::{BTreeMap, BTreeSet};

use super::constant::{constants, without};
use super::order::Order;
use super::process::processes;
use super::register::{instance_type, kind, Kind, Registers};
use super::statement::parse;

/// Rewrites every circuit of a text; leaves that are no longer used go.
pub(super) fn idiomatic(modules: Vec<String>) -> Vec<String> {
    let kinds: BTreeMap<String, Kind> =
        modules.iter().filter_map(|text| Some((name(text).to_string(), kind(text)?))).collect();
    let modules: Vec<String> = modules.into_iter().map(|text| rewrite(&text, &kinds).unwrap_or(text)).collect();
    let used: BTreeSet<String> = modules.iter().flat_map(|text| text.lines()).filter_map(instance_type).collect();
    let unused = |text: &String| kinds.contains_key(name(text)) && !used.contains(name(text));
    let is_top = modules.len() == 1;
    modules.into_iter().filter(|text| is_top || !unused(text)).collect()
}

fn name(text: &str) -> &str {
    text.strip_prefix("module ").and_then(|rest| rest.split('(').next()).unwrap_or_default()
}

fn rewrite(text: &str, kinds: &BTreeMap<String, Kind>) -> Option<String> {
    let (head, rest) = text.split_once("    // Update code\n    always_comb begin\n")?;
    let (code, tail) = rest.split_once("\n    end\nendmodule")?;
    let (statements, gone) = constants(head, parse(&code.lines().collect::<Vec<_>>())?);
    let order = Order::of(&statements);
    let (head, registers) = Registers { kinds, order: &order, statements: &statements }.take(&without(head, &gone))?;
    let mut out = head;
    processes(&statements, &registers, &order, &mut out);
    Some(format!("{out}endmodule{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = "module dff_8(d,q,clock);
    // Update code (custom)
    initial begin
       q = 8'h3;
    end
    always @(posedge clock) begin
       q <= d;
    end
endmodule // dff_8
";

    /// A circuit with one register, `count`, and the given code.
    fn circuit(code: &str) -> String {
        let head = "module circuit(clock,go,m);
    input wire  clock;
    input wire  go;
    output reg  [7:0] m;
    // Stub signals
    reg  [7:0] count__d;
    wire  [7:0] count__q;
    reg  count__clock;
    // Local signals
    reg  [7:0] next;
    // Sub module instances
    dff_8 count(
        .d(count__d),
        .q(count__q),
        .clock(count__clock)
    );
    // Update code
    always_comb begin
        count__clock = clock;
";
        let text = format!("{head}{code}    end\nendmodule // circuit\n");
        idiomatic(vec![text, REGISTER.to_string()]).join("\n")
    }

    #[test]
    fn a_register_is_assigned_where_it_changes() {
        let text = circuit(
            "        count__d = count__q;
        next = count__q + 32'h1;
        if (go) begin
            count__d = next;
        end
        m = count__q;
",
        );
        let wanted = "    logic [7:0] count__q = 8'h3;
    // Local signals
    logic [7:0] next;
    assign next = count__q + 32'h1;
    assign m = count__q;
    always_ff @(posedge clock) begin
        if (go) begin
            count__q <= next;
        end
    end
endmodule // circuit
";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn a_next_value_that_is_read_keeps_its_name() {
        let text = circuit("        count__d = count__q;\n        next = 32'h0;\n        m = count__d;\n");
        assert!(text.contains("assign count__d = count__q;") && text.contains("count__q <= count__d;"), "{text}");
    }

    #[test]
    fn what_reads_a_signal_that_changes_later_stays_before_the_change() {
        let text = circuit(
            "        next = 32'h0;
        count__d = next;
        if (go) begin
            next = 32'h7;
        end
        m = next;
",
        );
        let block = "    always_comb begin
        next = 32'h0;
        count__d = next;
        if (go) begin
            next = 32'h7;
        end
    end
";
        assert!(text.contains(block) && text.contains("count__q <= count__d;"), "{text}");
        assert!(text.contains("    assign m = next;\n"), "{text}");
    }

    #[test]
    fn an_empty_branch_turns_the_condition() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        if (go) begin
            next = 32'h1;
        end
        else begin
            count__d = 32'h5;
        end
        m = next;
",
        );
        assert!(text.contains("        if (!(go)) begin\n            count__q <= 32'h5;\n        end\n"), "{text}");
        let block = "        next = 32'h0;\n        if (go) begin\n            next = 32'h1;\n        end\n    end\n";
        assert!(text.contains(block), "{text}");
    }

    #[test]
    fn a_default_that_never_holds_goes() {
        let text =
            circuit("        count__d = go;\n        next = 32'h0;\n        next = count__q;\n        m = next;\n");
        assert!(text.contains("    assign next = count__q;\n") && !text.contains("always_comb"), "{text}");
    }

    #[test]
    fn a_chain_of_conditions_keeps_the_ones_before() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        if (go) begin
            next = 32'h1;
        end
        else if (count__q == 32'h2) begin
            count__d = 32'h5;
        end
        else begin
            next = 32'h3;
        end
        m = next;
",
        );
        let process = "        if (go) begin
        end else if (count__q == 32'h2) begin
            count__q <= 32'h5;
        end
    end
";
        assert!(text.contains(process), "{text}");
    }

    #[test]
    fn a_case_keeps_its_empty_items() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        case (go)
            0:
                begin
                    next = 32'h2;
                end
            default:
                begin
                    count__d = 32'h1;
                end
        endcase
        m = next;
",
        );
        let process = "        case (go)
            0: begin
            end
            default: begin
                count__q <= 32'h1;
            end
        endcase
";
        assert!(text.contains(process), "{text}");
    }
}
