//! Uploads in forms: what the object is first, then its file.

use actix_multipart::{Field, Multipart};
use actix_web::HttpRequest;
use actix_web::web::Payload;
use futures_util::StreamExt;

use super::plain::{Declared, Target};
use crate::storage::api::error::ApiError;
use crate::storage::api::{body, headers};
use crate::storage::model;
use crate::storage::{StorageService, Stored};

/// Bytes of a field that is not the file.
const MAX_FIELD: usize = 16 * 1024;

/// Fields before the file.
const MAX_FIELDS: usize = 20;

/// Takes a form's file.
pub(super) async fn receive(
    storage: &StorageService,
    to: Target,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Stored, ApiError> {
    let mut form = Multipart::new(request.headers(), payload);
    let mut declared = model::Declared::default();
    for _ in 0..MAX_FIELDS {
        let Some(field) = form.next().await else { break };
        let field = field.map_err(|err| ApiError::invalid(format_args!("the form cannot be read: {err}")))?;
        let name = field.name().unwrap_or_default().to_owned();
        let is_file =
            name.is_empty() || name == "file" || field.content_disposition().is_some_and(|it| it.get_filename().is_some());
        if is_file {
            declared.content_type = headers::media_type(field.content_type().map(AsRef::as_ref))?;
            let stored = file(storage, to, declared, field).await?;
            // Nothing after the file is looked at, but a form that is read to its end leaves the connection to the next request.
            while let Some(Ok(_)) = form.next().await {}
            return Ok(stored);
        }
        let value = value(field).await?;
        match name.as_str() {
            "cacheControl" => declared.cache_control = Some(headers::cache_control(&utf8(value)?)?),
            "contentEncoding" => declared.content_encoding = Some(headers::directives("contentEncoding", &utf8(value)?)?),
            "metadata" => declared.user_metadata = Some(headers::metadata(&value)?),
            // Other fields say nothing here.
            _ => {}
        }
    }
    Err(ApiError::invalid("the form has no file"))
}

async fn file(storage: &StorageService, to: Target, declared: model::Declared, mut field: Field) -> Result<Stored, ApiError> {
    let begun = to.begin(storage, Declared { declared, length: None }).await;
    let poured = match begun {
        Ok(mut upload) => body::pour(&mut field, &mut upload).await.map(|()| upload).map_err(ApiError::from),
        Err(err) => Err(err),
    };
    match poured {
        Ok(upload) => Ok(upload.finish().await?),
        Err(err) => {
            body::drain(field).await;
            Err(err)
        }
    }
}

async fn value(mut field: Field) -> Result<Vec<u8>, ApiError> {
    let mut value = Vec::new();
    while let Some(bytes) = field.next().await {
        value.extend(bytes.map_err(|err| ApiError::invalid(format_args!("the form cannot be read: {err}")))?);
        if value.len() > MAX_FIELD {
            return Err(ApiError::invalid(format_args!("a field of the form has at most {MAX_FIELD} bytes")));
        }
    }
    Ok(value)
}

fn utf8(value: Vec<u8>) -> Result<String, ApiError> {
    String::from_utf8(value).map_err(|_| ApiError::invalid("a field of the form is not UTF-8"))
}
