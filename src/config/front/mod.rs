//! The front: `[[sites]]` with their routes, and `[[upstreams]]`.
//!
//! | table | what it says |
//! | --- | --- |
//! | `[[sites]]` | which hosts, what is served there |
//! | `[[sites.routes]]` | what of a site goes elsewhere: the first route that matches is taken |
//! | `[[upstreams]]` | servers that requests are passed on to, and how one of them is chosen |
//! | `[[listeners]]` | further addresses to listen on, with TLS or without |
//! | `[[certificates]]` | what TLS is spoken with, and for which hosts |

mod cors;
mod faults;
mod files;
mod limits;
pub mod pattern;
mod proxying;
mod route;
mod rules;
mod site;
mod summary;
pub mod template;
mod tls;
mod upstream;

use toml::Spanned;
use toml::de::DeValue;

use super::tables::{Reader, described};

pub use super::tables::Described;
pub use cors::Cors;
pub(super) use faults::faults;
pub use files::Files;
pub use limits::{LimitKey, Limits, Rate};
pub use proxying::{HeaderText, HostHeader, Piece, Protocol, Proxying, Transport, Variable};
pub use route::{Action, PathMatch, Route, ValueMatch};
pub use rules::{Access, Compress, PasswordFile, Rules};
pub use site::{EVERY_HOST, Site};
pub use summary::summary;
pub use tls::{Certificate, Listener};
pub use upstream::{
    AllUnwell, Balance, Balancing, CheckKind, Ejection, HashKey, HealthCheck, KeepAlive, Queue, Resolve, SameSite, Server,
    Sticky, Upstream,
};

/// What the front serves, beside the site of `[site]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    pub sites: Vec<Site>,
    pub upstreams: Vec<Upstream>,
    /// Beside `server.listen`.
    pub listeners: Vec<Listener>,
    /// The first is shown where no other fits.
    pub certificates: Vec<Certificate>,
}

/// The lists of tables that are the front's.
pub(super) const LISTS: [&str; 4] = ["sites", "upstreams", "listeners", "certificates"];

pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Reads one of the [`LISTS`].
pub(super) fn read(front: &mut Front, list: &str, tables: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) {
    match list {
        "sites" => front.sites = reader.list(tables),
        "listeners" => front.listeners = reader.list(tables),
        "certificates" => front.certificates = reader.list(tables),
        _ => front.upstreams = reader.list(tables),
    }
}

/// Every field of the front's tables, for the documentation.
pub fn fields() -> impl Iterator<Item = Described> {
    described::<Site>()
        .chain(described::<Route>())
        .chain(upstream::fields())
        .chain(described::<Listener>())
        .chain(described::<Certificate>())
}
