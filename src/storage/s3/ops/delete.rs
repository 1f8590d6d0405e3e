//! Deleting objects. What is not there is deleted already.

use s3s::S3Response;
use s3s::dto::{DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error as Refused};

use super::{Answer, Call, bucket, done, only_version};
use crate::storage::Error;
use crate::storage::model::{BucketName, ObjectName, ObjectPath};
use crate::storage::s3::fault::Fault;

/// Names of one request.
const MOST: usize = 1000;

pub(in crate::storage::s3) async fn one(call: &Call, input: DeleteObjectInput) -> Answer<DeleteObjectOutput> {
    only_version(input.version_id.as_deref())?;
    if input.if_match.is_some() || input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(Fault::not_implemented("a condition on a deletion"));
    }
    let bucket = bucket(&input.bucket)?;
    if let Ok(name) = ObjectName::parse(&input.key) {
        match call.storage.delete_one(&call.session.caller, &ObjectPath { bucket, name }).await {
            Ok(_) | Err(Error::NoSuchKey) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(S3Response::with_status(DeleteObjectOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(in crate::storage::s3) async fn many(call: &Call, input: DeleteObjectsInput) -> Answer<DeleteObjectsOutput> {
    let wanted = input.delete.objects;
    if wanted.is_empty() || wanted.len() > MOST {
        return Err(Fault::new(400, "MalformedXML", format!("a request deletes from 1 to {MOST} objects")));
    }
    if wanted.iter().any(|one| one.e_tag.is_some() || one.last_modified_time.is_some() || one.size.is_some()) {
        return Err(Fault::not_implemented("a condition on a deletion"));
    }
    let bucket = bucket(&input.bucket)?;
    // A name that no object can have, and a version, are told of as S3 tells of them.
    let names: Vec<ObjectName> = wanted
        .iter()
        .filter(|one| only_version(one.version_id.as_deref()).is_ok())
        .filter_map(|one| ObjectName::parse(&one.key).ok())
        .collect();
    let gone = call.storage.delete(&call.session.caller, &bucket, &names).await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for one in wanted {
        let is_gone = ObjectName::parse(&one.key).is_ok_and(|name| gone.iter().any(|object| object.name == name.as_str()));
        let refused = if is_gone { None } else { why_not(call, &bucket, &one.key, one.version_id.as_deref()).await? };
        match refused {
            Some((code, message)) => errors.push(Refused {
                code: Some(code.to_owned()),
                key: Some(one.key),
                message: Some(message),
                version_id: one.version_id,
            }),
            None => deleted.push(DeletedObject { key: Some(one.key), ..DeletedObject::default() }),
        }
    }
    let is_quiet = input.delete.quiet == Some(true);
    let some = |errors: Vec<Refused>| Some(errors).filter(|errors| !errors.is_empty());
    done(DeleteObjectsOutput {
        deleted: Some(deleted).filter(|_| !is_quiet),
        errors: some(errors),
        ..DeleteObjectsOutput::default()
    })
}

/// Why an object is still there; `None` when there is none that the caller sees.
async fn why_not(
    call: &Call,
    bucket: &BucketName,
    key: &str,
    version: Option<&str>,
) -> Result<Option<(&'static str, String)>, Fault> {
    if let Err(fault) = only_version(version) {
        return Ok(Some((fault.code, fault.message)));
    }
    let Ok(name) = ObjectName::parse(key) else { return Ok(None) };
    if call.session.caller.is_service() {
        return Ok(None);
    }
    match call.storage.find(&call.session.caller, &ObjectPath { bucket: bucket.clone(), name }).await {
        Ok(_) => Ok(Some(("AccessDenied", "Access Denied".to_owned()))),
        Err(Error::NoSuchKey) => Ok(None),
        Err(err) => Err(err.into()),
    }
}
