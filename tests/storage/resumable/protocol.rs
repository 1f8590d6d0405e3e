//! tus 1.0.0 by its letter.

use futures_util::stream;
use reqwest::Method;
use serde_json::json;

use super::{PLACE, begin, bytes, creation, kept, metadata, named, number, offset, patch, place_of, refused, tus};
use crate::storage::{get, put, with_buckets};
use crate::support::eventually;

#[tokio::test]
async fn an_upload_in_steps_becomes_an_object_with_its_last_byte() {
    let app = with_buckets("").await;
    let service = app.service();
    let body = bytes(1_500_000);
    let said = metadata(&[
        ("bucketName", "files"),
        ("objectName", "a b/\u{e9}.bin"),
        ("contentType", "image/png"),
        ("cacheControl", "60"),
        ("metadata", r#"{"camera":"old"}"#),
    ]);
    let made = creation(&service, 1_500_000, &said).await;
    let place = place_of(made.assert_status(201));
    assert!(place.starts_with(&format!("{PLACE}/")), "{place}");
    assert!(made.header("upload-expires").is_some_and(|date| date.ends_with(" GMT")), "{made:?}");
    for (from, to) in [(0, 1), (1, 600_000), (600_000, 600_000), (600_000, 1_499_999)] {
        let answer = patch(&service, &place, from, body[usize::try_from(from).unwrap()..to].to_vec()).await;
        assert_eq!(number(answer.assert_status(204), "upload-offset"), to as u64);
        let told = tus(&service, Method::HEAD, &place).await;
        assert_eq!((number(told.assert_status(200), "upload-offset"), number(&told, "upload-length")), (to as u64, 1_500_000));
        assert_eq!((told.header("cache-control"), told.header("upload-metadata")), (Some("no-store"), Some(said.as_str())));
        crate::storage::refused(&get(&service, "files/a%20b/%C3%A9.bin").await, "404", "NoSuchKey");
    }
    patch(&service, &place, 1_499_999, body[1_499_999..].to_vec()).await.assert_status(204);
    let answer = get(&service, "files/a%20b/%C3%A9.bin").await;
    assert_eq!(answer.assert_status(200).bytes(), body);
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some("image/png"), Some("max-age=60")));
    let part = service.get("/storage/v1/object/files/a%20b/%C3%A9.bin").header("range", "bytes=599990-600009").await;
    assert_eq!(part.assert_status(206).bytes(), &body[599_990..600_010]);
    let info = service.get("/storage/v1/object/info/files/a%20b/%C3%A9.bin").await.json();
    assert_eq!((info["size"].as_u64(), &info["metadata"]), (Some(1_500_000), &json!({ "camera": "old" })));

    // Who missed the last answer is told that it is whole.
    assert_eq!(offset(&service, &place).await, 1_500_000);
    refused(&patch(&service, &place, 1_499_999, "x").await, 409, "Conflict");
    tus(&service, Method::DELETE, &place).await.assert_status(204);
    get(&service, "files/a%20b/%C3%A9.bin").await.assert_status(200);
}

#[tokio::test]
async fn the_server_says_what_it_can() {
    let app = with_buckets("[storage]\nmax_object_size = \"5GiB\"").await;
    for place in [PLACE.to_owned(), format!("{PLACE}/sign"), format!("{PLACE}/x"), format!("{PLACE}/sign/x")] {
        let answer = app.nobody().request(Method::OPTIONS, &place).await;
        answer.assert_status(204);
        assert_eq!((answer.header("tus-version"), answer.header("tus-resumable")), (Some("1.0.0"), Some("1.0.0")));
        assert_eq!(answer.header("tus-extension"), Some("creation,creation-with-upload,expiration,termination"));
        assert_eq!(number(&answer, "tus-max-size"), 5 << 30);
    }
    let preflight = app.nobody().request(Method::OPTIONS, PLACE).header("origin", "https://app.example");
    let preflight = preflight.header("access-control-request-method", "PATCH").await;
    assert!(preflight.header("access-control-allow-methods").is_some_and(|all| all.contains("PATCH")), "{preflight:?}");
    let service = app.service();
    let place = begin(&service, 5 << 30, "files", "huge").await;
    assert_eq!(number(&tus(&service, Method::HEAD, &place).await, "upload-length"), 5 << 30);
    refused(&creation(&service, (5 << 30) + 1, &named("files", "huger")).await, 413, "EntityTooLarge");
    refused(&creation(&service, u64::MAX, &named("files", "huger")).await, 413, "EntityTooLarge");
}

