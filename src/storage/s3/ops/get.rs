//! Reading an object, or what is known of it.

use std::ops::Range;

use futures_util::TryStreamExt;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::S3Response;
use s3s::dto::{
    Checksum, ChecksumType, ETagCondition, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectPart, StorageClass, StreamingBlob, Timestamp,
};

use super::{Answer, Call, done, only_version, path};
use crate::storage::model::{Object, Version, is_active};
use crate::storage::s3::declared::{checksum_of, expires_of, metadata_of, moment, put_checksum, tag};
use crate::storage::s3::fault::Fault;

/// The conditions of a request.
pub(super) struct Conditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) none_matches: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

/// What the conditions leave of a request.
pub(super) enum Held {
    Yes,
    /// The client's copy is good.
    NotModified,
    No,
}

impl Conditions {
    /// `If-Match` goes before `If-Unmodified-Since`, `If-None-Match` before `If-Modified-Since`.
    pub(super) fn of(&self, object: &Object) -> Held {
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(known) => known.value() == object.etag().trim_matches('"'),
        };
        let modified = moment(object.last_modified());
        let must = match (&self.matches, &self.unmodified_since) {
            (Some(matches), _) => is(matches),
            (None, Some(since)) => modified <= *since,
            (None, None) => true,
        };
        let is_current = match (&self.none_matches, &self.modified_since) {
            (Some(none), _) => is(none),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        match (must, is_current) {
            (false, _) => Held::No,
            (true, true) => Held::NotModified,
            (true, false) => Held::Yes,
        }
    }
}

/// Takes the conditions out of an operation's input.
macro_rules! conditions {
    ($input:expr) => {
        Conditions {
            matches: $input.if_match.take(),
            none_matches: $input.if_none_match.take(),
            modified_since: $input.if_modified_since.take(),
            unmodified_since: $input.if_unmodified_since.take(),
        }
    };
}

/// Which bytes of an object are asked for.
struct Part {
    range: Range<u64>,
    /// For answers with a part of it.
    content_range: Option<String>,
    parts: Option<i32>,
}

async fn part(call: &Call, object: &Object, range: Option<s3s::dto::Range>, number: Option<i32>) -> Result<Part, Fault> {
    let size = object.size();
    let invalid = || Fault::new(416, "InvalidRange", "The requested range is not satisfiable");
    let (range, parts) = match (range, number) {
        (Some(_), Some(_)) => return Err(Fault::request("Cannot specify both Range header and partNumber query parameter")),
        (None, None) => return Ok(Part { range: 0..size, content_range: None, parts: None }),
        (Some(range), None) => (range.check(size).map_err(|_| invalid())?, None),
        (None, Some(number)) => {
            let (range, parts) = part_of(call, object, number).await?;
            (range, Some(parts).filter(|parts| *parts > 0))
        }
    };
    let content_range = (!range.is_empty()).then(|| format!("bytes {}-{}/{size}", range.start, range.end - 1));
    Ok(Part { range, content_range, parts })
}

/// The bytes of a part of a multipart upload, and how many parts there are; an object that came in one go is its only part.
async fn part_of(call: &Call, object: &Object, number: i32) -> Result<(Range<u64>, i32), Fault> {
    let invalid = || Fault::new(416, "InvalidPartNumber", "The requested partnumber is not satisfiable");
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).ok_or_else(invalid)?;
    let sizes = match object.version() {
        Some(Version { id, pieces: 1.. }) => call.storage.pieces(id).await?.into_iter().map(|piece| piece.size).collect(),
        _ => vec![object.size()],
    };
    let size = *sizes.get(index).ok_or_else(invalid)?;
    let begin = sizes[..index].iter().sum();
    let parts = object.etag().contains('-').then_some(sizes.len()).and_then(|parts| i32::try_from(parts).ok());
    Ok((begin..begin + size, parts.unwrap_or(0)))
}

/// Fills what answers with an object and answers about one have in common.
macro_rules! described {
    ($output:ident, $object:expr, $part:expr, $checksums:expr) => {{
        let object = $object;
        let (metadata, missing_meta) = metadata_of(object);
        let known = |name: &str| object.known(name).map(str::to_owned);
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: known("cacheControl"),
            content_disposition: known("contentDisposition"),
            content_encoding: known("contentEncoding"),
            content_language: known("contentLanguage"),
            content_length: i64::try_from($part.range.end - $part.range.start).ok(),
            content_range: $part.content_range.clone(),
            content_type: Some(object.media_type().to_owned()),
            e_tag: Some(tag(object.etag())),
            expires: expires_of(object),
            last_modified: Some(moment(object.last_modified())),
            metadata,
            missing_meta,
            parts_count: $part.parts,
            ..$output::default()
        };
        if let Some((algorithm, value, kind)) = checksum_of(object).filter(|_| $checksums && $part.content_range.is_none()) {
            output.checksum_type = Some(ChecksumType::from(kind));
            put_checksum!(output, algorithm, value);
        }
        output
    }};
}

