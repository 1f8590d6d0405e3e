//! What holds for every answer of a site or a route, whoever makes it. A route has its site's rules where it says nothing itself.

use std::path::PathBuf;

use ipnet::IpNet;

use super::Limits;
use super::cors::{self, Cors};
use crate::config::Raw;
use crate::config::tables::Field;

/// What holds for every answer of a site or a route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Headers set in every answer: name, value. An empty value takes the header away.
    pub headers: Vec<(String, String)>,
    pub limits: Limits,
    /// Who may ask: the first that fits the client's address decides; whom none fits may.
    pub access: Option<Vec<Access>>,
    pub auth_file: Option<PasswordFile>,
    pub auth_realm: Option<String>,
    pub cors: Option<Cors>,
    /// `Cache-Control` of answers that have none.
    pub cache_control: Option<String>,
    /// The same for the paths below one: of those that fit, the first.
    pub cache: Option<Vec<(String, String)>>,
    /// The page that answers with a status: a path in the site's files.
    pub error_pages: Option<Vec<(u16, String)>>,
    /// Whether those pages also stand for the errors of upstreams and functions.
    pub intercept_errors: Option<bool>,
    pub compress: Option<Compress>,
    /// The media types that are compressed; `text/*` for all of a kind.
    pub compress_types: Option<Vec<String>>,
    /// The shortest answer that is compressed, in bytes.
    pub compress_min: Option<usize>,
}

/// Lets clients in, or keeps them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub allow: bool,
    /// `None` for all.
    pub net: Option<IpNet>,
}

/// Where names and hashes of passwords are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordFile {
    /// No password is asked for, whatever the site says.
    Off,
    /// A file as `htpasswd` writes it.
    File(PathBuf),
}

/// What is compressed on the way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compress {
    Off,
    /// Files alone.
    #[default]
    Files,
    /// Also the answers of upstreams and functions.
    All,
}

/// A table that has [`Rules`].
pub trait HasRules: 'static {
    fn rules(&mut self) -> &mut Rules;
}

impl Rules {
    /// The rules of a route within a site's: its own, and the site's where it says nothing. Headers are told apart by their names.
    #[must_use]
    pub fn within(&self, site: &Self) -> Self {
        let own = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        let mut headers: Vec<_> = site.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
        headers.extend(self.headers.iter().cloned());
        Self {
            headers,
            limits: if self.limits.is_some() { self.limits.clone() } else { site.limits.clone() },
            access: self.access.clone().or_else(|| site.access.clone()),
            auth_file: self.auth_file.clone().or_else(|| site.auth_file.clone()),
            auth_realm: self.auth_realm.clone().or_else(|| site.auth_realm.clone()),
            cors: self.cors.clone().or_else(|| site.cors.clone()),
            cache_control: self.cache_control.clone().or_else(|| site.cache_control.clone()),
            cache: self.cache.clone().or_else(|| site.cache.clone()),
            error_pages: self.error_pages.clone().or_else(|| site.error_pages.clone()),
            intercept_errors: self.intercept_errors.or(site.intercept_errors),
            compress: self.compress.or(site.compress),
            compress_types: self.compress_types.clone().or_else(|| site.compress_types.clone()),
            compress_min: self.compress_min.or(site.compress_min),
        }
    }
}

/// The fields of [`Rules`] in a table of the kind `T`.
pub(super) struct RulesOf<T>(std::marker::PhantomData<T>);

