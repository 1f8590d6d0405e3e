//! Uploads in parts: begun, filled, completed, aborted.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt;
use md5::{Digest, Md5};
use s3s::S3Response;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput, UploadPartInput,
    UploadPartOutput,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::put::cut;
use super::{Answer, Call, done, new_path};
use crate::aws::{Algorithm, Checksum};
use crate::storage::model::{Mode, Object, Piece, Terms, Uploading};
use crate::storage::s3::declared::{checksum_of, mode, put_checksum, refuse_unsupported, said, tag};
use crate::storage::s3::fault::Fault;
use crate::storage::{Error, Pieced};

/// Keeps these uploads apart from those of other surfaces.
pub(super) const KIND: &str = "s3";

/// How long an upload may take.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Bytes that every part but the last has at least, and that any has at the most.
const SMALLEST: u64 = 5 * 1024 * 1024;
const GREATEST: u64 = 5 * 1024 * 1024 * 1024;

/// Refuses those to whom no upload could be told apart from another's.
pub(super) fn has_uploads(call: &Call) -> Result<(), Fault> {
    let caller = &call.session.caller;
    if caller.is_service() || caller.owner.is_some() {
        return Ok(());
    }
    Err(Fault::new(403, "AccessDenied", "Access Denied: a multipart upload needs a signed-in user"))
}

/// The upload of an id, if it is one of this name and of the caller.
pub(super) async fn upload(call: &Call, (bucket_name, key): (&str, &str), id: &str) -> Result<Pieced, Fault> {
    has_uploads(call)?;
    let id = Uuid::parse_str(id).map_err(|_| Error::NoSuchUpload)?;
    let found = call.storage.pieced(&call.session.caller, KIND, id).await?;
    let path = new_path(bucket_name, key).map_err(|_| Error::NoSuchUpload)?;
    if found.path == path { Ok(found) } else { Err(Error::NoSuchUpload.into()) }
}

pub(in crate::storage::s3) async fn create(
    call: &Call,
    mut input: CreateMultipartUploadInput,
) -> Answer<CreateMultipartUploadOutput> {
    refuse_unsupported!(input)?;
    has_uploads(call)?;
    let path = new_path(&input.bucket, &input.key)?;
    let (declared, mut known) = said!(input).kept()?;
    let mut output = CreateMultipartUploadOutput::default();
    if let Some((algorithm, kind)) = checksum_kind(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())? {
        known.insert("checksum".to_owned(), json!({ "algorithm": algorithm.name(), "type": kind }));
        output.checksum_algorithm = Some(ChecksumAlgorithm::from_static(algorithm.name()));
        output.checksum_type = Some(ChecksumType::from_static(kind));
    }
    let what = Uploading { path, mode: Mode::Upsert, declared, length: None };
    let begun = call.storage.begin_pieces_knowing(&call.session.caller, KIND, what, (LIFETIME, known)).await?;
    output.bucket = Some(input.bucket);
    output.key = Some(input.key);
    output.upload_id = Some(begun.id.to_string());
    done(output)
}

