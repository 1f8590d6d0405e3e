//! What a path names, decoded strictly: actix's own decoding takes what is no UTF-8 for something else.

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;

use super::error::ApiError;
use crate::storage::model::{BucketName, InvalidName, ObjectName, ObjectPath};

/// Where the API is.
const BASE: &str = "/storage/v1/";

/// The bucket after a part of the path, such as `object/list/`.
pub(super) fn bucket(request: &HttpRequest, after: &str) -> Result<BucketName, ApiError> {
    let rest = rest(request, after)?;
    Ok(BucketName::parse(&decoded(rest.split('/').next().unwrap_or_default())?)?)
}

/// The bucket and the object's name after a part of the path, such as `object/public/`.
pub(super) fn object(request: &HttpRequest, after: &str) -> Result<ObjectPath, ApiError> {
    let (bucket, name) = rest(request, after)?.split_once('/').ok_or_else(ApiError::no_such_path)?;
    Ok(ObjectPath { bucket: BucketName::parse(&decoded(bucket)?)?, name: ObjectName::parse(&decoded(name)?)? })
}

fn rest<'r>(request: &'r HttpRequest, after: &str) -> Result<&'r str, ApiError> {
    let path = request.uri().path().strip_prefix(BASE).and_then(|path| path.strip_prefix(after));
    path.ok_or_else(ApiError::no_such_path)
}

fn decoded(text: &str) -> Result<String, ApiError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| InvalidName("a name is UTF-8, percent-encoded in a path").into())
}
