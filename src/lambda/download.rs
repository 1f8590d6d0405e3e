//! `Code.Location`: addresses of code that are good for ten minutes and need no credential.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{Exception, Result};
use super::request::Call;
use crate::functions::FunctionsService;
use crate::functions::model::{Qualifier, Revision};
use crate::types::Timestamp;

/// Where code is downloaded.
pub(super) const PREFIX: &str = "/lambda-code";

/// How long an address is good, as AWS's.
const LIFETIME: Duration = Duration::from_secs(600);

/// The address of a revision's code.
pub(super) fn location(call: &Call, revision: &Revision) -> Result<String> {
    let expires = call.functions.now().plus(LIFETIME).seconds();
    let path = format!("{PREFIX}/{}/{}/{}", revision.name, revision.version_name(), expires);
    let signature = hmac::sign(&key(&call.functions)?, path.as_bytes());
    Ok(format!("{}{path}/{}", call.public_url.0, URL_SAFE_NO_PAD.encode(signature)))
}

/// Download the code of a function
///
/// The path is what `GetFunction` answers as `Code.Location`; it is good for ten minutes.
#[utoipa::path(
    get,
    path = "/lambda-code/{function}/{version}/{expires}/{signature}",
    operation_id = "download_function_code",
    tag = "lambda",
    security(()),
    params(
        ("function" = String, Path, example = "hello"),
        ("version" = String, Path, example = "$LATEST"),
        ("expires" = i64, Path, description = "Seconds since 1970-01-01"),
        ("signature" = String, Path),
    ),
    responses(
        (status = 200, description = "The code as it was uploaded", body = Vec<u8>, content_type = "application/zip"),
        (status = 404, description = "The address is not good, or no longer", body = super::error::ExceptionBody),
    ),
)]
pub(super) async fn handle(request: HttpRequest, functions: Data<FunctionsService>) -> HttpResponse {
    Box::pin(answer(request.uri().path(), &functions)).await.unwrap_or_else(|exception| exception.response())
}

async fn answer(path: &str, functions: &FunctionsService) -> Result {
    let gone = || Exception::not_found("There is no code at this address, or it is no longer good: ask GetFunction for another.");
    let (signed, signature) = path.rsplit_once('/').ok_or_else(gone)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| gone())?;
    // A client may have encoded the `$`.
    let signed = signed.replace("%24", "$");
    hmac::verify(&key(functions)?, signed.as_bytes(), &signature).map_err(|_| gone())?;
    let parts: Vec<&str> = signed.trim_start_matches(PREFIX).trim_start_matches('/').split('/').collect();
    let [name, version, expires] = parts.as_slice() else { return Err(gone()) };
    let expires = expires.parse::<i64>().ok().and_then(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
    if expires.is_none_or(|expires| expires < functions.now()) {
        return Err(gone());
    }
    let (name, qualifier) = (name.parse().map_err(|_| gone())?, version.parse::<Qualifier>().map_err(|_| gone())?);
    let revision = functions.get_qualified(&name, Some(&qualifier)).await?;
    let source = functions.source(&revision).await?;
    let kind = if source.starts_with(b"PK") { "application/zip" } else { "text/plain; charset=utf-8" };
    let mut response = HttpResponse::Ok();
    response.content_type(kind).insert_header((header::CONTENT_DISPOSITION, "attachment"));
    Ok(response.insert_header((header::CACHE_CONTROL, "private, no-store")).body(source))
}

fn key(functions: &FunctionsService) -> Result<hmac::Key> {
    let key = functions.vault().derive("lambda.code").map_err(Exception::internal)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}
