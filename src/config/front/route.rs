//! `[[sites.routes]]`: what of a site goes elsewhere.

use std::path::PathBuf;

use super::files::{FilesOf, HasFiles};
use super::rules::{HasRules, RulesOf};
use super::{Files, Proxying, Rules, proxying};
use crate::config::tables::{Field, Kind};

/// What is asked for, and where it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Where it is written: `file:line:column`.
    pub place: String,
    pub path: PathMatch,
    /// The methods it is for, in capitals; empty for all.
    pub methods: Vec<String>,
    /// What it does: exactly one in a configuration that checked.
    pub actions: Vec<Action>,
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

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is passed on to the upstream of this name.
    Upstream(String),
    /// It calls the function of this name.
    Function(String),
    /// It is sent to this address; `$1` and `${name}` are what the regular expression found.
    Redirect(String),
    /// A folder of its own.
    Files(PathBuf),
}

impl Action {
    /// The fields of a route that say what it does.
    pub(super) const KEYS: [&'static str; 4] = ["upstream", "function", "redirect", "root"];
}

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
    const FIELDS: &'static [&'static [Field<Self>]] = &[OWN, RulesOf::<Self>::FIELDS, FilesOf::<Self>::FIELDS, proxying::FIELDS];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }

    fn finish(&mut self) {
        self.actions.extend(self.files.root.clone().map(Action::Files));
    }
}

const OWN: &[Field<Route>] = &[
    Field {
        key: "path",
        default: "",
        meaning: "The path and everything below it; / when none of path, exact and regex is said.",
        allowed: "a path that begins with /",
        set: |route, raw| path(raw.text()?).map(|path| route.path = PathMatch::Prefix(path)),
    },
    Field {
        key: "exact",
        default: "",
        meaning: "This path alone.",
        allowed: "a path that begins with /",
        set: |route, raw| path(raw.text()?).map(|path| route.path = PathMatch::Exact(path)),
    },
    Field {
        key: "regex",
        default: "",
        meaning: "The paths that a regular expression matches.",
        allowed: "a regular expression without look-around or back-references, such as ^/old/(.*)$",
        set: |route, raw| {
            let text = raw.text()?;
            regex::Regex::new(text).ok()?;
            route.path = PathMatch::Regex(text.to_owned());
            Some(())
        },
    },
    Field {
        key: "methods",
        default: "",
        meaning: "The methods that the route is for; all when it is not said.",
        allowed: "a method, or a list of them, such as [\"GET\", \"HEAD\"]",
        set: |route, raw| raw.each(|raw| method(raw.text()?)).map(|methods| route.methods = methods),
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
        meaning: "Sends clients to another address.",
        allowed: "an address or a path, such as https://example.com/$1",
        set: |route, raw| {
            let target = raw.text().filter(|target| target.bytes().all(|byte| byte.is_ascii_graphic()))?;
            route.actions.push(Action::Redirect(target.to_owned()));
            Some(())
        },
    },
];

fn path(text: &str) -> Option<String> {
    (text.starts_with('/') && text.bytes().all(|byte| byte >= b' ' && byte != 0x7f)).then(|| text.to_owned())
}

fn method(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')).then(|| text.to_ascii_uppercase())
}
