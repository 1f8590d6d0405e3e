//! Where a redirect leads, and what a rewrite makes of a path.

use actix_web::http::header::HeaderValue;
use regex::{Captures, Regex};

use super::path::{Asked, Malformed, encoded, encoded_in_query, tidied};
use crate::config::front::pattern;
use crate::config::front::template::{Part, Template};

/// What of a request fills the places of a redirect.
pub(super) struct Filling<'r> {
    pub(super) scheme: &'r str,
    /// Without its port.
    pub(super) host: &'r str,
    /// The path and the query as they came.
    pub(super) raw_path: &'r str,
    pub(super) query: Option<&'r str>,
    /// What is below the route's prefix.
    pub(super) rest: &'r str,
    pub(super) captures: Option<Captures<'r>>,
}

impl Filling<'_> {
    /// The address to go to. What comes from the request is percent-encoded wherever it stands, and cannot choose the host.
    pub(super) fn redirect(&self, target: &Template) -> String {
        let mut address = String::new();
        for part in &target.0 {
            let in_query = address.contains('?');
            let value = match part {
                Part::Text(text) => {
                    address.push_str(text);
                    continue;
                }
                Part::Group(number) => self.captures.as_ref().and_then(|found| found.get(*number)),
                Part::Named(name) => self.captures.as_ref().and_then(|found| found.name(name)),
            };
            match (value, part) {
                (Some(value), _) => self.push(&mut address, &escaped(value.as_str(), in_query)),
                (None, Part::Named(name)) => self.push_variable(&mut address, name, in_query),
                (None, _) => {}
            }
        }
        // A path that began with two slashes would be another host's.
        if address.starts_with("//") {
            let slashes = address.len() - address.trim_start_matches('/').len();
            address.replace_range(..slashes, "/");
        }
        match self.query {
            Some(query) if !address.contains('?') => {
                address.push('?');
                address.push_str(query);
            }
            _ if address.ends_with('?') => {
                address.pop();
            }
            _ => {}
        }
        address
    }

    fn push_variable(&self, address: &mut String, name: &str, in_query: bool) {
        match name {
            "scheme" => address.push_str(self.scheme),
            "host" => address.push_str(self.host),
            "path" => self.push(address, &collapsed(self.raw_path)),
            "uri" => {
                self.push(address, &collapsed(self.raw_path));
                if let Some(query) = self.query {
                    address.push('?');
                    address.push_str(query);
                }
            }
            "rest" => self.push(address, &escaped(self.rest, in_query)),
            _ => {}
        }
    }

    /// Adds what came from the request; right after a host it must begin with a slash, or it would be a part of the host.
    fn push(&self, address: &mut String, value: &str) {
        let after_host = address.split_once("://").is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains(['/', '?']));
        if after_host && !value.starts_with('/') {
            address.push('/');
        }
        address.push_str(value);
    }
}

fn escaped(text: &str, in_query: bool) -> String {
    if in_query { encoded_in_query(text) } else { encoded(text) }
}

/// A path as it came, with one slash at its start.
fn collapsed(raw: &str) -> String {
    format!("/{}", raw.trim_start_matches('/'))
}

/// A path that was rewritten: still decoded, with the query that the rule adds before the client's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) path: String,
    pub(super) query: Option<String>,
}

/// What the first of the rules whose expression matches makes of a path; `None` when none does.
///
/// # Errors
/// When the pieces come to a path that is refused from clients, too.
pub(super) fn rewrite(rules: &[(Regex, Template)], path: &str) -> Result<Option<Rewritten>, Malformed> {
    let first = rules.iter().find_map(|(regex, template)| Some((regex.captures(path)?, template)));
    let Some((captures, template)) = first else { return Ok(None) };
    let found = captures.get_match();
    let mut made = path[..found.start()].to_owned();
    let mut query: Option<String> = None;
    for part in &template.0 {
        let value = match part {
            Part::Text(text) => {
                push_literal(text, &mut made, &mut query);
                continue;
            }
            Part::Group(number) => captures.get(*number),
            Part::Named(name) => captures.name(name),
        };
        let value = value.map_or("", |value| value.as_str());
        match &mut query {
            Some(query) => query.push_str(&encoded_in_query(value)),
            None => made.push_str(value),
        }
    }
    made.push_str(&path[found.end()..]);
    Ok(Some(Rewritten { path: tidied(&made)?, query }))
}

fn push_literal(text: &str, path: &mut String, query: &mut Option<String>) {
    match (query.as_mut(), text.split_once('?')) {
        (Some(query), _) => query.push_str(text),
        (None, Some((before, after))) => {
            path.push_str(before);
            *query = Some(after.to_owned());
        }
        (None, None) => path.push_str(text),
    }
}

/// Where a redirect leads, for property tests: that of a route for `regex`, asked by `raw`.
pub(in crate::front) fn redirected(regex: &str, target: &str, raw: &str) -> Option<String> {
    let (regex, target) = (pattern::compile(regex)?, Template::parse(target)?);
    let (raw_path, query) = raw.split_once('?').map_or((raw, None), |(path, query)| (path, Some(query)));
    let asked = Asked::read(raw_path).ok()?;
    let captures = Some(regex.captures(&asked.path)?);
    let filling = Filling {
        scheme: "https",
        host: "host.example",
        raw_path,
        query: query.filter(|query| query.bytes().all(|byte| byte.is_ascii_graphic())),
        rest: "",
        captures,
    };
    HeaderValue::from_str(&filling.redirect(&target)).ok()?.to_str().ok().map(str::to_owned)
}
