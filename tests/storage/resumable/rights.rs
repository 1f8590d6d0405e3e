//! Whose uploads they are: policies and limits at the beginning and at the end, and signed tokens for one object each.

use reqwest::Method;
use serde_json::json;

use super::{PLACE, begin, creation, metadata, named, offset, patch, place_of, refused, tus};
use crate::storage::{bucket, get, put, sql, with_buckets};
use crate::support::{Client, TestApp, claims};

#[tokio::test]
async fn only_who_began_an_upload_goes_on_with_it() {
    let app = with_buckets("").await;
    let (ada, eve) = (app.sign_up("ada@example.com").await, app.sign_up("eve@example.com").await);
    let name = format!("{}/a", ada.id);
    // Clients of tus send the user's token and no key.
    let token_alone = async |place: &str, offset: u64, body: &'static str| {
        let request = tus(&app.nobody(), Method::PATCH, place).header("authorization", &format!("Bearer {}", ada.access_token));
        let request = request.header("content-type", "application/offset+octet-stream");
        request.header("upload-offset", &offset.to_string()).body(body).await
    };
    let place = begin(&ada, 6, "files", &name).await;
    token_alone(&place, 0, "12").await.assert_status(204);
    for other in [&*eve, &app.anon()] {
        assert_eq!(tus(other, Method::HEAD, &place).await.status(), 404);
        refused(&patch(other, &place, 2, "34").await, 404, "NoSuchUpload");
        refused(&tus(other, Method::DELETE, &place).await, 404, "NoSuchUpload");
    }
    refused(&patch(&app.nobody(), &place, 2, "34").await, 400, "InvalidJWT");
    assert_eq!(tus(&app.nobody(), Method::HEAD, &place).await.status(), 400);
    assert_eq!(offset(&app.service(), &place).await, 2, "the server's owner may see to every upload");
    token_alone(&place, 2, "3456").await.assert_status(204);
    assert_eq!(get(&ada, &format!("files/{name}")).await.assert_status(200).text(), "123456");
    let info = app.service().get(&format!("/storage/v1/object/info/files/{name}")).await.json();
    assert_eq!(info["size"], 6);
    // What the service key began is not everybody's who has no name either.
    let place = begin(&app.service(), 6, "files", "by-service").await;
    assert_eq!(tus(&app.anon(), Method::HEAD, &place).await.status(), 404);
    refused(&patch(&app.anon(), &place, 0, "123456").await, 404, "NoSuchUpload");
}

#[tokio::test]
async fn policies_are_asked_at_the_beginning_and_at_the_end() {
    let app = with_buckets("").await;
    let (ada, eve) = (app.sign_up("ada@example.com").await, app.sign_up("eve@example.com").await);
    refused(&creation(&ada, 6, &named("files", &format!("{}/a", eve.id))).await, 403, "AccessDenied");
    refused(&creation(&app.anon(), 6, &named("files", "a")).await, 403, "AccessDenied");
    refused(&creation(&app.nobody(), 6, &named("files", "a")).await, 400, "InvalidJWT");
    let place = begin(&ada, 6, "files", &format!("{}/a", ada.id)).await;
    patch(&ada, &place, 0, "123").await.assert_status(204);
    sql(&app, "drop policy own_files on storage.objects").await.assert_status(200);
    refused(&patch(&ada, &place, 3, "456").await, 403, "AccessDenied");
    assert_eq!(tus(&ada, Method::HEAD, &place).await.status(), 404, "it is over, not whole");
    crate::storage::refused(&get(&app.service(), &format!("files/{}/a", ada.id)).await, "404", "NoSuchKey");
}

#[tokio::test]
async fn limits_of_the_bucket_hold_at_the_beginning_and_at_the_end() {
    let app = with_buckets("").await;
    let service = app.service();
    let small = json!({ "name": "small", "file_size_limit": 10, "allowed_mime_types": ["text/*"] });
    bucket(&app, &small).await.assert_status(200);
    refused(&creation(&service, 11, &named("small", "a")).await, 413, "EntityTooLarge");
    let image = metadata(&[("bucketName", "small"), ("objectName", "a"), ("contentType", "image/png")]);
    refused(&creation(&service, 5, &image).await, 415, "InvalidMimeType");
    let changes = [
        (json!({ "file_size_limit": 5 }), 413, "EntityTooLarge"),
        (json!({ "file_size_limit": 10, "allowed_mime_types": ["image/*"] }), 415, "InvalidMimeType"),
        (json!({ "allowed_mime_types": null, "quota": 6 }), 413, "QuotaExceeded"),
    ];
    for (change, status, code) in changes {
        let none = json!({ "file_size_limit": null, "allowed_mime_types": null, "quota": null });
        service.put("/storage/v1/bucket/small").json(&none).await.assert_status(200);
        let place = begin(&service, 8, "small", "a").await;
        patch(&service, &place, 0, "1234").await.assert_status(204);
        service.put("/storage/v1/bucket/small").json(&change).await.assert_status(200);
        refused(&patch(&service, &place, 4, "5678").await, status, code);
        assert_eq!(tus(&service, Method::HEAD, &place).await.status(), 404);
    }
    crate::storage::refused(&get(&service, "small/a").await, "404", "NoSuchKey");
}

