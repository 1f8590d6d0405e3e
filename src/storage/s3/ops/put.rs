//! Putting an object in one go.

use futures_util::StreamExt;
use s3s::dto::{ChecksumType, PutObjectInput, PutObjectOutput, StreamingBlob};

use super::{Answer, Call, done, new_path};
use crate::storage::model::{Terms, Uploading};
use crate::storage::s3::declared::{kept_checksum, mode, put_checksum, refuse_unsupported, said, tag};
use crate::storage::s3::fault::Fault;
use crate::storage::{Error, Upload};

pub(in crate::storage::s3) async fn put(call: &Call, mut input: PutObjectInput) -> Answer<PutObjectOutput> {
    refuse_unsupported!(input)?;
    if input.write_offset_bytes.is_some() {
        return Err(Fault::not_implemented("appending to an object"));
    }
    let path = new_path(&input.bucket, &input.key)?;
    let (mode, replaces) = mode(input.if_match.take(), input.if_none_match.take())?;
    let (declared, mut known) = said!(input).kept()?;
    let length = input.content_length.and_then(|length| u64::try_from(length).ok());
    let what = Uploading { path, mode, declared, length };
    let mut upload = call.storage.begin_upload(&call.session.caller, what).await?;
    if let Some(body) = input.body {
        pour(body, &mut upload).await?;
    }
    let checksum = call.session.received.checksum();
    known.extend(checksum.as_ref().map(|checksum| ("checksum".to_owned(), kept_checksum(checksum, ChecksumType::FULL_OBJECT))));
    let stored = upload.finish_under(Terms { replaces, known }).await?;
    let mut output = PutObjectOutput { e_tag: Some(tag(&stored.etag)), ..PutObjectOutput::default() };
    if let Some(checksum) = checksum {
        output.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
        put_checksum!(output, checksum.algorithm, checksum.to_string());
    }
    done(output)
}

async fn pour(mut body: StreamingBlob, upload: &mut Upload) -> Result<(), Error> {
    while let Some(next) = body.next().await {
        upload.write(&next.map_err(cut)?).await?;
    }
    Ok(())
}

/// A body that ended before its end; the door knows why.
pub(super) fn cut(err: s3s::StdError) -> Error {
    Error::BrokenOff(err.to_string())
}
