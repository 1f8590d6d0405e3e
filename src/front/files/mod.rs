//! Files of a folder, or the built-in ones.
//!
//! ```text
//! Files::serve -> path (what is asked for) -> cache | folder | builtin (which file) -> answer (what of it goes out)
//! ```

pub(super) mod answer;
mod builtin;
mod cache;
mod coding;
mod folder;
mod listing;
mod media;
mod path;
mod report;
mod resource;
mod serve;
mod stream;

pub(super) use self::coding::{Accepted, Coding};
pub(super) use self::path::SitePath;
pub use self::report::{CacheReport, CachesReport};
pub(super) use self::resource::{Content, Form, Identity, Resource};
pub(super) use self::serve::{Files, Lookup, Shared};
