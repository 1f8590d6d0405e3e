//! The document of the door: one path with its methods, since S3's own document says what they take.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// The document of storage by S3's protocol.
#[derive(OpenApi)]
#[openapi(
    paths(call_s3),
    tags((name = "s3", description = "Storage by S3's protocol, for AWS's SDKs and for every tool that speaks S3: path style, requests \
          are signed (Signature Version 4, service `s3`, any region) with the access key that `plinth keys` shows, or with a user's \
          access token as session token"))
)]
pub struct Doc;

/// A refusal, as XML.
#[derive(Serialize, ToSchema)]
#[schema(as = S3Error, xml(name = "Error"))]
#[serde(rename_all = "PascalCase")]
struct ErrorBody {
    /// S3's code.
    #[schema(example = "NoSuchKey")]
    code: String,
    /// Why.
    #[schema(example = "The specified key does not exist.")]
    message: String,
    /// The bucket and the key.
    #[schema(example = "/avatars/ada/portrait.png")]
    resource: String,
    /// The request's id, as in the server's log.
    request_id: String,
}

/// Call S3's API
///
/// Which operation it is, is said by the method, by whether there is a key, and by the query, as in Amazon's reference:
/// `ListBuckets`, `CreateBucket`, `HeadBucket`, `DeleteBucket`, `GetBucketLocation`, `GetBucketVersioning`, `ListObjects`,
/// `ListObjectsV2`, `PutObject`, `GetObject`, `HeadObject`, `GetObjectAttributes`, `CopyObject`, `DeleteObject`, `DeleteObjects`,
/// `CreateMultipartUpload`, `UploadPart`, `CompleteMultipartUpload`, `AbortMultipartUpload`, `ListParts`, `ListMultipartUploads`. Every
/// other answers `NotImplemented`.
#[utoipa::path(
    method(get, head, put, post, delete),
    path = "/storage/v1/s3/{bucket}/{key}",
    operation_id = "call_s3",
    tag = "s3",
    security(("sigv4" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket; none lists them", example = "avatars"),
        ("key" = String, Path, description = "The object's name; it may have slashes, and none means the bucket", example = "ada/portrait.png"),
        ("uploadId" = Option<String>, Query, description = "The multipart upload that is meant"),
        ("partNumber" = Option<i32>, Query, description = "A part of one"),
        ("list-type" = Option<i32>, Query, description = "2 for `ListObjectsV2`"),
        ("x-amz-content-sha256" = Option<String>, Header, description = "The body's SHA-256, `UNSIGNED-PAYLOAD`, or one of the words for chunks"),
    ),
    request_body(description = "An object's bytes, plain or in chunks (aws-chunked); or an operation's XML",
        content((Vec<u8> = "application/octet-stream"), (String = "application/xml"))),
    responses(
        (status = 200, description = "An object's bytes, or the operation's XML", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 204, description = "Deleted"),
        (status = 206, description = "The part of the bytes that was asked for", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy is good"),
        (status = 400, description = "`InvalidArgument`, `BadDigest`, `EntityTooLarge`, `EntityTooSmall`, `InvalidPart`, `InvalidPartOrder`, …", body = ErrorBody, content_type = "application/xml"),
        (status = 403, description = "`AccessDenied`, `SignatureDoesNotMatch`, `InvalidAccessKeyId`, `RequestTimeTooSkewed`", body = ErrorBody, content_type = "application/xml"),
        (status = 404, description = "`NoSuchBucket`, `NoSuchKey`, `NoSuchUpload`; also when it is not for the caller", body = ErrorBody, content_type = "application/xml"),
        (status = 409, description = "`BucketAlreadyOwnedByYou`, `BucketNotEmpty`", body = ErrorBody, content_type = "application/xml"),
        (status = 412, description = "`PreconditionFailed`", body = ErrorBody, content_type = "application/xml"),
        (status = 416, description = "`InvalidRange`", body = ErrorBody, content_type = "application/xml"),
        (status = 501, description = "`NotImplemented`", body = ErrorBody, content_type = "application/xml"),
        (status = 507, description = "There is no space left; nothing was kept", body = ErrorBody, content_type = "application/xml"),
    ),
)]
#[expect(dead_code, reason = "stands for what door::handle answers")]
async fn call_s3() -> HttpResponse {
    HttpResponse::Ok().finish()
}
