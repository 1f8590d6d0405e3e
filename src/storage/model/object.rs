//! Objects, and what an upload says of one.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{BucketName, MediaType, ObjectName, Version};
use crate::blob::Bytestream;
use crate::types::Timestamp;

/// A bucket and a name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    pub bucket: BucketName,
    pub name: ObjectName,
}

/// An object, as `storage.objects` has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    pub id: Uuid,
    pub bucket_id: String,
    pub name: String,
    pub owner: Option<Uuid>,
    pub owner_id: Option<String>,
    pub version: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_accessed_at: Timestamp,
    /// What the server knows: `size`, `mimetype`, `eTag`, `cacheControl`, `lastModified`, `sha256`, `contentEncoding`; of uploads by S3
    /// `contentDisposition`, `contentLanguage`, `expires`, `checksum`.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// What the user said.
    #[serde(default)]
    pub user_metadata: Option<Value>,
}

impl Object {
    /// Bytes of it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.metadata.get("size").and_then(Value::as_u64).unwrap_or(0)
    }

    /// A text of the server's metadata.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).and_then(Value::as_str)
    }

    /// The media type; bytes where none is known.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.known("mimetype").unwrap_or("application/octet-stream")
    }

    /// The entity tag, with its quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.known("eTag").unwrap_or("\"\"")
    }

    /// When its bytes became what they are.
    #[must_use]
    pub fn last_modified(&self) -> Timestamp {
        self.known("lastModified").and_then(|text| text.parse().ok()).unwrap_or(self.updated_at)
    }

    /// The name of its bytes.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.version.parse().ok()
    }
}

/// What is done when an object of the name is there, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It must not be there.
    Create,
    /// It is made, or replaced.
    Upsert,
    /// It must be there.
    Replace,
}

/// What an upload says of its object, beside the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The media type.
    pub content_type: String,
    /// `max-age=3600`.
    pub cache_control: Option<String>,
    pub content_encoding: Option<String>,
    pub user_metadata: Option<Map<String, Value>>,
}

impl Default for Declared {
    fn default() -> Self {
        let content_type = MediaType::bytes().as_str().to_owned();
        Self { content_type, cache_control: None, content_encoding: None, user_metadata: None }
    }
}

/// What an object is made under, beside its bytes and what was declared of it.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The entity tag that the object has which is replaced, with its quotes.
    pub replaces: Option<String>,
    /// What more the server keeps of it, under the server's own names.
    pub known: Map<String, Value>,
}

/// How an object is copied.
#[derive(Clone, Debug)]
pub struct Copying {
    pub mode: Mode,
    /// The user's metadata; the other's unless it is said.
    pub user_metadata: Option<Value>,
    /// What is declared of it, and what more is known; as the other's unless it is said.
    pub declared: Option<(Declared, Map<String, Value>)>,
    pub replaces: Option<String>,
}

/// An upload that is to begin.
#[derive(Clone, Debug)]
pub struct Uploading {
    pub path: ObjectPath,
    pub mode: Mode,
    pub declared: Declared,
    /// The length, where it is known before.
    pub length: Option<u64>,
}

/// An object with the part of its bytes that was asked for.
pub struct Opened {
    pub object: Object,
    /// Which bytes of it.
    pub range: Range<u64>,
    pub bytes: Bytestream,
}

/// A piece of an upload that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From 1.
    pub part: u32,
    pub blob: String,
    pub size: u64,
    /// In hexadecimal, as the hash below.
    pub md5: String,
    pub sha256: String,
    /// The checksum that its sender gave of it: `CRC32:AAAAAA==`.
    pub checksum: Option<String>,
    pub created_at: Timestamp,
}
