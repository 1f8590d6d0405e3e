//! A route that is ready to be asked: what it is for, and what it does.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use regex::Regex;

use super::path::Asked;
use super::target::{Rewritten, rewrite};
use super::{Making, path::Malformed};
use crate::config::front::template::Template;
use crate::config::front::{self as config, PathMatch, Proxying, ValueMatch, pattern};
use crate::front::error::Error;
use crate::front::files::Files;
use crate::front::rules::Rules;

/// What some requests of a site become.
pub(in crate::front) struct Route {
    path: PathTest,
    methods: Vec<Method>,
    headers: Vec<(HeaderName, ValueTest)>,
    strip_prefix: bool,
    rewrite: Vec<(Regex, Template)>,
    pub(in crate::front) action: Action,
    pub(in crate::front) rules: Arc<Rules>,
    /// The files of its own; `None` for its site's.
    pub(in crate::front) files: Option<Files>,
}

/// What a route does.
pub(in crate::front) enum Action {
    Files,
    Upstream { name: String, how: Arc<Proxying> },
    Function(String),
    Redirect { status: StatusCode, to: Template },
    Answer { status: StatusCode, body: String },
}

enum PathTest {
    /// Without a slash at its end, which is told apart.
    Prefix {
        prefix: String,
        below_only: bool,
    },
    Exact(String),
    Regex(Regex),
}

enum ValueTest {
    Any,
    Absent,
    Exact(HeaderValue),
    Regex(Regex),
}

/// The readings of a path lead to different routes.
#[derive(Clone, Copy, Debug)]
pub(in crate::front) struct Ambiguous;

impl Route {
    /// The first of a site's routes that is for a request; `None` when its files answer.
    pub(super) fn first<'r>(routes: &'r [Self], asked: &Asked<'_>, request: &HttpRequest) -> Result<Option<&'r Self>, Ambiguous> {
        let find = |path: &str| routes.iter().position(|route| route.is_for(path, request));
        let found = find(&asked.path);
        if asked.others.iter().any(|other| find(other) != found) {
            return Err(Ambiguous);
        }
        Ok(found.map(|index| &routes[index]))
    }

    pub(super) fn new(route: &config::Route, site: &config::Site, making: &Making<'_>) -> Result<Self, Error> {
        let compiled = |text: &str| pattern::compile(text).ok_or_else(|| Error::Pattern(text.to_owned()));
        let path = match route.paths.first().cloned().unwrap_or_default() {
            PathMatch::Prefix(path) => PathTest::prefix(&path),
            PathMatch::Exact(path) => PathTest::Exact(path),
            PathMatch::Regex(text) => PathTest::Regex(compiled(&text)?),
        };
        let mut headers = Vec::new();
        for (name, value) in &route.match_headers {
            let invalid = || Error::Header(name.clone());
            let test = match value {
                ValueMatch::Any => ValueTest::Any,
                ValueMatch::Absent => ValueTest::Absent,
                ValueMatch::Exact(text) => ValueTest::Exact(HeaderValue::from_str(text).map_err(|_| invalid())?),
                ValueMatch::Regex(text) => ValueTest::Regex(compiled(text)?),
            };
            headers.push((HeaderName::try_from(name.as_str()).map_err(|_| invalid())?, test));
        }
        let rewrite = route.rewrite.iter().map(|(find, to)| Ok((compiled(find)?, to.clone()))).collect::<Result<_, Error>>()?;
        let mut methods = Vec::new();
        for method in &route.methods {
            methods.push(Method::from_bytes(method.as_bytes()).map_err(|_| Error::Header(method.clone()))?);
        }
        // Files that are found in another way than the site's, or elsewhere.
        let differs = route.files != config::Files { root: None, ..site_defaults() };
        let root = route.files.root.as_ref().or(site.files.root.as_ref());
        let files = if differs { Some(making.files(root, &route.files)?) } else { None };
        let place = if route.rules.limits.is_some() { &route.place } else { &site.place };
        let rules = making.rules(&route.rules.within(&site.rules), site, place)?;
        Ok(Self { path, methods, headers, strip_prefix: route.strip_prefix, rewrite, action: action(route), rules, files })
    }

    /// Whether it is for a request with this path.
    fn is_for(&self, path: &str, request: &HttpRequest) -> bool {
        self.path.matches(path)
            && (self.methods.is_empty() || self.methods.contains(request.method()))
            && self.headers.iter().all(|(name, test)| test.holds(request.headers().get(name)))
    }

    /// The path below the route's prefix, without a slash at its start.
    pub(super) fn rest<'p>(&self, path: &'p str) -> &'p str {
        match &self.path {
            PathTest::Prefix { prefix, .. } => path.strip_prefix(prefix.as_str()).unwrap_or(path).trim_start_matches('/'),
            PathTest::Exact(_) | PathTest::Regex(_) => "",
        }
    }

    pub(super) fn captures<'p>(&self, path: &'p str) -> Option<regex::Captures<'p>> {
        if let PathTest::Regex(regex) = &self.path { regex.captures(path) } else { None }
    }

    /// What the path becomes before it is looked up or passed on; `None` when it stays as it came.
    pub(super) fn rewritten(&self, asked: &Asked<'_>) -> Result<Option<Rewritten>, Malformed> {
        let stripped = self.strip_prefix.then(|| format!("/{}", self.rest(&asked.path)));
        let path = stripped.as_deref().unwrap_or(&asked.path);
        let rewritten = rewrite(&self.rewrite, path)?;
        Ok(rewritten.or_else(|| stripped.map(|path| Rewritten { path, query: None })))
    }
}

/// How files are found where a route says nothing.
fn site_defaults() -> config::Files {
    config::Files { index: vec!["index.html".to_owned()], ..config::Files::default() }
}

fn action(route: &config::Route) -> Action {
    let status = |default| route.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default);
    match route.actions.first() {
        None | Some(config::Action::Files(_)) => Action::Files,
        Some(config::Action::Upstream(name)) => Action::Upstream { name: name.clone(), how: Arc::new(route.proxying.clone()) },
        Some(config::Action::Function(name)) => Action::Function(name.clone()),
        Some(config::Action::Redirect(to)) => Action::Redirect { status: status(StatusCode::FOUND), to: to.clone() },
        Some(config::Action::Answer) => {
            Action::Answer { status: status(StatusCode::OK), body: route.body.clone().unwrap_or_default() }
        }
    }
}

impl PathTest {
    fn prefix(path: &str) -> Self {
        let prefix = path.trim_end_matches('/');
        Self::Prefix { prefix: prefix.to_owned(), below_only: prefix.len() < path.len() && !prefix.is_empty() }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Prefix { prefix, below_only } => match path.strip_prefix(prefix.as_str()) {
                Some("") => !below_only,
                Some(rest) => rest.starts_with('/'),
                None => false,
            },
            Self::Exact(exact) => exact == path,
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

impl ValueTest {
    /// Of a header that comes more than once the first counts.
    fn holds(&self, value: Option<&HeaderValue>) -> bool {
        match (self, value) {
            (Self::Any, value) => value.is_some(),
            (Self::Absent, value) => value.is_none(),
            (_, None) => false,
            (Self::Exact(exact), Some(value)) => exact == value,
            (Self::Regex(regex), Some(value)) => value.to_str().is_ok_and(|text| regex.is_match(text)),
        }
    }
}
