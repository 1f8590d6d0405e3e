//! `[[sites.routes]]`: what of a site goes elsewhere, or by other rules.

use std::path::PathBuf;

use super::files::{FilesOf, HasFiles};
use super::limits::LimitsOf;
use super::rules::{HasRules, RulesOf};
use super::template::Template;
use super::{Files, Proxying, Rules, pattern, proxying};
use crate::config::Raw;
use crate::config::tables::{Field, Kind};

/// What is asked for, and where it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Where it is written: `file:line:column`.
    pub place: String,
    /// The paths it is for: exactly one in a configuration that checked.
    pub paths: Vec<PathMatch>,
    /// The methods it is for, in capitals; empty for all.
    pub methods: Vec<String>,
    /// Headers that a request must have: the name in small letters, and of what value.
    pub match_headers: Vec<(String, ValueMatch)>,
    /// Whether the prefix is taken from the path before it is looked up or passed on.
    pub strip_prefix: bool,
    /// What the path becomes before it is looked up or passed on: of the first expression that matches.
    pub rewrite: Vec<(String, Template)>,
    /// What it does: at most one in a configuration that checked; without any it is the site's own files that answer.
    pub actions: Vec<Action>,
    /// The status of a redirect, or of a fixed answer.
    pub status: Option<u16>,
    /// The text of a fixed answer.
    pub body: Option<String>,
    pub rules: Rules,
    pub files: Files,
    pub proxying: Proxying,
}

/// Which paths a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// The path and what is below it, by whole segments: `/api` has `/api` and `/api/x`, not `/apix`.
    Prefix(String),
    Exact(String),
    /// A regular expression without look-around, in linear time.
    Regex(String),
}

impl Default for PathMatch {
    fn default() -> Self {
        Self::Prefix("/".to_owned())
    }
}

/// What a header's value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueMatch {
    /// `*`: whatever it is.
    Any,
    /// `!`: the header must not be there.
    Absent,
    Exact(String),
    /// `~…`: what this regular expression matches.
    Regex(String),
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is passed on to the upstream of this name.
    Upstream(String),
    /// It calls the function of this name.
    Function(String),
    /// It is sent to this address.
    Redirect(Template),
    /// It is answered with the route's `status` and `body`.
    Answer,
    /// A folder of its own.
    Files(PathBuf),
}

impl Action {
    /// The fields of a route that say what it does.
    pub(super) const KEYS: [&'static str; 5] = ["upstream", "function", "redirect", "status", "root"];
}

/// The statuses a redirect may have.
pub(super) const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// The longest text of a fixed answer, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

impl HasFiles for Route {
    fn files(&mut self) -> &mut Files {
        &mut self.files
    }
}

impl HasRules for Route {
    fn rules(&mut self) -> &mut Rules {
        &mut self.rules
    }
}

impl Kind for Route {
    const NAME: &'static str = "route";
    const FIELDS: &'static [&'static [Field<Self>]] =
        &[MATCHES, ACTIONS, RulesOf::<Self>::FIELDS, LimitsOf::<Self>::FIELDS, FilesOf::<Self>::FIELDS, proxying::FIELDS];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }

    fn finish(&mut self) {
        if self.paths.is_empty() {
            self.paths.push(PathMatch::default());
        }
        let redirects = self.actions.iter().any(|action| matches!(action, Action::Redirect(_)));
        if self.status.is_some() && !redirects {
            self.actions.push(Action::Answer);
        }
        self.actions.extend(self.files.root.clone().map(Action::Files));
    }
}

const MATCHES: &[Field<Route>] = &[
    Field {
        key: "path",
        default: "",
        meaning: "The path and everything below it; / when none of path, exact and regex is said.",
        allowed: "a path that begins with /, as it is without percent-encoding and without //, . and .. in it",
        set: |route, raw| path(raw.text()?).map(|path| route.paths.push(PathMatch::Prefix(path))),
    },
    Field {
        key: "exact",
        default: "",
        meaning: "This path alone.",
        allowed: "a path that begins with /, as it is without percent-encoding and without //, . and .. in it",
        set: |route, raw| path(raw.text()?).map(|path| route.paths.push(PathMatch::Exact(path))),
    },
    Field {
        key: "regex",
        default: "",
        meaning: "The paths that a regular expression matches anywhere: ^ and $ tie it to the ends, (?i) makes it blind to case.",
        allowed: "a regular expression of at most 1000 bytes, without look-around or back-references, such as ^/old/(.*)$",
        set: |route, raw| {
            let text = raw.text()?;
            pattern::compile(text)?;
            route.paths.push(PathMatch::Regex(text.to_owned()));
            Some(())
        },
    },
    Field {
        key: "methods",
        default: "",
        meaning: "The methods that the route is for; all when it is not said. Others go on to the routes below.",
        allowed: "a method, or a list of them, such as [\"GET\", \"HEAD\"]",
        set: |route, raw| raw.each(|raw| method(raw.text()?)).map(|methods| route.methods = methods),
    },
    Field {
        key: "match_headers",
        default: "",
        meaning: "Headers that a request must have for the route: a value, * for any, ! for none, ~ before a regular expression.",
        allowed: "a table of header names and values, such as { x-beta = \"1\", user-agent = \"~(?i)bot\" }",
        set: |route, raw| raw.entries(condition).map(|conditions| route.match_headers = conditions),
    },
];

