//! The operations of S3 that there are, for s3s. Every other answers `NotImplemented`.

use std::pin::Pin;
use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result};

use super::fault::Fault;
use super::intake::Received;
use super::ops::{Call, buckets, copy, delete, get, list, multipart, put, uploads};
use crate::storage::StorageService;
use crate::storage::model::Caller;

/// Who asks, and what is known of a request beside what s3s reads of it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) caller: Caller,
    pub(super) region: String,
    pub(super) received: Arc<Received>,
}

/// What s3s calls.
pub(super) struct Surface {
    storage: StorageService,
}

impl Surface {
    pub(super) const fn new(storage: StorageService) -> Self {
        Self { storage }
    }

    fn call<T>(&self, request: &mut S3Request<T>) -> Result<Call, Fault> {
        let session = request.extensions.remove::<Session>().ok_or_else(|| Fault::internal("a request has no session"))?;
        Ok(Call { storage: self.storage.clone(), session })
    }
}

/// Gives the trait's functions, each the operation's own.
macro_rules! operations {
    ($($method:ident($input:ty) -> $output:ty = $verb:path;)*) => {
        impl S3 for Surface {
            $(
                fn $method<'life0, 'async_trait>(
                    &'life0 self,
                    mut request: S3Request<$input>,
                ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<$output>>> + Send + 'async_trait>>
                where
                    'life0: 'async_trait,
                    Self: 'async_trait,
                {
                    Box::pin(async move {
                        let call = self.call(&mut request)?;
                        $verb(&call, request.input).await.map_err(S3Error::from)
                    })
                }
            )*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list;
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::versioning;
    list_objects(ListObjectsInput) -> ListObjectsOutput = list::v1;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list::v2;
    put_object(PutObjectInput) -> PutObjectOutput = put::put;
    get_object(GetObjectInput) -> GetObjectOutput = get::get;
    head_object(HeadObjectInput) -> HeadObjectOutput = get::head;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = get::attributes;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy::copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete::one;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete::many;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::part;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort;
    list_parts(ListPartsInput) -> ListPartsOutput = uploads::parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = uploads::list;
}
