//! What a request says of its signature: in the `Authorization` header, or, presigned, in the query.

use std::time::Duration;

use chrono::NaiveDateTime;

use super::canonical::{Signed, parameters};
use super::{Refused, SKEW, hex};
use crate::types::Timestamp;

/// The only algorithm there is.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What stands for the hash of a body that is not signed.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The longest a presigned request may be good for, in seconds.
const LONGEST: u64 = 7 * 24 * 3600;

/// The longest credential, header list and number of headers that are looked at.
const MAX_TEXT: usize = 4096;
const MAX_HEADERS: usize = 128;

/// A signature and what it is said to cover; nothing of it is proven yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub access_key_id: String,
    /// `20260102/region/service/aws4_request`.
    pub(super) scope: String,
    pub(super) day: String,
    pub(super) region: String,
    pub(super) service: String,
    /// The moment of signing as it was written: `20260102T030405Z`.
    pub(super) date: String,
    pub(super) signed_at: Timestamp,
    /// For how long it is good; `None` in a header, where [`SKEW`] says it.
    pub(super) lifetime: Option<Duration>,
    /// In order, in lower case.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; 32],
    /// What it says of the body.
    pub payload: Payload,
    /// What was given to whom the key stands for, where a surface knows of such.
    pub session_token: Option<String>,
    /// Whether it is in the query.
    pub presigned: bool,
}

/// What a signature says of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The body's hash is to be computed.
    Computed,
    /// The body must have this hash, in hexadecimal.
    Hash(String),
    /// The body is not signed.
    Unsigned,
    /// The body comes in chunks (`aws-chunked`).
    Chunked(Framing),
}

/// How a body in chunks is signed, and whether trailers follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each chunk has a signature.
    Signed,
    /// Each chunk and the trailers have one.
    SignedTrailer,
    /// Trailers follow; nothing is signed.
    UnsignedTrailer,
}

impl Payload {
    /// What stands for the body's hash in what is signed, where the body itself is not looked at.
    pub(super) fn stands(&self) -> &str {
        match self {
            Self::Computed | Self::Unsigned => UNSIGNED,
            Self::Hash(hash) => hash,
            Self::Chunked(framing) => framing.word(),
        }
    }
}

impl Framing {
    /// The word that stands for the body's hash.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer].into_iter().find(|framing| framing.word() == word)
    }
}

/// The parts as they stand in the request.
#[derive(Default)]
struct Parts {
    credential: Option<String>,
    signed_headers: Option<String>,
    signature: Option<String>,
    token: Option<String>,
    presigned: bool,
}