#[tokio::test]
async fn bytes_may_come_with_the_creation_and_nothing_is_an_object_too() {
    let app = with_buckets("").await;
    let service = app.service();
    let with = |length: u64, name: &str, body: &'static str| {
        creation(&service, length, &named("files", name)).header("content-type", "application/offset+octet-stream").body(body)
    };
    let whole = with(5, "whole", "whole").await;
    assert_eq!(number(whole.assert_status(201), "upload-offset"), 5);
    assert_eq!(get(&service, "files/whole").await.assert_status(200).text(), "whole");
    let half = with(10, "half", "first").await;
    assert_eq!(number(half.assert_status(201), "upload-offset"), 5);
    patch(&service, &place_of(&half), 5, "-last").await.assert_status(204);
    assert_eq!(get(&service, "files/half").await.assert_status(200).text(), "first-last");
    refused(&with(3, "long", "longer").await, 413, "EntityTooLarge");
    let empty = begin(&service, 0, "files", "empty").await;
    assert_eq!(get(&service, "files/empty").await.assert_status(200).text(), "");
    assert_eq!(offset(&service, &empty).await, 0);
    // A body of another type is none of its bytes.
    let plain = creation(&service, 5, &named("files", "plain")).header("content-type", "text/plain").body("other").await;
    assert_eq!(offset(&service, &place_of(plain.assert_status(201))).await, 0);
}

#[tokio::test]
async fn what_the_protocol_does_not_have_is_refused() {
    let app = with_buckets("").await;
    let service = app.service();
    let place = begin(&service, 100, "files", "a").await;
    for version in [None, Some("0.2.2"), Some("")] {
        let requests = [
            service.request(Method::POST, PLACE).header("upload-length", "1"),
            service.request(Method::PATCH, &place),
            service.request(Method::DELETE, &place),
        ];
        for request in requests {
            let request = version.into_iter().fold(request, |request, version| request.header("tus-resumable", version));
            let answer = request.await;
            refused(&answer, 412, "PreconditionFailed");
            assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        }
    }
    let head = service.head(&place).await;
    assert_eq!((head.status(), head.header("tus-version")), (412, Some("1.0.0")));

    let typed = async |kind: &str| {
        tus(&service, Method::PATCH, &place).header("upload-offset", "0").header("content-type", kind).body("x").await
    };
    refused(&typed("application/octet-stream").await, 415, "InvalidContentType");
    let untyped = tus(&service, Method::PATCH, &place).header("upload-offset", "0").await;
    refused(&untyped, 415, "InvalidContentType");
    let at = async |offset: &str| {
        let kind = "application/offset+octet-stream";
        tus(&service, Method::PATCH, &place).header("content-type", kind).header("upload-offset", offset).body("x").await
    };
    for wrong in ["-1", "+1", "x", "", "1.0", "99999999999999999999999"] {
        refused(&at(wrong).await, 400, "InvalidRequest");
    }
    refused(&at("1").await, 409, "Conflict");
    refused(&patch(&service, &place, 0, vec![0; 101]).await, 413, "EntityTooLarge");
    let endless = reqwest::Body::wrap_stream(stream::iter((0..50).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 10]))));
    refused(&patch(&service, &place, 0, endless).await, 413, "EntityTooLarge");
    assert_eq!(offset(&service, &place).await, 0, "nothing of what was refused is kept");

    let begun = |length: &str, said: &str| {
        tus(&service, Method::POST, PLACE).header("upload-length", length).header("upload-metadata", said)
    };
    for length in ["", "-1", "x", "1e3"] {
        refused(&begun(length, &named("files", "b")).await, 400, "InvalidRequest");
    }
    refused(&tus(&service, Method::POST, PLACE).header("upload-metadata", &named("files", "b")).await, 400, "InvalidRequest");
    let deferred = tus(&service, Method::POST, PLACE).header("upload-defer-length", "1");
    refused(&deferred.header("upload-metadata", &named("files", "b")).await, 400, "InvalidRequest");
    for said in ["", "bucketName", "bucketName ZmlsZXM=", "objectName YQ==", "bucketName %%", "a YQ==,a YQ=="] {
        let answer = begun("1", said).await;
        assert_eq!(answer.status(), 400, "{said}: {}", answer.text());
    }
    for name in ["../b", "", "a//b", "a\0"] {
        refused(&begun("1", &named("files", name)).await, 400, "InvalidKey");
    }
    refused(&begun("1", &named("none", "b")).await, 404, "NoSuchBucket");
    let not_json = metadata(&[("bucketName", "files"), ("objectName", "b"), ("metadata", "none")]);
    refused(&begun("1", &not_json).await, 400, "InvalidRequest");
    for place in [format!("{PLACE}/none"), format!("{PLACE}/00000000-0000-4000-8000-000000000000")] {
        assert_eq!(tus(&service, Method::HEAD, &place).await.status(), 404);
        refused(&patch(&service, &place, 0, "x").await, 404, "NoSuchUpload");
        refused(&tus(&service, Method::DELETE, &place).await, 404, "NoSuchUpload");
    }
}

