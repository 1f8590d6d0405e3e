//! What operators see of what the front keeps in memory.

use serde::Serialize;
use utoipa::ToSchema;

use crate::front::Front;

impl Front {
    /// What is held in memory.
    pub async fn caches(&self) -> CachesReport {
        self.0.shared.report().await
    }
}

/// What the front keeps in memory.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct CachesReport {
    /// Small files, as they are on disk. Each is compared with the disk once a second.
    pub files: CacheReport,
    /// Files that were compressed for the clients that take them so.
    pub compressed: CacheReport,
}

/// A cache as it is now.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct CacheReport {
    #[schema(example = 312)]
    pub entries: u64,
    /// What they take, their headers and names included.
    #[schema(example = 4_812_033)]
    pub bytes: u64,
    /// What they may take; beyond it, what is used least goes.
    #[schema(example = 67_108_864)]
    pub max_bytes: u64,
    /// Requests that were answered from it since the server started.
    #[schema(example = 90_210)]
    pub hits: u64,
    /// Requests that found nothing in it.
    #[schema(example = 312)]
    pub misses: u64,
}
