//! Listings of a bucket's objects.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object as Line,
    ObjectStorageClass,
};

use super::buckets::owner;
use super::{Answer, Call, bucket, done};
use crate::storage::model::{BucketName, Flat, Object, ObjectName, PageRequest};
use crate::storage::s3::declared::{moment, tag};
use crate::storage::s3::fault::Fault;

/// Lines of an answer at the most.
const MOST: i32 = 1000;

/// Bytes of a prefix, a delimiter, or where a listing begins.
const MAX_TEXT: usize = 4096;

/// Greater than every name that begins with what it follows.
const BEYOND: char = '\u{10FFFF}';

/// What `encoding-type=url` lets stand.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// A listing that is asked for.
struct Asked<'a> {
    bucket: BucketName,
    prefix: &'a str,
    delimiter: &'a str,
    /// Names and common prefixes come after this.
    after: Option<&'a str>,
    most: usize,
}

/// What it gives.
#[derive(Default)]
struct Found {
    objects: Vec<Object>,
    prefixes: Vec<String>,
    /// What the next page comes after; `None` when this is the last.
    next: Option<String>,
}

impl Found {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }

    fn last(&self) -> Option<String> {
        let object = self.objects.last().map(|object| object.name.as_str());
        object.max(self.prefixes.last().map(String::as_str)).map(str::to_owned)
    }
}

async fn find(call: &Call, asked: Asked<'_>) -> Result<Found, Fault> {
    let mut found = Found::default();
    // No name begins with such a prefix; whether the bucket is there is still told.
    let prefix = ObjectName::parse_prefix(asked.prefix).ok().filter(|_| !asked.prefix.starts_with('/'));
    let mut request = PageRequest {
        bucket: asked.bucket,
        prefix: prefix.clone().unwrap_or_default(),
        by_folder: false,
        limit: u32::try_from(asked.most).unwrap_or(1).max(1),
        after: asked.after.map(str::to_owned),
    };
    // A common prefix that was the last line is not told again.
    if let Some(group) = asked.after.and_then(|after| group(after, asked.prefix, asked.delimiter))
        && asked.after == Some(group.as_str())
    {
        request.after = Some(format!("{group}{BEYOND}"));
    }
    loop {
        let page = call.storage.page(&call.session.caller, &request).await?;
        if prefix.is_none() || asked.most == 0 {
            return Ok(found);
        }
        let mut skip: Option<String> = None;
        for entry in page.entries {
            let Flat::Object(object) = entry else { continue };
            if skip.as_ref().is_some_and(|skip| object.name.starts_with(skip.as_str())) {
                continue;
            }
            if found.len() == asked.most {
                found.next = found.last();
                return Ok(found);
            }
            skip = group(&object.name, &request.prefix, asked.delimiter);
            match skip.clone() {
                Some(group) => found.prefixes.push(group),
                None => found.objects.push(*object),
            }
        }
        match (page.next, skip) {
            (None, _) => return Ok(found),
            (Some(_), None) if found.len() == asked.most => {
                found.next = found.last();
                return Ok(found);
            }
            // What is left of the last common prefix is passed over.
            (Some(_), Some(group)) => request.after = Some(format!("{group}{BEYOND}")),
            (next, None) => request.after = next,
        }
    }
}

/// The common prefix that a name is told of by.
pub(super) fn group(name: &str, prefix: &str, delimiter: &str) -> Option<String> {
    let rest = name.strip_prefix(prefix).filter(|_| !delimiter.is_empty())?;
    rest.find(delimiter).map(|at| name[..prefix.len() + at + delimiter.len()].to_owned())
}

/// How names are written: as they are, or encoded where the client asks for it.
struct Names(bool);

impl Names {
    fn of(asked: Option<&EncodingType>) -> Result<Self, Fault> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(Fault::argument("Invalid Encoding Method specified in Request")),
        }
    }

    fn write(&self, name: &str) -> String {
        if self.0 { utf8_percent_encode(name, PLAIN).to_string() } else { name.to_owned() }
    }

    fn lines(&self, objects: Vec<Object>, with_owner: bool) -> Vec<Line> {
        let line = |object: Object| Line {
            e_tag: Some(tag(object.etag())),
            key: Some(self.write(&object.name)),
            last_modified: Some(moment(object.last_modified())),
            owner: with_owner.then(owner),
            size: i64::try_from(object.size()).ok(),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Line::default()
        };
        objects.into_iter().map(line).collect()
    }

    fn prefixes(&self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let prefixes = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.write(prefix)) });
        Some(prefixes.collect::<Vec<_>>()).filter(|prefixes| !prefixes.is_empty())
    }
}

