//! `cors` of a site or a route: which other origins' scripts may ask.

use std::time::Duration;

use super::rules::header_name;
use crate::config::Raw;

/// Which other origins' scripts may ask, and what they may send and see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// As browsers write them, in small letters; empty for every origin.
    pub origins: Vec<String>,
    pub methods: Vec<String>,
    /// The headers a script may send; empty for those it asks for.
    pub headers: Vec<String>,
    /// The headers of answers that a script may read, beside the plain ones.
    pub expose: Vec<String>,
    /// Whether cookies and passwords may come along.
    pub credentials: bool,
    /// How long a browser may remember the answer to a preflight request.
    pub max_age: Duration,
}

pub(super) const ALLOWED: &str = "a table with origins (\"*\" or a list), and if need be methods, headers, expose, credentials (not with \"*\") and \
     max_age, such as { origins = [\"https://app.example.com\"], credentials = true }";

pub(super) fn read(raw: &Raw<'_>) -> Option<Cors> {
    let Raw::Table(entries) = raw else { return None };
    let mut origins = None;
    let mut cors = Cors {
        origins: Vec::new(),
        methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).into(),
        headers: Vec::new(),
        expose: Vec::new(),
        credentials: false,
        max_age: Duration::from_secs(3600),
    };
    for (name, value) in entries {
        match *name {
            "origins" if matches!(value, Raw::Text("*")) => origins = Some(Vec::new()),
            "origins" => origins = Some(value.each(|raw| origin(raw.text()?)).filter(|list| !list.is_empty())?),
            "methods" => cors.methods = value.each(|raw| Some(header_name(raw.text()?)?.to_ascii_uppercase()))?,
            "headers" => cors.headers = value.each(|raw| header_name(raw.text()?))?,
            "expose" => cors.expose = value.each(|raw| header_name(raw.text()?))?,
            "credentials" => cors.credentials = value.flag()?,
            "max_age" => cors.max_age = value.duration(Duration::ZERO..=Duration::from_secs(86_400))?,
            _ => return None,
        }
    }
    cors.origins = origins?;
    // Every origin with the user's cookies would be no protection at all.
    (!cors.credentials || !cors.origins.is_empty()).then_some(cors)
}

/// `scheme://host` with a port if it is not the scheme's own.
fn origin(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://")?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
    let is_origin = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !host.is_empty()
        && host.bytes().all(good);
    is_origin.then(|| text.to_ascii_lowercase())
}
