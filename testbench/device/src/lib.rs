//! A PCI function around the spec or the RTL, served over vfio-user.
