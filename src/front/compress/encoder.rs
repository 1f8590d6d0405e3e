//! The three codings behind one face.

use std::io::{self, Write};

use brotli::CompressorWriter;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::front::files::Coding;

/// What brotli keeps between two writes, in bytes.
const BROTLI_BUFFER: usize = 16 * 1024;

/// The window of brotli, as a power of two: 4 MiB once, 512 KiB for each of many streams.
const BROTLI_WINDOWS: (u32, u32) = (22, 19);

/// How hard it tries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effort {
    /// The result is kept and sent many times.
    Once,
    /// A client waits.
    Stream,
}

/// Compresses what is written to it.
pub(super) enum Encoder {
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Encoder {
    pub(super) fn new(coding: Coding, effort: Effort) -> io::Result<Self> {
        let (brotli, window, zstd, gzip) = match effort {
            Effort::Once => (6, BROTLI_WINDOWS.0, 9, 7),
            Effort::Stream => (4, BROTLI_WINDOWS.1, 3, 5),
        };
        Ok(match coding {
            Coding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), BROTLI_BUFFER, brotli, window))),
            Coding::Zstd => Self::Zstd(ZstdEncoder::new(Vec::new(), zstd)?),
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(gzip))),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner().write_all(bytes)
    }

    /// Makes a client able to read everything that was written so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }

    /// What is compressed so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
        })
    }

    /// Ends the stream, and gives the rest of it.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }

    fn inner(&mut self) -> &mut dyn Write {
        match self {
            Self::Brotli(encoder) => encoder.as_mut(),
            Self::Zstd(encoder) => encoder,
            Self::Gzip(encoder) => encoder,
        }
    }
}
