//! SET_IRQS, the command by which a host of vfio-user connects and triggers interrupts, as VFIO has it
//! (`VFIO_DEVICE_SET_IRQS` in Linux's `vfio.h`).
//!
//! Every number in it is the host's, and so is how many descriptors came with it: a host that disables one vector asks
//! for one and passes none.

use std::fs::File;
use std::io;
use std::ops::Range;

use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_TYPE_MASK, VFIO_IRQ_SET_DATA_EVENTFD,
    VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_TYPE_MASK, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_NUM_IRQS,
};
use vfio_user::IrqInfo;

use crate::eventfd::EventFile;
use crate::msix::{Msix, VECTORS};

const NONE: u32 = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
const EVENTFD: u32 = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;

/// The kinds of interrupt that PCI has: MSI-X, and none of the others.
pub(crate) fn infos() -> Vec<IrqInfo> {
    let info = |index| match index {
        VFIO_PCI_MSIX_IRQ_INDEX => IrqInfo { index, flags: VFIO_IRQ_INFO_EVENTFD, count: VECTORS as u32 },
        _ => IrqInfo { index, flags: 0, count: 0 },
    };
    (0..VFIO_PCI_NUM_IRQS).map(info).collect()
}

/// What a host asks for.
pub(crate) enum Request {
    /// Something about a kind of interrupt of which there are none.
    Nothing,
    /// MSI-X off, nothing connected.
    Disable,
    /// These event files to the vectors from `first` on; MSI-X on.
    Connect { first: usize, events: Vec<EventFile> },
    /// Nothing to these vectors.
    Disconnect(Range<usize>),
    /// These vectors, now.
    Send(Range<usize>),
}

impl Request {
    /// Understands the fields of the command, or refuses.
    pub(crate) fn parse(index: u32, flags: u32, start: u32, count: u32, files: Vec<File>) -> io::Result<Request> {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        let there = if index == VFIO_PCI_MSIX_IRQ_INDEX { VECTORS } else { 0 };
        // Widened, two of them cannot overflow.
        let (first, end) = (u64::from(start), u64::from(start) + u64::from(count));
        if end > there as u64 {
            return invalid("a range of interrupts ends beyond the last");
        }
        let vectors = first as usize..end as usize;
        match flags & (VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK) {
            NONE | EVENTFD if there == 0 => Ok(Request::Nothing),
            NONE if count == 0 => Ok(Request::Disable),
            NONE => Ok(Request::Send(vectors)),
            EVENTFD if files.is_empty() => Ok(Request::Disconnect(vectors)),
            EVENTFD if files.len() == vectors.len() => {
                let events = files.into_iter().map(EventFile::new).collect::<io::Result<_>>()?;
                Ok(Request::Connect { first: vectors.start, events })
            }
            EVENTFD => invalid("there are neither as many event files as vectors nor none"),
            // MSI-X vectors are masked in their table, not by this command.
            _ => invalid("interrupts are triggered with no data or with event files, and nothing else"),
        }
    }

    /// Does it; whether MSI-X is on or off afterwards, if that changes.
    pub(crate) fn apply(self, msix: &mut Msix) -> Option<bool> {
        match self {
            Request::Nothing => None,
            Request::Disable => {
                msix.disconnect();
                Some(false)
            }
            Request::Connect { first, events } => {
                (first..).zip(events).for_each(|(vector, event)| msix.connect(vector, Some(event)));
                Some(true)
            }
            Request::Disconnect(vectors) => {
                vectors.for_each(|vector| msix.connect(vector, None));
                None
            }
            Request::Send(vectors) => {
                vectors.for_each(|vector| msix.send(vector));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::eventfd::EventFd;
    use proptest::prelude::*;
    use vfio_bindings::bindings::vfio::{
        VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
    };

    use super::*;

    const MSIX: u32 = VFIO_PCI_MSIX_IRQ_INDEX;

    fn events(count: usize) -> Vec<File> {
        (0..count).map(|_| std::os::fd::OwnedFd::from(EventFd::new().expect("an eventfd")).into()).collect()
    }

    #[test]
    fn what_hosts_send_is_understood() {
        let parse = |flags, start, count, files| Request::parse(MSIX, flags, start, count, files).expect("a request");
        assert!(matches!(parse(NONE, 0, 0, vec![]), Request::Disable));
        assert!(matches!(parse(NONE, 1, 3, vec![]), Request::Send(vectors) if vectors == (1..4)));
        assert!(matches!(parse(EVENTFD, 2, 1, vec![]), Request::Disconnect(vectors) if vectors == (2..3)));
        let connect = parse(EVENTFD, 1, 3, events(3));
        assert!(matches!(connect, Request::Connect { first: 1, events } if events.len() == 3));
        for index in [VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX] {
            assert!(matches!(Request::parse(index, NONE, 0, 0, vec![]), Ok(Request::Nothing)));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |index, flags, start, count, files: Vec<File>| {
            let error = Request::parse(index, flags, start, count, files).err().expect("it is refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        };
        refused(MSIX, EVENTFD, 0, 5, events(5));
        refused(MSIX, EVENTFD, 4, 1, events(1));
        refused(MSIX, EVENTFD, u32::MAX, u32::MAX, vec![]);
        refused(MSIX, EVENTFD, 0, 2, events(1));
        refused(MSIX, EVENTFD, 0, 1, events(2));
        refused(MSIX, EVENTFD, 0, 1, vec![File::open("/dev/null").expect("it is there")]);
        refused(MSIX, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_MASK, 0, 1, events(1));
        refused(MSIX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, vec![]);
        refused(MSIX, NONE | EVENTFD, 0, 1, vec![]);
        refused(MSIX, 0, 0, 0, vec![]);
        refused(VFIO_PCI_INTX_IRQ_INDEX, EVENTFD, 0, 1, events(1));
    }

    proptest! {
        #[test]
        fn any_numbers_end_in_a_request_or_a_refusal(
            index: u32, flags in prop_oneof![0u32..64, any::<u32>()],
            start in prop_oneof![0u32..6, any::<u32>()], count in prop_oneof![0u32..6, any::<u32>()],
            files in 0usize..6,
        ) {
            if let Ok(request) = Request::parse(index % 6, flags, start, count, events(files)) {
                request.apply(&mut Msix::default());
            }
        }
    }
}
