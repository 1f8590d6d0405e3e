//! Listings of uploads in parts, and of their parts.

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListPartsInput, ListPartsOutput, MultipartUpload, Part, StorageClass,
};
use serde_json::Value;

use super::buckets::owner;
use super::list::group;
use super::multipart::{KIND, checksum_of_part, has_uploads, upload};
use super::{Answer, Call, bucket, done};
use crate::aws::Algorithm;
use crate::storage::Pieced;
use crate::storage::model::Piece;
use crate::storage::s3::declared::{moment, put_checksum, tag};
use crate::storage::s3::fault::Fault;

/// Lines of an answer at the most.
const MOST: i32 = 1000;

/// Uploads of a bucket that are looked at.
const LOOKED_AT: u32 = 10_000;

fn most(asked: Option<i32>) -> Result<i32, Fault> {
    match asked.unwrap_or(MOST) {
        asked @ 0.. => Ok(asked.min(MOST)),
        _ => Err(Fault::argument("the number of lines must be an integer between 0 and 2147483647")),
    }
}

pub(in crate::storage::s3) async fn parts(call: &Call, input: ListPartsInput) -> Answer<ListPartsOutput> {
    let upload = upload(call, (&input.bucket, &input.key), &input.upload_id).await?;
    let most = most(input.max_parts)?;
    let after = input.part_number_marker.and_then(|after| u32::try_from(after).ok()).unwrap_or(0);
    let mut pieces = call.storage.pieces(upload.id).await?;
    pieces.retain(|piece| piece.part > after);
    let has_more = pieces.len() > usize::try_from(most).unwrap_or(0);
    pieces.truncate(usize::try_from(most).unwrap_or(0));
    let next = pieces.last().filter(|_| has_more).and_then(|piece| i32::try_from(piece.part).ok());
    let (checksum_algorithm, checksum_type) = announced(&upload);
    done(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm,
        checksum_type,
        initiator: Some(initiator()),
        owner: Some(owner()),
        is_truncated: Some(has_more),
        max_parts: Some(most),
        part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
        next_part_number_marker: next,
        parts: Some(pieces.iter().map(part).collect()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..ListPartsOutput::default()
    })
}

fn part(piece: &Piece) -> Part {
    let mut part = Part {
        e_tag: Some(tag(&piece.md5)),
        last_modified: Some(moment(piece.created_at)),
        part_number: i32::try_from(piece.part).ok(),
        size: i64::try_from(piece.size).ok(),
        ..Part::default()
    };
    if let Some(checksum) = checksum_of_part(piece) {
        put_checksum!(part, checksum.algorithm, checksum.to_string());
    }
    part
}

fn initiator() -> Initiator {
    let owner = owner();
    Initiator { display_name: owner.display_name, id: owner.id }
}

/// Which checksum an upload is to have.
fn announced(upload: &Pieced) -> (Option<ChecksumAlgorithm>, Option<ChecksumType>) {
    let text = |name: &str| upload.known.get("checksum")?.get(name).and_then(Value::as_str);
    let algorithm = text("algorithm").and_then(Algorithm::parse).map(|known| ChecksumAlgorithm::from_static(known.name()));
    (algorithm, text("type").map(|kind| ChecksumType::from(kind.to_owned())))
}

pub(in crate::storage::s3) async fn list(call: &Call, input: ListMultipartUploadsInput) -> Answer<ListMultipartUploadsOutput> {
    has_uploads(call)?;
    let (bucket, most) = (bucket(&input.bucket)?, most(input.max_uploads)?);
    let prefix = input.prefix.clone().unwrap_or_default();
    let found = call.storage.list_pieced(&call.session.caller, KIND, (&bucket, &prefix), LOOKED_AT).await?;
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().unwrap_or_default();
    let is_after = |upload: &Pieced| {
        let (name, id) = (upload.path.name.as_str(), upload.id.to_string());
        name > key_marker.as_str() || (name == key_marker && !id_marker.is_empty() && id > id_marker)
    };
    let delimiter = input.delimiter.clone().unwrap_or_default();
    let (mut uploads, mut prefixes): (Vec<MultipartUpload>, Vec<String>) = (Vec::new(), Vec::new());
    let mut has_more = false;
    for found in found.into_iter().filter(is_after) {
        let group = group(found.path.name.as_str(), &prefix, &delimiter);
        if group.is_some() && (group.as_ref() == prefixes.last() || group.as_ref().is_some_and(|group| *group == key_marker)) {
            continue;
        }
        if uploads.len() + prefixes.len() == usize::try_from(most).unwrap_or(0) {
            has_more = true;
            break;
        }
        match group {
            Some(group) => prefixes.push(group),
            None => uploads.push(view(&found)),
        }
    }
    let last = uploads.last().filter(|_| has_more);
    let next_key = last.and_then(|last| last.key.clone()).max(prefixes.last().filter(|_| has_more).cloned());
    let next_id = last.filter(|last| last.key == next_key).and_then(|last| last.upload_id.clone());
    let common = prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect::<Vec<_>>();
    done(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(common).filter(|common| !common.is_empty()),
        delimiter: input.delimiter,
        is_truncated: Some(has_more),
        key_marker: input.key_marker,
        max_uploads: Some(most),
        next_key_marker: next_key,
        next_upload_id_marker: next_id,
        prefix: input.prefix,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads),
        ..ListMultipartUploadsOutput::default()
    })
}

fn view(found: &Pieced) -> MultipartUpload {
    let (checksum_algorithm, checksum_type) = announced(found);
    MultipartUpload {
        checksum_algorithm,
        checksum_type,
        initiated: Some(moment(found.created_at)),
        initiator: Some(initiator()),
        key: Some(found.path.name.to_string()),
        owner: Some(owner()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(found.id.to_string()),
    }
}
