//! Copying an object.

use s3s::dto::{ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, MetadataDirective};
use serde_json::Value;

use super::get::{Conditions, Held};
use super::{Answer, Call, done, new_path, only_version, path};
use crate::storage::model::{Copying, Mode};
use crate::storage::s3::declared::{checksum_of, moment, put_checksum, refuse_unsupported, said, tag};
use crate::storage::s3::fault::Fault;

pub(in crate::storage::s3) async fn copy(call: &Call, mut input: CopyObjectInput) -> Answer<CopyObjectOutput> {
    refuse_unsupported!(input)?;
    let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
        return Err(Fault::not_implemented("copying from an access point"));
    };
    only_version(version_id.as_deref())?;
    let (from, to) = (path(bucket, key)?, new_path(&input.bucket, &input.key)?);
    let replaces = input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    if from == to && !replaces {
        let message = "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
                       metadata, storage class, website redirect location or encryption attributes.";
        return Err(Fault::request(message));
    }
    let source = call.storage.find(&call.session.caller, &from).await?;
    let conditions = Conditions {
        matches: input.copy_source_if_match.take(),
        none_matches: input.copy_source_if_none_match.take(),
        modified_since: input.copy_source_if_modified_since.take(),
        unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    if !matches!(conditions.of(&source), Held::Yes) {
        return Err(Fault::precondition());
    }
    let mut copying = Copying { mode: Mode::Upsert, user_metadata: None, declared: None, replaces: None };
    if replaces {
        let (declared, known) = said!(input).kept()?;
        copying.user_metadata = Some(declared.user_metadata.clone().map_or(Value::Null, Value::Object));
        copying.declared = Some((declared, known));
    }
    let checksum = checksum_of(&source);
    let stored = call.storage.copy_found(&call.session.caller, source, &to, copying).await?;
    let mut result = CopyObjectResult {
        e_tag: Some(tag(&stored.etag)),
        last_modified: Some(moment(stored.modified)),
        ..CopyObjectResult::default()
    };
    if let Some((algorithm, value, kind)) = checksum {
        result.checksum_type = Some(ChecksumType::from(kind));
        put_checksum!(result, algorithm, value);
    }
    done(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
}
