//! Buckets.

use serde::Deserialize;
use uuid::Uuid;

use super::BucketName;
use crate::types::Timestamp;

/// A bucket, as `storage.buckets` has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Bucket {
    pub id: String,
    pub name: String,
    pub owner: Option<Uuid>,
    pub public: bool,
    pub file_size_limit: Option<i64>,
    pub allowed_mime_types: Option<Vec<String>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// What it may hold, and holds; nothing where it has no quota, or was read with a caller's rights.
    #[serde(skip)]
    pub quota: Option<Quota>,
}

/// What a bucket may hold, and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all its objects at the most.
    pub quota: u64,
    /// Bytes of its objects.
    pub bytes: u64,
    pub objects: u64,
}

/// A bucket to be made.
#[derive(Clone, Debug)]
pub struct NewBucket {
    pub name: BucketName,
    pub public: bool,
    pub file_size_limit: Option<u64>,
    pub allowed_mime_types: Option<Vec<String>>,
    /// Bytes of all its objects; `None` is what new buckets have, `Some(None)` no quota.
    pub quota: Option<Option<u64>>,
}

/// What of a bucket changes; `None` leaves it, `Some(None)` takes a limit away.
#[derive(Clone, Debug, Default)]
pub struct BucketChanges {
    pub public: Option<bool>,
    pub file_size_limit: Option<Option<u64>>,
    pub allowed_mime_types: Option<Option<Vec<String>>>,
    pub quota: Option<Option<u64>>,
}
