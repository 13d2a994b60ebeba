//! Membership, convergence, epochs and heartbeat codecs, without I/O.