impl Credential {
    /// Reads what a request says of its signature; the clock is asked later.
    ///
    /// # Errors
    /// [`Refused::Missing`] without any, [`Refused::Incomplete`] when a part is missing or malformed.
    pub fn of(request: &Signed<'_>) -> Result<Self, Refused> {
        if let Some(header) = request.one("authorization") {
            return Self::in_header(request, header);
        }
        let query: Vec<(Vec<u8>, Vec<u8>)> = parameters(request.query).take(1024).collect();
        let find = |name: &str| {
            let found = query.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        match find("X-Amz-Algorithm") {
            Some(algorithm) => Self::in_query(request, &algorithm, find),
            None => Err(Refused::Missing),
        }
    }

    fn in_header(request: &Signed<'_>, header: &str) -> Result<Self, Refused> {
        let Some(rest) = header.strip_prefix(ALGORITHM) else {
            let is_other = header.starts_with("AWS4-") || header.starts_with("AWS ");
            return Err(if is_other { unsupported() } else { Refused::Missing });
        };
        if header.len() > MAX_TEXT {
            return Err(Refused::Incomplete(format!("the Authorization header has at most {MAX_TEXT} bytes")));
        }
        let mut parts = parts_of(rest)?;
        let missing: Vec<String> = [
            ("Credential", parts.credential.is_none()),
            ("Signature", parts.signature.is_none()),
            ("SignedHeaders", parts.signed_headers.is_none()),
        ]
        .into_iter()
        .filter(|(_, missing)| *missing)
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect();
        if !missing.is_empty() {
            return Err(Refused::Incomplete(missing.join(" ")));
        }
        let date = request.one("x-amz-date").map(str::to_owned).or_else(|| http_date(request.one("date")?));
        let date = date.ok_or_else(|| {
            let needs = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
            Refused::Incomplete(needs.to_owned())
        })?;
        parts.token = request.one("x-amz-security-token").map(str::to_owned);
        Self::checked(parts, date, None, payload(request.one("x-amz-content-sha256"))?)
    }

    fn in_query(request: &Signed<'_>, algorithm: &str, find: impl Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        if algorithm != ALGORITHM {
            return Err(unsupported());
        }
        let parts = Parts {
            credential: find("X-Amz-Credential"),
            signed_headers: find("X-Amz-SignedHeaders"),
            signature: find("X-Amz-Signature"),
            token: find("X-Amz-Security-Token"),
            presigned: true,
        };
        let needs = |name: &str| Refused::Incomplete(format!("AWS query-string parameters must include '{name}'."));
        for (name, part) in [
            ("X-Amz-Credential", &parts.credential),
            ("X-Amz-SignedHeaders", &parts.signed_headers),
            ("X-Amz-Signature", &parts.signature),
        ] {
            part.as_ref().ok_or_else(|| needs(name))?;
        }
        let date = find("X-Amz-Date").ok_or_else(|| needs("X-Amz-Date"))?;
        let lifetime = match find("X-Amz-Expires") {
            None => None,
            Some(text) => {
                let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=LONGEST).contains(seconds));
                let wrong = || Refused::Incomplete(format!("X-Amz-Expires must be a whole number from 1 to {LONGEST}"));
                Some(Duration::from_secs(seconds.ok_or_else(wrong)?))
            }
        };
        let hash = find("X-Amz-Content-Sha256").or_else(|| request.one("x-amz-content-sha256").map(str::to_owned));
        Self::checked(parts, date, lifetime, payload(hash.as_deref())?)
    }

    fn checked(parts: Parts, date: String, lifetime: Option<Duration>, payload: Payload) -> Result<Self, Refused> {
        let incomplete = |message: &str| Refused::Incomplete(message.to_owned());
        let whole = parts.credential.unwrap_or_default();
        let malformed =
            || incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term");
        // An id may hold slashes, the four parts behind it may not.
        let fields: Vec<&str> = whole.rsplitn(5, '/').collect();
        let [term, service, region, day, id] = fields.as_slice() else { return Err(malformed()) };
        if id.is_empty() || day.len() != 8 || region.is_empty() || service.is_empty() {
            return Err(malformed());
        }
        if *term != "aws4_request" {
            return Err(Refused::OutOfScope("Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned()));
        }
        let signed_at = iso_date(&date).ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
        if !date.starts_with(day) {
            let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.";
            return Err(Refused::OutOfScope(message.to_owned()));
        }
        let signed_headers: Vec<String> =
            parts.signed_headers.unwrap_or_default().split(';').map(str::to_ascii_lowercase).collect();
        if signed_headers.len() > MAX_HEADERS || !signed_headers.is_sorted() || signed_headers.iter().any(String::is_empty) {
            return Err(incomplete("SignedHeaders must be the names of headers in alphabetical order, joined by ';'."));
        }
        // A signature of another shape cannot be the right one.
        let signature = hex::decode_32(parts.signature.unwrap_or_default().trim()).ok_or(Refused::Mismatch)?;
        let (day, region, service) = ((*day).to_owned(), (*region).to_owned(), (*service).to_owned());
        let (scope, access_key_id) = (format!("{day}/{region}/{service}/aws4_request"), (*id).to_owned());
        Ok(Self {
            access_key_id,
            scope,
            day,
            region,
            service,
            date,
            signed_at,
            lifetime,
            signed_headers,
            signature,
            payload,
            session_token: parts.token.filter(|token| !token.is_empty()),
            presigned: parts.presigned,
        })
    }

    /// The region that the client takes this server for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether it says for how long it is good.
    #[must_use]
    pub const fn expires(&self) -> bool {
        self.lifetime.is_some()
    }

    /// Checks what it is for and when it was made.
    ///
    /// # Errors
    /// [`Refused::OutOfScope`], [`Refused::Skewed`] or [`Refused::Expired`].
    pub(super) fn check_scope(&self, service: &str, now: Timestamp) -> Result<(), Refused> {
        if self.service != service {
            return Err(Refused::OutOfScope(format!("Credential should be scoped to correct service: '{service}'.")));
        }
        let (earliest, latest) = (self.signed_at.minus(SKEW), self.signed_at.plus(self.lifetime.unwrap_or(SKEW)));
        let minutes = SKEW.as_secs() / 60;
        if now < earliest {
            let message = format!(
                "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
                self.date,
                basic(now.plus(SKEW)),
                basic(now)
            );
            return Err(Refused::Skewed(message));
        }
        if now > latest {
            return Err(match self.lifetime {
                Some(_) => Refused::Expired(format!("Signature expired: {} is now earlier than {}", basic(latest), basic(now))),
                None => Refused::Skewed(format!(
                    "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
                    self.date,
                    basic(now.minus(SKEW)),
                    basic(now)
                )),
            });
        }
        Ok(())
    }

    /// Checks that the headers which say what the request does are signed.
    ///
    /// # Errors
    /// [`Refused::UnsignedHeader`], naming it.
    pub(super) fn check_headers(&self, request: &Signed<'_>) -> Result<(), Refused> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed("host") {
            return Err(Refused::UnsignedHeader("'Host' must be a 'SignedHeader' in the AWS Authorization.".to_owned()));
        }
        let unsigned = request.headers.iter().find(|(name, _)| name.starts_with("x-amz-") && !is_signed(name));
        unsigned.map_or(Ok(()), |(name, _)| {
            Err(Refused::UnsignedHeader(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")))
        })
    }
}

fn unsupported() -> Refused {
    Refused::Incomplete(format!("Unsupported AWS 'algorithm': it must be {ALGORITHM}."))
}

/// `Credential=…, SignedHeaders=…, Signature=…`, in any order, with commas or blanks between.
fn parts_of(text: &str) -> Result<Parts, Refused> {
    let mut parts = Parts::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || Refused::Incomplete("'Authorization' must hold key=value pairs, joined by commas.".to_owned());
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let slot = match name.trim() {
            "Credential" => &mut parts.credential,
            "SignedHeaders" => &mut parts.signed_headers,
            "Signature" => &mut parts.signature,
            _ => return Err(wrong()),
        };
        if slot.replace(value.trim().to_owned()).is_some() {
            return Err(wrong());
        }
    }
    Ok(parts)
}

fn payload(hash: Option<&str>) -> Result<Payload, Refused> {
    match hash {
        None => Ok(Payload::Computed),
        Some(UNSIGNED) => Ok(Payload::Unsigned),
        Some(hash) if hex::decode_32(hash).is_some() => Ok(Payload::Hash(hash.to_owned())),
        Some(word) => Framing::parse(word).map(Payload::Chunked).ok_or_else(|| {
            Refused::Incomplete(format!(
                "x-amz-content-sha256 must be a SHA-256 in hexadecimal, {UNSIGNED}, or a word for chunks"
            ))
        }),
    }
}

/// `20260102T030405Z` as a moment.
fn iso_date(text: &str) -> Option<Timestamp> {
    if text.len() != 16 {
        return None;
    }
    let moment = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?;
    Some(Timestamp::from_chrono(moment.and_utc()))
}

/// A `Date` header's moment in AWS's form.
fn http_date(text: &str) -> Option<String> {
    if iso_date(text).is_some() {
        return Some(text.to_owned());
    }
    let moment = httpdate::parse_http_date(text).ok()?;
    Some(basic(Timestamp::from_chrono(moment.into())))
}

/// A moment in AWS's form: `20260102T030405Z`.
pub(super) fn basic(moment: Timestamp) -> String {
    moment.to_chrono().format("%Y%m%dT%H%M%SZ").to_string()
}
