//! The names of buckets and objects, checked once for every surface.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// The longest name of an object, in bytes of UTF-8.
pub const MAX_NAME: usize = 1024;

/// The longest name of a bucket.
const MAX_BUCKET: usize = 100;

/// Names of buckets that would be taken for a part of the API's paths.
const RESERVED: [&str; 10] =
    ["authenticated", "copy", "info", "list", "list-v2", "move", "public", "resumable", "sign", "upload"];

/// A name that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid key: {0}")]
pub struct InvalidName(pub &'static str);

/// An object's name: folders and a file's name with `/` between them.
///
/// It is in Unicode's composed form (NFC), whichever form it was sent in: two spellings that look the same are one name. Its parts are
/// neither empty nor `.` nor `..`; it has no control characters, no backslashes and no code points that are not characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// A bucket's name, which is its id too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

impl ObjectName {
    /// Takes a name as it came, decoded.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        // Composing makes a text at most three times as long, and this bounds the work.
        if name.len() > MAX_NAME * 4 {
            return Err(InvalidName("a name has at most 1024 bytes"));
        }
        let name: String = name.nfc().collect();
        check(&name)?;
        match name.len() {
            0 => Err(InvalidName("a name is empty")),
            1..=MAX_NAME => Ok(Self(name)),
            _ => Err(InvalidName("a name has at most 1024 bytes")),
        }
    }

    /// A prefix of names: nothing, or a part of a name, which may end inside a part or with a `/`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_prefix(prefix: &str) -> Result<String, InvalidName> {
        let prefix = prefix.trim_start_matches('/');
        if prefix.len() > MAX_NAME * 4 {
            return Err(InvalidName("a prefix has at most 1024 bytes"));
        }
        let prefix: String = prefix.nfc().collect();
        if prefix.len() > MAX_NAME {
            return Err(InvalidName("a prefix has at most 1024 bytes"));
        }
        check(prefix.strip_suffix('/').unwrap_or(&prefix)).map(|()| prefix)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// What no name has; an empty one is let through.
fn check(name: &str) -> Result<(), InvalidName> {
    if name.chars().any(char::is_control) {
        return Err(InvalidName("a name has no control characters"));
    }
    if name.contains('\\') {
        return Err(InvalidName("a name has no backslashes; parts are joined by '/'"));
    }
    if name.chars().any(is_no_character) {
        return Err(InvalidName("a name has a code point that is no character"));
    }
    for part in name.split('/').filter(|_| !name.is_empty()) {
        match part {
            "" => return Err(InvalidName("a name neither begins nor ends with '/', and has no two of them in a row")),
            "." | ".." => return Err(InvalidName("no part of a name is '.' or '..'")),
            _ => {}
        }
    }
    Ok(())
}

/// Unicode's noncharacters, which sort after what may follow a prefix.
const fn is_no_character(c: char) -> bool {
    let code = c as u32;
    (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF)
}

impl BucketName {
    /// Takes a bucket's name as it came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let good = |c: char| c.is_ascii_alphanumeric() || "!-_.*'() &$@=;:+,".contains(c);
        if name.is_empty() || name.len() > MAX_BUCKET || !name.chars().all(good) {
            return Err(InvalidName("a bucket's name has 1 to 100 of a-z, A-Z, 0-9 and !-_.*'() &$@=;:+,"));
        }
        if name.trim() != name || name.chars().all(|c| c == '.') {
            return Err(InvalidName("a bucket's name neither begins nor ends with a space, and is not dots alone"));
        }
        if RESERVED.contains(&name) {
            return Err(InvalidName("the bucket's name is a word of the API's paths; choose another"));
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for ObjectName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for BucketName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}
