//! What a Verilog expression computes beyond what Rust computes.

use rust_hdl::core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};

/// Whether Verilog, in a wider place, may give this expression bits above its width in Rust.
pub(super) fn overflows(expression: &VerilogExpression) -> bool {
    use VerilogExpression::*;
    match expression {
        Binary(left, op, right) => match op {
            VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::Shl => true,
            VerilogOp::BitXor | VerilogOp::BitAnd | VerilogOp::BitOr => overflows(left) || overflows(right),
            VerilogOp::Shr => overflows(left),
            _ => false,
        },
        Unary(op, inner) => match op {
            VerilogOpUnary::Neg => true,
            VerilogOpUnary::Not => !is_truth(inner),
            _ => false,
        },
        Paren(inner) => overflows(inner),
        _ => false,
    }
}

/// Whether it inverts or computes anything at all, so that even a single bit is not safe in a wider place.
pub(super) fn computes(expression: &VerilogExpression) -> bool {
    use VerilogExpression::*;
    match expression {
        Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, _) => true,
        Binary(left, op, right) => match op {
            VerilogOp::BitXor | VerilogOp::BitAnd | VerilogOp::BitOr => computes(left) || computes(right),
            _ => overflows(expression),
        },
        Paren(inner) => computes(inner),
        _ => false,
    }
}

/// Whether it is a truth value, one bit in both languages.
fn is_truth(expression: &VerilogExpression) -> bool {
    use VerilogExpression::*;
    match expression {
        Paren(inner) => is_truth(inner),
        Binary(left, op, right) => match op {
            VerilogOp::Eq | VerilogOp::Ne | VerilogOp::Lt | VerilogOp::Le | VerilogOp::Gt | VerilogOp::Ge => true,
            VerilogOp::LogicalAnd | VerilogOp::LogicalOr => true,
            VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => is_truth(left) && is_truth(right),
            _ => false,
        },
        Unary(op, _) => matches!(op, VerilogOpUnary::All | VerilogOpUnary::Any | VerilogOpUnary::Xor),
        Index(..) => true,
        _ => false,
    }
}

/// Whether it is a signal, a literal or a part of a signal: of the same width in both languages.
pub(super) fn is_plain(expression: &VerilogExpression) -> bool {
    use VerilogExpression::*;
    match expression {
        Signal(_) | Literal(_) | Slice(..) | Index(..) => true,
        Paren(inner) => is_plain(inner),
        _ => false,
    }
}

/// The expression roughly as it would be printed, for messages.
pub(super) fn show(expression: &VerilogExpression) -> String {
    use VerilogExpression::*;
    match expression {
        Signal(name) => name.trim_start_matches('.').trim_end_matches("$next").to_string(),
        Literal(literal) => literal.to_string(),
        Cast(inner, bits) => format!("bit_cast::<{bits}>({})", show(inner)),
        Signed(inner) | Unsigned(inner) => show(inner),
        Paren(inner) => format!("({})", show(inner)),
        Binary(left, op, right) => format!("{} {} {}", show(left), symbol(op), show(right)),
        Unary(op, inner) => match op {
            VerilogOpUnary::Not => format!("!{}", show(inner)),
            VerilogOpUnary::Neg => format!("-{}", show(inner)),
            VerilogOpUnary::All => format!("{}.all()", show(inner)),
            VerilogOpUnary::Any => format!("{}.any()", show(inner)),
            VerilogOpUnary::Xor => format!("{}.xor()", show(inner)),
        },
        Index(inner, index) => format!("{}.get_bit({})", show(inner), show(index)),
        Slice(inner, width, offset) => format!("{}.get_bits::<{width}>({})", show(inner), show(offset)),
        IndexReplace(inner, index, value) => {
            format!("{}.replace_bit({}, {})", show(inner), show(index), show(value))
        }
    }
}

fn symbol(op: &VerilogOp) -> &'static str {
    match op {
        VerilogOp::Add => "+",
        VerilogOp::Sub => "-",
        VerilogOp::Mul => "*",
        VerilogOp::LogicalAnd => "&&",
        VerilogOp::LogicalOr => "||",
        VerilogOp::BitXor => "^",
        VerilogOp::BitAnd => "&",
        VerilogOp::BitOr => "|",
        VerilogOp::Shl => "<<",
        VerilogOp::Shr => ">>",
        VerilogOp::Eq => "==",
        VerilogOp::Ne => "!=",
        VerilogOp::Lt => "<",
        VerilogOp::Le => "<=",
        VerilogOp::Gt => ">",
        VerilogOp::Ge => ">=",
    }
}
