//! Images as they are handed out: one package of primary and golden image and the manifest that speaks for them, and a
//! detached signature beside it.
//!
//! What holds what: the package's header is under a CRC-32 (DSP0267) and carries the SHA-256 of the manifest; the manifest
//! carries the SHA-256 of each payload; the signature is over the whole file. So a bit that flips anywhere is found without a
//! key, and a key says who made it.

mod digest;
mod manifest;
mod package;
mod pldm;
mod refusal;
mod signature;
mod trust;
mod version;

pub use digest::Digest;
pub use manifest::{Manifest, ManifestError, Payload, Timing, Utilisation};
pub use package::{ImagePackage, PackageError, Role};
pub use pldm::PldmError;
pub use refusal::{Refusal, Target};
pub use signature::{KeyPair, SignatureError, public_key_id, sign, signer, verify};
pub use trust::{Trust, TrustError, TrustedKey};
pub use version::{ImageVersion, VersionError};