#[tokio::test]
async fn who_is_signed_out_goes_on_no_more() {
    let app = with_buckets("").await;
    let ada = app.sign_up("ada@example.com").await;
    let place = begin(&ada, 6, "files", &format!("{}/a", ada.id)).await;
    ada.post("/auth/v1/logout").await.assert_status(204);
    refused(&patch(&ada, &place, 0, "123456").await, 400, "InvalidJWT");
    refused(&tus(&ada, Method::DELETE, &place).await, 400, "InvalidJWT");
}

async fn token_for(client: &Client, path: &str, upsert: &str) -> String {
    let answer = client.post(&format!("/storage/v1/object/upload/sign/{path}")).header("x-upsert", upsert).await;
    answer.assert_status(200).json()["token"].as_str().unwrap().to_owned()
}

/// An upload that a token lets in; gives its place.
async fn begin_signed(app: &TestApp, token: &str, name: &str, length: u64) -> crate::support::Response {
    let request = tus(&app.nobody(), Method::POST, &format!("{PLACE}/sign")).header("x-signature", token);
    let request = request.header("upload-length", &length.to_string()).header("x-upsert", "true");
    request.header("upload-metadata", &named("files", name)).await
}

#[tokio::test]
async fn a_signed_token_uploads_one_object_in_steps() {
    let app = with_buckets("").await;
    let (ada, nobody) = (app.sign_up("ada@example.com").await, app.nobody());
    let name = format!("{}/given", ada.id);
    let token = token_for(&ada, &format!("files/{name}"), "false").await;
    let other = token_for(&ada, &format!("files/{}/other", ada.id), "false").await;
    let again = token_for(&app.service(), &format!("files/{name}"), "false").await;

    refused(&begin_signed(&app, &token, &format!("{}/else", ada.id), 6).await, 400, "InvalidJWT");
    refused(&begin_signed(&app, "x.y.z", &name, 6).await, 400, "InvalidJWT");
    refused(&begin_signed(&app, app.key("service_key"), &name, 6).await, 400, "InvalidJWT");
    let download = app.service();
    put(&download, &format!("files/{name}.txt"), "x").await.assert_status(200);
    let signed = download.post(&format!("/storage/v1/object/sign/files/{name}.txt")).json(&json!({ "expiresIn": 60 })).await;
    let signed = signed.json()["signedURL"].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
    refused(&begin_signed(&app, &signed, &format!("{name}.txt"), 6).await, 400, "InvalidJWT");

    let place = place_of(begin_signed(&app, &token, &name, 6).await.assert_status(201));
    assert!(place.starts_with(&format!("{PLACE}/sign/")), "{place}");
    let with = |token: &str, offset: u64, body: &'static str| patch(&nobody, &place, offset, body).header("x-signature", token);
    with(&token, 0, "123").await.assert_status(204);
    for wrong in [&other, &again, &ada.access_token, &format!("{token}x"), ""] {
        refused(&with(wrong, 3, "456").await, 400, "InvalidJWT");
        let ended = tus(&nobody, Method::DELETE, &place).header("x-signature", wrong).await;
        refused(&ended, 400, "InvalidJWT");
    }
    refused(&patch(&nobody, &place, 3, "456").await, 400, "InvalidJWT");
    // Neither does the other way lead to it, nor the token to uploads that it did not let in.
    let plain = place.replace("/sign/", "/");
    refused(&patch(&ada, &plain, 3, "456").await, 404, "NoSuchUpload");
    refused(&patch(&app.service(), &plain, 3, "456").await, 404, "NoSuchUpload");
    let own = begin(&ada, 6, "files", &name).await;
    let own = own.replace("/resumable/", "/resumable/sign/");
    refused(&patch(&nobody, &own, 0, "456").header("x-signature", &token).await, 404, "NoSuchUpload");

    let told = tus(&nobody, Method::HEAD, &place).header("x-signature", &token).await;
    assert_eq!((told.status(), told.header("upload-offset")), (200, Some("3")));
    with(&token, 3, "456").await.assert_status(204);
    assert_eq!(get(&ada, &format!("files/{name}")).await.assert_status(200).text(), "123456");
    // The token says that nothing is replaced, whatever the header does.
    refused(&begin_signed(&app, &token, &name, 6).await, 409, "Duplicate");
    let upsert = token_for(&ada, &format!("files/{name}"), "true").await;
    let place = place_of(begin_signed(&app, &upsert, &name, 1).await.assert_status(201));
    patch(&nobody, &place, 0, "7").header("x-signature", &upsert).await.assert_status(204);
    assert_eq!(get(&ada, &format!("files/{name}")).await.text(), "7");
    assert_eq!(claims(&upsert)["owner"], ada.id);
}
