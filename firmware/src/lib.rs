//! Boards as data: what a bitstream is built for.
