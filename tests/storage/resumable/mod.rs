//! Resumable uploads: tus by its letter, whose they are, and what is left when they break off.

mod breaks;
mod metadata;
mod protocol;
mod rights;

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;

use crate::support::{Client, Request, Response, TestApp};

const PLACE: &str = "/storage/v1/upload/resumable";

/// `Upload-Metadata` of pairs.
fn metadata(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect::<Vec<_>>().join(",")
}

/// `Upload-Metadata` of a text in a bucket.
fn named(bucket: &str, name: &str) -> String {
    metadata(&[("bucketName", bucket), ("objectName", name), ("contentType", "text/plain"), ("cacheControl", "3600")])
}

fn tus(client: &Client, method: Method, place: &str) -> Request {
    client.request(method, place).header("tus-resumable", "1.0.0")
}

/// The request that begins an upload of so many bytes.
fn creation(client: &Client, length: u64, metadata: &str) -> Request {
    tus(client, Method::POST, PLACE).header("upload-length", &length.to_string()).header("upload-metadata", metadata)
}

/// Begins an upload; gives its place.
async fn begin(client: &Client, length: u64, bucket: &str, name: &str) -> String {
    place_of(creation(client, length, &named(bucket, name)).await.assert_status(201))
}

#[track_caller]
fn place_of(answer: &Response) -> String {
    answer.header("location").expect("it has a place").to_owned()
}

fn patch(client: &Client, place: &str, offset: u64, bytes: impl Into<reqwest::Body>) -> Request {
    let request = tus(client, Method::PATCH, place).header("content-type", "application/offset+octet-stream");
    request.header("upload-offset", &offset.to_string()).body(bytes)
}

/// Where an upload stands.
async fn offset(client: &Client, place: &str) -> u64 {
    number(tus(client, Method::HEAD, place).await.assert_status(200), "upload-offset")
}

#[track_caller]
fn number(answer: &Response, header: &str) -> u64 {
    answer.header(header).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{header}: {answer:?}"))
}

/// Holds an answer to be a refusal by its own status, with the code; every answer says tus' version.
#[track_caller]
fn refused(answer: &Response, status: u16, code: &str) {
    let body = answer.assert_status(status).json();
    assert_eq!((body["statusCode"].as_str(), body["code"].as_str()), (Some(status.to_string().as_str()), Some(code)), "{body}");
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
}

/// Bytes that tell where they belong.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 7 + at / 251) % 251).unwrap()).collect()
}

/// Files that the server keeps.
fn kept(app: &TestApp) -> usize {
    fn count(folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&app.data().join("blobs/storage"))
}
