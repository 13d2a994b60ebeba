//! Signatures over packages: those of minisign, so that its tools read ours and ours theirs.

use minisign::{PublicKey, PublicKeyBox, SecretKeyBox, SignatureBox};
use std::io::Cursor;

/// A new pair of keys, as the texts of minisign's two files.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Goes to everybody, `minisign.pub`.
    pub public: String,
    /// Stays with who signs; encrypted by a password unless none was given.
    pub secret: String,
    /// By which signatures name it, 16 hexadecimal digits.
    pub id: String,
}

/// Why something is not signed, or a signature not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The text of a key is none.
    #[error("failed to read the {which} key")]
    Key {
        /// `public` or `secret`.
        which: &'static str,
        /// Why.
        source: minisign::PError,
    },
    /// A secret key that is encrypted, and no password or another.
    #[error("failed to open the secret key: {0}: is it the right password?")]
    Password(minisign::PError),
    /// The text of a signature is none.
    #[error("failed to read the signature: {0}; take it anew from where it was made")]
    Syntax(minisign::PError),
    /// The key could not be made, or not be used.
    #[error("failed to {what}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: minisign::PError,
    },
    /// Not what was signed, or not by this key.
    #[error(
        "the signature does not hold under key {key}: the package or the signature was changed; take both anew from where they were made"
    )]
    Broken {
        /// Id of the key.
        key: String,
    },
    /// Signed by another key.
    #[error("signed by key {found}, should be {wanted}; have it signed by that one")]
    OtherKey {
        /// Id of the signer.
        found: String,
        /// Id of the key that was asked for.
        wanted: String,
    },
}

impl KeyPair {
    /// Makes a pair from the kernel's randomness.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Failed`].
    pub fn generate(password: Option<String>) -> Result<KeyPair, SignatureError> {
        let failed = |source| SignatureError::Failed { what: "make a key pair", source };
        let pair = match password {
            Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password)),
            None => minisign::KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.map_err(failed)?;
        Ok(KeyPair {
            public: pair.pk.to_box().map_err(failed)?.to_string(),
            secret: pair.sk.to_box(None).map_err(failed)?.to_string(),
            id: id(pair.pk.keynum()),
        })
    }
}

/// Signs octets; `comment` is signed with them. Returns the text of the signature's file.
///
/// # Errors
///
/// [`SignatureError::Key`], [`SignatureError::Password`].
pub fn sign(secret: &str, password: Option<String>, octets: &[u8], comment: &str) -> Result<String, SignatureError> {
    let failed = |source| SignatureError::Key { which: "secret", source };
    let sealed = SecretKeyBox::from_string(secret).map_err(failed)?;
    let key = match password {
        Some(password) => sealed.into_secret_key(Some(password)).map_err(SignatureError::Password)?,
        None => sealed.into_unencrypted_secret_key().map_err(SignatureError::Password)?,
    };
    let signed =
        minisign::sign(None, &key, Cursor::new(octets), Some(comment), Some("signature of a weir image package"));
    signed.map(|signature| signature.to_string()).map_err(|source| SignatureError::Failed { what: "sign", source })
}

/// Id of the key a signature names, whether or not it holds.
///
/// # Errors
///
/// [`SignatureError::Syntax`].
pub fn signer(signature: &str) -> Result<String, SignatureError> {
    Ok(id(SignatureBox::from_string(signature).map_err(SignatureError::Syntax)?.keynum()))
}

/// Id of a public key.
///
/// # Errors
///
/// [`SignatureError::Key`].
pub fn public_key_id(public: &str) -> Result<String, SignatureError> {
    Ok(id(public_key(public)?.keynum()))
}

/// Checks a signature over octets; returns the comment that was signed with them.
///
/// # Errors
///
/// [`SignatureError::OtherKey`] before [`SignatureError::Broken`].
pub fn verify(public: &str, signature: &str, octets: &[u8]) -> Result<String, SignatureError> {
    let key = public_key(public)?;
    let signature = SignatureBox::from_string(signature).map_err(SignatureError::Syntax)?;
    let (found, wanted) = (id(signature.keynum()), id(key.keynum()));
    if found != wanted {
        return Err(SignatureError::OtherKey { found, wanted });
    }
    // Signatures over the whole text instead of its hash are of minisign before 0.6; nobody has to accept them here.
    minisign::verify(&key, &signature, Cursor::new(octets), true, false, false)
        .map_err(|_| SignatureError::Broken { key: wanted })?;
    signature.trusted_comment().map_err(SignatureError::Syntax)
}

/// The text of a whole file, or the key's line alone.
fn public_key(text: &str) -> Result<PublicKey, SignatureError> {
    let failed = |source| SignatureError::Key { which: "public", source };
    let text = text.trim();
    if text.lines().count() == 1 {
        return PublicKey::from_base64(text).map_err(failed);
    }
    PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key).map_err(failed)
}

/// As minisign prints it: the number in the file is little-endian.
fn id(keynum: &[u8]) -> String {
    keynum.iter().rev().map(|octet| format!("{octet:02X}")).collect()
}
