//! A migration: its version, its name and its text.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::data::migrate::MAX_TEXT_BYTES;
use crate::sql::{Fault, Place};

/// Migrations of a folder.
pub const MAX_MIGRATIONS: usize = 10_000;

/// Digits of a version: what fits a 64-bit number.
const MAX_DIGITS: usize = 18;

/// Bytes of a name; file systems allow 255 for the whole file's.
const MAX_NAME_BYTES: usize = 200;

/// A migration whose version and name were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Orders the migrations.
    pub number: i64,
    /// The same as it is written: `0001`.
    pub version: String,
    pub name: String,
    pub sql: String,
}

/// What is wrong with a file of migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// The file's name.
    pub file: String,
    /// Where in it, when that is known.
    pub place: Option<Place>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Migration {
    /// A migration from its parts.
    ///
    /// # Errors
    ///
    /// What is wrong with the version, the name or the length of the text.
    pub fn new(version: &str, name: &str, sql: String) -> Result<Self, String> {
        let digits = !version.is_empty() && version.len() <= MAX_DIGITS && version.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = version.parse().ok().filter(|_| digits) else {
            return Err(format!("the version \"{version}\" must have 1 to {MAX_DIGITS} digits, such as 20260101000000"));
        };
        if name.len() > MAX_NAME_BYTES || name.contains(|c: char| c.is_control() || c == '/') {
            return Err(format!("the name has at most {MAX_NAME_BYTES} bytes, none of them a slash or a control character"));
        }
        if sql.len() > MAX_TEXT_BYTES {
            let message = format!("it has {} bytes, and a migration has at most {MAX_TEXT_BYTES}", sql.len());
            return Err(format!("{message}; split it into several"));
        }
        Ok(Self { number, version: version.to_owned(), name: name.to_owned(), sql })
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.version, &self.name)
    }

    /// The SHA-256 of its text, in hexadecimal digits. How lines end does not count, since version control changes that.
    #[must_use]
    pub fn checksum(&self) -> String {
        let hash = digest(&SHA256, self.sql.replace("\r\n", "\n").as_bytes());
        hash.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> FileFault {
        FileFault::new(self.file_name(), message)
    }
}

/// The name of a migration's file.
pub(super) fn file_name(version: &str, name: &str) -> String {
    format!("{version}_{name}.sql")
}

/// Brings migrations into the order of their versions.
///
/// # Errors
///
/// Versions that are there twice, and too many migrations.
pub fn in_order(mut migrations: Vec<Migration>) -> Result<Vec<Migration>, Vec<FileFault>> {
    migrations.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    let twice = migrations.windows(2).filter(|two| two[0].number == two[1].number);
    let mut faults: Vec<_> = twice
        .map(|two| two[1].fault(format!("has the same version as {}; give one of them another", two[0].file_name())))
        .collect();
    if let Some(first) = migrations.get(MAX_MIGRATIONS) {
        faults.push(first.fault(format!("there are more than {MAX_MIGRATIONS} migrations; put several into one file")));
    }
    if faults.is_empty() { Ok(migrations) } else { Err(faults) }
}

impl FileFault {
    pub(super) fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), place: None, message: message.into() }
    }

    /// A refused statement.
    pub(super) fn of(file: String, fault: Fault) -> Self {
        let place = (fault.line > 0).then_some(Place { line: fault.line, column: fault.column });
        let message = Fault { line: 0, column: 0, ..fault }.to_string();
        Self { file, place, message }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
