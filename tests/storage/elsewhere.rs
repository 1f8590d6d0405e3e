//! Bytes in an S3 store that is not ours, and what happens when it fails.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{get, put, refused, upload, with_buckets};
use crate::support::{Client, Fault, Nodes, Store, eventually, on_postgres};

const MIB: usize = 1 << 20;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 11 + at / 257) % 251).unwrap()).collect()
}

async fn begin(client: &Client, length: usize, name: &str) -> String {
    use base64::Engine;
    let named = base64::engine::general_purpose::STANDARD.encode(name);
    let request = client.request(Method::POST, "/storage/v1/upload/resumable").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", &length.to_string());
    let answer = request.header("upload-metadata", &format!("bucketName ZmlsZXM=,objectName {named}")).await;
    answer.assert_status(201).header("location").unwrap().to_owned()
}

fn patch(client: &Client, place: &str, offset: usize, body: Vec<u8>) -> crate::support::Request {
    let request = client.request(Method::PATCH, place).header("tus-resumable", "1.0.0");
    let request = request.header("upload-offset", &offset.to_string());
    request.header("content-type", "application/offset+octet-stream").body(body)
}

async fn until_kept(store: &Store, count: usize) {
    eventually("the collector's work", Duration::from_secs(30), async || {
        (store.keys("storage/").await.len() == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn files_are_kept_in_a_store_elsewhere() {
    let store = Store::start().await;
    let app = with_buckets(&store.settings(20)).await;
    let service = app.service();
    let large = bytes(20 * MIB + 1);
    for (name, body) in [("empty", Vec::new()), ("one", b"1".to_vec()), ("small", bytes(600_000)), ("large", large.clone())] {
        upload(&service, &format!("files/{name}"), body.clone()).await.assert_status(200);
        assert!(get(&service, &format!("files/{name}")).await.assert_status(200).bytes() == body, "{name}");
    }
    let part = service.get("/storage/v1/object/files/large").header("range", "bytes=8388600-8388615").await;
    assert_eq!(part.assert_status(206).bytes(), &large[8_388_600..8_388_616]);
    assert_eq!(store.keys("storage/").await.len(), 4);

    // In steps: small ones, and one that is larger than a part of the store's.
    let place = begin(&service, large.len(), "steps").await;
    let mut at = 0;
    for to in [1, 1000, MIB, 11 * MIB, large.len()] {
        patch(&service, &place, at, large[at..to].to_vec()).await.assert_status(204);
        at = to;
    }
    assert!(get(&service, "files/steps").await.assert_status(200).bytes() == large);
    let part = service.get("/storage/v1/object/files/steps").header("range", "bytes=990-1010").await;
    assert_eq!(part.assert_status(206).bytes(), &large[990..=1010]);

    let copy = json!({ "bucketId": "files", "sourceKey": "steps", "destinationKey": "copied" });
    service.post("/storage/v1/object/copy").json(&copy).await.assert_status(200);
    let moved = json!({ "bucketId": "files", "sourceKey": "large", "destinationKey": "moved" });
    service.post("/storage/v1/object/move").json(&moved).await.assert_status(200);
    service.delete("/storage/v1/object/files/steps").await.assert_status(200);
    assert!(get(&service, "files/copied").await.assert_status(200).bytes() == large);
    assert!(get(&service, "files/moved").await.assert_status(200).bytes() == large);
    until_kept(&store, 9).await;
    service.post("/storage/v1/bucket/files/empty").await.assert_status(200);
    until_kept(&store, 0).await;
    assert_eq!(store.unfinished().await, Vec::<String>::new());
}

// The command is waited for by the test's own thread, and the line to the store goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_packages_and_the_check_work_over_a_store_elsewhere() {
    let store = Store::start().await;
    let mut app = with_buckets(&store.settings(20)).await;
    app.deploy("hello", "export const handler = async () => 'hi'", json!({})).await;
    assert_eq!(app.invoke("hello", &json!({})).await.assert_status(200).text(), "hi");
    assert!(!store.keys("functions").await.is_empty(), "its package is in the store");
    put(&app.service(), "files/good", "good").await.assert_status(200);
    put(&app.service(), "files/lost", "lost").await.assert_status(200);
    app.restart().await;
    assert_eq!(app.invoke("hello", &json!({})).await.assert_status(200).text(), "hi");
    let info: Value = app.service().get("/storage/v1/object/info/files/lost").await.json();
    let lost = info["version"].as_str().unwrap().to_owned();
    app.kill9();
    let all = store.keys("storage/").await;
    let key = all.iter().find(|key| key.ends_with(&lost)).unwrap();
    store.delete(key).await;
    store.put("storage/00/00000000-0000-4000-8000-000000000000", "nobody's").await;
    let check = app.plinth(&["storage", "check", "--older-than", "0"]);
    assert_eq!(check.status.code(), Some(1), "{check:?}");
    for text in ["1 damaged", "1 orphan", "files/lost"] {
        assert!(check.stdout.contains(text), "{text}: {}", check.stdout);
    }
    assert_eq!(app.plinth(&["storage", "check", "--older-than", "0", "--repair"]).status.code(), Some(0));
    assert_eq!(app.plinth(&["storage", "check", "--older-than", "0"]).status.code(), Some(0));
    assert_eq!(store.keys("storage/").await.len(), 1);
    app.restart().await;
    assert_eq!(get(&app.service(), "files/good").await.assert_status(200).text(), "good");
    refused(&get(&app.service(), "files/lost").await, "404", "NoSuchKey");
}

#[tokio::test]
async fn a_store_that_fails_is_said_to_and_leaves_nothing() {
    let store = Store::start().await;
    let app = with_buckets(&store.settings(2)).await;
    let service = app.service();
    put(&service, "files/before", "before").await.assert_status(200);
    // In one request, and in parts.
    let faults = [
        (Fault::Answers(500), 6 * MIB),
        (Fault::Answers(503), 20 * MIB),
        (Fault::CutsRequests(3 * 1024 * 1024), 20 * MIB),
        (Fault::CutsRequests(10), 6 * MIB),
        (Fault::Stalls, 6 * MIB),
    ];
    for (fault, size) in faults {
        store.fail(fault);
        let answer = upload(&service, "files/lost", bytes(size)).await;
        refused(&answer, "503", "StorageUnavailable");
        assert!(answer.header("retry-after").is_some());
        let upsert = upload(&service, "files/before", bytes(size)).header("x-upsert", "true").await;
        refused(&upsert, "503", "StorageUnavailable");
        store.fail(Fault::None);
        refused(&get(&service, "files/lost").await, "404", "NoSuchKey");
        assert_eq!(get(&service, "files/before").await.assert_status(200).text(), "before", "{fault:?}");
    }
    // The metadata is the database's: only bytes are out of reach.
    store.fail(Fault::Answers(503));
    service.get("/storage/v1/object/info/files/before").await.assert_status(200);
    refused(&get(&service, "files/before").await, "503", "StorageUnavailable");
    let copy = json!({ "bucketId": "files", "sourceKey": "before", "destinationKey": "copy" });
    refused(&service.post("/storage/v1/object/copy").json(&copy).await, "503", "StorageUnavailable");
    service.delete("/storage/v1/object/files/before").await.assert_status(200);
    store.fail(Fault::None);
    until_kept(&store, 0).await;
}

#[tokio::test]
async fn a_download_breaks_off_rather_than_lie() {
    let store = Store::start().await;
    let app = with_buckets(&store.settings(20)).await;
    let service = app.service();
    let body = bytes(40 * MIB);
    upload(&service, "files/large", body.clone()).await.assert_status(200);
    // A line that is cut now and then is gone on with from there.
    store.fail(Fault::CutsAnswers(5 * MIB as u64));
    assert!(get(&service, "files/large").await.assert_status(200).bytes() == body);
    // A store that is gone ends the download short of what it said.
    store.fail(Fault::None);
    for fault in [Fault::Answers(500), Fault::CutsAnswers(10)] {
        let mut answer = service.get("/storage/v1/object/files/large").stream().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut read = answer.chunk().await.unwrap().unwrap().len();
        store.fail(fault);
        let end = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                end => break end,
            }
        };
        assert!(end.is_err() && read < body.len(), "{fault:?} after {read} bytes: {end:?}");
        store.fail(Fault::None);
    }
    assert!(get(&service, "files/large").await.assert_status(200).bytes() == body);
}

#[tokio::test]
async fn an_upload_in_steps_outlives_the_store() {
    let store = Store::start().await;
    let app = with_buckets(&store.settings(2)).await;
    let service = app.service();
    let body = bytes(10 * MIB);
    let place = begin(&service, body.len(), "steps").await;
    patch(&service, &place, 0, body[..MIB].to_vec()).await.assert_status(204);
    store.fail(Fault::Answers(500));
    assert_eq!(patch(&service, &place, MIB, body[MIB..2 * MIB].to_vec()).await.status(), 503);
    store.fail(Fault::Stalls);
    assert_eq!(patch(&service, &place, MIB, body[MIB..].to_vec()).await.status(), 503);
    store.fail(Fault::None);
    let told = service.head(&place).header("tus-resumable", "1.0.0").await;
    assert_eq!(told.header("upload-offset"), Some(MIB.to_string().as_str()));
    patch(&service, &place, MIB, body[MIB..].to_vec()).await.assert_status(204);
    assert!(get(&service, "files/steps").await.assert_status(200).bytes() == body);
    service.delete("/storage/v1/object/files/steps").await.assert_status(200);
    until_kept(&store, 0).await;
}

#[tokio::test]
async fn nodes_share_a_database_and_a_store() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let store = Store::start().await;
    let nodes = Nodes::new().await.apart().with_config(&store.settings(20));
    let (first, second) = nodes.two().await;
    first.service().post("/storage/v1/bucket").json(&json!({ "name": "files" })).await.assert_status(200);
    let body = bytes(3 * MIB);
    let place = begin(&first.service(), body.len(), "shared").await;
    for (node, at) in [(&first, 0), (&second, MIB), (&first, 2 * MIB)] {
        patch(&node.service(), &place, at, body[at..at + MIB].to_vec()).await.assert_status(204);
    }
    for node in [&first, &second] {
        assert!(get(&node.service(), "files/shared").await.assert_status(200).bytes() == body);
    }
    second.service().delete("/storage/v1/object/files/shared").await.assert_status(200);
    refused(&get(&first.service(), "files/shared").await, "404", "NoSuchKey");
    until_kept(&store, 0).await;
}
