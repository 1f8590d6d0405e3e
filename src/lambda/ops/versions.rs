//! Versions.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::functions::parse_revision;
use crate::functions::Publication;
use crate::lambda::answers::{Configuration, hex_of_base64, json_answer};
use crate::lambda::error::{ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::Changes;

/// A version to be published.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaPublishVersion)]
pub(in crate::lambda) struct PublishVersion {
    /// What the code's hash must be.
    code_sha256: Option<String>,
    description: Option<String>,
    /// The revision that is meant.
    revision_id: Option<String>,
}

/// A page of versions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaVersions)]
pub(in crate::lambda) struct VersionsAnswer {
    versions: Vec<Configuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// Publish a version
///
/// It never changes. When nothing changed since the last version was published, that is answered.
#[utoipa::path(
    post,
    path = "/2015-03-31/functions/{function}/versions",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    request_body = PublishVersion,
    responses(
        (status = 201, description = "The version", body = Configuration),
        (status = 400, description = "The code is another than CodeSha256 says", body = ExceptionBody),
        (status = 404, description = "There is no such function", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the latest", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn publish_version(call: &Call, function: Reference) -> Result {
    let PublishVersion { code_sha256, description, revision_id } = call.json()?;
    Changes { description: description.clone(), ..Changes::default() }.check()?;
    let publication = Publication {
        source_sha256: code_sha256.filter(|hash| !hash.is_empty()).map(|hash| hex_of_base64(&hash)),
        description: description.filter(|text| !text.is_empty()),
        expected: revision_id.filter(|id| !id.is_empty()).as_deref().map(parse_revision).transpose()?,
    };
    let version = call.functions.publish(&function.unqualified()?, &publication).await?;
    json_answer(StatusCode::CREATED, &Configuration::of_version(&call.functions, &version)?)
}

/// List a function's versions
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}/versions",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 10000; a page has 50 at the most"),
    ),
    responses(
        (status = 200, description = "`$LATEST`, then the versions in order", body = VersionsAnswer),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_versions_by_function(call: &Call, function: Reference) -> Result {
    let page = Page::of(call)?;
    let after = page.after.as_deref().and_then(|marker| marker.parse().ok());
    let mut revisions = call.functions.list_versions(&function.unqualified()?, after, page.limit()).await?;
    let next_marker = page.cut(&mut revisions, |last| last.version.unwrap_or_default().to_string());
    let versions = revisions.iter().map(|revision| Configuration::of_version(&call.functions, revision));
    let versions = versions.collect::<Result<Vec<_>>>()?;
    json_answer(StatusCode::OK, &VersionsAnswer { versions, next_marker })
}
