//! Small files of all folders in memory, bounded in bytes, looked at again on disk once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::folder::{Loaded, Stamp};
use super::path::SitePath;
use super::report::CacheReport;
use super::resource::Resource;

/// Bytes kept at the most.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// What an entry costs beside its bytes: the header values, the path, the cache's own.
const OVERHEAD: usize = 1024;

/// How long an entry is answered without a look at the disk.
const FRESH: Duration = Duration::from_secs(1);

/// The files that are held in memory.
#[derive(Debug)]
pub(super) struct Cache {
    entries: moka::sync::Cache<Key, Arc<Entry>>,
    hits: AtomicU64,
    misses: AtomicU64,
    started: Instant,
}

/// Which folder's, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) folder: u64,
    pub(super) path: SitePath,
}

/// One file in memory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) resource: Arc<Resource>,
    /// The file it was read from.
    pub(super) name: String,
    pub(super) stamp: Stamp,
    /// When it was last seen to be what is on disk, in milliseconds since the cache was made.
    checked: AtomicU64,
}

/// What the cache has.
pub(super) enum Cached {
    Fresh(Arc<Resource>),
    /// To be compared with the disk by whoever got this; others go on being answered from memory meanwhile.
    Stale(Arc<Entry>),
    Nothing,
}

impl Cache {
    pub(super) fn new() -> Self {
        let weigh = |_: &Key, entry: &Arc<Entry>| {
            let bytes = entry.resource.bytes_in_memory().unwrap_or(0) + OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let entries = moka::sync::Cache::builder().max_capacity(CAPACITY).weigher(weigh).build();
        Self { entries, hits: AtomicU64::new(0), misses: AtomicU64::new(0), started: Instant::now() }
    }

    pub(super) fn get(&self, key: &Key) -> Cached {
        let Some(entry) = self.entries.get(key) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return Cached::Nothing;
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        let (now, checked) = (self.now(), entry.checked.load(Ordering::Relaxed));
        if u128::from(now.saturating_sub(checked)) < FRESH.as_millis() {
            return Cached::Fresh(Arc::clone(&entry.resource));
        }
        // Of the requests that find it stale at once, one takes the check upon itself.
        match entry.checked.compare_exchange(checked, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Cached::Stale(entry),
            Err(_) => Cached::Fresh(Arc::clone(&entry.resource)),
        }
    }

    /// Keeps a file if it is small; gives it back to be answered.
    pub(super) fn put(&self, key: Key, loaded: Loaded) -> Arc<Resource> {
        let resource = Arc::new(loaded.resource);
        if resource.bytes_in_memory().is_some() {
            let checked = AtomicU64::new(self.now());
            let entry = Entry { resource: Arc::clone(&resource), name: loaded.name, stamp: loaded.stamp, checked };
            self.entries.insert(key, Arc::new(entry));
        }
        resource
    }

    pub(super) fn remove(&self, key: &Key) {
        self.entries.invalidate(key);
    }

    pub(super) fn report(&self) -> CacheReport {
        self.entries.run_pending_tasks();
        CacheReport {
            entries: self.entries.entry_count(),
            bytes: self.entries.weighted_size(),
            max_bytes: CAPACITY,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
