//! Bodies: whole, in chunks, cut, and other than they were said to be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::stream;
use plinth::aws::{Algorithm, Chain, Checksum};
use reqwest::Method;

use super::{Call, get, refused};
use crate::storage::with_buckets;
use crate::support::{TestApp, eventually};

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// The collector at once, so that a test sees what is left.
const EAGER: &str = "[storage]\ngrace = \"0s\"\ncollect_every = \"100ms\"";

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put<'a>(app: &'a TestApp, name: &str) -> Call<'a> {
    Call::new(app, Method::PUT, &format!("/files/{name}"))
}

/// A body in signed chunks.
fn chunked(chain: &mut Chain, chunks: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks.iter().copied().chain([b"".as_slice()]) {
        body.extend(format!("{:x};chunk-signature={}\r\n", chunk.len(), chain.sign_chunk(chunk)).into_bytes());
        body.extend(chunk);
        if !chunk.is_empty() {
            body.extend(b"\r\n");
        }
    }
    body
}

fn in_chunks<'a>(app: &'a TestApp, name: &str, length: usize) -> Call<'a> {
    put(app, name).header("content-encoding", "aws-chunked,gzip").header("x-amz-decoded-content-length", &length.to_string())
}

#[tokio::test]
async fn bodies_are_taken_in_every_framing() {
    let app = with_buckets("").await;
    let text = b"hello, world".repeat(1000);
    let (request, _) = put(&app, "whole").signed(&sha256(&text));
    request.body(text.clone()).await.assert_status(200);
    let (request, mut chain) = in_chunks(&app, "signed", text.len()).signed(SIGNED);
    let body = [chunked(&mut chain, &[&text[..8000], &text[8000..]]), b"\r\n".to_vec()].concat();
    request.body(body).await.assert_status(200);
    let trailer = format!("x-amz-checksum-crc32c:{}", Checksum::of(Algorithm::Crc32c, &text));
    let with_trailer = |name| in_chunks(&app, name, text.len()).header("x-amz-trailer", "x-amz-checksum-crc32c");
    let (request, mut chain) = with_trailer("trailed").signed(SIGNED_TRAILER);
    let mut body = chunked(&mut chain, &[&text]);
    let signature = chain.sign_trailers(&format!("{trailer}\n"));
    body.extend(format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n\r\n").into_bytes());
    let answer = request.body(body).await;
    assert_eq!(answer.assert_status(200).header("x-amz-checksum-crc32c"), Some(&trailer["x-amz-checksum-crc32c:".len()..]));
    let (request, _) = with_trailer("unsigned").signed(UNSIGNED_TRAILER);
    let body = [format!("{:x}\r\n", text.len()).as_bytes(), &text, format!("\r\n0\r\n{trailer}\r\n\r\n").as_bytes()].concat();
    request.body(body).await.assert_status(200);
    for name in ["whole", "signed", "trailed", "unsigned"] {
        let answer = get(&app, &format!("/files/{name}")).await;
        assert_eq!(answer.assert_status(200).bytes(), text, "{name}");
        let encoding = answer.header("content-encoding");
        assert_eq!(encoding, (name != "whole").then_some("gzip"), "the chunks are of the way here alone");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_a_body_that_does_not_hold() {
    let app = with_buckets(EAGER).await;
    let text = b"x".repeat(3_000_000);
    // Another body than was signed.
    let (request, _) = put(&app, "bad").signed(&sha256(b"y"));
    refused(&request.body(text.clone()).await, 400, "XAmzContentSHA256Mismatch");
    // A chunk whose bytes are others, one that is sent twice, two in another order, one that is left out.
    let (first, second) = (&text[..70_000], &text[70_000..150_000]);
    type Cut = fn(&mut Vec<Vec<u8>>);
    let changes: [(usize, Cut); 4] = [
        (150_000, |chunks| chunks[0][100] = b'y'),
        (220_000, |chunks| chunks.insert(1, chunks[0].clone())),
        (150_000, |chunks| chunks.swap(0, 1)),
        (80_000, |chunks| drop(chunks.remove(0))),
    ];
    for (length, change) in changes {
        let (request, mut chain) = in_chunks(&app, "bad", length).signed(SIGNED);
        let mut chunks: Vec<Vec<u8>> = [first, second, b""]
            .into_iter()
            .map(|chunk| {
                let head = format!("{:x};chunk-signature={}\r\n", chunk.len(), chain.sign_chunk(chunk));
                [head.as_bytes(), chunk, b"\r\n"].concat()
            })
            .collect();
        change(&mut chunks);
        refused(&request.body(chunks.concat()).await, 403, "SignatureDoesNotMatch");
    }
    // Another length than was declared, an end that does not come, a trailer that is another.
    let (request, mut chain) = in_chunks(&app, "bad", 150_001).signed(SIGNED);
    refused(&request.body(chunked(&mut chain, &[first, second])).await, 400, "IncompleteBody");
    let (request, mut chain) = in_chunks(&app, "bad", 150_000).signed(SIGNED);
    let whole = chunked(&mut chain, &[first, second]);
    refused(&request.body(whole[..100_000].to_vec()).await, 400, "IncompleteBody");
    let trailed = |trailer: &str| {
        let call = put(&app, "bad").header("x-amz-decoded-content-length", "1").header("x-amz-trailer", "x-amz-checksum-crc32");
        call.signed(UNSIGNED_TRAILER).0.body(format!("1\r\nx\r\n0\r\n{trailer}\r\n"))
    };
    refused(&trailed("x-amz-checksum-crc32:AAAAAA==\r\n").await, 400, "BadDigest");
    refused(&trailed("").await, 400, "MalformedTrailerError");
    // A body that breaks off.
    for cut in [0, 1000, 2_000_000] {
        let chunks = vec![Ok(text[..cut].to_vec()), Err(std::io::Error::other("cut"))];
        let (request, _) = put(&app, "bad").signed("UNSIGNED-PAYLOAD");
        let answer = request.body(reqwest::Body::wrap_stream(stream::iter(chunks))).try_send().await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 400), "cut after {cut}");
    }
    refused(&get(&app, "/files/bad").await, 404, "NoSuchKey");
    until_kept(&app, 0).await;
}

#[tokio::test]
async fn parts_that_are_let_go_are_removed() {
    let app = with_buckets(EAGER).await;
    let begin = async |name: &str| {
        let begun = Call::new(&app, Method::POST, &format!("/files/{name}?uploads=")).signed("UNSIGNED-PAYLOAD").0.await;
        let text = begun.assert_status(200).text();
        let id = text.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an upload's id");
        id.to_owned()
    };
    let part = async |name: &str, id: &str, number: u32, text: &str| {
        let target = format!("/files/{name}?partNumber={number}&uploadId={id}");
        let (request, _) = Call::new(&app, Method::PUT, &target).signed(&sha256(text.as_bytes()));
        let answer = request.body(text.to_owned()).await;
        answer.assert_status(200).header("etag").expect("a tag").to_owned()
    };
    let (first, second) = (begin("first").await, begin("second").await);
    part("first", &first, 1, "old").await;
    let tag = part("first", &first, 1, "new").await;
    part("first", &first, 2, "left out").await;
    part("second", &second, 1, "aborted").await;
    let gone = Call::new(&app, Method::DELETE, &format!("/files/second?uploadId={second}")).signed("UNSIGNED-PAYLOAD").0.await;
    gone.assert_status(204);
    let xml =
        format!("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>");
    let complete = Call::new(&app, Method::POST, &format!("/files/first?uploadId={first}")).signed(&sha256(xml.as_bytes())).0;
    complete.body(xml).await.assert_status(200);
    assert_eq!(get(&app, "/files/first").await.text(), "new");
    until_kept(&app, 1).await;
}

#[tokio::test]
async fn what_is_not_signed_as_it_must_be_is_refused_before_its_body() {
    let app = with_buckets("").await;
    for caller in [app.nobody(), app.service()] {
        refused(&caller.get("/storage/v1/s3/files").await, 403, "AccessDenied");
    }
    let (request, _) = put(&app, "a").signed("UNSIGNED-PAYLOAD");
    refused(&request.header("x-amz-meta-a", "b").body("x").await, 403, "AccessDenied");
    let (request, _) = put(&app, "a").header("x-amz-storage-class", "GLACIER").signed("UNSIGNED-PAYLOAD");
    refused(&request.body("x").await, 501, "NotImplemented");
    let (request, _) = put(&app, "a").signed(SIGNED);
    refused(&request.body("x").await, 411, "MissingContentLength");
    let form = put(&app, "").header("content-type", "multipart/form-data; boundary=x");
    let form = Call { method: Method::POST, ..form };
    refused(&form.signed("UNSIGNED-PAYLOAD").0.body("--x--").await, 501, "NotImplemented");
    let log = app.server().log();
    assert!(!log.contains(app.key("secret_access_key")), "the secret is in no log");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

async fn until_kept(app: &TestApp, count: usize) {
    let folder = app.data().join("blobs/storage");
    eventually("the collector's work", Duration::from_secs(20), async || (files(&folder).len() == count).then_some(())).await;
}
