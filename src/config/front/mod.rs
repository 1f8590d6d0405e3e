//! The front: `[[sites]]` with their routes, and `[[upstreams]]`.
//!
//! | table | what it says |
//! | --- | --- |
//! | `[[sites]]` | which hosts, what is served there |
//! | `[[sites.routes]]` | what of a site goes elsewhere: the first route that matches is taken |
//! | `[[upstreams]]` | servers that requests are passed on to, and how one of them is chosen |

mod files;
mod proxying;
mod route;
mod rules;
mod site;
mod upstream;

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeValue;

use super::ConfigError;
use super::tables::{Described, Reader, described};

pub use files::Files;
pub use proxying::{HostHeader, Proxying};
pub use route::{Action, PathMatch, Route};
pub use rules::Rules;
pub use site::Site;
pub use upstream::{Balance, Server, Upstream};

/// What the front serves, beside the site of `[site]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    pub sites: Vec<Site>,
    pub upstreams: Vec<Upstream>,
}

/// The lists of tables that are the front's.
pub(super) const LISTS: [&str; 2] = ["sites", "upstreams"];

pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Reads one of the [`LISTS`].
pub(super) fn read(front: &mut Front, list: &str, tables: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) {
    match list {
        "sites" => front.sites = reader.list(tables),
        _ => front.upstreams = reader.list(tables),
    }
}

/// What is wrong between tables that are each right by themselves: two of a name, a host of two sites, a name of nothing.
pub(super) fn faults(front: &Front) -> Vec<ConfigError> {
    let mut faults = Vec::new();
    let mut fail = |place: &str, message: String| faults.push(ConfigError { place: place.to_owned(), message });
    let mut names = BTreeSet::new();
    for upstream in &front.upstreams {
        if upstream.name.is_empty() {
            fail(&upstream.place, "an upstream must have a name".to_owned());
        } else if !names.insert(&upstream.name) {
            fail(&upstream.place, format!("there are two upstreams named {}", upstream.name));
        }
        if upstream.servers.is_empty() {
            fail(&upstream.place, format!("the upstream {} must have servers, such as [\"127.0.0.1:3000\"]", upstream.name));
        }
    }
    let mut hosts = BTreeSet::new();
    for site in &front.sites {
        if site.hosts.is_empty() {
            fail(
                &site.place,
                "a site must have hosts, such as [\"www.example.com\"], or [\"*\"] for every other host".to_owned(),
            );
        }
        for host in site.hosts.iter().filter(|host| !hosts.insert(host.as_str())) {
            fail(&site.place, format!("{host} is the host of another site, too"));
        }
        for route in &site.routes {
            match route.actions.as_slice() {
                [Action::Upstream(name)] if !names.contains(name) => {
                    fail(&route.place, format!("there is no upstream named {name}"));
                }
                [_] => {}
                [] => fail(&route.place, format!("a route must have one of: {}", Action::KEYS.join(", "))),
                _ => fail(&route.place, format!("a route must have only one of: {}", Action::KEYS.join(", "))),
            }
        }
    }
    faults
}

/// Every field of the front's tables, for the documentation.
pub fn fields() -> impl Iterator<Item = Described> {
    described::<Site>().chain(described::<Route>()).chain(described::<Upstream>())
}
