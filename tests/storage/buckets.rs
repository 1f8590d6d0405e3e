//! Buckets over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::{bucket, get, put, refused, sql, with_buckets};
use crate::support::TestApp;

#[tokio::test]
async fn a_bucket_is_made_read_changed_emptied_and_deleted() {
    let app = TestApp::start().await;
    let service = app.service();
    let docs = json!({ "id": "docs", "name": "docs", "file_size_limit": "20MB", "allowed_mime_types": ["text/*"] });
    assert_eq!(bucket(&app, &docs).await.assert_status(200).json(), json!({ "name": "docs" }));
    refused(&bucket(&app, &json!({ "name": "docs" })).await, "409", "Duplicate");

    let read = service.get("/storage/v1/bucket/docs").await.assert_status(200).json();
    assert_eq!(read["file_size_limit"], 20_000_000);
    assert_eq!(read["allowed_mime_types"], json!(["text/*"]));
    assert_eq!((read["public"].as_bool(), read["owner"].as_str()), (Some(false), Some("")));
    assert!(read["created_at"].is_string() && read["updated_at"].is_string(), "{read}");
    refused(&service.get("/storage/v1/bucket/none").await, "404", "NoSuchBucket");

    let change = json!({ "id": "docs", "name": "docs", "public": true, "file_size_limit": null, "allowed_mime_types": null });
    let changed = service.put("/storage/v1/bucket/docs").json(&change).await;
    assert_eq!(changed.assert_status(200).json(), json!({ "message": "Successfully updated" }));
    let read = service.get("/storage/v1/bucket/docs").await.json();
    assert_eq!(
        (read["public"].as_bool(), &read["file_size_limit"], &read["allowed_mime_types"]),
        (Some(true), &Value::Null, &Value::Null)
    );

    put(&service, "docs/a/one.txt", "one").await.assert_status(200);
    put(&service, "docs/two.txt", "two").await.assert_status(200);
    refused(&service.delete("/storage/v1/bucket/docs").await, "409", "BucketNotEmpty");
    service.post("/storage/v1/bucket/docs/empty").await.assert_status(200);
    refused(&get(&service, "docs/two.txt").await, "404", "NoSuchKey");
    let gone = service.delete("/storage/v1/bucket/docs").await;
    assert_eq!(gone.assert_status(200).json(), json!({ "message": "Successfully deleted" }));
    refused(&service.get("/storage/v1/bucket/docs").await, "404", "NoSuchBucket");
    refused(&put(&service, "docs/two.txt", "two").await, "404", "NoSuchBucket");
}

#[tokio::test]
async fn buckets_are_the_policies_matter() {
    let app = with_buckets("").await;
    let ada = app.sign_up("ada@example.com").await;
    assert_eq!(ada.get("/storage/v1/bucket").await.assert_status(200).json(), json!([]));
    refused(&ada.get("/storage/v1/bucket/files").await, "404", "NoSuchBucket");
    refused(&ada.post("/storage/v1/bucket").json(&json!({ "name": "mine" })).await, "403", "AccessDenied");
    refused(&ada.delete("/storage/v1/bucket/files").await, "404", "NoSuchBucket");
    refused(&ada.post("/storage/v1/bucket/files/empty").await, "403", "AccessDenied");

    let policy = "create policy see on storage.buckets for select to authenticated using (public);
                  create policy make on storage.buckets for insert to authenticated with check (owner = auth.uid());";
    sql(&app, policy).await.assert_status(200);
    let seen = ada.get("/storage/v1/bucket").await.assert_status(200).json();
    assert_eq!(super::names(&seen), ["pictures"]);
    ada.post("/storage/v1/bucket").json(&json!({ "name": "mine" })).await.assert_status(200);
    let mine = app.service().get("/storage/v1/bucket/mine").await.json();
    assert_eq!(mine["owner"], ada.id);
    refused(&ada.put("/storage/v1/bucket/pictures").json(&json!({ "public": false })).await, "403", "AccessDenied");
}

#[tokio::test]
async fn a_bucket_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    for name in ["", "a/b", "..", " a", "public", "sign", "ä", &"x".repeat(101)] {
        refused(&bucket(&app, &json!({ "name": name })).await, "400", "InvalidKey");
    }
    for body in [
        json!({}),
        json!([]),
        json!({ "name": "a", "file_size_limit": "20 parsecs" }),
        json!({ "name": "a", "file_size_limit": -1 }),
        json!({ "name": "a", "allowed_mime_types": "image/png" }),
        json!({ "name": "a", "allowed_mime_types": ["image"] }),
    ] {
        refused(&bucket(&app, &body).await, "400", "InvalidRequest");
    }
    let answer = app.nobody().get("/storage/v1/bucket").await;
    assert_eq!(answer.assert_status(401).json(), json!({ "message": "No API key found in request" }));
    refused(&app.bearer("x.y.z").get("/storage/v1/bucket").await, "400", "InvalidJWT");
    app.service().request(Method::PATCH, "/storage/v1/bucket").await.assert_status(405);
    app.service().get("/storage/v1/nothing").await.assert_status(404);
}

#[tokio::test]
async fn limits_of_a_bucket_hold_for_uploads_copies_and_moves() {
    let app = with_buckets("[storage]\nmax_object_size = \"4KiB\"").await;
    let service = app.service();
    let body = json!({ "name": "small", "file_size_limit": 10, "allowed_mime_types": ["text/plain", "image/*"] });
    bucket(&app, &body).await.assert_status(200);
    put(&service, "small/fits", "0123456789").await.assert_status(200);
    refused(&put(&service, "small/long", "0123456789a").await, "413", "EntityTooLarge");
    refused(&put(&service, "files/long", &"x".repeat(4097)).await, "413", "EntityTooLarge");
    let typed = async |kind: &str| {
        service.post("/storage/v1/object/small/typed").header("content-type", kind).header("x-upsert", "true").body("x").await
    };
    typed("image/webp").await.assert_status(200);
    typed("text/plain; charset=utf-8").await.assert_status(200);
    for kind in ["text/html", "imagery/png", "application/octet-stream"] {
        refused(&typed(kind).await, "415", "InvalidMimeType");
    }
    refused(&typed("nonsense").await, "400", "InvalidRequest");

    put(&service, "files/long", "0123456789a").await.assert_status(200);
    let to_small = json!({ "bucketId": "files", "sourceKey": "long", "destinationBucket": "small", "destinationKey": "long" });
    refused(&service.post("/storage/v1/object/copy").json(&to_small).await, "413", "EntityTooLarge");
    refused(&service.post("/storage/v1/object/move").json(&to_small).await, "413", "EntityTooLarge");
    assert_eq!(get(&service, "files/long").await.assert_status(200).text(), "0123456789a");
}
