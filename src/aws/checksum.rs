//! The checksums that AWS's clients send of what they upload.

use std::fmt;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;

/// A kind of checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Its name, as `x-amz-checksum-algorithm` says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that holds one, in base64.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The kind of a name, in whichever case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The kind that a header or trailer holds.
    #[must_use]
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
    }

    /// Whether the checksum of a whole can be had from those of its parts.
    #[must_use]
    pub const fn combines(self) -> bool {
        self.crc().is_some()
    }

    const fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Bytes of one.
    const fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The checksum that a text in base64 is; `None` when it is none of this kind.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Checksum> {
        let value = STANDARD.decode(text.trim()).ok().filter(|value| value.len() == self.size())?;
        Some(Checksum { algorithm: self, value })
    }

    /// The checksum that a text in lower-case hexadecimal is.
    #[must_use]
    pub fn read_hex(self, text: &str) -> Option<Checksum> {
        let digits = text.len() == self.size() * 2 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let value = text.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>().filter(|_| digits)?;
        Some(Checksum { algorithm: self, value })
    }

    fn written(self, crc: u64) -> Vec<u8> {
        let bytes = crc.to_be_bytes();
        bytes[bytes.len() - self.size().min(bytes.len())..].to_vec()
    }
}

/// A checksum; it is written in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    value: Vec<u8>,
}

impl Checksum {
    /// The checksum of bytes.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut running = Running::new(algorithm);
        running.update(bytes);
        running.finish()
    }

    /// The checksum of the checksums of parts, as multipart uploads have it (`COMPOSITE`).
    #[must_use]
    pub fn composed<'c>(algorithm: Algorithm, parts: impl IntoIterator<Item = &'c Self>) -> Self {
        let mut running = Running::new(algorithm);
        parts.into_iter().for_each(|part| running.update(&part.value));
        running.finish()
    }

    /// The checksum of the whole from those of its parts, each with the part's bytes (`FULL_OBJECT`); `None` where they do not combine.
    #[must_use]
    pub fn combined<'c>(algorithm: Algorithm, parts: impl IntoIterator<Item = (&'c Self, u64)>) -> Option<Self> {
        let crc = algorithm.crc()?;
        let number = |value: &[u8]| value.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let empty = number(&Self::of(algorithm, b"").value);
        let whole = parts
            .into_iter()
            .fold(empty, |whole, (part, size)| crc_fast::checksum_combine(crc, whole, number(&part.value), size));
        Some(Self { algorithm, value: algorithm.written(whole) })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(&self.value))
    }
}

/// A checksum of bytes as they come.
pub struct Running {
    algorithm: Algorithm,
    state: Sum,
}

enum Sum {
    Crc(Box<crc_fast::Digest>),
    Hash(digest::Context),
}

impl Running {
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match (algorithm.crc(), algorithm) {
            (Some(crc), _) => Sum::Crc(Box::new(crc_fast::Digest::new(crc))),
            (None, Algorithm::Sha1) => Sum::Hash(digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => Sum::Hash(digest::Context::new(&SHA256)),
        };
        Self { algorithm, state }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            Sum::Crc(crc) => crc.update(bytes),
            Sum::Hash(hash) => hash.update(bytes),
        }
    }

    #[must_use]
    pub fn finish(self) -> Checksum {
        let value = match self.state {
            Sum::Crc(crc) => self.algorithm.written(crc.finalize()),
            Sum::Hash(hash) => hash.finish().as_ref().to_vec(),
        };
        Checksum { algorithm: self.algorithm, value }
    }
}
