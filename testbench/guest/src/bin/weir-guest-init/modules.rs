//! Loading one module after another, each with what it needs already there: no `modprobe`, no index.

use std::fs::File;
use std::path::Path;

use nix::kmod::{ModuleInitFlags, finit_module};
use weir_guest::plan::MODULES;

use crate::InitError;

pub(crate) fn load(name: &str) -> Result<(), InitError> {
    let failed = |source| InitError::Module(name.to_owned(), source);
    let file = File::open(Path::new(MODULES).join(name)).map_err(failed)?;
    finit_module(&file, c"", ModuleInitFlags::empty()).map_err(|errno| failed(errno.into()))
}
