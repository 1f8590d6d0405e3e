//! What a request asks for, taken from its headers and its query.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Payload};

use super::error::ApiError;
use crate::auth::api;
use crate::data::Error;
use crate::data::request::headers::Profile;
use crate::data::request::{Accept, Content, Fault, Media, Offers, Preferences, Range, Representation, limits};
use crate::data::service::{Caller, Shape, Wants};

/// The schemas that the API shows.
const EXPOSED: [&str; 1] = ["public"];

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Everything of a request but its path, its query and its body.
pub(super) struct Ask {
    pub(super) caller: Caller,
    pub(super) media: Media,
    pub(super) wants: Wants,
}

impl Ask {
    /// Reads who asks and the headers.
    ///
    /// # Errors
    /// PGRST301, 302 and 303 for who asks; PGRST106 for a schema, PGRST107 for a form and PGRST122 for a preference that is not known.
    pub(super) fn of(request: &HttpRequest, caller: &api::Caller) -> Result<Self, ApiError> {
        let caller = Caller::from(caller.require()?);
        schema(request)?;
        let preferences = Preferences::parse(texts(request, &PREFER))?;
        let media = media(request, Offers::Rows)?;
        let (shape, nulls_stripped) = match media {
            Media::Object { strip_nulls } => (Shape::Object, strip_nulls),
            Media::Csv => (Shape::Csv, false),
            Media::Array { strip_nulls } => (Shape::Array, strip_nulls),
            Media::OpenApi => (Shape::Array, false),
        };
        Ok(Self { caller, media, wants: Wants { shape, nulls_stripped, preferences } })
    }

    /// Whether the rows that were written are the answer.
    pub(super) fn shows_what_it_wrote(&self) -> bool {
        self.wants.preferences.representation == Some(Representation::Full)
    }

    /// The range of rows that a GET asks for.
    pub(super) fn range(request: &HttpRequest) -> Result<Option<Range>, ApiError> {
        if request.method() != Method::GET {
            return Ok(None);
        }
        match texts(request, &header::RANGE).next() {
            Some(text) => Ok(Range::parse(text)?),
            None => Ok(None),
        }
    }

    /// An error, as this caller is told it.
    pub(super) fn refused(&self, error: impl Into<Error>) -> ApiError {
        ApiError::told_to(self.caller.role, error)
    }
}

/// Looks that the schema which is asked for is there.
///
/// # Errors
/// PGRST106.
pub(super) fn schema(request: &HttpRequest) -> Result<(), Fault> {
    let profile = Profile::of_method(request.method().as_str());
    Profile::schema(texts(request, &HeaderName::from_static(profile.header())).next(), &EXPOSED).map(drop)
}

/// The form of the answer.
///
/// # Errors
/// PGRST107.
pub(super) fn media(request: &HttpRequest, offers: Offers) -> Result<Media, Fault> {
    Accept::parse(texts(request, &header::ACCEPT))?.choose(offers)
}

/// The values of a header that are text.
fn texts<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    request.headers().get_all(name).filter_map(|value| value.to_str().ok())
}

/// A whole body.
///
/// # Errors
/// PGRST102 when it breaks off; 413 when it is longer than [`limits::MAX_BODY_BYTES`].
pub(super) async fn body(payload: Payload) -> Result<Bytes, Fault> {
    match payload.to_bytes_limited(limits::MAX_BODY_BYTES).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(err)) => Err(Fault::Body(format!("the body broke off: {err}"))),
        Err(_) => Err(Fault::BodyLimit { what: "bytes", limit: limits::MAX_BODY_BYTES }),
    }
}

/// What the body is said to be.
///
/// # Errors
/// PGRST102 for a type that is not read.
pub(super) fn content(request: &HttpRequest) -> Result<Content, Fault> {
    Content::of(request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()))
}
