//! Signed URLs.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{get, put, refused, with_buckets};
use crate::support::{TestApp, claims, eventually};

async fn signed(app: &TestApp, path: &str, seconds: u64) -> String {
    let body = json!({ "expiresIn": seconds });
    let answer = app.service().post(&format!("/storage/v1/object/sign/{path}")).json(&body).await.assert_status(200).json();
    let url = answer["signedURL"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("/object/sign/{path}?token=")), "{url}");
    format!("/storage/v1{url}")
}

fn token(url: &str) -> &str {
    url.split_once("token=").unwrap().1
}

#[tokio::test]
async fn a_signed_url_downloads_one_object_without_a_key() {
    let app = with_buckets("").await;
    put(&app.service(), "files/a", "secret").await.assert_status(200);
    put(&app.service(), "files/b", "other").await.assert_status(200);
    let url = signed(&app, "files/a", 60).await;
    let nobody = app.nobody();
    let answer = nobody.get(&format!("{url}&download=x.txt")).await;
    assert_eq!(answer.assert_status(200).text(), "secret");
    assert!(answer.header("content-disposition").unwrap().contains("x.txt"));
    nobody.head(&url).await.assert_status(200);
    nobody.get(&url).header("range", "bytes=0-1").await.assert_status(206);

    let token = token(&url);
    let with = async |path: &str, token: &str| nobody.get(&format!("/storage/v1/object/sign/{path}?token={token}")).await;
    refused(&with("files/b", token).await, "400", "InvalidJWT");
    refused(&with("pictures/a", token).await, "400", "InvalidJWT");
    refused(&with("files/a", "").await, "400", "InvalidJWT");
    refused(&nobody.get("/storage/v1/object/sign/files/a").await, "400", "InvalidJWT");
    let parts: Vec<&str> = token.split('.').collect();
    let mut forged: Value = claims(token);
    forged["url"] = "files/b".into();
    let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
    refused(&with("files/b", &format!("{}.{forged}.{}", parts[0], parts[2])).await, "400", "InvalidJWT");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    refused(&with("files/a", &format!("{none}.{}.", parts[1])).await, "400", "InvalidJWT");
    refused(&with("files/a", &format!("{}.{}.{}", parts[0], parts[1], &parts[2][1..])).await, "400", "InvalidJWT");
    refused(&with("files/a", app.key("service_key")).await, "400", "InvalidJWT");
    app.bearer(token).get("/rest/v1/").await.assert_status(401);
    refused(&get(&app.bearer(token), "files/a").await, "400", "InvalidJWT");
    let upload = nobody.put(&format!("/storage/v1/object/upload/sign/files/a?token={token}")).body("x").await;
    refused(&upload, "400", "InvalidJWT");

    app.service().delete("/storage/v1/object/files/a").await.assert_status(200);
    refused(&nobody.get(&url).await, "404", "NoSuchKey");
}

#[tokio::test]
async fn a_signed_url_expires() {
    let app = with_buckets("").await;
    put(&app.service(), "files/a", "secret").await.assert_status(200);
    let url = signed(&app, "files/a", 1).await;
    let answer = eventually("the URL's end", Duration::from_secs(10), async || {
        let answer = app.nobody().get(&url).await;
        (answer.status() != 200).then_some(answer)
    })
    .await;
    refused(&answer, "400", "InvalidJWT");
    for seconds in [json!(0), json!(-1), json!("soon"), json!(null), json!(1_000_000_000_000_u64)] {
        let answer = app.service().post("/storage/v1/object/sign/files/a").json(&json!({ "expiresIn": seconds })).await;
        refused(&answer, "400", "InvalidRequest");
    }
    let as_text = app.service().post("/storage/v1/object/sign/files/a").json(&json!({ "expiresIn": "60" })).await;
    as_text.assert_status(200);
}

#[tokio::test]
async fn many_urls_are_signed_at_once() {
    let app = with_buckets("").await;
    put(&app.service(), "files/a", "one").await.assert_status(200);
    put(&app.service(), "files/b%20c", "two").await.assert_status(200);
    let body = json!({ "expiresIn": 60, "paths": ["a", "none", "b c"] });
    let urls = app.service().post("/storage/v1/object/sign/files").json(&body).await.assert_status(200).json();
    assert_eq!(urls[1]["path"], "none");
    assert!(urls[1]["signedURL"].is_null() && urls[1]["error"].is_string(), "{urls}");
    for (at, text) in [(0, "one"), (2, "two")] {
        let url = urls[at]["signedURL"].as_str().unwrap().replace(' ', "%20");
        assert_eq!(app.nobody().get(&format!("/storage/v1{url}")).await.assert_status(200).text(), text);
    }
}

#[tokio::test]
async fn a_signed_url_uploads_one_object_of_its_signer() {
    let app = with_buckets("").await;
    let ada = app.sign_up("ada@example.com").await;
    let path = format!("files/{}/given", ada.id);
    let answer = ada.post(&format!("/storage/v1/object/upload/sign/{path}")).await.assert_status(200).json();
    let url = answer["url"].as_str().unwrap();
    assert_eq!(answer["token"].as_str(), Some(token(url)));
    let put = async |path: &str, body: &'static str| {
        let url = format!("/storage/v1/object/upload/sign/{path}?token={}", token(url));
        app.nobody().put(&url).header("content-type", "text/plain").header("x-upsert", "true").body(body).await
    };
    refused(&put("files/other", "x").await, "400", "InvalidJWT");
    assert_eq!(put(&path, "given").await.assert_status(200).json()["Key"], path);
    assert_eq!(get(&ada, &path).await.assert_status(200).text(), "given");
    refused(&put(&path, "again").await, "409", "Duplicate");
    refused(&ada.post(&format!("/storage/v1/object/upload/sign/{path}")).await, "409", "Duplicate");

    let upsert = ada.post(&format!("/storage/v1/object/upload/sign/{path}")).header("x-upsert", "true").await;
    let url = format!("/storage/v1{}", upsert.assert_status(200).json()["url"].as_str().unwrap());
    app.nobody().put(&url).body("again").await.assert_status(200);
    assert_eq!(get(&ada, &path).await.text(), "again");
    let download = format!("/storage/v1/object/sign/{path}?token={}", token(&url));
    refused(&app.nobody().get(&download).await, "400", "InvalidJWT");
}
