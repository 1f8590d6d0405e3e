//! From what came of a request to an HTTP answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, HttpResponseBuilder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::ask::Ask;
use super::error::ApiError;
use crate::data::request::headers::{Action, ContentRange};
use crate::data::service::Answer;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A read, or what a function gave: 200, or 206 for a part of what was counted.
///
/// # Errors
/// PGRST103 when the offset is beyond what was counted.
pub(super) fn rows(ask: &Ask, action: Action, answer: Answer) -> Result<HttpResponse, ApiError> {
    if answer.is_void {
        return Ok(started(ask, StatusCode::NO_CONTENT, action).finish());
    }
    let range = ContentRange::of_read(answer.offset, answer.rows, answer.total).map_err(|fault| ask.refused(fault))?;
    let status = StatusCode::from_u16(range.status()).unwrap_or(StatusCode::OK);
    let mut response = started(ask, status, action);
    response.insert_header((header::CONTENT_RANGE, range.to_string()));
    Ok(with_body(ask, &mut response, answer.body))
}

/// An insert: 201, or 200 when every row was there already and was merged.
pub(super) fn inserted(ask: &Ask, relation: &str, answer: Answer) -> HttpResponse {
    let status = if answer.inserted == Some(0) && answer.rows > 0 { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = started(ask, status, Action::Insert { has_key: answer.has_key });
    response.insert_header((header::CONTENT_RANGE, ContentRange::of_places_unknown(answer.rows, ask.wants.counts()).to_string()));
    if let Some(location) = location(relation, &answer.location) {
        response.insert_header((header::LOCATION, location));
    }
    written(ask, &mut response, answer)
}

/// A PUT: 201 for a new row, otherwise as an update.
pub(super) fn put(ask: &Ask, answer: Answer) -> HttpResponse {
    let status = match answer.inserted {
        Some(1..) => StatusCode::CREATED,
        _ if ask.shows_what_it_wrote() => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    let mut response = started(ask, status, Action::Upsert);
    response.insert_header((header::CONTENT_RANGE, ContentRange::of_places_unknown(answer.rows, ask.wants.counts()).to_string()));
    written(ask, &mut response, answer)
}

/// An update or a delete: 204, or 200 with the rows.
pub(super) fn changed(ask: &Ask, action: Action, answer: Answer) -> HttpResponse {
    let status = if ask.shows_what_it_wrote() { StatusCode::OK } else { StatusCode::NO_CONTENT };
    let range = match action {
        Action::Delete => ContentRange::of_places_unknown(answer.rows, ask.wants.counts()),
        _ => ContentRange::of_update(answer.rows, ask.wants.counts()),
    };
    let mut response = started(ask, status, action);
    response.insert_header((header::CONTENT_RANGE, range.to_string()));
    written(ask, &mut response, answer)
}

/// The methods of a resource.
pub(super) fn options(methods: &'static str) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ALLOW, methods)).finish()
}

fn started(ask: &Ask, status: StatusCode, action: Action) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if let Some(applied) = ask.wants.preferences.applied(action) {
        response.insert_header((PREFERENCE_APPLIED, applied));
    }
    response
}

fn written(ask: &Ask, response: &mut HttpResponseBuilder, answer: Answer) -> HttpResponse {
    if ask.shows_what_it_wrote() { with_body(ask, response, answer.body) } else { response.finish() }
}

fn with_body(ask: &Ask, response: &mut HttpResponseBuilder, body: String) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, ask.media.content_type()));
    response.body(body)
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
