//! The canonical request: the one text that client and server must agree on.

use std::fmt::Write as _;

/// A request as it came, for signing and for checking a signature.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    pub method: &'a str,
    /// The path as it stood in the request line, still encoded.
    pub path: &'a str,
    /// The query as it stood there, without `?`.
    pub query: &'a str,
    /// Every header with its value, in order; names in lower case. `host` is among them.
    pub headers: &'a [(String, String)],
}

/// How a service takes the path into the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStyle {
    /// Every service but S3: dots and doubled slashes are resolved, and the encoded path is encoded once more.
    Encoded,
    /// S3: the path as it is sent.
    AsSent,
}

/// The parameter that is not part of what a presigned request signs.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";

impl Signed<'_> {
    /// The canonical request. `payload` is the body's hash, or the word that stands for it.
    pub(super) fn canonical(&self, style: PathStyle, signed_headers: &[String], payload: &str) -> String {
        let mut text = String::with_capacity(512);
        let (path, query) = (path(self.path, style), query(self.query));
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\n{path}\n{query}\n", self.method);
        for name in signed_headers {
            let _ = writeln!(text, "{name}:{}", self.header(name));
        }
        let _ = write!(text, "\n{}\n{payload}", signed_headers.join(";"));
        text
    }

    /// A header's values as one text: trimmed, runs of blanks as one, several joined by commas.
    fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(other, _)| other == name);
        let values = values.map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        values.collect::<Vec<_>>().join(",")
    }

    /// The value of a header that may be there once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }
}

fn path(path: &str, style: PathStyle) -> String {
    match style {
        PathStyle::AsSent if path.is_empty() => "/".to_owned(),
        PathStyle::AsSent => path.to_owned(),
        PathStyle::Encoded => encode(&resolved(path), b"/"),
    }
}

/// A path without empty, `.` and `..` segments (RFC 3986, 5.2.4); a slash at its end stays.
fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let ends_open = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let end = if ends_open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// The parameters, each name and value decoded and encoded again, in the order of their names, then values.
fn query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = parameters(query)
        .filter(|(name, _)| name != SIGNATURE.as_bytes())
        .map(|(name, value)| (encode_bytes(&name, b""), encode_bytes(&value, b"")))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Names and values of a query, decoded; `+` stands for itself.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn encode(text: &str, also_kept: &[u8]) -> String {
    encode_bytes(text.as_bytes(), also_kept)
}

/// AWS's URI encoding: all but letters, digits, `-`, `.`, `_` and `~`, in upper-case hexadecimal.
fn encode_bytes(bytes: &[u8], also_kept: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || also_kept.contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}
