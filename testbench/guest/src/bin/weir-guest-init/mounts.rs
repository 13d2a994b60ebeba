//! The file systems in which a kernel shows itself.

use nix::mount::{MsFlags, mount};

use crate::InitError;

/// Kind and place.
const ALL: [(&str, &str); 3] = [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")];

pub(crate) fn all() -> Result<(), InitError> {
    for (kind, place) in ALL {
        mount(Some(kind), place, Some(kind), MsFlags::empty(), None::<&str>)
            .map_err(|errno| InitError::Mount(place, errno))?;
    }
    Ok(())
}
