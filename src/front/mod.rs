//! The web front: whatever no API claims. For now the static site.
//!
//! ```text
//! site::serve -> path (what is asked for) -> folder | builtin (which file) -> answer (what of it goes out)
//! ```
//!
//! # Invariants
//!
//! - No file outside the site's folder is ever opened: the kernel resolves each name beneath the folder's descriptor
//!   (`openat2`), symbolic links included, and names with `..`, a backslash, NUL or a leading dot never reach it.
//! - A web worker never waits for the disk: opening and reading happen on the blocking pool, and a small file that was looked
//!   at within the last second is answered from memory.
//! - Database and users are unknown here.

mod answer;
mod builtin;
mod cache;
mod coding;
mod error;
mod folder;
mod media;
mod path;
mod resource;
pub mod site;
mod stream;
#[doc(hidden)]
pub mod untrusted;

pub use error::Error;
