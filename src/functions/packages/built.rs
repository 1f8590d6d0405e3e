//! Packages ready to run, as they are kept: the bundle, under a seal.
//!
//! A bundle holds V8's code cache, which is trusted like code of the server's own. So it is taken from a locked worker of this very
//! build alone, and kept under a key that only the server has.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use bytes::Bytes;

use crate::functions::invoker::hex;
use crate::functions::model::SourceKind;
use crate::isolate::protocol::Bundle;

/// A package ready to run.
#[derive(Debug)]
pub(in crate::functions) struct Built {
    pub(in crate::functions) bundle: Bundle,
    /// What the bundle tells of.
    pub(in crate::functions) body: Bytes,
}

impl Built {
    /// `tag | length of the bundle's JSON: u32 LE | JSON | body`; the tag is over all that and the key it is kept under.
    pub(super) fn seal(&self, key: &str, secret: &hmac::Key) -> Bytes {
        let json = serde_json::to_vec(&self.bundle).unwrap_or_default();
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes();
        let tag = tag(secret, key, &[&length, &json, &self.body]);
        [tag.as_ref(), &length, &json, &self.body].concat().into()
    }

    /// What was sealed under this key; `None` when it was not, or by another server.
    pub(super) fn open(sealed: &Bytes, key: &str, secret: &hmac::Key) -> Option<Self> {
        const TAG: usize = 32;
        let (tag_part, rest) = sealed.split_at_checked(TAG)?;
        let mut context = hmac::Context::with_key(secret);
        context.update(key.as_bytes());
        context.update(rest);
        aws_lc_rs::constant_time::verify_slices_are_equal(context.sign().as_ref(), tag_part).ok()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let bundle = serde_json::from_slice(rest.get(..length)?).ok()?;
        Some(Self { bundle, body: sealed.slice(TAG + 4 + length..) })
    }

    /// What it weighs in memory, in bytes.
    pub(super) fn weight(&self) -> u32 {
        u32::try_from(self.body.len() + self.bundle.modules.len() * 256).unwrap_or(u32::MAX)
    }
}

/// What a bundle is made of.
pub(super) struct MadeOf<'a> {
    pub(super) source_sha256: &'a str,
    pub(super) kind: SourceKind,
    pub(super) handler: Option<&'a str>,
}

impl MadeOf<'_> {
    /// Where what a build makes of it is kept.
    pub(super) fn key(&self, build: &str) -> String {
        let Self { source_sha256, kind, handler } = self;
        let made_of = sha256(format!("{source_sha256}\n{}\n{}", kind.as_str(), handler.unwrap_or_default()).as_bytes());
        format!("functions/built/{build}/{made_of}")
    }
}

fn tag(secret: &hmac::Key, key: &str, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(secret);
    context.update(key.as_bytes());
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// The SHA-256 of bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}
