//! Rows and bytes agree, whatever happens in between.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::stream;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::storage::{get, put, refused, upload, with_buckets};
use crate::support::{Client, Request, TestApp, eventually};

/// The collector at once, so that a test sees what it does.
const EAGER: &str = "[storage]\ngrace = \"0s\"\ncollect_every = \"100ms\"";

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

#[tokio::test]
async fn replaced_and_deleted_bytes_are_removed() {
    let app = with_buckets(EAGER).await;
    let service = app.service();
    for at in 0..4 {
        upload(&service, "files/a", format!("version {at}")).header("x-upsert", "true").await.assert_status(200);
    }
    put(&service, "files/b", "b").await.assert_status(200);
    until_kept(&app, 2).await;
    let copy = json!({ "bucketId": "files", "sourceKey": "a", "destinationKey": "c" });
    service.post("/storage/v1/object/copy").json(&copy).await.assert_status(200);
    service.delete("/storage/v1/object/files/a").await.assert_status(200);
    until_kept(&app, 2).await;
    assert_eq!(get(&service, "files/c").await.assert_status(200).text(), "version 3");
    assert_eq!(get(&service, "files/b").await.assert_status(200).text(), "b");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = with_buckets(EAGER).await;
    let service = app.service();
    for cut in [0_usize, 1, 1000, 600_000, 1_500_000] {
        let chunks = vec![Ok(vec![b'x'; cut]), Err(std::io::Error::other("cut"))];
        let body = reqwest::Body::wrap_stream(stream::iter(chunks));
        let answer = upload(&service, "files/cut", body).try_send().await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 400), "cut after {cut}");
        refused(&get(&service, "files/cut").await, "404", "NoSuchKey");
    }
    let lines: Value = service.post("/storage/v1/object/list/files").json(&json!({})).await.json();
    assert_eq!(lines, json!([]));
    until_kept(&app, 0).await;
}

/// Uploads an object, and deletes every third again; what a server was there to answer for is noted. Whether one was, to the end.
async fn fate(
    service: &Client,
    name: &str,
    count: usize,
    kept: &Mutex<Vec<(String, String)>>,
    deleted: &Mutex<Vec<String>>,
) -> bool {
    let body = format!("{name} ").repeat(1 + count * 500);
    if !is_done(upload(service, name, body.clone())).await {
        return false;
    }
    if count % 3 != 2 {
        kept.lock().unwrap().push((name.to_owned(), body));
        return true;
    }
    let done = is_done(service.delete(&format!("/storage/v1/object/{name}"))).await;
    deleted.lock().unwrap().extend(done.then(|| name.to_owned()));
    done
}

/// Whether a server was there to say 200.
async fn is_done(request: Request) -> bool {
    request.try_send().await.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn what_was_accepted_survives_sigkill_and_nothing_is_half_there() {
    let mut app = with_buckets("").await;
    for round in 0..2 {
        let (kept, deleted) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let service = app.service();
        let write = async |writer: usize| {
            let mut count = 0;
            while fate(&service, &format!("files/{round}/{writer}/{count}"), count, &kept, &deleted).await {
                count += 1;
            }
        };
        let killer = async {
            eventually("enough uploads", Duration::from_secs(40), async || (kept.lock().unwrap().len() >= 40).then_some(()))
                .await;
            app.kill9();
        };
        tokio::join!(futures_util::future::join_all((0..6).map(write)), killer);
        app.restart().await;
        for (name, body) in kept.into_inner().unwrap() {
            assert_eq!(get(&app.service(), &name).await.assert_status(200).text(), body, "{name} was accepted");
        }
        for name in deleted.into_inner().unwrap() {
            refused(&get(&app.service(), &name).await, "404", "NoSuchKey");
        }
    }
    app.kill9();
    let check = app.plinth(&["storage", "check"]);
    assert!(check.stdout.contains("0 damaged"), "{check:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_uploads_and_loses_nothing() {
    let app = with_buckets("").await;
    let service = app.service();
    put(&service, "files/before", "before").await.assert_status(200);
    let limit = |bytes: Option<u64>| {
        let pid = i32::try_from(app.server().pid()).ok().and_then(Pid::from_raw);
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a child may be limited");
    };
    limit(Some(100_000));
    for size in [200_000, 3_000_000] {
        let answer = upload(&service, "files/large", vec![b'x'; size]).await;
        refused(&answer, "507", "StorageFull");
        refused(&upload(&service, "files/before", vec![b'x'; size]).header("x-upsert", "true").await, "507", "StorageFull");
    }
    assert_eq!(get(&service, "files/before").await.assert_status(200).text(), "before");
    limit(None);
    refused(&get(&service, "files/large").await, "404", "NoSuchKey");
    upload(&service, "files/large", vec![b'x'; 200_000]).await.assert_status(200);
}

#[tokio::test]
async fn a_check_finds_what_does_not_agree_and_repairs_it() {
    let mut app = with_buckets("").await;
    let service = app.service();
    put(&service, "files/good", "good").await.assert_status(200);
    put(&service, "files/lost", "lost").await.assert_status(200);
    put(&service, "files/short", "short").await.assert_status(200);
    let blob = async |name: &str| {
        let info = service.get(&format!("/storage/v1/object/info/files/{name}")).await.json();
        let version = info["version"].as_str().unwrap().to_owned();
        app.data().join("blobs/storage").join(&version[..2]).join(version)
    };
    std::fs::remove_file(blob("lost").await).unwrap();
    std::fs::write(blob("short").await, "sho").unwrap();
    let orphan = app.data().join("blobs/storage/00/00000000-0000-4000-8000-000000000000");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, "nobody's").unwrap();
    app.kill9();

    let check = app.plinth(&["storage", "check", "--older-than", "0"]);
    assert_eq!(check.status.code(), Some(1), "{check:?}");
    for text in ["3 objects", "2 damaged", "1 orphan", "files/lost", "files/short", "00000000-0000-4000-8000-000000000000"] {
        assert!(check.stdout.contains(text), "{text}: {}", check.stdout);
    }
    assert!(orphan.exists(), "a check alone changes nothing");
    let repaired = app.plinth(&["storage", "check", "--older-than", "0", "--repair"]);
    assert_eq!(repaired.status.code(), Some(0), "{repaired:?}");
    assert!(!orphan.exists());
    let again = app.plinth(&["storage", "check", "--older-than", "0"]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    app.restart().await;
    assert_eq!(get(&app.service(), "files/good").await.assert_status(200).text(), "good");
    refused(&get(&app.service(), "files/lost").await, "404", "NoSuchKey");
}
