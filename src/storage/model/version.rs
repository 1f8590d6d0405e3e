//! Versions: names of bytes that never change.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The folder of the blob store that holds files.
pub(in crate::storage) const FOLDER: &str = "storage";

/// An object's bytes, by the name that they have in `storage.objects.version`. Other bytes are another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    pub id: Uuid,
    /// How many pieces the bytes came in (`storage.pieces`); 0 is one blob.
    pub pieces: u32,
}

impl Version {
    /// A new version of one blob.
    #[must_use]
    pub fn random() -> Self {
        Self { id: Uuid::new_v4(), pieces: 0 }
    }

    /// The key of its one blob.
    #[must_use]
    pub fn blob(&self) -> String {
        blob_of(self.id)
    }
}

/// The blob of an id. The folders between keep each from having too many entries.
pub(in crate::storage) fn blob_of(id: Uuid) -> String {
    let id = id.to_string();
    format!("{FOLDER}/{}/{id}", &id[..2])
}

/// The id, and `-` with the number of pieces where it is not one blob.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pieces {
            0 => write!(f, "{}", self.id),
            pieces => write!(f, "{}-{pieces}", self.id),
        }
    }
}

impl FromStr for Version {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        let (id, pieces) = match text.len() {
            0..=36 => (text, 0),
            _ => (text.get(..36).unwrap_or(text), text.get(37..).and_then(|pieces| pieces.parse().ok()).unwrap_or(0)),
        };
        Ok(Self { id: Uuid::parse_str(id)?, pieces })
    }
}
