//! Checks and transpiles a package in a worker that is thrown away afterwards.
//!
//! What a stranger wrote is never parsed in the server: a parser that overflows its stack or eats all memory costs that worker.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::channel::Outgoing;
use super::runner::Invoker;
use super::start::{MB, take_limited};
use crate::functions::error::{Error, Result};
use crate::functions::model::{Revision, SourceKind};
use crate::functions::packages::Built;
use crate::functions::packages::archive::{Unpacked, unpack};
use crate::isolate::protocol::{Bundle, Compile, FromWorker, MAX_FRAME, SourceFile, ToWorker, encode};

/// How long a compilation may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Memory a compilation may take, at the least and for each byte of source.
const MEMORY: u64 = 512 * MB;
const MEMORY_PER_BYTE: u64 = 32;

/// Packages that are unpacked and compiled at once; each may take much memory.
pub(super) const AT_ONCE: usize = 2;

impl Invoker {
    /// Makes what runs of a source.
    ///
    /// # Errors
    /// [`Error::BadArchive`]; [`Error::Rejected`] with what is wrong in the source; [`Error::CompilerFailed`] when the worker ended
    /// or took too long.
    pub(in crate::functions) async fn build(&self, kind: SourceKind, handler: Option<&str>, source: Bytes) -> Result<Built> {
        let _turn = self.builds.acquire().await.map_err(|_| Error::Stopping)?;
        let alone = |path: &str| Ok(vec![Unpacked { path: path.to_owned(), content: source.to_vec() }]);
        let files = match kind {
            SourceKind::JavaScript => alone("index.js"),
            SourceKind::TypeScript => alone("index.ts"),
            SourceKind::Zip => {
                let max = u64::try_from(self.config.max_unpacked).unwrap_or(u64::MAX);
                let unpacked = tokio::task::spawn_blocking(move || unpack(&source, max)).await;
                unpacked.unwrap_or_else(|_| Err("it cannot be unpacked".to_owned()))
            }
        };
        let (described, body) = frame_of(files.map_err(Error::BadArchive)?);
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let request = Compile {
            files: described,
            handler: handler.map(ToOwned::to_owned),
            is_archive: kind == SourceKind::Zip,
            wants_cache: self.config.code_cache,
        };
        let frame = encode(&ToWorker::Compile(request), &body).map_err(|err| Error::CompilerFailed(err.to_string()))?;
        drop(body);
        self.compile(frame, size).await
    }

    /// What runs of a revision: what is kept, or made anew of its source.
    ///
    /// # Errors
    /// As [`Invoker::build`], and when the source is lost.
    pub(in crate::functions) async fn package(&self, revision: &Revision) -> Result<Arc<Built>> {
        let (package, handler) = (&revision.package, revision.settings.handler.as_deref());
        if let Some(built) = self.packages.built(package, handler).await? {
            return Ok(built);
        }
        // Whoever waits here finds it made.
        let _turn = self.rebuilding.lock().await;
        if let Some(built) = self.packages.built(package, handler).await? {
            return Ok(built);
        }
        tracing::info!(
            function = revision.name.as_str(),
            "this build of the server compiles the function {} anew",
            revision.name
        );
        let source = self.packages.source(revision).await?;
        let built = self.build(package.kind, handler, source).await?;
        self.packages.keep(package, handler, built).await
    }

    async fn compile(&self, frame: Vec<u8>, size: u64) -> Result<Built> {
        let mut worker = take_limited(self, MEMORY.saturating_add(size.saturating_mul(MEMORY_PER_BYTE))).await?;
        let mut out = Outgoing::new(frame);
        let link = &mut worker.link;
        let conversation = async {
            link.send(&mut out).await?;
            link.receive(MAX_FRAME).await
        };
        let answer = tokio::time::timeout(LIMIT, conversation).await;
        self.spares.refill();
        match answer {
            Ok(Ok((FromWorker::Compiled(bundle), body))) if fits(&bundle, &body) => Ok(Built { bundle, body }),
            Ok(Ok((FromWorker::Rejected { diagnostics }, _))) if !diagnostics.is_empty() => Err(Error::Rejected(diagnostics)),
            Ok(Ok(_)) => Err(Error::CompilerFailed("the compiler answered out of turn".to_owned())),
            Ok(Err(err)) => {
                worker.process().kill();
                let end = worker.process_mut().end().await;
                tracing::warn!(exit = end.exit.describe(), "a compiler was lost: {err}");
                let why = if end.out_of_memory { "it takes more memory than it may" } else { "the compiler broke down on it" };
                Err(Error::CompilerFailed(why.to_owned()))
            }
            Err(_) => Err(Error::CompilerFailed(format!("it takes longer than {} s", LIMIT.as_secs()))),
        }
    }
}

fn frame_of(files: Vec<Unpacked>) -> (Vec<SourceFile>, Vec<u8>) {
    let mut body = Vec::with_capacity(files.iter().map(|file| file.content.len()).sum());
    let mut described = Vec::with_capacity(files.len());
    for Unpacked { path, content } in files {
        described.push(SourceFile { path, len: content.len() });
        body.extend_from_slice(&content);
    }
    (described, body)
}

/// Whether the bundle tells of exactly this body.
fn fits(bundle: &Bundle, body: &[u8]) -> bool {
    let mut lengths = bundle.modules.iter().flat_map(|module| [module.code_len, module.map_len, module.cache_len]);
    !bundle.modules.is_empty() && lengths.try_fold(0_usize, usize::checked_add) == Some(body.len())
}
