//! The daemon of one host: sockets, timers, configuration, control.
