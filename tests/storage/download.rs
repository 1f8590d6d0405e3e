//! Downloads over HTTP.

use super::{get, put, refused, with_buckets};
use crate::support::Response;

#[tokio::test]
async fn parts_and_conditions_are_answered() {
    let app = with_buckets("").await;
    let service = app.service();
    put(&service, "files/digits", "0123456789").await.assert_status(200);
    let path = "/storage/v1/object/files/digits";
    let whole = service.get(path).await;
    let (etag, date) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(etag, "\"781e5e245d69b566979b86e28d23f2c7\"", "the MD5, as S3's tags are");
    for (range, body, content_range) in
        [("bytes=0-3", "0123", "bytes 0-3/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-2", "89", "bytes 8-9/10")]
    {
        let part = service.get(path).header("range", range).await;
        assert_eq!((part.assert_status(206).text().as_str(), part.header("content-range")), (body, Some(content_range)));
    }
    let outside = service.get(path).header("range", "bytes=10-").await;
    assert_eq!(outside.assert_status(416).header("content-range"), Some("bytes */10"));
    assert_eq!(outside.json()["code"], "InvalidRange");
    let same = service.get(path).header("if-none-match", etag).await;
    assert_eq!((same.assert_status(304).text().as_str(), same.header("etag")), ("", Some(etag)));
    service.get(path).header("if-modified-since", date).await.assert_status(304);
    service.get(path).header("if-none-match", "\"other\"").await.assert_status(200);
    let changed = service.get(path).header("range", "bytes=0-3").header("if-range", "\"other\"").await;
    assert_eq!(changed.assert_status(200).text(), "0123456789");

    let head = service.head(path).await;
    assert_eq!((head.assert_status(200).header("content-length"), head.header("etag")), (Some("10"), Some(etag)));
    service.head("/storage/v1/object/files/none").await.assert_status(404);
    service.head("/storage/v1/object/info/files/none").await.assert_status(404);
    service.head("/storage/v1/object/info/files/digits").await.assert_status(200);
}

#[tokio::test]
async fn what_browsers_would_run_is_saved_instead() {
    let app = with_buckets("").await;
    let as_type = async |name: &str, kind: &str| -> Response {
        let to = format!("/storage/v1/object/pictures/{name}");
        app.service().post(&to).header("content-type", kind).body("<script>alert(1)</script>").await.assert_status(200);
        app.nobody().get(&format!("/storage/v1/object/public/pictures/{name}")).await
    };
    for (at, kind) in
        ["text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/javascript", "text/xml"]
            .into_iter()
            .enumerate()
    {
        let answer = as_type(&format!("active{at}"), kind).await;
        let disposition = answer.assert_status(200).header("content-disposition").unwrap_or_default();
        assert!(disposition.starts_with("attachment"), "{kind}: {disposition}");
        assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")), "{kind}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for (at, kind) in ["image/png", "text/plain", "application/pdf", "video/mp4"].into_iter().enumerate() {
        let answer = as_type(&format!("passive{at}"), kind).await;
        assert_eq!((answer.header("content-disposition"), answer.header("x-content-type-options")), (None, Some("nosniff")));
    }
}

#[tokio::test]
async fn a_download_is_saved_under_the_name_that_is_asked_for() {
    let app = with_buckets("").await;
    put(&app.service(), "pictures/a/b%20c.txt", "x").await.assert_status(200);
    let disposition = async |query: &str| {
        let answer = app.nobody().get(&format!("/storage/v1/object/public/pictures/a/b%20c.txt{query}")).await;
        answer.assert_status(200).header("content-disposition").map(str::to_owned)
    };
    assert_eq!(disposition("").await, None);
    assert_eq!(disposition("?download").await.as_deref(), Some("attachment; filename=\"b c.txt\"; filename*=UTF-8''b%20c.txt"));
    assert_eq!(disposition("?download=").await, disposition("?download").await);
    let hostile = disposition("?download=%22%0d%0aset-cookie:%20a=%C3%A4").await.unwrap();
    assert_eq!(hostile, "attachment; filename=\"___set-cookie: a=_\"; filename*=UTF-8''%22%0D%0Aset-cookie%3A%20a%3D%C3%A4");
}

#[tokio::test]
async fn public_buckets_are_read_by_everybody_and_others_by_nobody() {
    let app = with_buckets("").await;
    let service = app.service();
    put(&service, "pictures/a", "seen").await.assert_status(200);
    put(&service, "files/a", "secret").await.assert_status(200);
    assert_eq!(get(&app.nobody(), "public/pictures/a").await.assert_status(200).text(), "seen");
    assert_eq!(get(&app.anon(), "pictures/a").await.assert_status(200).text(), "seen");
    assert_eq!(get(&app.anon(), "authenticated/pictures/a").await.assert_status(200).text(), "seen");
    app.nobody().get("/storage/v1/object/info/public/pictures/a").await.assert_status(200);
    refused(&get(&app.nobody(), "public/files/a").await, "404", "NoSuchBucket");
    refused(&get(&app.nobody(), "public/pictures/none").await, "404", "NoSuchKey");
    app.nobody().get("/storage/v1/object/files/a").await.assert_status(401);
    refused(&get(&app.anon(), "files/a").await, "404", "NoSuchKey");
    refused(&app.anon().get("/storage/v1/object/info/public/files/a").await, "404", "NoSuchBucket");
}
