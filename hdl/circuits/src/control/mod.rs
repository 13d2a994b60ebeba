//! What a host talks to.