#[tokio::test]
async fn replayed_and_out_of_order_bytes_are_refused() {
    let app = with_buckets("").await;
    let service = app.service();
    let place = begin(&service, 9, "files", "a").await;
    refused(&patch(&service, &place, 3, "two").await, 409, "Conflict");
    patch(&service, &place, 0, "one").await.assert_status(204);
    refused(&patch(&service, &place, 0, "one").await, 409, "Conflict");
    refused(&patch(&service, &place, 6, "thr").await, 409, "Conflict");
    patch(&service, &place, 3, "two").await.assert_status(204);
    patch(&service, &place, 6, "thr").await.assert_status(204);
    refused(&patch(&service, &place, 6, "thr").await, 409, "Conflict");
    assert_eq!(get(&service, "files/a").await.text(), "onetwothr");
}

#[tokio::test]
async fn of_bytes_that_come_at_once_to_one_place_one_part_is_kept() {
    let app = with_buckets("").await;
    let service = app.service();
    for round in 0..4 {
        let place = begin(&service, 400_000, "files", &format!("at-once/{round}")).await;
        for begun in [0, 200_000] {
            let bodies: Vec<Vec<u8>> = (0..6).map(|writer| vec![b'a' + writer; 200_000]).collect();
            let answers = bodies.iter().map(|body| patch(&service, &place, begun, body.clone()).try_send());
            let answers = futures_util::future::join_all(answers).await;
            let statuses: Vec<u16> = answers.iter().map(|answer| answer.as_ref().expect("an answer").status()).collect();
            assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 204 | 409)), "{statuses:?}");
            assert_eq!(offset(&service, &place).await, begun + 200_000);
        }
        let whole = get(&service, &format!("files/at-once/{round}")).await.assert_status(200).bytes().to_vec();
        assert_eq!(whole.len(), 400_000);
        assert!(whole.chunks(200_000).all(|half| half.iter().all(|byte| *byte == half[0])), "each half is of one writer");
    }
}

