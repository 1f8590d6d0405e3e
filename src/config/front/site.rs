//! `[[sites]]`: hosts, and what is served there.

use super::files::{FilesOf, HasFiles};
use super::limits::LimitsOf;
use super::rules::{HasRules, RulesOf};
use super::{Files, Route, Rules};
use crate::config::tables::{Field, Kind, Nested, with_defaults};

/// The host of a site that is for every host that no other site has.
pub const EVERY_HOST: &str = "*";

/// What is served at some hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Where it is written: `file:line:column`.
    pub place: String,
    /// The hosts, in small letters and without a port: a name, `*.example.com` for the names below one, `*` for every other.
    pub hosts: Vec<String>,
    /// Whether the server's own APIs answer at these hosts, too; `None` for what [`Site::has_apis`] says.
    pub apis: Option<bool>,
    pub rules: Rules,
    pub files: Files,
    /// In the order they are asked.
    pub routes: Vec<Route>,
}

impl Site {
    /// The site of every host, when none is configured for it.
    #[must_use]
    pub fn default_site() -> Self {
        Self { hosts: vec![EVERY_HOST.to_owned()], ..with_defaults() }
    }

    /// Whether the server's own APIs answer at its hosts: as it says, and otherwise at the site of every other host alone, since an
    /// upstream may have paths of the same names.
    #[must_use]
    pub fn has_apis(&self) -> bool {
        self.apis.unwrap_or_else(|| self.is_default())
    }

    /// Whether it is for every host that no other site has.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.hosts.iter().any(|host| host == EVERY_HOST)
    }
}

impl HasFiles for Site {
    fn files(&mut self) -> &mut Files {
        &mut self.files
    }
}

impl HasRules for Site {
    fn rules(&mut self) -> &mut Rules {
        &mut self.rules
    }
}

impl Kind for Site {
    const NAME: &'static str = "site";
    const FIELDS: &'static [&'static [Field<Self>]] =
        &[OWN, RulesOf::<Self>::FIELDS, LimitsOf::<Self>::FIELDS, FilesOf::<Self>::FIELDS];
    const NESTED: &'static [Nested<Self>] =
        &[Nested { key: "routes", read: |site, routes, reader| site.routes = reader.list(routes) }];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }
}

const OWN: &[Field<Site>] = &[
    Field {
        key: "hosts",
        default: "",
        meaning: "The hosts that the site is for.",
        allowed: "a host's name without a port, or a list of them; *.example.com for the names below it, * for every other host",
        set: |site, raw| raw.each(|raw| site_host(raw.text()?)).map(|hosts| site.hosts = hosts),
    },
    Field {
        key: "apis",
        default: "",
        meaning: "Whether the server's own APIs answer at these hosts; only at the site with the host * when it is not said.",
        allowed: "true or false",
        set: |site, raw| raw.flag().map(|flag| site.apis = Some(flag)),
    },
];

/// A host's name or address in small letters, `*.` before a name, or `*`.
pub(super) fn host(text: &str) -> Option<String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_');
    let is_name = (1..=253).contains(&name.len()) && name.bytes().all(good);
    (text == EVERY_HOST || is_name).then(|| text.to_ascii_lowercase())
}

/// A host of a site: as requests name it, so without a port.
fn site_host(text: &str) -> Option<String> {
    let is_address =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).is_some_and(|inner| !inner.contains(['[', ']']));
    host(text).filter(|host| is_address || !host.contains([':', '[', ']'])).map(|host| host.trim_end_matches('.').to_owned())
}
