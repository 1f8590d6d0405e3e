//! What S3's headers say of an object, as storage keeps it, and the reverse.

use s3s::dto::{ETag, ETagCondition, Metadata, Timestamp, TimestampFormat};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use crate::aws::{Algorithm, Checksum};
use crate::storage::model::{Declared, MediaType, Mode, Object};
use crate::values::{Type, from_text};

/// Bytes of a header that is kept and sent again.
const MAX_TEXT: usize = 1024;

/// Bytes of the user's metadata.
const MAX_METADATA: usize = 8 * 1024;

/// What the headers of an upload, or of a copy, say.
pub(super) struct Said {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: Option<Metadata>,
}

/// Takes the fields of an operation's input that describe an object.
macro_rules! said {
    ($input:expr) => {
        $crate::storage::s3::declared::Said {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            expires: $input.expires.take(),
            metadata: $input.metadata.take(),
        }
    };
}
pub(super) use said;

impl Said {
    /// What storage keeps of it: what is declared, and what more is known.
    pub(super) fn kept(self) -> Result<(Declared, Map<String, Value>), Fault> {
        let content_type = match self.content_type.filter(|said| !said.is_empty()) {
            // What S3 says of bytes of which nothing is said.
            None => "binary/octet-stream".to_owned(),
            Some(said) => {
                let media = MediaType::parse(&said).ok_or_else(|| Fault::argument("Content-Type must be a media type"))?;
                media.to_string()
            }
        };
        let mut known = Map::new();
        let further = [
            ("contentDisposition", text("Content-Disposition", self.content_disposition)?),
            ("contentLanguage", text("Content-Language", self.content_language)?),
            ("expires", self.expires.as_ref().and_then(http_date)),
        ];
        known.extend(further.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
        let declared = Declared {
            content_type,
            cache_control: text("Cache-Control", self.cache_control)?,
            content_encoding: text("Content-Encoding", self.content_encoding)?,
            user_metadata: self.metadata.map(user_metadata).transpose()?,
        };
        Ok((declared, known))
    }
}

fn text(what: &str, said: Option<String>) -> Result<Option<String>, Fault> {
    let good = |said: &String| said.len() <= MAX_TEXT && said.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match said.map(|said| said.trim().to_owned()).filter(|said| !said.is_empty()) {
        Some(said) if !good(&said) => {
            Err(Fault::argument(format!("{what} has at most {MAX_TEXT} characters, all of them visible ASCII")))
        }
        said => Ok(said),
    }
}

fn user_metadata(said: Metadata) -> Result<Map<String, Value>, Fault> {
    let size: usize = said.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA {
        let message = format!("Your metadata headers exceed the maximum allowed metadata size of {MAX_METADATA} bytes");
        return Err(Fault::new(400, "MetadataTooLarge", message));
    }
    let object: Map<String, Value> = said.into_iter().map(|(name, value)| (name, value.into())).collect();
    // What `jsonb` cannot hold.
    from_text(&Type::Jsonb, &Value::Object(object.clone()).to_string())
        .map(|_| object)
        .map_err(|err| Fault::argument(format!("metadata: {err}")))
}

/// The user's metadata as headers, and how many of it cannot be any.
pub(super) fn metadata_of(object: &Object) -> (Option<Metadata>, Option<i32>) {
    let Some(Value::Object(said)) = &object.user_metadata else { return (None, None) };
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let mut metadata = Metadata::new();
    let mut missing = 0;
    for (name, value) in said {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if is_name(name) && !text.chars().any(char::is_control) {
            metadata.insert(name.to_ascii_lowercase(), text);
        } else {
            missing += 1;
        }
    }
    (Some(metadata).filter(|metadata| !metadata.is_empty()), Some(missing).filter(|missing| *missing > 0))
}

/// How an upload goes by the conditions of its request: `If-None-Match: *` makes it one of a new object, `If-Match` names the object that
/// it replaces. Gives the mode, and the entity tag of what is replaced.
pub(super) fn mode(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> Result<(Mode, Option<String>), Fault> {
    match (if_match, if_none_match) {
        (None, None) => Ok((Mode::Upsert, None)),
        (None, Some(ETagCondition::Any)) => Ok((Mode::Create, None)),
        (Some(ETagCondition::Any), None) => Ok((Mode::Replace, None)),
        (Some(ETagCondition::ETag(tag)), None) => Ok((Mode::Replace, Some(format!("\"{}\"", tag.value())))),
        _ => Err(Fault::not_implemented("If-None-Match with anything but *, or beside If-Match, in an upload")),
    }
}

/// An entity tag as s3s has it.
pub(super) fn tag(etag: &str) -> ETag {
    ETag::Strong(etag.trim_matches('"').to_owned())
}

/// A checksum, as it is kept of an object.
pub(super) fn kept_checksum(checksum: &Checksum, kind: &str) -> Value {
    json!({ "algorithm": checksum.algorithm.name(), "value": checksum.to_string(), "type": kind })
}

/// The checksum that is kept of an object: its kind, its value (`AAAAAA==`, of a multipart upload perhaps `AAAAAA==-3`), its type.
pub(super) fn checksum_of(object: &Object) -> Option<(Algorithm, String, String)> {
    let kept = object.metadata.get("checksum")?;
    let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((Algorithm::parse(&text("algorithm")?)?, text("value")?, text("type")?))
}

/// Puts a checksum into the field of its kind of an operation's output.
macro_rules! put_checksum {
    ($output:expr, $algorithm:expr, $value:expr) => {
        match $algorithm {
            $crate::aws::Algorithm::Crc32 => $output.checksum_crc32 = Some($value),
            $crate::aws::Algorithm::Crc32c => $output.checksum_crc32c = Some($value),
            $crate::aws::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = Some($value),
            $crate::aws::Algorithm::Sha1 => $output.checksum_sha1 = Some($value),
            $crate::aws::Algorithm::Sha256 => $output.checksum_sha256 = Some($value),
        }
    };
}
pub(super) use put_checksum;

/// Refuses what a request asks for and this server has not.
macro_rules! refuse_unsupported {
    ($input:expr) => {
        $crate::storage::s3::declared::supported(&[
            ("server-side encryption", $input.server_side_encryption.is_some() || $input.ssekms_key_id.is_some()),
            ("server-side encryption with a customer's key", $input.sse_customer_algorithm.is_some()),
            ("tagging", $input.tagging.as_ref().is_some_and(|tags| !tags.is_empty())),
            ("object lock", $input.object_lock_mode.is_some() || $input.object_lock_legal_hold_status.is_some()),
            ("x-amz-website-redirect-location", $input.website_redirect_location.is_some()),
            (
                "an ACL, instead of row policies,",
                $input.acl.as_ref().is_some_and(|acl| !matches!(acl.as_str(), "private" | "bucket-owner-full-control"))
                    || $input.grant_read.is_some()
                    || $input.grant_full_control.is_some(),
            ),
            ("a storage class but STANDARD", $input.storage_class.as_ref().is_some_and(|class| class.as_str() != "STANDARD")),
        ])
    };
}
pub(super) use refuse_unsupported;

/// Refuses the first of what is asked for.
pub(super) fn supported(asked: &[(&str, bool)]) -> Result<(), Fault> {
    asked.iter().find(|(_, asked)| *asked).map_or(Ok(()), |(what, _)| Err(Fault::not_implemented(what)))
}

/// A moment as an HTTP date.
fn http_date(moment: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    moment.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// When an object expires, as it was said.
pub(super) fn expires_of(object: &Object) -> Option<Timestamp> {
    Timestamp::parse(TimestampFormat::HttpDate, object.known("expires")?).ok()
}

/// A moment as s3s has it, in whole seconds, since headers have no more.
pub(super) fn moment(at: crate::types::Timestamp) -> Timestamp {
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    Timestamp::from(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}
