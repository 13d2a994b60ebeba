//! Setup, tests and benchmarks of the project.
fn main() {}
