//! Frames on EtherType 0x886f.
//!
//! | module | what |
//! |---|---|
//! | [`ethernet`] | destination, masked source and type of all our frames |
//! | [`heartbeat`] | the membership heartbeat, 1510 octets as public dissectors read them |
//! | [`extension`] | the 132 reserved octets at its end, which carry what Weir adds |
//! | [`codes`] | rule codes and weight slots |
//! | [`identity`] | the extended heartbeat that carries a host's name (read only) |
//! | [`bulk`] | challenges, tables and moving connections, under a signature of our own |
//! | [`records`] | what is told of moving connections |
//! | [`auth`] | HMAC-SHA256 with key ids |
//!
//! Every decoder is total: it takes any octets and either gives a view or says what is wrong. Reserved fields are sent as
//! zero and not looked at.

pub mod auth;
pub mod bulk;
pub mod codes;
pub mod ethernet;
pub mod extension;
pub mod heartbeat;
pub mod identity;
pub mod records;

/// Signature of a membership heartbeat.
pub const MEMBERSHIP: u32 = 0xc0de_01bf;
/// Signature of an extended (identity) heartbeat.
pub const IDENTITY: u32 = 0xc0de_01c0;
/// Signature of our bulk frames: "weir" as the octets lie on the wire. Any other use of the EtherType differs from it.
pub const BULK: u32 = u32::from_le_bytes(*b"weir");

/// The signature at the start of a payload; `None` if it is shorter.
pub fn signature(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|octets| u32::from_le_bytes(*octets))
}