/// Lines that are asked for; more than there are in one answer is no error.
fn most(asked: Option<i32>) -> Result<i32, Fault> {
    match asked.unwrap_or(MOST) {
        asked @ 0.. => Ok(asked.min(MOST)),
        _ => Err(Fault::argument("Argument max-keys must be an integer between 0 and 2147483647")),
    }
}

fn short<'t>(what: &str, text: Option<&'t str>) -> Result<&'t str, Fault> {
    match text.unwrap_or_default() {
        text if text.len() > MAX_TEXT || text.contains('\0') => {
            Err(Fault::argument(format!("{what} has at most {MAX_TEXT} bytes and no NUL")))
        }
        text => Ok(text),
    }
}

pub(in crate::storage::s3) async fn v1(call: &Call, input: ListObjectsInput) -> Answer<ListObjectsOutput> {
    let (names, most) = (Names::of(input.encoding_type.as_ref())?, most(input.max_keys)?);
    let marker = short("marker", input.marker.as_deref())?;
    let asked = Asked {
        bucket: bucket(&input.bucket)?,
        prefix: short("prefix", input.prefix.as_deref())?,
        delimiter: short("delimiter", input.delimiter.as_deref())?,
        after: Some(marker).filter(|marker| !marker.is_empty()),
        most: usize::try_from(most).unwrap_or(0),
    };
    let found = find(call, asked).await?;
    done(ListObjectsOutput {
        common_prefixes: names.prefixes(&found.prefixes),
        is_truncated: Some(found.next.is_some()),
        next_marker: found.next.as_deref().filter(|_| input.delimiter.is_some()).map(|next| names.write(next)),
        contents: Some(names.lines(found.objects, true)),
        name: Some(input.bucket),
        prefix: Some(names.write(&input.prefix.unwrap_or_default())),
        marker: Some(names.write(&input.marker.unwrap_or_default())),
        max_keys: Some(most),
        delimiter: input.delimiter.map(|delimiter| names.write(&delimiter)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}

pub(in crate::storage::s3) async fn v2(call: &Call, input: ListObjectsV2Input) -> Answer<ListObjectsV2Output> {
    let (names, most) = (Names::of(input.encoding_type.as_ref())?, most(input.max_keys)?);
    let token = short("continuation-token", input.continuation_token.as_deref())?;
    let token = URL_SAFE_NO_PAD.decode(token).ok().and_then(|token| String::from_utf8(token).ok());
    let token = token.ok_or_else(|| Fault::argument("The continuation token provided is incorrect"))?;
    let start = short("start-after", input.start_after.as_deref())?;
    let after = if token.is_empty() { start } else { token.as_str() };
    let asked = Asked {
        bucket: bucket(&input.bucket)?,
        prefix: short("prefix", input.prefix.as_deref())?,
        delimiter: short("delimiter", input.delimiter.as_deref())?,
        after: Some(after).filter(|after| !after.is_empty()),
        most: usize::try_from(most).unwrap_or(0),
    };
    let found = find(call, asked).await?;
    done(ListObjectsV2Output {
        common_prefixes: names.prefixes(&found.prefixes),
        key_count: i32::try_from(found.len()).ok(),
        is_truncated: Some(found.next.is_some()),
        next_continuation_token: found.next.as_deref().map(|next| URL_SAFE_NO_PAD.encode(next)),
        contents: Some(names.lines(found.objects, input.fetch_owner == Some(true))),
        name: Some(input.bucket),
        prefix: Some(names.write(&input.prefix.unwrap_or_default())),
        max_keys: Some(most),
        continuation_token: input.continuation_token,
        delimiter: input.delimiter.map(|delimiter| names.write(&delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|start| names.write(&start)),
        ..ListObjectsV2Output::default()
    })
}
