//! Storage's verbs: its rules and transactions. One file a verb.
//!
//! Other surfaces (resumable uploads, S3) stand on the same verbs: [`StorageService::begin_upload`] and [`Upload`] for bytes that come in
//! one go, [`StorageService::begin_pieces`] and its companions for those that come in several, [`StorageService::begin_resumable`] and
//! [`Append`] for those that go on where they broke off, [`StorageService::find`] and [`StorageService::open`] to read, [`StorageService::page`] to list, [`StorageService::delete`] to remove.

mod buckets;
mod change;
mod check;
mod collector;
mod commit;
mod copy;
mod handle;
mod list;
mod pieces;
mod read;
mod sign;
mod upload;

pub use self::check::Findings;
pub use self::commit::Stored;
pub use self::handle::{CurrentSchema, Parts, StorageService};
pub use self::pieces::{Append, PieceWriter, Pieced, Progress, Resumable};
pub use self::upload::Upload;

use self::handle::{beyond, let_go, meaning, within_quota};
