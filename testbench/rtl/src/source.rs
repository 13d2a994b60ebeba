//! The circuit as text.

use crate::OpenError;
use crate::width::Width;

/// SystemVerilog with the ports of the NIC's top.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Name of the top module.
    pub top: String,
    /// All modules.
    pub text: String,
}

impl Source {
    /// What `weir-hdl` emits for the NIC of a width.
    pub fn emitted(width: Width) -> Result<Source, OpenError> {
        let file = width.emitted().file(weir_hdl::Options::default())?;
        Ok(Source { top: file.top.to_string(), text: file.text })
    }
}
