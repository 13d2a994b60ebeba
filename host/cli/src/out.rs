//! Standard output, whose reader may go away and whose disk may be full; and standard error, likewise.
//!
//! The macros of these names in the standard library panic then. Here it depends on what the command is for:
//!
//! | standard output | a command that only shows something | one that does something |
//! |---|---|---|
//! | has no reader any more, as with `\| head` | ends quietly, with 0 | goes on in silence, and ends with its own exit code |
//! | cannot be written, as on a full disk | ends with 1 and the reason | tells the reason, goes on, and ends with 1 where it was done |
//!
//! Standard error is for people: what cannot be told there is not told.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

/// As in the standard library, but for what it does when nothing can be written.
macro_rules! print {
    ($($words:tt)*) => { $crate::out::write(format_args!($($words)*)) };
}

/// The same with an end of line.
macro_rules! println {
    ($($words:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($words)*))) };
}

/// The same for standard error.
macro_rules! eprint {
    ($($words:tt)*) => { $crate::out::tell(format_args!($($words)*)) };
}

/// The same for standard error, with an end of line.
macro_rules! eprintln {
    () => { $crate::out::tell(format_args!("\n")) };
    ($($words:tt)*) => { $crate::out::tell(format_args!("{}\n", format_args!($($words)*))) };
}

/// The command only shows something: without a reader nothing is left to do.
static ONLY_SHOWS: AtomicBool = AtomicBool::new(false);
/// Nothing more is written.
static SILENT: AtomicBool = AtomicBool::new(false);
/// Something was lost though it was wanted.
static LOST: AtomicBool = AtomicBool::new(false);

/// From now on the process ends where nothing can be written any more.
pub(crate) fn only_shows() {
    ONLY_SHOWS.store(true, Ordering::Relaxed);
}

/// The exit code of a command that ended so.
pub(crate) fn exit(done: Exit) -> Exit {
    if done == Exit::Done && LOST.load(Ordering::Relaxed) { Exit::Failed } else { done }
}

/// Writes what a command has to say, as long as that can be done.
pub(crate) fn write(words: Arguments<'_>) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let mut out = io::stdout().lock();
    let Err(error) = out.write_fmt(words).and_then(|()| out.flush()) else { return };
    SILENT.store(true, Ordering::Relaxed);
    let lost = error.kind() != ErrorKind::BrokenPipe;
    if lost {
        LOST.store(true, Ordering::Relaxed);
        eprintln!("weir: failed to write to standard output: {error}");
    }
    if ONLY_SHOWS.load(Ordering::Relaxed) {
        process::exit(exit(Exit::Done) as i32);
    }
}

/// Tells people something, if they listen.
pub(crate) fn tell(words: Arguments<'_>) {
    // There is no place left to complain in.
    let _ = io::stderr().lock().write_fmt(words);
}