/// Which object it is, when the conditions hold.
async fn found(
    call: &Call,
    (bucket, key): (&str, &str),
    version: Option<&str>,
    conditions: &Conditions,
) -> Result<Object, Fault> {
    only_version(version)?;
    let object = call.storage.find(&call.session.caller, &path(bucket, key)?).await?;
    match conditions.of(&object) {
        Held::Yes => Ok(object),
        Held::NotModified => Err(Fault::new(304, "NotModified", "Not Modified")),
        Held::No => Err(Fault::precondition()),
    }
}

pub(in crate::storage::s3) async fn get(call: &Call, mut input: GetObjectInput) -> Answer<GetObjectOutput> {
    let conditions = conditions!(input);
    let object = found(call, (&input.bucket, &input.key), input.version_id.as_deref(), &conditions).await?;
    let part = part(call, &object, input.range, input.part_number).await?;
    let mut output = described!(GetObjectOutput, &object, &part, input.checksum_mode.is_some());
    let shown = input.response_content_type.as_deref().unwrap_or(object.media_type());
    let headers = guarded(call, shown);
    let opened = call.storage.open(object, Some(part.range)).await?;
    let frames = StreamBody::new(opened.bytes.map_ok(Frame::data));
    output.body = Some(StreamingBlob::from(s3s::Body::http_body_unsync(frames)));
    Ok(S3Response::with_headers(output, headers))
}

pub(in crate::storage::s3) async fn head(call: &Call, mut input: HeadObjectInput) -> Answer<HeadObjectOutput> {
    let conditions = conditions!(input);
    let object = found(call, (&input.bucket, &input.key), input.version_id.as_deref(), &conditions).await?;
    let part = part(call, &object, input.range, input.part_number).await?;
    let output = described!(HeadObjectOutput, &object, &part, input.checksum_mode.is_some());
    Ok(S3Response::with_headers(output, guarded(call, object.media_type())))
}

/// What keeps a browser that follows a presigned URL from running what it gets with the rights of this server's own address.
fn guarded(call: &Call, media: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_active(media) && !call.storage.config().active_inline {
        let policy = HeaderValue::from_static("sandbox; default-src 'none'");
        headers.insert(http::header::CONTENT_SECURITY_POLICY, policy);
    }
    headers
}

pub(in crate::storage::s3) async fn attributes(
    call: &Call,
    input: GetObjectAttributesInput,
) -> Answer<GetObjectAttributesOutput> {
    only_version(input.version_id.as_deref())?;
    let object = call.storage.find(&call.session.caller, &path(&input.bucket, &input.key)?).await?;
    // They may come in one header, joined by commas.
    let asked: Vec<&str> = input.object_attributes.iter().flat_map(|asked| asked.as_str().split(',')).map(str::trim).collect();
    let asks = |name: &str| asked.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    let mut output =
        GetObjectAttributesOutput { last_modified: Some(moment(object.last_modified())), ..GetObjectAttributesOutput::default() };
    output.e_tag = asks("ETag").then(|| tag(object.etag()));
    output.object_size = asks("ObjectSize").then(|| i64::try_from(object.size()).unwrap_or(i64::MAX));
    output.storage_class = asks("StorageClass").then(|| StorageClass::from_static(StorageClass::STANDARD));
    if let Some((algorithm, value, kind)) = checksum_of(&object).filter(|_| asks("Checksum")) {
        let mut checksum = Checksum { checksum_type: Some(ChecksumType::from(kind)), ..Checksum::default() };
        put_checksum!(checksum, algorithm, value);
        output.checksum = Some(checksum);
    }
    if asks("ObjectParts") && object.etag().contains('-') {
        output.object_parts = Some(parts(call, &object, &input).await?);
    }
    done(output)
}

async fn parts(call: &Call, object: &Object, input: &GetObjectAttributesInput) -> Result<GetObjectAttributesParts, Fault> {
    let pieces = match object.version() {
        Some(Version { id, pieces: 1.. }) => call.storage.pieces(id).await?,
        _ => Vec::new(),
    };
    let most = input.max_parts.and_then(|most| usize::try_from(most).ok()).unwrap_or(1000).min(1000);
    let after = input.part_number_marker.and_then(|after| usize::try_from(after).ok()).unwrap_or(0);
    let total = pieces.len();
    let view = |(index, piece): (usize, crate::storage::model::Piece)| ObjectPart {
        part_number: i32::try_from(index + 1).ok(),
        size: i64::try_from(piece.size).ok(),
        ..ObjectPart::default()
    };
    let parts: Vec<ObjectPart> = pieces.into_iter().enumerate().skip(after).take(most).map(view).collect();
    Ok(GetObjectAttributesParts {
        is_truncated: Some(after + parts.len() < total),
        max_parts: i32::try_from(most).ok(),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: input.part_number_marker,
        total_parts_count: i32::try_from(total).ok(),
        parts: Some(parts),
    })
}
