//! Sites: which of them a request is for, which of its routes, and what that does.
//!
//! ```text
//! host (whose?) -> path (what is asked for, in every way it can be read) -> route (the first that is for it)
//!   -> rules (who may?) -> files | upstream | function | redirect | fixed answer -> rules (what goes along with the answer)
//! ```

mod host;
mod path;
mod route;
mod serve;
mod target;

use std::sync::Arc;

use actix_web::dev::RequestHead;
use ipnet::IpNet;

pub(super) use self::host::{BadHost, host_of};
pub(super) use self::path::Asked;
pub(super) use self::route::{Action, Ambiguous, Route};
pub(super) use self::serve::serve;
pub(super) use self::target::redirected;

use self::host::Hosts;
use super::error::Error;
use super::files::{Files, Shared};
use super::limits::Limits;
use super::rules::Rules;
use crate::config::{self, Config};

/// All of the front that a reload replaces.
pub(super) struct Running {
    hosts: Hosts,
    /// For every host that no other site has.
    default: Arc<Site>,
    /// Whose word about a client's address is believed.
    trusted: Vec<IpNet>,
}

/// What is served at some hosts.
pub(super) struct Site {
    pub(super) has_apis: bool,
    rules: Arc<Rules>,
    files: Files,
    routes: Vec<Route>,
}

/// What sites and routes are made with.
struct Making<'m> {
    config: &'m Config,
    shared: &'m Arc<Shared>,
    limits: &'m Limits,
}

impl Running {
    /// Opens every folder and compiles every expression.
    pub(super) fn new(config: &Config, shared: &Arc<Shared>, limits: &Limits) -> Result<Self, Error> {
        let making = Making { config, shared, limits };
        let mut hosts = Hosts::default();
        let mut default = None;
        for site in &config.front.sites {
            let ready = Arc::new(Site::new(site, &making)?);
            for host in &site.hosts {
                if host == config::front::EVERY_HOST {
                    default = Some(Arc::clone(&ready));
                } else {
                    hosts.add(host, &ready);
                }
            }
        }
        let default = match default {
            Some(site) => site,
            None => Arc::new(Site::new(&config::front::Site::default_site(), &making)?),
        };
        Ok(Self { hosts, default, trusted: config.edge.trusted_proxies.clone() })
    }

    /// Whose the host of a request is.
    pub(super) fn site_of(&self, head: &RequestHead) -> Result<&Arc<Site>, BadHost> {
        let host = host_of(head)?;
        Ok(host.and_then(|host| self.hosts.find(&host)).unwrap_or(&self.default))
    }
}

impl Site {
    fn new(site: &config::front::Site, making: &Making<'_>) -> Result<Self, Error> {
        let root = if site.is_default() {
            site.files.root.as_ref().or(making.config.site.root.as_ref())
        } else {
            site.files.root.as_ref()
        };
        let files = match root {
            None if site.is_default() => Files::builtin(making.shared),
            root => making.files(root, &site.files)?,
        };
        let routes = site.routes.iter().map(|route| Route::new(route, site, making)).collect::<Result<_, _>>()?;
        Ok(Self { has_apis: site.has_apis(), rules: making.rules(&site.rules, site, &site.place)?, files, routes })
    }
}

impl Making<'_> {
    fn files(&self, root: Option<&std::path::PathBuf>, how: &config::front::Files) -> Result<Files, Error> {
        root.map_or_else(|| Ok(Files::none(self.shared)), |root| Files::open(root, how, self.shared))
    }

    /// `place` is that of the table that says the limits: what is said in one place is one limit.
    fn rules(&self, rules: &config::front::Rules, site: &config::front::Site, place: &str) -> Result<Arc<Rules>, Error> {
        let limit = self.limits.of(place, &rules.limits);
        Rules::new(rules, site.hosts.first().map_or("", String::as_str), limit).map(Arc::new)
    }
}
