//! What a request's path asks for, as a name that is safe to look up.

use percent_encoding::percent_decode_str;

/// A path below the site's root, decoded once: segments without `.`, `..`, NUL or backslash, joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::front) struct SitePath {
    /// Without slashes at its ends; empty for the root itself.
    name: String,
    /// Whether a folder is asked for (the path ended with `/`).
    folder: bool,
}

/// Why a path is not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front) enum Refusal {
    /// No client that means well sends this: `..`, NUL, a backslash, bytes that are not UTF-8.
    Malformed,
    /// It may exist, but is not served: a name that begins with a dot, or an empty segment.
    Hidden,
}

impl SitePath {
    /// Reads the path of a request's target, still percent-encoded.
    pub(in crate::front) fn parse(raw: &str) -> Result<Self, Refusal> {
        Self::of(&percent_decode_str(raw).decode_utf8().map_err(|_| Refusal::Malformed)?)
    }

    /// Reads a path that is decoded already.
    pub(in crate::front) fn of(decoded: &str) -> Result<Self, Refusal> {
        let inner = decoded.strip_prefix('/').ok_or(Refusal::Malformed)?;
        if inner.contains(['\0', '\\']) {
            return Err(Refusal::Malformed);
        }
        let (name, folder) = match inner.strip_suffix('/') {
            Some(name) => (name, true),
            None => (inner, inner.is_empty()),
        };
        if name.is_empty() && !inner.is_empty() {
            return Err(Refusal::Hidden);
        }
        for (index, segment) in name.split('/').enumerate() {
            check(segment, index, name)?;
        }
        Ok(Self { name: name.to_owned(), folder })
    }

    /// The name below the root, as the kernel is asked for it.
    pub(in crate::front) fn name(&self) -> &str {
        if self.name.is_empty() { "." } else { &self.name }
    }

    /// Whether a folder is asked for.
    pub(in crate::front) const fn is_folder(&self) -> bool {
        self.folder
    }

    /// A file in this folder.
    pub(in crate::front) fn within(&self, file: &str) -> String {
        if self.name.is_empty() { file.to_owned() } else { format!("{}/{file}", self.name) }
    }

    /// Whether the last segment looks like a file's: it has an extension.
    pub(in crate::front) fn has_extension(&self) -> bool {
        let last = self.name.rsplit('/').next().unwrap_or_default();
        !self.folder && last.rsplit_once('.').is_some_and(|(_, extension)| !extension.is_empty())
    }
}

fn check(segment: &str, index: usize, name: &str) -> Result<(), Refusal> {
    match segment {
        ".." | "." => Err(Refusal::Malformed),
        "" if name.is_empty() => Ok(()),
        "" => Err(Refusal::Hidden),
        ".well-known" if index == 0 => Ok(()),
        hidden if hidden.starts_with('.') => Err(Refusal::Hidden),
        _ => Ok(()),
    }
}
