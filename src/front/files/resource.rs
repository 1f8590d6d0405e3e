//! A file as it can be answered: its forms, and the header values made once.

use std::fs::File;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use super::coding::{Accepted, Coding};
use super::folder::Mark;
use crate::api::conditions::{Modified, Validators};

/// One file of the site, plain and in the packed forms that lie beside it.
#[derive(Debug)]
pub(in crate::front) struct Resource {
    pub(in crate::front) content_type: HeaderValue,
    pub(in crate::front) modified: Option<Modified>,
    pub(in crate::front) plain: Form,
    pub(in crate::front) packed: Vec<(Coding, Form)>,
}

/// The bytes of a file in one coding, and the entity tag that names exactly them.
#[derive(Debug)]
pub(in crate::front) struct Form {
    pub(in crate::front) etag: HeaderValue,
    pub(in crate::front) content: Content,
    /// What tells these bytes from all others; `None` while that is not sure.
    pub(in crate::front) identity: Option<Identity>,
}

/// What tells the bytes of a form from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::front) enum Identity {
    /// What they hash to.
    Bytes([u8; 16]),
    /// A file that has not been changed for a while.
    File(Mark),
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(in crate::front) enum Content {
    Memory(Bytes),
    File { file: Arc<File>, len: u64 },
}

impl Resource {
    /// The form to send: of those the client takes, the one it wants most, and of equals the shortest.
    pub(in crate::front) fn choose(&self, accept_encoding: Option<&str>) -> (&Form, Option<Coding>) {
        let Some(header) = accept_encoding.filter(|_| !self.packed.is_empty()) else { return (&self.plain, None) };
        let accepted = Accepted::parse(header);
        let taken = self.packed.iter().filter_map(|(coding, form)| Some((accepted.weight(*coding)?, *coding, form)));
        let best = taken.max_by_key(|(weight, _, form)| (*weight, std::cmp::Reverse(form.content.len())));
        best.map_or((&self.plain, None), |(_, coding, form)| (form, Some(coding)))
    }

    /// The bytes of all its forms; `None` when one of them is not in memory.
    pub(in crate::front) fn bytes_in_memory(&self) -> Option<usize> {
        let forms = std::iter::once(&self.plain).chain(self.packed.iter().map(|(_, form)| form));
        forms.map(|form| if let Content::Memory(bytes) = &form.content { Some(bytes.len()) } else { None }).sum()
    }
}

impl Form {
    /// What requests for it are compared with.
    pub(in crate::front) fn validators<'f>(&'f self, modified: Option<&'f Modified>) -> Validators<'f> {
        Validators { etag: &self.etag, modified, len: self.content.len() }
    }

    /// Bytes in memory, named by their hash, so that every node gives them the same tag.
    pub(in crate::front) fn in_memory(bytes: Bytes) -> Self {
        use std::fmt::Write;
        let hash = digest(&SHA256, &bytes);
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_ref()[..16]);
        let mut tag = String::with_capacity(34);
        tag.push('"');
        for byte in short {
            // Writing to a String does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self { etag: header_value(tag), content: Content::Memory(bytes), identity: Some(Identity::Bytes(short)) }
    }

    /// A file too large for memory.
    pub(in crate::front) fn on_disk(file: File, len: u64, tag: String, identity: Option<Identity>) -> Self {
        Self { etag: header_value(tag), content: Content::File { file: Arc::new(file), len }, identity }
    }
}

impl Content {
    pub(in crate::front) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }
}

/// A header value from text of ours, which is visible ASCII.
fn header_value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
