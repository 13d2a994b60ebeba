//! The driver of a Weir NIC and the back-ends that reach its BAR.
