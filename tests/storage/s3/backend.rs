//! A server whose bytes another server keeps, by the other's S3 door.

use futures_util::stream;
use reqwest::Method;
use serde_json::json;

use super::Call;
use crate::storage::{bucket, with_buckets};
use crate::support::{Options, TestApp};

/// The settings of a server that keeps its bytes in a bucket of another's.
fn kept_by(store: &TestApp) -> String {
    format!(
        "[storage]\nbackend = \"s3\"\nendpoint = \"{}/storage/v1/s3\"\nbucket = \"blobs\"\npath_style = true\n\
         access_key_id = \"{}\"\nsecret_access_key = \"{}\"\ngrace = \"0s\"\n",
        store.url(),
        store.key("access_key_id"),
        store.key("secret_access_key")
    )
}

#[tokio::test]
async fn a_server_keeps_its_bytes_in_another_servers_bucket() {
    let store = TestApp::start_as(Options { postgres: Some(false), ..Options::default() }).await;
    bucket(&store, &json!({ "name": "blobs" })).await.assert_status(200);
    let mut app = with_buckets(&kept_by(&store)).await;
    let service = app.service();
    let kept = async || {
        let names = store.service().post("/storage/v1/object/list-v2/blobs").json(&json!({ "prefix": "storage/" })).await.json();
        names["objects"].as_array().expect("objects").len()
    };

    // Small, large (in parts at the other), and by S3's parts.
    let put = |name: &str| service.post(&format!("/storage/v1/object/files/{name}")).header("content-type", "text/plain");
    put("small").body("small").await.assert_status(200);
    let piece = b"0123456789abcdef".repeat(64 * 1024);
    let chunks: Vec<std::io::Result<Vec<u8>>> = (0..21).map(|_| Ok(piece.clone())).collect();
    put("large").body(reqwest::Body::wrap_stream(stream::iter(chunks))).await.assert_status(200);
    let begun = Call::new(&app, Method::POST, "/files/parts?uploads").signed("UNSIGNED-PAYLOAD").0.await.text();
    let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an upload's id").to_owned();
    let mut xml = "<CompleteMultipartUpload>".to_owned();
    for number in 1..=3 {
        let target = format!("/files/parts?partNumber={number}&uploadId={id}");
        let (request, _) = Call::new(&app, Method::PUT, &target).signed("UNSIGNED-PAYLOAD");
        let answer = request.body(piece.repeat(6)).await;
        let tag = answer.assert_status(200).header("etag").expect("a tag").to_owned();
        xml.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
    }
    xml.push_str("</CompleteMultipartUpload>");
    let (request, _) = Call::new(&app, Method::POST, &format!("/files/parts?uploadId={id}")).signed("UNSIGNED-PAYLOAD");
    request.body(xml).await.assert_status(200);
    assert_eq!(kept().await, 5, "two objects, and one of three parts");

    let get = |name: &str| service.get(&format!("/storage/v1/object/files/{name}"));
    assert_eq!(get("small").await.assert_status(200).text(), "small");
    assert!(get("large").await.assert_status(200).bytes() == piece.repeat(21));
    assert!(get("parts").await.assert_status(200).bytes() == piece.repeat(18));
    let middle = get("large").header("range", "bytes=1048570-1048585").await;
    assert_eq!(middle.assert_status(206).bytes(), b"abcdef0123456789");
    let copy = json!({ "bucketId": "files", "sourceKey": "parts", "destinationKey": "copy" });
    service.post("/storage/v1/object/copy").json(&copy).await.assert_status(200);
    assert_eq!(kept().await, 8);

    // What is there agrees with the rows, and what is lost is noticed.
    app.server_mut().kill9();
    let checked = app.plinth(&["storage", "check"]);
    assert!(checked.status.success(), "{}{}", checked.stdout, checked.stderr);
    app.restart().await;
    let service = app.service();
    for name in ["small", "large", "parts", "copy"] {
        service.delete(&format!("/storage/v1/object/files/{name}")).await.assert_status(200);
    }
    let repaired = {
        app.server_mut().kill9();
        app.plinth(&["storage", "check", "--repair"])
    };
    assert!(repaired.status.success(), "{}{}", repaired.stdout, repaired.stderr);
}