#[tokio::test]
async fn an_ended_upload_leaves_nothing() {
    let app = with_buckets("[storage]\ngrace = \"0s\"\ncollect_every = \"100ms\"").await;
    let service = app.service();
    let place = begin(&service, 10, "files", "a").await;
    patch(&service, &place, 0, "12345").await.assert_status(204);
    assert_eq!(kept(&app), 1);
    tus(&service, Method::DELETE, &place).await.assert_status(204);
    assert_eq!(tus(&service, Method::HEAD, &place).await.status(), 404);
    refused(&patch(&service, &place, 5, "67890").await, 404, "NoSuchUpload");
    let second = begin(&service, 10, "files", "b").await;
    patch(&service, &second, 0, "12345").await.assert_status(204);
    service.delete("/storage/v1/bucket/files").await.assert_status(200);
    assert_eq!(tus(&service, Method::HEAD, &second).await.status(), 404, "it went with its bucket");
    eventually("the collector's work", std::time::Duration::from_secs(20), async || (kept(&app) == 0).then_some(())).await;
}

#[tokio::test]
async fn an_upload_expires_and_a_whole_one_keeps_its_object() {
    let app = with_buckets("[storage]\nupload_lifetime = \"8s\"\ngrace = \"0s\"\ncollect_every = \"100ms\"").await;
    let service = app.service();
    let whole = begin(&service, 5, "files", "whole").await;
    patch(&service, &whole, 0, "whole").await.assert_status(204);
    let place = begin(&service, 10, "files", "half").await;
    patch(&service, &place, 0, "12345").await.assert_status(204);
    eventually("both uploads' end", std::time::Duration::from_secs(60), async || {
        let (first, second) = (tus(&service, Method::HEAD, &whole).await, tus(&service, Method::HEAD, &place).await);
        ((first.status(), second.status()) == (404, 404) && kept(&app) == 1).then_some(())
    })
    .await;
    refused(&patch(&service, &place, 5, "67890").await, 404, "NoSuchUpload");
    assert_eq!(get(&service, "files/whole").await.assert_status(200).text(), "whole");
}

#[tokio::test]
async fn an_object_that_is_there_is_replaced_only_when_that_is_asked_for() {
    let app = with_buckets("").await;
    let service = app.service();
    put(&service, "files/a", "old").await.assert_status(200);
    refused(&creation(&service, 3, &named("files", "a")).await, 409, "Duplicate");
    let upsert = creation(&service, 3, &named("files", "a")).header("x-upsert", "true").await;
    patch(&service, &place_of(upsert.assert_status(201)), 0, "new").await.assert_status(204);
    assert_eq!(get(&service, "files/a").await.text(), "new");
    // Another made it in between: the upload is over, and says so.
    let late = begin(&service, 3, "files", "b").await;
    put(&service, "files/b", "first").await.assert_status(200);
    refused(&patch(&service, &late, 0, "two").await, 409, "Duplicate");
    assert_eq!(tus(&service, Method::HEAD, &late).await.status(), 404);
    assert_eq!(get(&service, "files/b").await.text(), "first");
}

#[tokio::test]
async fn other_methods_may_be_named_in_a_header() {
    let app = with_buckets("").await;
    let service = app.service();
    let place = begin(&service, 5, "files", "a").await;
    let instead = |method: &str| tus(&service, Method::POST, &place).header("x-http-method-override", method);
    assert_eq!(number(instead("HEAD").await.assert_status(200), "upload-offset"), 0);
    let patched = instead("patch").header("content-type", "application/offset+octet-stream").header("upload-offset", "0");
    patched.body("12345").await.assert_status(204);
    assert_eq!(get(&service, "files/a").await.text(), "12345");
    refused(&instead("PUT").await, 405, "MethodNotAllowed");
    let other = begin(&service, 5, "files", "b").await;
    tus(&service, Method::POST, &other).header("x-http-method-override", "DELETE").await.assert_status(204);
    assert_eq!(tus(&service, Method::HEAD, &other).await.status(), 404);
    service.get(&place).await.assert_status(405);
    assert_eq!(kept(&app), 1);
}
