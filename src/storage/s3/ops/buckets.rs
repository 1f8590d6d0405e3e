//! Buckets.

use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner,
};

use super::{Answer, Call, bucket, done};
use crate::storage::Error;
use crate::storage::model::{BucketName, NewBucket};
use crate::storage::s3::declared::moment;
use crate::storage::s3::fault::Fault;

/// Buckets of an answer at the most.
const MOST: usize = 10_000;

/// Buckets that one statement reads.
const BATCH: u32 = 1000;

/// Whose everything is, as far as S3 asks.
pub(super) fn owner() -> Owner {
    Owner { display_name: Some("plinth".to_owned()), id: Some("000000000000".to_owned()) }
}

pub(in crate::storage::s3) async fn list(call: &Call, input: ListBucketsInput) -> Answer<ListBucketsOutput> {
    let wanted = match input.max_buckets {
        None => MOST,
        Some(most) => usize::try_from(most)
            .ok()
            .filter(|most| (1..=MOST).contains(most))
            .ok_or_else(|| Fault::argument(format!("max-buckets must be from 1 to {MOST}")))?,
    };
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let mut buckets = Vec::new();
    let mut offset = 0;
    loop {
        let found = call.storage.list_buckets(&call.session.caller, &prefix, BATCH, offset).await?;
        let is_last = found.len() < BATCH as usize;
        // The statement passes over the difference between capitals and small letters.
        buckets.extend(found.into_iter().filter(|bucket| bucket.id.starts_with(&prefix) && bucket.id > after));
        if is_last || buckets.len() > wanted {
            break;
        }
        offset += BATCH;
    }
    let has_more = buckets.len() > wanted;
    buckets.truncate(wanted);
    let region = call.session.region.clone();
    let continuation_token = buckets.last().filter(|_| has_more).map(|last| last.id.clone());
    let view = |bucket: crate::storage::model::Bucket| Bucket {
        bucket_region: Some(region.clone()),
        creation_date: Some(moment(bucket.created_at)),
        name: Some(bucket.id),
    };
    done(ListBucketsOutput {
        buckets: Some(buckets.into_iter().map(view).collect()),
        continuation_token,
        owner: Some(owner()),
        prefix: input.prefix,
    })
}

pub(in crate::storage::s3) async fn create(call: &Call, input: CreateBucketInput) -> Answer<CreateBucketOutput> {
    let is_private = input.acl.as_ref().is_none_or(|acl| acl.as_str() == "private");
    if !is_private {
        return Err(Fault::not_implemented("an ACL, instead of row policies,"));
    }
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(Fault::not_implemented("object lock"));
    }
    let invalid = |err| Fault::new(400, "InvalidBucketName", format!("The specified bucket is not valid: {err}"));
    let name = BucketName::parse(&input.bucket).map_err(invalid)?;
    let location = Some(format!("/{name}"));
    let new = NewBucket { name, public: false, file_size_limit: None, allowed_mime_types: None, quota: None };
    match call.storage.create_bucket(&call.session.caller, &new).await {
        Ok(()) => done(CreateBucketOutput { location }),
        Err(Error::Duplicate) => {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            Err(Fault::new(409, "BucketAlreadyOwnedByYou", message))
        }
        Err(err) => Err(err.into()),
    }
}

pub(in crate::storage::s3) async fn head(call: &Call, input: HeadBucketInput) -> Answer<HeadBucketOutput> {
    call.storage.find_bucket(&call.session.caller, &bucket(&input.bucket)?).await?;
    done(HeadBucketOutput { bucket_region: Some(call.session.region.clone()), ..HeadBucketOutput::default() })
}

pub(in crate::storage::s3) async fn delete(call: &Call, input: DeleteBucketInput) -> Answer<DeleteBucketOutput> {
    call.storage.delete_bucket(&call.session.caller, &bucket(&input.bucket)?).await?;
    Ok(s3s::S3Response::with_status(DeleteBucketOutput {}, http::StatusCode::NO_CONTENT))
}

/// The region that the client takes this server for, so that it stays with it.
pub(in crate::storage::s3) async fn location(call: &Call, input: GetBucketLocationInput) -> Answer<GetBucketLocationOutput> {
    call.storage.find_bucket(&call.session.caller, &bucket(&input.bucket)?).await?;
    let region = call.session.region.clone();
    let location_constraint = Some(region).filter(|region| region != "us-east-1").map(BucketLocationConstraint::from);
    done(GetBucketLocationOutput { location_constraint })
}

/// Never: objects are not versioned.
pub(in crate::storage::s3) async fn versioning(
    call: &Call,
    input: GetBucketVersioningInput,
) -> Answer<GetBucketVersioningOutput> {
    call.storage.find_bucket(&call.session.caller, &bucket(&input.bucket)?).await?;
    done(GetBucketVersioningOutput::default())
}
