//! Checks and transpiles a source in a worker that is thrown away afterwards.
//!
//! What a stranger wrote is never parsed in the server: a parser that overflows its stack or eats all memory costs that worker.

use std::time::Duration;

use bytes::Bytes;

use super::channel::Outgoing;
use super::runner::Invoker;
use super::start::{MB, take_limited};
use crate::functions::error::{Error, Result};
use crate::isolate::protocol::{Compile, Compiled, FromWorker, MAX_FRAME, ToWorker, encode};

/// How long a compilation may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Memory a compilation may take, at the least and for each byte of source.
const MEMORY: u64 = 512 * MB;
const MEMORY_PER_BYTE: u64 = 64;

impl Invoker {
    /// Compiles a source; gives what it is, and the JavaScript followed by its source map.
    ///
    /// # Errors
    /// [`Error::Rejected`] with what is wrong in the source; [`Error::CompilerFailed`] when the worker ended or took too long.
    pub(in crate::functions) async fn compile(&self, request: Compile, source: &[u8]) -> Result<(Compiled, Bytes)> {
        let frame = encode(&ToWorker::Compile(request), source).map_err(|err| Error::CompilerFailed(err.to_string()))?;
        let size = u64::try_from(source.len()).unwrap_or(u64::MAX);
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
            Ok(Ok((FromWorker::Compiled(compiled), body))) if compiled.code_len <= body.len() => Ok((compiled, body)),
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
