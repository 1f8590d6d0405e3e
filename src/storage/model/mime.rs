//! Media types: what a bucket takes, and what browsers run.

use std::fmt;

/// A media type with its parameters, as it was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(String);

/// The longest media type, in bytes.
const MAX: usize = 255;

impl MediaType {
    /// What stands for bytes of which nothing is known.
    #[must_use]
    pub fn bytes() -> Self {
        Self("application/octet-stream".to_owned())
    }

    /// Takes a media type as it was sent; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let essence = text.split(';').next().unwrap_or_default().trim();
        let (kind, sub) = essence.split_once('/')?;
        let good = |part: &str| !part.is_empty() && part.bytes().all(is_token);
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (text.len() <= MAX && good(kind) && good(sub) && printable).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without parameters, in lower case.
    #[must_use]
    pub fn essence(&self) -> String {
        self.0.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether a bucket's list has it: `image/png`, `image/*`, `*/*`.
    #[must_use]
    pub fn is_among(&self, allowed: &[String]) -> bool {
        let essence = self.essence();
        allowed.iter().any(|pattern| match pattern.trim().to_ascii_lowercase().as_str() {
            "*/*" | "*" => true,
            pattern => match pattern.strip_suffix("/*") {
                Some(kind) => essence.split('/').next() == Some(kind),
                None => essence == pattern,
            },
        })
    }
}

/// Whether browsers run what such bytes hold, when they show them: they must not on the API's own host.
#[must_use]
pub fn is_active(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let runs = [
        "text/html",
        "text/xml",
        "text/xsl",
        "text/javascript",
        "text/css",
        "text/cache-manifest",
        "application/javascript",
        "application/ecmascript",
        "application/x-javascript",
        "application/xml",
        "application/x-shockwave-flash",
        "multipart/related",
        "multipart/x-mixed-replace",
        "message/rfc822",
    ];
    runs.contains(&essence.as_str()) || essence.ends_with("+xml") || essence.contains("script")
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte)
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
