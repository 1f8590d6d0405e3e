//! S3's operations over storage's verbs, one file a kind.

pub(super) mod buckets;
pub(super) mod copy;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod multipart;
pub(super) mod put;
pub(super) mod uploads;

use s3s::S3Response;

use super::fault::Fault;
use super::surface::Session;
use crate::storage::StorageService;
use crate::storage::model::{BucketName, ObjectName, ObjectPath};

/// What operations return.
type Answer<T> = Result<S3Response<T>, Fault>;

/// A call of an operation.
pub(super) struct Call {
    pub(super) storage: StorageService,
    pub(super) session: Session,
}

/// A bucket that is asked for. There is none of a name that none can have.
fn bucket(name: &str) -> Result<BucketName, Fault> {
    BucketName::parse(name).map_err(|_| crate::storage::Error::NoSuchBucket.into())
}

/// An object that is to be made.
fn new_path(bucket_name: &str, key: &str) -> Result<ObjectPath, Fault> {
    Ok(ObjectPath { bucket: bucket(bucket_name)?, name: ObjectName::parse(key)? })
}

/// An object that is asked for. There is none of a name that none can have.
fn path(bucket_name: &str, key: &str) -> Result<ObjectPath, Fault> {
    let name = ObjectName::parse(key).map_err(|_| Fault::no_such_key())?;
    Ok(ObjectPath { bucket: bucket(bucket_name)?, name })
}

/// Refuses a version, unless it is the one that every object has.
fn only_version(id: Option<&str>) -> Result<(), Fault> {
    match id {
        None | Some("null") => Ok(()),
        Some(_) => Err(Fault::new(404, "NoSuchVersion", "The specified version does not exist: objects are not versioned")),
    }
}

fn done<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}
