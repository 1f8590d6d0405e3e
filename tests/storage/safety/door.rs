//! What comes by S3's protocol when the server is killed in the middle, and when its disk has no space.

use std::sync::Mutex;

use reqwest::Method;
use serde_json::json;

use super::crashes::killed_in;
use crate::storage::s3::{self, Call};
use crate::storage::{bucket, get, with_buckets};
use crate::support::{Disk, Options, Request, TestApp};

const COUNT: usize = 40;
const ENOUGH: usize = 12;

fn body(index: usize) -> String {
    format!("{index} ").repeat(1 + index * 300)
}

fn call(app: &TestApp, method: Method, target: &str) -> Request {
    Call::new(app, method, target).signed("UNSIGNED-PAYLOAD").0
}

/// A multipart upload with one part; gives the target and the body that complete it.
async fn one_part(app: &TestApp, name: &str, body: Vec<u8>) -> (String, String) {
    let begun = call(app, Method::POST, &format!("/files/{name}?uploads")).await.text();
    let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an upload's id");
    let sent = call(app, Method::PUT, &format!("/files/{name}?partNumber=1&uploadId={id}")).body(body).await;
    let tag = sent.assert_status(200).header("etag").expect("a tag");
    let part = format!("<Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part>");
    (format!("/files/{name}?uploadId={id}"), format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>"))
}

/// Sends a request for each object, one after the other, until the server is killed in the middle; gives those that were answered for.
async fn killed_while(app: &mut TestApp, requests: Vec<Request>) -> Vec<usize> {
    let requests = Mutex::new(requests.into_iter().map(Some).collect::<Vec<_>>());
    killed_in(app, COUNT, ENOUGH, async |_, index| {
        let request = requests.lock().unwrap()[index].take().expect("each is sent once");
        request.try_send().await.is_ok_and(|answer| matches!(answer.status(), 200 | 204) && !answer.text().contains("<Error>"))
    })
    .await
}

/// What an object has, where it is.
async fn kept(app: &TestApp, name: &str) -> Option<String> {
    let answer = get(&app.service(), &format!("files/{name}")).await;
    (answer.status() == 200).then(|| answer.text())
}

#[tokio::test]
async fn no_change_by_s3_that_was_answered_is_lost_and_none_is_half_done() {
    let mut app = with_buckets("").await;
    let puts = (0..COUNT).map(|index| call(&app, Method::PUT, &format!("/files/put/{index}")).body(body(index))).collect();
    let put = killed_while(&mut app, puts).await;
    for index in 0..COUNT {
        let kept = kept(&app, &format!("put/{index}")).await;
        assert!(kept.as_ref().is_none_or(|kept| *kept == body(index)), "{index} is whole or not there");
        assert!(kept.is_some() || !put.contains(&index), "{index} was accepted");
        call(&app, Method::PUT, &format!("/files/put/{index}")).body(body(index)).await.assert_status(200);
    }

    let mut begun = Vec::new();
    for index in 0..COUNT {
        begun.push(one_part(&app, &format!("parts/{index}"), body(index).into()).await);
    }
    let requests = begun.iter().map(|(target, xml)| call(&app, Method::POST, target).body(xml.clone())).collect();
    let completed = killed_while(&mut app, requests).await;
    for (index, (target, xml)) in begun.iter().enumerate() {
        let name = format!("parts/{index}");
        if kept(&app, &name).await.is_none() {
            assert!(!completed.contains(&index), "{index} was completed");
            call(&app, Method::POST, target).body(xml.clone()).await.assert_status(200);
        }
        assert_eq!(kept(&app, &name).await, Some(body(index)), "{index} is whole, or its parts are all there");
    }

    let copies = (0..COUNT).map(|index| {
        let copy = Call::new(&app, Method::PUT, &format!("/files/copy/{index}"));
        copy.header("x-amz-copy-source", &format!("files/put/{index}")).signed("UNSIGNED-PAYLOAD").0
    });
    let copies = copies.collect();
    let copied = killed_while(&mut app, copies).await;
    for index in 0..COUNT {
        let kept = kept(&app, &format!("copy/{index}")).await;
        assert!(kept.as_ref().is_none_or(|kept| *kept == body(index)), "{index} is whole or not there");
        assert!(kept.is_some() || !copied.contains(&index), "{index} was copied");
    }

    let deletes = (0..COUNT).map(|index| call(&app, Method::DELETE, &format!("/files/put/{index}"))).collect();
    let deleted = killed_while(&mut app, deletes).await;
    for index in 0..COUNT {
        let kept = kept(&app, &format!("put/{index}")).await;
        assert!(kept.as_ref().is_none_or(|kept| *kept == body(index)), "{index} is whole or gone");
        assert!(kept.is_none() || !deleted.contains(&index), "{index} was deleted");
    }
    app.kill9();
    let check = app.plinth(&["storage", "check"]);
    assert!(check.stdout.contains("0 damaged"), "{check:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_comes_by_s3_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path());
    let app = TestApp::start_as(Options { data: Some(folder.path().join("data")), ..Options::default() }).await;
    bucket(&app, &json!({ "name": "files" })).await.assert_status(200);
    call(&app, Method::PUT, "/files/before").body("before").await.assert_status(200);
    let (complete, xml) = one_part(&app, "parts", b"a part".to_vec()).await;

    disk.fill(&app);
    let large = vec![b'x'; 1_500_000];
    let part = complete.replace('?', "?partNumber=2&");
    for target in ["/files/large", "/files/before", &part] {
        s3::refused(&call(&app, Method::PUT, target).body(large.clone()).await, 507, "InsufficientStorage");
    }
    assert_eq!(kept(&app, "before").await.as_deref(), Some("before"));

    disk.free(&app);
    assert_eq!(kept(&app, "large").await, None);
    call(&app, Method::PUT, "/files/large").body(large).await.assert_status(200);
    call(&app, Method::POST, &complete).body(xml).await.assert_status(200);
    assert_eq!(kept(&app, "parts").await.as_deref(), Some("a part"));
}
