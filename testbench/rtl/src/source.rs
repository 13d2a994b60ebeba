//! The circuit as text.

use weir_hdl::{DropStyle, Options};

use crate::OpenError;
use crate::emitted;
use crate::width::Width;

/// SystemVerilog with the ports of the NIC's top.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Name of the top module.
    pub top: String,
    /// All modules.
    pub text: String,
    /// How it drops received frames, which its ports do not tell: in one style a bench waits for all of them, in the other
    /// for those that are accepted.
    pub drop_style: DropStyle,
}

impl Source {
    /// What `weir-hdl` emits for the NIC of a width. A program emits it once: the text is kept in the cache.
    pub fn emitted(width: Width) -> Result<Source, OpenError> {
        let options = Options::default();
        Ok(Source { top: width.top().to_string(), text: emitted::text(width)?, drop_style: options.drop_style })
    }

    /// The same with other options: another drop style, the id block of a board.
    pub fn emitted_with(width: Width, options: Options) -> Result<Source, OpenError> {
        let file = width.emitted().file(options)?;
        Ok(Source { top: file.top.to_string(), text: file.text, drop_style: options.drop_style })
    }
}
