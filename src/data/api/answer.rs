//! From what came of a request to an HTTP answer.

use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::ask::Ask;
use crate::data::request::headers::{Action, ContentRange};
use crate::data::service::{Answer, Return};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A read, or what a function gave: 200, or 206 for a part of what was counted.
pub(super) fn rows(ask: &Ask, action: Action, answer: Answer) -> HttpResponse {
    if answer.is_void {
        return started(ask, StatusCode::NO_CONTENT, action).finish();
    }
    let is_part = answer.total.is_some_and(|total| answer.offset + answer.rows < total || answer.offset > 0);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = started(ask, status, action);
    response.insert_header((header::CONTENT_RANGE, ContentRange::of(answer.offset, answer.rows, answer.total).to_string()));
    with_body(ask, &mut response, answer.body)
}

/// An insert: 201, or 200 when every row was there already and was merged.
pub(super) fn inserted(ask: &Ask, action: Action, relation: &str, answer: Answer) -> HttpResponse {
    let status = if answer.inserted == Some(0) && answer.rows > 0 { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = started(ask, status, action);
    response.insert_header((header::CONTENT_RANGE, counted("*", answer.total)));
    if let Some(location) = location(relation, &answer.location) {
        response.insert_header((header::LOCATION, location));
    }
    written(ask, &mut response, answer)
}

/// A PUT: 201 for a new row, otherwise as an update.
pub(super) fn put(ask: &Ask, answer: Answer) -> HttpResponse {
    let status = match (answer.inserted, ask.wants.returning) {
        (Some(1..), _) => StatusCode::CREATED,
        (_, Return::Representation) => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    let mut response = started(ask, status, Action::Upsert);
    response.insert_header((header::CONTENT_RANGE, counted("*", answer.total)));
    written(ask, &mut response, answer)
}

/// An update or a delete: 204, or 200 with the rows.
pub(super) fn changed(ask: &Ask, method: &Method, answer: Answer) -> HttpResponse {
    let status = match ask.wants.returning {
        Return::Representation => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    let (action, range) = match *method {
        Method::DELETE => (Action::Delete, "*".to_owned()),
        _ if answer.rows == 0 => (Action::Update, "*".to_owned()),
        _ => (Action::Update, format!("0-{}", answer.rows - 1)),
    };
    let mut response = started(ask, status, action);
    response.insert_header((header::CONTENT_RANGE, counted(&range, answer.total)));
    written(ask, &mut response, answer)
}

/// The methods of a resource.
pub(super) fn options(methods: &'static str) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ALLOW, methods)).finish()
}

fn started(ask: &Ask, status: StatusCode, action: Action) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if let Some(applied) = ask.preferences.applied(action) {
        response.insert_header((PREFERENCE_APPLIED, applied));
    }
    response
}

fn written(ask: &Ask, response: &mut HttpResponseBuilder, answer: Answer) -> HttpResponse {
    match ask.wants.returning {
        Return::Representation => with_body(ask, response, answer.body),
        Return::Minimal | Return::HeadersOnly => response.finish(),
    }
}

fn with_body(ask: &Ask, response: &mut HttpResponseBuilder, body: String) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, ask.media.content_type()));
    response.body(body)
}

fn counted(range: &str, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{range}/{total}"),
        None => format!("{range}/*"),
    }
}

/// `/tasks?id=eq.7`: where the one new row is.
fn location(relation: &str, key: &[(String, String)]) -> Option<String> {
    if key.is_empty() {
        return None;
    }
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let filters: Vec<String> = key.iter().map(|(column, value)| format!("{}=eq.{}", escaped(column), escaped(value))).collect();
    Some(format!("/{}?{}", escaped(relation), filters.join("&")))
}
