//! What a request's path asks for, as a name that is safe to look up.

use percent_encoding::percent_decode_str;

/// A path below the site's root, decoded once: segments without `.`, `..`, NUL or backslash, joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SitePath {
    /// Without slashes at its ends; empty for the root itself.
    name: String,
    /// Whether a folder is asked for (the path ended with `/`).
    folder: bool,
}

/// Why a path is not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No client that means well sends this: `..`, NUL, a backslash, bytes that are not UTF-8.
    Malformed,
    /// It may exist, but is not served: a name that begins with a dot, or an empty segment.
    Hidden,
}

impl SitePath {
    /// Reads the path of a request's target, still percent-encoded.
    pub(super) fn parse(raw: &str) -> Result<Self, Refusal> {
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| Refusal::Malformed)?;
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
    pub(super) fn name(&self) -> &str {
        if self.name.is_empty() { "." } else { &self.name }
    }

    /// Whether a folder is asked for.
    pub(super) const fn is_folder(&self) -> bool {
        self.folder
    }

    /// The file that stands for this folder.
    pub(super) fn index(&self) -> String {
        if self.name.is_empty() { "index.html".to_owned() } else { format!("{}/index.html", self.name) }
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
