//! A cluster on one machine, in network namespaces.
