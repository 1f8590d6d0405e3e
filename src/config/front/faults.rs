//! What is wrong between tables that are each right by themselves: two of a name, a host of two sites, a name of nothing.

use std::collections::BTreeSet;

use super::route::REDIRECTS;
use super::template::Template;
use super::{Action, Front, PathMatch, Route, Upstream, pattern, tls};
use crate::config::ConfigError;

/// What was found wrong so far.
#[derive(Default)]
struct Faults(Vec<ConfigError>);

/// What is wrong between tables that are each right by themselves.
pub(in crate::config) fn faults(front: &Front) -> Vec<ConfigError> {
    let mut faults = Faults::default();
    for (place, message) in tls::faults(&front.listeners, &front.certificates) {
        faults.add(&place, message);
    }
    let names = faults.upstreams(&front.upstreams);
    let mut hosts = BTreeSet::new();
    for site in &front.sites {
        if site.hosts.is_empty() {
            let message = "a site must have hosts, such as [\"www.example.com\"], or [\"*\"] for every other host";
            faults.add(&site.place, message.to_owned());
        }
        for host in site.hosts.iter().filter(|host| !hosts.insert(host.as_str())) {
            faults.add(&site.place, format!("{host} is the host of another site, too"));
        }
        for route in &site.routes {
            faults.route(route, &names);
        }
    }
    faults.0
}

impl Faults {
    fn add(&mut self, place: &str, message: String) {
        self.0.push(ConfigError { place: place.to_owned(), message });
    }

    /// Gives the names there are.
    fn upstreams<'u>(&mut self, upstreams: &'u [Upstream]) -> BTreeSet<&'u str> {
        let mut names = BTreeSet::new();
        for upstream in upstreams {
            if upstream.name.is_empty() {
                self.add(&upstream.place, "an upstream must have a name".to_owned());
            } else if !names.insert(upstream.name.as_str()) {
                self.add(&upstream.place, format!("there are two upstreams named {}", upstream.name));
            }
            for fault in upstream.faults() {
                self.add(&upstream.place, format!("the upstream {} {fault}", upstream.name));
            }
        }
        names
    }

    fn route(&mut self, route: &Route, upstreams: &BTreeSet<&str>) {
        let place = &route.place;
        if route.paths.len() > 1 {
            self.add(place, "a route must have only one of: path, exact, regex".to_owned());
        }
        if route.strip_prefix && !matches!(route.paths.as_slice(), [PathMatch::Prefix(_)]) {
            self.add(place, "strip_prefix goes with path, not with exact or regex".to_owned());
        }
        match route.actions.as_slice() {
            [Action::Upstream(name)] if !upstreams.contains(name.as_str()) => {
                self.add(place, format!("there is no upstream named {name}"));
            }
            [Action::Redirect(target)] => self.redirect(route, target),
            [] | [_] => {}
            _ => self.add(place, format!("a route must have only one of: {}", Action::KEYS.join(", "))),
        }
        if route.body.is_some() && !route.actions.contains(&Action::Answer) {
            self.add(place, "a route with a body must have a status, and nothing else that it does".to_owned());
        }
    }

    fn redirect(&mut self, route: &Route, target: &Template) {
        if let Some(status) = route.status.filter(|status| !REDIRECTS.contains(status)) {
            self.add(&route.place, format!("the status of a redirect must be 301, 302, 303, 307 or 308, not {status}"));
        }
        let pattern = match route.paths.first() {
            Some(PathMatch::Regex(text)) => pattern::compile(text),
            _ => None,
        };
        if let Some(unknown) = target.unknown(pattern.as_ref(), true) {
            let message =
                format!("nothing fills {unknown} of the redirect: it must be a group of the route's regex, or a variable");
            self.add(&route.place, message);
        }
    }
}
