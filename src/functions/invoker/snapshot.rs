//! V8's startup snapshot: made once by a child process, kept in the data folder, handed to every worker as sealed memory.
//!
//! V8 trusts a snapshot blindly, so a file that somebody changed must not reach it: the file begins with the blob's hash and the
//! build's id, wrapped by the master key. A file that does not unwrap, or that another build made, is made anew.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};

use crate::auth::vault::Vault;
use crate::functions::packages::BuildId;
use crate::sys::memfd::sealed_memfd;
use crate::sys::process;

/// What the seal is bound to, beside the master key.
const CONTEXT: &str = "functions.snapshot";

/// Where the snapshot comes from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The program that makes it and that runs the workers.
    pub(super) program: PathBuf,
    /// The folder it is kept in.
    pub(super) cache: PathBuf,
    pub(super) vault: Vault,
    pub(super) build: BuildId,
}

impl Source {
    /// The snapshot as sealed memory: from the cache when that is sound, made anew otherwise or when `anew`.
    ///
    /// Blocks for about a second when it is made.
    pub(super) fn obtain(&self, anew: bool) -> io::Result<OwnedFd> {
        let build = self.build.get_blocking()?;
        let file = self.cache.join(format!("snapshot-{}.bin", hex(&build[..12])));
        if !anew {
            match self.open(&file, &build) {
                Ok(blob) => return sealed_memfd("plinth-snapshot", &blob),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => tracing::warn!("the cached snapshot {} is not used: {err}", file.display()),
            }
        }
        let start = Instant::now();
        let blob = process::output(&self.program, &["function-worker", "--make-snapshot"])?;
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(duration_ms, size_bytes = blob.len(), "made V8's startup snapshot in {duration_ms} ms");
        if let Err(err) = self.keep(&file, &build, &blob) {
            tracing::warn!("the snapshot cannot be kept in {}: {err}; each start makes it anew", file.display());
        }
        sealed_memfd("plinth-snapshot", &blob)
    }

    fn open(&self, file: &Path, build: &[u8]) -> io::Result<Vec<u8>> {
        let kept = fs::read(file)?;
        let unsound = || io::Error::new(io::ErrorKind::InvalidData, "its seal does not hold");
        let (length, rest) = kept.split_first_chunk::<4>().ok_or_else(unsound)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| unsound())?;
        let (seal, blob) = rest.split_at_checked(length).ok_or_else(unsound)?;
        let sealed = self.vault.unwrap(CONTEXT, seal).map_err(|_| unsound())?;
        if sealed == seal_of(build, blob) { Ok(blob.to_vec()) } else { Err(unsound()) }
    }

    fn keep(&self, file: &Path, build: &[u8], blob: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.cache)?;
        self.forget_other_builds(file);
        let seal = self.vault.wrap(CONTEXT, &seal_of(build, blob)).map_err(io::Error::other)?;
        let length = u32::try_from(seal.len()).map_err(io::Error::other)?;
        let part = file.with_extension(format!("part-{}", std::process::id()));
        let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&seal)?;
        out.write_all(blob)?;
        out.sync_all()?;
        fs::rename(&part, file)
    }

    /// Removes the snapshots that earlier builds left; one that stays is harmless.
    fn forget_other_builds(&self, file: &Path) {
        let Ok(entries) = fs::read_dir(&self.cache) else { return };
        for entry in entries.flatten() {
            let old = entry.path() != file && entry.file_name().to_string_lossy().starts_with("snapshot-");
            if old && let Err(err) = fs::remove_file(entry.path()) {
                tracing::debug!("an old snapshot stays: {err}");
            }
        }
    }
}

/// What is wrapped: the build's id and the blob's hash.
fn seal_of(build: &[u8], blob: &[u8]) -> Vec<u8> {
    [build, digest(&SHA256, blob).as_ref()].concat()
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
