//! Compresses answers on their way out, as the client takes it: files once, what is passed through bit by bit.
//!
//! Never what is compressed already, nor parts of files. Both kinds wait for one of few places on the blocking pool, so that they
//! cannot take all of the machine.

mod encoder;
mod made;
mod streamed;

use std::sync::LazyLock;

use actix_web::http::header::HeaderValue;
use tokio::sync::Semaphore;

pub(super) use self::made::Made;
pub(super) use self::streamed::compressed;

use super::files::Resource;
use crate::config::front::{Compress, Rules};

/// The media types that are compressed when nothing is said.
const TYPES: [&str; 12] = [
    "text/*",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/wasm",
    "application/manifest+json",
    "application/problem+json",
    "application/ld+json",
    "application/geo+json",
    "application/rss+xml",
    "application/xhtml+xml",
    "image/svg+xml",
];

/// The shortest answer that is compressed when nothing is said, in bytes.
const SHORTEST: u64 = 1024;

/// The longest file, in bytes. A larger one is sent as it is, unless a compressed one lies beside it.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// How many compress at once: half of the cores, and one at the least.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Semaphore::new((cores / 2).max(1))
});

/// What is compressed.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    mode: Compress,
    types: Vec<String>,
    min: u64,
}

impl Settings {
    pub(super) fn new(rules: &Rules) -> Self {
        let types = rules.compress_types.clone().unwrap_or_else(|| TYPES.map(str::to_owned).into());
        let min = rules.compress_min.and_then(|min| u64::try_from(min).ok()).unwrap_or(SHORTEST);
        Self { mode: rules.compress.unwrap_or_default(), types, min }
    }

    /// Whether answers that are passed through are compressed, too.
    pub(super) fn covers_streams(&self) -> bool {
        self.mode == Compress::All
    }

    pub(super) fn covers_file(&self, resource: &Resource) -> bool {
        let len = resource.plain.content.len();
        self.mode != Compress::Off && (self.min..=LONGEST_FILE).contains(&len) && self.covers_type(&resource.content_type)
    }

    fn covers_type(&self, content_type: &HeaderValue) -> bool {
        let Ok(text) = content_type.to_str() else { return false };
        let kind = text.split(';').next().unwrap_or_default().trim();
        self.types.iter().any(|known| match known.strip_suffix('*') {
            // Events are for now, not for a block that is worth compressing; they can be named.
            Some(group) => {
                kind.len() > group.len() && starts_with(kind, group) && !kind.eq_ignore_ascii_case("text/event-stream")
            }
            None => kind.eq_ignore_ascii_case(known),
        })
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
