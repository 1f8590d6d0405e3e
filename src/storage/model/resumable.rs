//! What a client says of a resumable upload: tus's `Upload-Metadata`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The longest header, in bytes: a name and the user's metadata, in base64.
pub const MAX_UPLOAD_METADATA: usize = 24 * 1024;

/// Pairs that it may have.
const MAX_PAIRS: usize = 32;

/// Base64 whose end clients fill up or do not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A header that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Upload-Metadata {0}")]
pub struct InvalidMetadata(&'static str);

/// Keys with their values, each key once: `bucketName YXZhdGFycw==,objectName YQ==`. Written out, it is in the order of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadMetadata(BTreeMap<String, Vec<u8>>);

impl UploadMetadata {
    /// Takes the header as it came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(header: &str) -> Result<Self, InvalidMetadata> {
        if header.len() > MAX_UPLOAD_METADATA {
            return Err(InvalidMetadata("has at most 24576 bytes"));
        }
        let mut pairs = BTreeMap::new();
        for pair in header.split(',').map(str::trim).filter(|_| !header.trim().is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(InvalidMetadata("has a key that is empty, or no visible ASCII"));
            }
            let value = LENIENT.decode(value.trim()).map_err(|_| InvalidMetadata("has a value that is no base64"))?;
            if pairs.insert(key.to_owned(), value).is_some() {
                return Err(InvalidMetadata("has a key twice"));
            }
            if pairs.len() > MAX_PAIRS {
                return Err(InvalidMetadata("has at most 32 keys"));
            }
        }
        Ok(Self(pairs))
    }

    /// The bytes of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// The text of a key.
    ///
    /// # Errors
    /// It is no UTF-8.
    pub fn text(&self, key: &str) -> Result<Option<&str>, InvalidMetadata> {
        let text = self.get(key).map(std::str::from_utf8).transpose();
        text.map_err(|_| InvalidMetadata("has a value that is no UTF-8"))
    }
}

impl fmt::Display for UploadMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{key}")?;
            if !value.is_empty() {
                write!(f, " {}", LENIENT.encode(value))?;
            }
        }
        Ok(())
    }
}
