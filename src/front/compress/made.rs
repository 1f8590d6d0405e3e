//! Files that were compressed once, kept in memory.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web;
use bytes::Bytes;

use super::PLACES;
use super::encoder::{Effort, Encoder};
use crate::front::files::CacheReport;
use crate::front::files::{Accepted, Coding, Content, Form, Identity};

/// Bytes kept at the most.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// What an entry costs beside its bytes.
const OVERHEAD: u32 = 512;

/// The compressed forms of files, by the bytes they were made of.
#[derive(Debug)]
pub(in crate::front) struct Made {
    forms: moka::future::Cache<(Identity, Coding), Tried>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What came of compressing a file.
#[derive(Clone, Debug)]
enum Tried {
    Shorter(Arc<Form>),
    /// Nothing is gained.
    NoShorter,
}

impl Made {
    pub(in crate::front) fn new() -> Self {
        let weigh = |_: &(Identity, Coding), tried: &Tried| {
            let bytes = if let Tried::Shorter(form) = tried { form.content.len() } else { 0 };
            u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(OVERHEAD)
        };
        let forms = moka::future::Cache::builder().max_capacity(CAPACITY).weigher(weigh).build();
        Self { forms, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The form that the client takes; made first, by one for all that ask for it. `None` when it takes none, when none is shorter, or
    /// when everybody who compresses is busy: then it is sent as it is.
    pub(in crate::front) async fn get(&self, form: &Form, accept_encoding: &str) -> Option<(Arc<Form>, Coding)> {
        if accept_encoding.is_empty() {
            return None;
        }
        let coding = Accepted::parse(accept_encoding).best()?;
        let key = (form.identity.clone()?, coding);
        let tried = if let Some(tried) = self.forms.get(&key).await {
            self.hits.fetch_add(1, Ordering::Relaxed);
            tried
        } else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            self.forms.optionally_get_with(key, make(form.content.clone(), coding)).await?
        };
        match tried {
            Tried::Shorter(form) => Some((form, coding)),
            Tried::NoShorter => None,
        }
    }

    pub(in crate::front) async fn report(&self) -> CacheReport {
        self.forms.run_pending_tasks().await;
        CacheReport {
            entries: self.forms.entry_count(),
            bytes: self.forms.weighted_size(),
            max_bytes: CAPACITY,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

/// `None` when all places are taken, or the file cannot be read.
async fn make(content: Content, coding: Coding) -> Option<Tried> {
    let place = PLACES.try_acquire().ok()?;
    let made = web::block(move || compress(&content, coding)).await;
    drop(place);
    match made.map_err(io::Error::other).and_then(|made| made) {
        Ok(made) => Some(made),
        Err(err) => {
            tracing::warn!(error = %err, "a file was not compressed: {err}");
            None
        }
    }
}

fn compress(content: &Content, coding: Coding) -> io::Result<Tried> {
    let plain = match content {
        Content::Memory(bytes) => bytes.clone(),
        Content::File { file, len } => {
            let mut whole = vec![0; usize::try_from(*len).map_err(io::Error::other)?];
            file.read_exact_at(&mut whole, 0)?;
            Bytes::from(whole)
        }
    };
    let mut encoder = Encoder::new(coding, Effort::Once)?;
    encoder.write(&plain)?;
    let packed = encoder.finish()?;
    let is_shorter = packed.len() < plain.len();
    Ok(if is_shorter { Tried::Shorter(Arc::new(Form::in_memory(packed.into()))) } else { Tried::NoShorter })
}