const ACTIONS: &[Field<Route>] = &[
    Field {
        key: "strip_prefix",
        default: "false",
        meaning: "Whether the route's path is taken away before what is below it is rewritten, looked up or passed on.",
        allowed: "true or false; with path alone",
        set: |route, raw| raw.flag().map(|flag| route.strip_prefix = flag),
    },
    Field {
        key: "rewrite",
        default: "",
        meaning: "What the path becomes before it is looked up or passed on: the first expression that matches has what it found replaced.",
        allowed: "a table of regular expressions and paths, such as { \"^/api/(.*)$\" = \"/$1\" }",
        set: |route, raw| raw.entries(rewrite).map(|rules| route.rewrite = rules),
    },
    Field {
        key: "upstream",
        default: "",
        meaning: "Passes requests on to the upstream of this name.",
        allowed: "the name of an upstream",
        set: |route, raw| {
            route.actions.push(Action::Upstream(raw.text()?.to_owned()));
            Some(())
        },
    },
    Field {
        key: "function",
        default: "",
        meaning: "Calls the function of this name.",
        allowed: "the name of a function",
        set: |route, raw| {
            route.actions.push(Action::Function(raw.text()?.to_owned()));
            Some(())
        },
    },
    Field {
        key: "redirect",
        default: "",
        meaning: "Sends clients to another address; the query goes along unless the address has one, if only a ? at its end.",
        allowed: "an address or a path of visible ASCII in which $1, ${name}, ${host}, ${scheme}, ${path}, ${uri} and ${rest} are filled in, such as https://example.com/$1",
        set: |route, raw| {
            let text = raw.text().filter(|text| is_target(text))?;
            route.actions.push(Action::Redirect(Template::parse(text)?));
            Some(())
        },
    },
    Field {
        key: "status",
        default: "",
        meaning: "The status of a redirect (302 when it is not said), or by itself that of a fixed answer.",
        allowed: "a whole number from 200 to 599; 301, 302, 303, 307 or 308 for a redirect",
        set: |route, raw| raw.whole(200..=599).map(|status| route.status = Some(status)),
    },
    Field {
        key: "body",
        default: "",
        meaning: "The text of a fixed answer; headers may give it another type than text/plain.",
        allowed: "text of at most 65536 bytes",
        set: |route, raw| {
            let text = raw.text().filter(|text| text.len() <= LONGEST_BODY)?;
            route.body = Some(text.to_owned());
            Some(())
        },
    },
];

/// A path as the front compares it: decoded, no empty segment, no dot segment.
fn path(text: &str) -> Option<String> {
    let inner = text.strip_prefix('/')?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let plain = !text.contains(['\\', '?', '#']) && !text.chars().any(char::is_control);
    let good = |segment: &str| !matches!(segment, "" | "." | "..");
    (plain && (inner.is_empty() || inner.split('/').all(good))).then(|| text.to_owned())
}

fn method(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')).then(|| text.to_ascii_uppercase())
}

/// What a redirect may lead to: a path, or an address of the web whose host does not begin with what a client sent in the path.
fn is_target(text: &str) -> bool {
    let starts = ["/", "http://", "https://", "${scheme}://", "${path}", "${uri}"];
    let host = text.split_once("://").map_or("", |(_, host)| host);
    let host_is_ours = !host.starts_with('$') || host.starts_with("${host}");
    starts.iter().any(|start| text.starts_with(start)) && !text.starts_with("//") && host_is_ours
}

fn rewrite(find: &str, raw: &Raw<'_>) -> Option<(String, Template)> {
    let found = pattern::compile(find)?;
    let template = raw.text().filter(|text| text.starts_with('/') && !text.contains('#')).and_then(Template::parse)?;
    template.unknown(Some(&found), false).is_none().then(|| (find.to_owned(), template))
}

fn condition(name: &str, raw: &Raw<'_>) -> Option<(String, ValueMatch)> {
    let Raw::Text(value) = raw else { return None };
    let name = super::rules::header_name(name)?;
    let value = match *value {
        "*" => ValueMatch::Any,
        "!" => ValueMatch::Absent,
        text => match text.strip_prefix('~') {
            Some(expression) => pattern::compile(expression).map(|_| ValueMatch::Regex(expression.to_owned()))?,
            None => ValueMatch::Exact(text.to_owned()),
        },
    };
    Some((name, value))
}
