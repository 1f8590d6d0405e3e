//! One request, from its host to its answer.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::path::{Asked, Malformed, encoded};
use super::target::{Filling, Rewritten};
use super::{Action, Ambiguous, Route, Running, Site};
use crate::api::Code;
use crate::config::front::Proxying;
use crate::front::client::Client;
use crate::front::files::{Lookup, answer};
use crate::front::limits;
use crate::front::proxy::Exchange;
use crate::front::rules::{Rules, Source};
use crate::front::{FunctionCall, Parts};

/// A request of which is known whose it is, and what is to be done.
struct Task<'t> {
    site: &'t Site,
    route: Option<&'t Route>,
    request: &'t HttpRequest,
    asked: &'t Asked<'t>,
    client: Client,
}

/// Answers a request as the running configuration says.
pub(in crate::front) async fn serve(parts: &Parts, running: &Running, request: HttpRequest, payload: Payload) -> HttpResponse {
    let Ok(site) = running.site_of(request.head()) else { return bad_host() };
    let Ok(asked) = Asked::read(request.path()) else { return answer::malformed() };
    let route = match Route::first(&site.routes, &asked, &request) {
        Ok(route) => route,
        Err(Ambiguous) => return ambiguous(),
    };
    let client = Client::of(&request, &running.trusted);
    let task = Task { site, route, request: &request, asked: &asked, client };
    task.answer(parts, payload).await
}

impl Task<'_> {
    async fn answer(self, parts: &Parts, payload: Payload) -> HttpResponse {
        let rules = Arc::clone(self.rules());
        let (permit, refusal) = match rules.count(self.request, &self.client).await {
            Ok(permit) => (permit, rules.admit(self.request, self.client.address).await),
            Err(refusal) => (None, Some(refusal)),
        };
        let (answer, source) = match refusal {
            Some(refusal) => (refusal, Source::Front),
            None => self.act(parts, payload, &rules).await,
        };
        let answer = match rules.error_page(answer.status(), source) {
            Some(page) => self.with_page(answer, page).await,
            None => answer,
        };
        limits::hold(rules.finish(self.request, &self.asked.path, answer, source), permit)
    }

    fn rules(&self) -> &Arc<Rules> {
        self.route.map_or(&self.site.rules, |route| &route.rules)
    }

    /// Does what the route says; without one, answers with a file.
    async fn act(&self, parts: &Parts, payload: Payload, rules: &Rules) -> (HttpResponse, Source) {
        let rewritten = match self.route.map(|route| route.rewritten(self.asked)).transpose() {
            Ok(rewritten) => rewritten.flatten(),
            Err(Malformed) => return (answer::malformed(), Source::Front),
        };
        match self.route.map_or(&Action::Files, |route| &route.action) {
            Action::Files => (self.file(rewritten.as_ref(), rules).await, Source::Files),
            Action::Redirect { status, to } => (self.redirect(*status, to), Source::Front),
            Action::Answer { status, body } => (fixed(self.request, *status, body), Source::Front),
            Action::Upstream { name, how } => {
                let target = rewritten.map(|rewritten| self.target(rewritten));
                (Box::pin(self.upstream(parts, payload, name, how, target)).await, Source::Beyond)
            }
            Action::Function(name) => {
                let target = match rewritten {
                    Some(rewritten) => self.target(rewritten),
                    None => self.request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned(),
                };
                let call = FunctionCall {
                    name: name.clone(),
                    request: self.request.clone(),
                    payload,
                    origin: format!("{}://{}", self.client.scheme, self.client.host),
                    target,
                };
                (parts.functions.call(call).await, Source::Beyond)
            }
        }
    }

    async fn file(&self, rewritten: Option<&Rewritten>, rules: &Rules) -> HttpResponse {
        let files = self.route.and_then(|route| route.files.as_ref()).unwrap_or(&self.site.files);
        let lookup = rewritten.map_or_else(|| Lookup::raw(self.request.path()), |rewritten| Lookup::decoded(&rewritten.path));
        files.serve(self.request, lookup, &rules.compress).await
    }

    async fn upstream(
        &self,
        parts: &Parts,
        payload: Payload,
        name: &str,
        how: &Arc<Proxying>,
        path_and_query: Option<String>,
    ) -> HttpResponse {
        // Names are checked with the configuration, so none is missing but in the moment of a reload.
        let Some(upstream) = parts.upstreams.get(name) else {
            return Code::Unavailable.because("the servers behind this path are being changed: try again").error_response();
        };
        let request = self.request.clone();
        let exchange = Exchange { request, payload, path_and_query, how: Arc::clone(how), client: self.client.clone() };
        parts.proxy.forward(exchange, &upstream).await
    }

    /// A rewritten path as it is sent, with the query.
    fn target(&self, rewritten: Rewritten) -> String {
        let path = encoded(&rewritten.path);
        let own = self.request.uri().query();
        let query: Vec<&str> = rewritten.query.as_deref().filter(|query| !query.is_empty()).into_iter().chain(own).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    fn redirect(&self, status: StatusCode, to: &crate::config::front::template::Template) -> HttpResponse {
        let host = super::host::normalized(&self.client.host).unwrap_or_default();
        let uri = self.request.uri();
        let filling = Filling {
            scheme: self.client.scheme,
            host: &host,
            raw_path: uri.path(),
            query: uri.query(),
            rest: self.route.map_or("", |route| route.rest(&self.asked.path)),
            captures: self.route.and_then(|route| route.captures(&self.asked.path)),
        };
        // Only visible ASCII is a header's value here: neither a line's end nor anything else gets through.
        match HeaderValue::from_str(&filling.redirect(to)) {
            Ok(location) => HttpResponse::build(status).insert_header((header::LOCATION, location)).finish(),
            Err(_) => answer::malformed(),
        }
    }

    /// The same answer with a page of the site as its body, where the page is there and a page is wanted.
    async fn with_page(&self, answer: HttpResponse, page: &str) -> HttpResponse {
        let files = self.route.and_then(|route| route.files.as_ref()).unwrap_or(&self.site.files);
        files.instead(self.request, answer, page).await
    }
}

/// A fixed text.
fn fixed(request: &HttpRequest, status: StatusCode, body: &str) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    if body.is_empty() || request.method() == Method::HEAD {
        return answer.finish();
    }
    answer.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))).body(body.to_owned())
}

/// The connection is closed after it, as what follows on it may have been meant for another.
fn bad_host() -> HttpResponse {
    let reason = "a request must have exactly one Host, which is a name or an address with or without a port";
    let mut answer = Code::InvalidInput.because(reason).error_response();
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer
}

fn ambiguous() -> HttpResponse {
    let reason = "the path can be read in several ways that lead to different places: send it without //, ; and encoded slashes";
    Code::InvalidInput.because(reason).error_response()
}
