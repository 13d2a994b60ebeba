//! The circuit as text.

use crate::OpenError;

/// The top of the 64-bit data path, which the bench drives.
const TOP: &str = "weir64";

/// SystemVerilog with the ports of the NIC's top.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Name of the top module.
    pub top: String,
    /// All modules.
    pub text: String,
}

impl Source {
    /// What `weir-hdl` emits for the 64-bit NIC.
    pub fn emitted() -> Result<Source, OpenError> {
        let files = weir_hdl::files()?;
        let file = files.into_iter().find(|file| file.top == TOP).expect("weir-hdl emits the 64-bit top");
        Ok(Source { top: file.top.to_string(), text: file.text })
    }
}
