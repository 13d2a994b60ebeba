//! What the pipeline must do, in plain Rust: the oracle for circuits, simulators and host code.
