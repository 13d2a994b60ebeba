//! Writes the Verilog into a folder: `cargo run -p weir-hdl --example emit -- DIR`.
fn main() -> Result<(), weir_hdl::WriteError> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    for path in weir_hdl::emit_to(folder.as_ref(), &weir_hdl::Top::ALL, weir_hdl::Options::default())? {
        println!("{}", path.display());
    }
    Ok(())
}
