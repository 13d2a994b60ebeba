//! The pipeline as RustHDL circuits, and the Verilog emitter with its lint.
