//! What of a certificate's own encoding (X.509 in DER, RFC 5280) the server needs to know: its names and its dates. Whether it is to be
//! trusted is its clients' matter.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::types::Timestamp;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The names and addresses it is for, in small letters, in its own order.
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
/// `[0] version` and `[3] extensions` of a certificate.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `[2] dNSName` and `[7] iPAddress` of a name.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// `id-ce-subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// Reads a certificate's names and dates; `None` when the bytes are no certificate.
#[must_use]
pub fn facts(certificate: &[u8]) -> Option<Facts> {
    let mut signed = Der(Der(certificate).of(SEQUENCE)?);
    let mut fields = Der(signed.of(SEQUENCE)?);
    fields.skip(VERSION);
    fields.of(INTEGER)?;
    fields.of(SEQUENCE)?; // the signature's algorithm
    fields.of(SEQUENCE)?; // the issuer
    let mut validity = Der(fields.of(SEQUENCE)?);
    let (not_before, not_after) = (moment(validity.next()?)?, moment(validity.next()?)?);
    fields.of(SEQUENCE)?; // the subject
    fields.of(SEQUENCE)?; // its key
    let mut names = Vec::new();
    while let Some((tag, value)) = fields.next() {
        if tag == EXTENSIONS {
            names = alternative_names(value)?;
        }
    }
    Some(Facts { names, not_before, not_after })
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(Der(extensions).of(SEQUENCE)?);
    let mut names = Vec::new();
    while let Some((_, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if extension.of(OBJECT_ID)? != ALTERNATIVE_NAMES {
            continue;
        }
        extension.skip(BOOLEAN);
        let mut entries = Der(Der(extension.of(OCTETS)?).of(SEQUENCE)?);
        while let Some((tag, value)) = entries.next() {
            names.extend(name(tag, value));
        }
    }
    Some(names)
}

fn name(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => std::str::from_utf8(value).ok().filter(|name| name.is_ascii()).map(str::to_ascii_lowercase),
        IP_ADDRESS => {
            let four = <[u8; 4]>::try_from(value).map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
            let sixteen = || <[u8; 16]>::try_from(value).map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
            four.or_else(|_| sixteen()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// `YYMMDDHHMMSSZ`, where years before 50 are of this century, or `YYYYMMDDHHMMSSZ`.
fn moment((tag, value): (u8, &[u8])) -> Option<Timestamp> {
    let text =
        std::str::from_utf8(value).ok()?.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let text = match tag {
        UTC_TIME if text.len() == 12 => format!("{}{text}", if text < "5" { "20" } else { "19" }),
        GENERAL_TIME if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| &text[from..to];
    let rfc = format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    rfc.parse().ok()
}

/// Values one after another, each as a tag, a length and its bytes.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The next value, whatever it is.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut len = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            let (bytes, after) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
            len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            rest = after;
        }
        let (value, after) = rest.split_at_checked(len)?;
        self.0 = after;
        Some((tag, value))
    }

    /// The next value, which must be of this kind.
    fn of(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// Passes over the next value when it is of this kind.
    fn skip(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}
