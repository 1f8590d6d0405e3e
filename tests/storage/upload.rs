//! Uploads over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{get, put, refused, upload, with_buckets};

#[tokio::test]
async fn what_is_uploaded_is_downloaded() {
    let app = with_buckets("").await;
    let service = app.service();
    for size in [0_usize, 1, 1000, 600_000, 3_000_001] {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let name = format!("files/sized/{size}");
        let answer = service
            .post(&format!("/storage/v1/object/{name}"))
            .header("content-type", "image/png")
            .header("cache-control", "max-age=60")
            .header("x-metadata", &STANDARD.encode(r#"{"camera":"old"}"#))
            .body(bytes.clone())
            .await;
        let body = answer.assert_status(200).json();
        assert_eq!(body["Key"], name);
        assert!(body["Id"].is_string(), "{body}");
        let answer = get(&service, &name).await;
        assert_eq!(answer.assert_status(200).bytes(), bytes);
        assert_eq!(answer.header("content-type"), Some("image/png"));
        assert_eq!(answer.header("cache-control"), Some("max-age=60"));
        assert_eq!(answer.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let info = service.get(&format!("/storage/v1/object/info/{name}")).await.assert_status(200).json();
        assert_eq!((info["size"].as_u64(), &info["metadata"]), (Some(size as u64), &json!({ "camera": "old" })));
        assert_eq!((info["content_type"].as_str(), info["etag"].as_str()), (Some("image/png"), answer.header("etag")));
        assert_eq!((info["bucket_id"].as_str(), info["name"].as_str()), (Some("files"), Some(&name[6..])));
        for key in ["id", "version", "cache_control", "last_modified", "created_at"] {
            assert!(info[key].is_string(), "{key}: {info}");
        }
    }
}

#[tokio::test]
async fn an_object_that_is_there_is_replaced_only_when_that_is_asked_for() {
    let app = with_buckets("").await;
    let service = app.service();
    refused(&service.put("/storage/v1/object/files/a").body("none").await, "404", "NoSuchKey");
    put(&service, "files/a", "one").await.assert_status(200);
    refused(&put(&service, "files/a", "two").await, "409", "Duplicate");
    assert_eq!(get(&service, "files/a").await.text(), "one");
    let first: Value = service.get("/storage/v1/object/info/files/a").await.json();
    upload(&service, "files/a", "two").header("x-upsert", "true").await.assert_status(200);
    assert_eq!(get(&service, "files/a").await.text(), "two");
    service.put("/storage/v1/object/files/a").header("content-type", "text/css").body("three").await.assert_status(200);
    let answer = get(&service, "files/a").await;
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("three", Some("text/css")));
    let last: Value = service.get("/storage/v1/object/info/files/a").await.json();
    assert_eq!((&first["id"], &first["created_at"]), (&last["id"], &last["created_at"]));
    assert_ne!((&first["version"], &first["etag"]), (&last["version"], &last["etag"]));
    upload(&service, "files/new", "x").header("x-upsert", "true").await.assert_status(200);
}

#[tokio::test]
async fn forms_are_taken_as_the_clients_send_them() {
    let app = with_buckets("").await;
    let form = |file_field: &str, rest: &str| {
        let part = |head: &str, body: &str| format!("--edge\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n");
        let file = format!("name=\"{file_field}\"; filename=\"blob\"\r\ncontent-type: image/gif");
        format!(
            "{}{}{rest}{}--edge--\r\n",
            part("name=\"cacheControl\"", "3600"),
            part("name=\"metadata\"", r#"{"a":1}"#),
            part(&file, "GIF89a")
        )
    };
    for (at, body) in [form("", ""), form("file", "")].into_iter().enumerate() {
        let name = format!("files/form{at}");
        let answer = app.service().post(&format!("/storage/v1/object/{name}"));
        answer.header("content-type", "multipart/form-data; boundary=edge").body(body).await.assert_status(200);
        let answer = get(&app.service(), &name).await;
        assert_eq!(answer.assert_status(200).text(), "GIF89a");
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some("image/gif"), Some("max-age=3600")));
        let info = app.service().get(&format!("/storage/v1/object/info/{name}")).await.json();
        assert_eq!(info["metadata"], json!({ "a": 1 }));
    }
    let none = "--edge\r\ncontent-disposition: form-data; name=\"cacheControl\"\r\n\r\n1\r\n--edge--\r\n";
    let wrong_metadata = "--edge\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\nnone\r\n--edge--\r\n";
    for body in [none, wrong_metadata, "nonsense", "--edge\r\n"] {
        let answer =
            app.service().post("/storage/v1/object/files/none").header("content-type", "multipart/form-data; boundary=edge");
        refused(&answer.body(body).await, "400", "InvalidRequest");
    }
    refused(&get(&app.service(), "files/none").await, "404", "NoSuchKey");
}

#[tokio::test]
async fn what_headers_cannot_mean_is_refused() {
    let app = with_buckets("").await;
    let long = STANDARD.encode(format!("{{\"a\":\"{}\"}}", "x".repeat(9000)));
    for (header, value) in
        [("x-metadata", "%%%"), ("x-metadata", "W10="), ("x-metadata", long.as_str()), ("content-type", "no type")]
    {
        let answer = app.service().post("/storage/v1/object/files/a").header(header, value).body("x").await;
        refused(&answer, "400", "InvalidRequest");
    }
}

#[tokio::test]
async fn five_hundred_small_uploads_at_once_are_all_kept() {
    let app = with_buckets("").await;
    let service = app.service();
    let names: Vec<String> = (0..500).map(|at| format!("files/many/{at:03}")).collect();
    let answers = futures_util::future::join_all(names.iter().map(|name| put(&service, name, name))).await;
    for answer in &answers {
        answer.assert_status(200);
    }
    let body = json!({ "prefix": "many", "limit": 1000 });
    let lines = service.post("/storage/v1/object/list/files").json(&body).await.assert_status(200).json();
    assert_eq!(lines.as_array().unwrap().len(), 500);
    for name in names.iter().step_by(50) {
        assert_eq!(get(&service, name).await.assert_status(200).text(), *name);
    }
}

#[tokio::test]
async fn of_uploads_to_one_name_at_once_one_is_kept_whole() {
    let app = with_buckets("").await;
    let service = app.service();
    let bodies: Vec<String> = (0..16).map(|at| format!("{at:02}").repeat(50_000)).collect();
    let created = futures_util::future::join_all(bodies.iter().map(|body| put(&service, "files/one", body))).await;
    assert_eq!(created.iter().filter(|answer| answer.status() == 200).count(), 1, "one is first");
    for answer in created.iter().filter(|answer| answer.status() != 200) {
        refused(answer, "409", "Duplicate");
    }
    let upserts =
        bodies.iter().map(|body| async { upload(&service, "files/two", body.clone()).header("x-upsert", "true").await });
    let done = futures_util::future::join_all(upserts).await;
    for answer in &done {
        answer.assert_status(200);
    }
    for name in ["files/one", "files/two"] {
        let kept = get(&service, name).await.text();
        assert!(bodies.contains(&kept), "{name} is one of them, whole");
    }
}
