//! Standard output, whose reader may go away and whose disk may be full.
//!
//! The macros of this name in the standard library panic then. Here `| head` ends a command quietly, and a full disk ends it
//! with exit code 1 and the reason.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process;

use crate::exit::Exit;

/// As in the standard library, but for what it does when nothing can be written.
macro_rules! print {
    ($($words:tt)*) => { $crate::out::write(format_args!($($words)*)) };
}

/// The same with an end of line.
macro_rules! println {
    ($($words:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes what a command has to say; ends the process where that cannot be done.
pub(crate) fn write(words: Arguments<'_>) {
    let mut out = io::stdout().lock();
    match out.write_fmt(words).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(Exit::Done as i32),
        Err(error) => {
            eprintln!("weir: failed to write to standard output: {error}");
            process::exit(Exit::Failed as i32)
        }
    }
}
