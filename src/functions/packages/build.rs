//! Which build of the program this is: what V8 made in another is of no use here.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::OnceCell;

/// The SHA-256 of the program's file, taken once, when it is asked for first. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::functions) struct BuildId {
    program: PathBuf,
    hash: Arc<OnceCell<[u8; 32]>>,
}

impl BuildId {
    pub(in crate::functions) fn of(program: PathBuf) -> Self {
        Self { program, hash: Arc::default() }
    }

    /// The hash. The first to ask waits while the file is read, which takes a part of a second.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::functions) async fn get(&self) -> io::Result<[u8; 32]> {
        let read = || async {
            let program = self.program.clone();
            tokio::task::spawn_blocking(move || hash_of_file(&program)).await.map_err(io::Error::other)?
        };
        self.hash.get_or_try_init(read).await.copied()
    }

    /// The hash, on a thread that may block.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::functions) fn get_blocking(&self) -> io::Result<[u8; 32]> {
        if let Some(hash) = self.hash.get() {
            return Ok(*hash);
        }
        let hash = hash_of_file(&self.program)?;
        let _ = self.hash.set(hash);
        Ok(hash)
    }
}

fn hash_of_file(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = fs::File::open(path)?;
    let (mut context, mut chunk) = (Context::new(&SHA256), vec![0; 1 << 20]);
    loop {
        match file.read(&mut chunk)? {
            0 => return context.finish().as_ref().try_into().map_err(io::Error::other),
            read => context.update(&chunk[..read]),
        }
    }
}