/// Which checksum an upload is to have: of its parts' checksums, or of the whole.
fn checksum_kind(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> Result<Option<(Algorithm, &'static str)>, Fault> {
    let Some(said) = algorithm else { return Ok(None) };
    let algorithm = Algorithm::parse(said.as_str());
    let algorithm = algorithm.ok_or_else(|| Fault::request("Checksum algorithm provided is unsupported."))?;
    let usual = if algorithm == Algorithm::Crc64Nvme { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    let kind = match kind.map(ChecksumType::as_str) {
        None => usual,
        Some(ChecksumType::FULL_OBJECT) if algorithm.combines() => ChecksumType::FULL_OBJECT,
        Some(ChecksumType::COMPOSITE) if algorithm != Algorithm::Crc64Nvme => ChecksumType::COMPOSITE,
        Some(other) => {
            let message = format!("The {other} checksum type cannot be used with the {} checksum algorithm.", said.as_str());
            return Err(Fault::request(message));
        }
    };
    Ok(Some((algorithm, kind)))
}

pub(in crate::storage::s3) async fn part(call: &Call, input: UploadPartInput) -> Answer<UploadPartOutput> {
    if input.sse_customer_algorithm.is_some() {
        return Err(Fault::not_implemented("server-side encryption with a customer's key"));
    }
    let upload = upload(call, (&input.bucket, &input.key), &input.upload_id).await?;
    let limit = upload.limit.min(GREATEST);
    if input.content_length.and_then(|length| u64::try_from(length).ok()).is_some_and(|length| length > limit) {
        return Err(Error::TooLarge { limit }.into());
    }
    let number = u32::try_from(input.part_number).unwrap_or(0);
    let invalid = |_| Fault::argument("Part number must be an integer between 1 and 10000, inclusive");
    let mut piece = call.storage.begin_piece(&upload, number, limit).map_err(invalid)?;
    if let Some(mut body) = input.body {
        while let Some(next) = body.next().await {
            piece.write(&next.map_err(cut)?).await?;
        }
    }
    let checksum = call.session.received.checksum();
    let kept = checksum.as_ref().map(|checksum| format!("{}:{checksum}", checksum.algorithm.name()));
    let piece = piece.finish_with(kept).await?;
    let mut output = UploadPartOutput { e_tag: Some(tag(&piece.md5)), ..UploadPartOutput::default() };
    if let Some(checksum) = checksum {
        put_checksum!(output, checksum.algorithm, checksum.to_string());
    }
    done(output)
}

/// The checksum that is kept of a part.
pub(super) fn checksum_of_part(piece: &Piece) -> Option<Checksum> {
    let (algorithm, value) = piece.checksum.as_deref()?.split_once(':')?;
    Algorithm::parse(algorithm)?.read(value)
}

pub(in crate::storage::s3) async fn complete(
    call: &Call,
    mut input: CompleteMultipartUploadInput,
) -> Answer<CompleteMultipartUploadOutput> {
    let names = (input.bucket.as_str(), input.key.as_str());
    let mut upload = match upload(call, names, &input.upload_id).await {
        Err(fault) if fault.code == "NoSuchUpload" => {
            let done_before = completed(call, names, &input.upload_id).await?.ok_or(fault)?;
            return done(answer(&input, done_before.etag(), checksum_of(&done_before)));
        }
        found => found?,
    };
    let listed = input.multipart_upload.take().and_then(|listed| listed.parts).unwrap_or_default();
    let pieces = named(&listed, call.storage.pieces(upload.id).await?)?;
    let size: u64 = pieces.iter().map(|piece| piece.size).sum();
    if input.mpu_object_size.is_some_and(|said| u64::try_from(said) != Ok(size)) {
        return Err(Fault::request("The provided 'x-amz-mp-object-size' header value does not match what was computed."));
    }
    let (how, replaces) = mode(input.if_match.take(), input.if_none_match.take())?;
    upload.mode = how;
    let checksum = whole_checksum(&upload.known, &pieces);
    hold_to_said(&input, checksum.as_ref())?;
    // One without a value is none.
    upload.known.remove("checksum");
    let mut known = Map::new();
    if let Some((algorithm, value, kind)) = &checksum {
        known.insert("checksum".to_owned(), json!({ "algorithm": algorithm.name(), "value": value, "type": kind }));
    }
    let (numbers, etag): (Vec<u32>, String) = (pieces.iter().map(|piece| piece.part).collect(), etag(&pieces));
    let terms = Terms { replaces, known };
    let stored = call.storage.complete_pieces_under(&call.session.caller, &upload, (&numbers, &etag), terms).await?;
    done(answer(&input, &stored.etag, checksum))
}

fn answer(
    input: &CompleteMultipartUploadInput,
    etag: &str,
    checksum: Option<(Algorithm, String, String)>,
) -> CompleteMultipartUploadOutput {
    let mut output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        e_tag: Some(tag(etag)),
        ..CompleteMultipartUploadOutput::default()
    };
    if let Some((algorithm, value, kind)) = checksum {
        output.checksum_type = Some(ChecksumType::from(kind));
        put_checksum!(output, algorithm, value);
    }
    output
}

/// The object that an upload became, when a client asks again since it did not see the answer.
async fn completed(call: &Call, (bucket_name, key): (&str, &str), id: &str) -> Result<Option<Object>, Fault> {
    let (Ok(id), Ok(path)) = (Uuid::parse_str(id), new_path(bucket_name, key)) else { return Ok(None) };
    match call.storage.find(&call.session.caller, &path).await {
        Ok(object) => Ok(Some(object).filter(|object| object.version().is_some_and(|version| version.id == id))),
        Err(Error::NoSuchKey) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

/// The pieces that are named, in their order, when they are there as they are named.
fn named(listed: &[CompletedPart], there: Vec<Piece>) -> Result<Vec<Piece>, Fault> {
    if listed.is_empty() {
        return Err(Fault::new(400, "MalformedXML", "You must specify at least one part"));
    }
    let numbers: Vec<u32> =
        listed.iter().map(|part| part.part_number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)).collect();
    if numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
        let message = "The list of parts was not in ascending order. The parts list must be specified in order by part number.";
        return Err(Fault::new(400, "InvalidPartOrder", message));
    }
    let mut there = there.into_iter().peekable();
    let mut pieces = Vec::with_capacity(listed.len());
    for (said, number) in listed.iter().zip(numbers) {
        while there.next_if(|piece| piece.part < number).is_some() {}
        let piece = there.next_if(|piece| piece.part == number && is_as_said(piece, said));
        let missing = || {
            let message = "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                           specified entity tag may not match the part's entity tag.";
            Fault::new(400, "InvalidPart", message)
        };
        pieces.push(piece.ok_or_else(missing)?);
    }
    let is_small = |piece: &Piece| piece.size < SMALLEST;
    if pieces.iter().rev().skip(1).any(is_small) {
        return Err(Fault::new(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(pieces)
}

fn is_as_said(piece: &Piece, said: &CompletedPart) -> bool {
    let checksums = [
        (Algorithm::Crc32, &said.checksum_crc32),
        (Algorithm::Crc32c, &said.checksum_crc32c),
        (Algorithm::Crc64Nvme, &said.checksum_crc64nvme),
        (Algorithm::Sha1, &said.checksum_sha1),
        (Algorithm::Sha256, &said.checksum_sha256),
    ];
    let kept = checksum_of_part(piece);
    let holds = |(algorithm, value): &(Algorithm, &Option<String>)| match (value, &kept) {
        (Some(value), Some(kept)) if kept.algorithm == *algorithm => algorithm.read(value).as_ref() == Some(kept),
        // Nothing was said of the part when it came.
        _ => true,
    };
    said.e_tag.as_ref().is_some_and(|tag| tag.value() == piece.md5) && checksums.iter().all(holds)
}

/// The checksum of the whole, where every part has one of the kind that was announced.
fn whole_checksum(known: &Map<String, Value>, pieces: &[Piece]) -> Option<(Algorithm, String, String)> {
    let announced = known.get("checksum")?;
    let text = |name: &str| announced.get(name).and_then(Value::as_str);
    let (algorithm, kind) = (Algorithm::parse(text("algorithm")?)?, text("type")?);
    let parts: Vec<Checksum> = pieces
        .iter()
        .map(|piece| checksum_of_part(piece).filter(|checksum| checksum.algorithm == algorithm))
        .collect::<Option<_>>()?;
    let value = if kind == ChecksumType::FULL_OBJECT {
        let sized = parts.iter().zip(pieces).map(|(part, piece)| (part, piece.size));
        Checksum::combined(algorithm, sized)?.to_string()
    } else {
        format!("{}-{}", Checksum::composed(algorithm, &parts), parts.len())
    };
    Some((algorithm, value, kind.to_owned()))
}

/// Holds the checksum of the whole to what the request says it is.
fn hold_to_said(input: &CompleteMultipartUploadInput, checksum: Option<&(Algorithm, String, String)>) -> Result<(), Fault> {
    let Some((algorithm, value, _)) = checksum else { return Ok(()) };
    let said = match algorithm {
        Algorithm::Crc32 => &input.checksum_crc32,
        Algorithm::Crc32c => &input.checksum_crc32c,
        Algorithm::Crc64Nvme => &input.checksum_crc64nvme,
        Algorithm::Sha1 => &input.checksum_sha1,
        Algorithm::Sha256 => &input.checksum_sha256,
    };
    // Of parts' checksums some clients leave the number of parts out.
    let bare = value.split('-').next().unwrap_or_default();
    match said {
        Some(said) if said != value && said != bare => {
            let message = format!("The {} you specified did not match the calculated checksum.", algorithm.name());
            Err(Fault::new(400, "BadDigest", message))
        }
        _ => Ok(()),
    }
}

/// The MD5 of the parts' MD5s, and their number, with its quotes.
fn etag(pieces: &[Piece]) -> String {
    let mut whole = Md5::new();
    for piece in pieces {
        let bytes: Vec<u8> =
            (0..piece.md5.len() / 2).filter_map(|at| u8::from_str_radix(piece.md5.get(at * 2..at * 2 + 2)?, 16).ok()).collect();
        whole.update(bytes);
    }
    let mut etag = String::from("\"");
    for byte in whole.finalize() {
        // Writing to a string does not fail.
        let _ = write!(etag, "{byte:02x}");
    }
    let _ = write!(etag, "-{}\"", pieces.len());
    etag
}

pub(in crate::storage::s3) async fn abort(call: &Call, input: AbortMultipartUploadInput) -> Answer<AbortMultipartUploadOutput> {
    let upload = upload(call, (&input.bucket, &input.key), &input.upload_id).await?;
    call.storage.abandon(upload.id).await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