impl<T: HasRules> RulesOf<T> {
    pub(super) const FIELDS: &'static [Field<T>] = &[
        Field {
            key: "headers",
            default: "",
            meaning: "Headers set in every answer; an empty value takes a header away. A route's are added to its site's.",
            allowed: "a table of header names and values, such as { x-frame-options = \"DENY\" }, without those of the connection and the length",
            set: |table, raw| raw.entries(header).map(|headers| table.rules().headers = headers),
        },
        Field {
            key: "access",
            default: "",
            meaning: "Which addresses of clients are let in: the first entry that fits decides, and whom none fits is let in.",
            allowed: "a list of \"allow\" or \"deny\" with an address, a network or all, such as [\"allow 10.0.0.0/8\", \"deny all\"]",
            set: |table, raw| raw.each(|raw| access(raw.text()?)).map(|entries| table.rules().access = Some(entries)),
        },
        Field {
            key: "auth_file",
            default: "",
            meaning: "Asks for a name and a password of this file (HTTP's basic authentication), as htpasswd writes it.",
            allowed: "a path to a file that exists, with a line name:hash for each user (bcrypt, {SHA} or apr1), or \"off\"",
            set: |table, raw| {
                let file = match raw.text()? {
                    "off" => PasswordFile::Off,
                    path => PasswordFile::File(Some(PathBuf::from(path)).filter(|path| path.is_file())?),
                };
                table.rules().auth_file = Some(file);
                Some(())
            },
        },
        Field {
            key: "auth_realm",
            default: "",
            meaning: "What browsers call the place that the password is for; the site's host when it is not said.",
            allowed: "1 to 100 visible ASCII characters or blanks, without \" and \\",
            set: |table, raw| {
                let good = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
                let realm = raw.text().filter(|text| text.len() <= 100 && text.bytes().all(good))?;
                table.rules().auth_realm = Some(realm.to_owned());
                Some(())
            },
        },
        Field {
            key: "cors",
            default: "",
            meaning: "Which other origins' scripts may ask; preflight requests are answered here.",
            allowed: cors::ALLOWED,
            set: |table, raw| cors::read(raw).map(|cors| table.rules().cors = Some(cors)),
        },
        Field {
            key: "cache_control",
            default: "",
            meaning: "Cache-Control of answers below 400 that have none of their own.",
            allowed: "a header's value, such as \"public, max-age=3600\"",
            set: |table, raw| value(raw).map(|value| table.rules().cache_control = Some(value)),
        },
        Field {
            key: "cache",
            default: "",
            meaning: "The same for the paths below some: the first entry that fits.",
            allowed: "a list of tables such as { path = \"/assets/\", value = \"public, max-age=31536000, immutable\" }",
            set: |table, raw| raw.each(cache).map(|entries| table.rules().cache = Some(entries)),
        },
        Field {
            key: "error_pages",
            default: "",
            meaning: "The file that is sent with a status of 400 and above; a client that asks for JSON gets a problem instead.",
            allowed: "a table of statuses and paths in the site's files, such as { 404 = \"/404.html\", 502 = \"/sorry.html\" }",
            set: |table, raw| raw.entries(error_page).map(|pages| table.rules().error_pages = Some(pages)),
        },
        Field {
            key: "intercept_errors",
            default: "",
            meaning: "Whether error_pages also stand for the errors that upstreams and functions answer with; false when it is not said.",
            allowed: "true or false",
            set: |table, raw| raw.flag().map(|flag| table.rules().intercept_errors = Some(flag)),
        },
        Field {
            key: "compress",
            default: "",
            meaning: "What is compressed (br, zstd or gzip, as the client takes it): files, all, which has upstreams' and functions' answers too, or off; files when it is not said.",
            allowed: "\"off\", \"files\" or \"all\"",
            set: |table, raw| {
                table.rules().compress = Some(match raw.text()? {
                    "off" => Compress::Off,
                    "files" => Compress::Files,
                    "all" => Compress::All,
                    _ => return None,
                });
                Some(())
            },
        },
        Field {
            key: "compress_types",
            default: "",
            meaning: "The media types that are compressed; text/*, JSON, JavaScript, XML, SVG, WebAssembly and manifests when it is not said.",
            allowed: "a media type or a list of them, such as [\"text/*\", \"application/json\"]",
            set: |table, raw| raw.each(|raw| media_type(raw.text()?)).map(|types| table.rules().compress_types = Some(types)),
        },
        Field {
            key: "compress_min",
            default: "",
            meaning: "The shortest answer that is compressed; 1KiB when it is not said.",
            allowed: "a number of bytes from 1 to 1GiB, such as 1KiB",
            set: |table, raw| raw.bytes(1..=1 << 30).map(|bytes| table.rules().compress_min = Some(bytes)),
        },
    ];
}

/// Headers that the server alone sets, since they say where an answer ends.
const FRAMING: [&str; 7] = ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// A header that can be sent: no line breaks, no name with blanks.
pub(super) fn header(name: &str, value: &Raw<'_>) -> Option<(String, String)> {
    let Raw::Text(value) = value else { return None };
    let value_is_plain = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    let name = header_name(name).filter(|name| !FRAMING.contains(&name.as_str()))?;
    value_is_plain.then(|| (name, (*value).to_owned()))
}

/// A header's name, in small letters.
pub(super) fn header_name(name: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (!name.is_empty() && name.len() <= 100 && name.bytes().all(good)).then(|| name.to_ascii_lowercase())
}

fn value(raw: &Raw<'_>) -> Option<String> {
    raw.text().filter(|text| text.bytes().all(|byte| (b' '..0x7f).contains(&byte))).map(str::to_owned)
}

fn access(text: &str) -> Option<Access> {
    let (verb, whom) = text.split_once(' ')?;
    let allow = match verb {
        "allow" => true,
        "deny" => false,
        _ => return None,
    };
    let net = match whom.trim() {
        "all" => None,
        text => Some(text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).ok()?),
    };
    Some(Access { allow, net })
}

fn cache(raw: &Raw<'_>) -> Option<(String, String)> {
    let Raw::Table(entries) = raw else { return None };
    let (mut path, mut control) = (None, None);
    for (name, entry) in entries {
        match *name {
            "path" => path = Some(entry.text().filter(|text| text.starts_with('/'))?.to_owned()),
            "value" => control = Some(value(entry)?),
            _ => return None,
        }
    }
    Some((path?, control?))
}

fn error_page(status: &str, raw: &Raw<'_>) -> Option<(u16, String)> {
    let status = status.parse().ok().filter(|status| (400..=599).contains(status))?;
    let path = raw.text().filter(|path| path.starts_with('/'))?;
    Some((status, path.to_owned()))
}

fn media_type(text: &str) -> Option<String> {
    let (kind, rest) = text.split_once('/')?;
    let good = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.*".contains(&byte));
    (good(kind) && good(rest)).then(|| text.to_ascii_lowercase())
}
