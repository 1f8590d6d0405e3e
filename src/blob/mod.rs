//! Bytes by key: function packages and files. The data folder's `blobs/` holds them, or a store that speaks S3's protocol.
//!
//! ```text
//! put, get         a whole blob in memory
//! writer           a blob as it comes: a piece in memory, one on its way to the store, its hashes while it flows
//! read             a part of a blob, a piece at a time
//! ```
//!
//! # Invariants
//!
//! - What [`Blobs::put`] and [`Writer::finish`] answered for is kept, file and folders on the disk; a reader sees the whole of it or
//!   nothing.
//! - A key cannot leave the folder.
//! - The disk is touched on blocking threads, a store's sockets belong to the core runtime, whoever asks.

mod error;
mod key;
mod open;
mod read;
mod unfinished;
mod whole;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;

use crate::types::Timestamp;

pub use error::Error;
pub use key::{InvalidKey, MAX_KEY};
pub use read::Bytestream;
pub use write::{Writer, Written};

/// Where blobs are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder on the disk; `None` for a store elsewhere.
    folder: Option<Arc<Path>>,
    /// Where what a web worker does not wait for is done; the runtime of who asks when there is none.
    core: Option<tokio::runtime::Handle>,
}

/// A blob as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub size: u64,
    pub modified: Timestamp,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.store)
    }
}
