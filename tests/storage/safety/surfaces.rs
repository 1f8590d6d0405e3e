//! One name is one object on every surface, and a private object is nobody's without a right on any of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::storage::{get, put, refused, with_buckets};
use crate::support::{Client, Response, TestApp};

async fn resumable(client: &Client, name: &str, body: &str) -> Response {
    let request = client.post("/storage/v1/upload/resumable").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", &body.len().to_string());
    let said = format!("bucketName ZmlsZXM=,objectName {}", STANDARD.encode(name));
    let request = request.header("upload-metadata", &said).header("x-upsert", "true");
    request.header("content-type", "application/offset+octet-stream").body(body.to_owned()).await
}

#[tokio::test]
async fn every_spelling_of_a_name_is_one_object_on_every_surface() {
    let app = with_buckets("").await;
    let service = app.service();
    // As a path, percent-encoded in several ways, with the name that all of them mean.
    let spellings = [
        (vec!["a%20b", "%61%20%62"], "a b"),
        (vec!["x+y", "x%2By", "x%2by"], "x+y"),
        (vec!["%C3%A9", "e%CC%81", "%c3%a9"], "\u{e9}"),
        (vec!["deep/er", "deep%2Fer", "deep%2fer"], "deep/er"),
        (vec!["100%25", "%3100%25"], "100%"),
        (vec!["%2520"], "%20"),
        (vec!["q%3Fx%23y", "q%3fx%23y"], "q?x#y"),
        (vec!["%F0%9F%98%80"], "\u{1f600}"),
        (vec!["semi;colon", "semi%3Bcolon"], "semi;colon"),
        (vec!["~tilde", "%7Etilde"], "~tilde"),
    ];
    for (paths, name) in spellings {
        for path in &paths {
            // Put by the path, read by every other; put in steps by the name, read by the path.
            crate::storage::upload(&service, &format!("files/{path}"), path.to_string())
                .header("x-upsert", "true")
                .await
                .assert_status(200);
            for other in &paths {
                assert_eq!(get(&service, &format!("files/{other}")).await.assert_status(200).text(), *path, "{other}");
                let signed =
                    service.post(&format!("/storage/v1/object/sign/files/{other}")).json(&json!({ "expiresIn": 60 })).await;
                let token = signed.json()["signedURL"].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
                let by_token = app.nobody().get(&format!("/storage/v1/object/sign/files/{path}?token={token}")).await;
                by_token.assert_status(200);
            }
            resumable(&service, name, "in steps").await.assert_status(201);
            assert_eq!(get(&service, &format!("files/{path}")).await.text(), "in steps");
            let info = service.get(&format!("/storage/v1/object/info/files/{path}")).await.json();
            assert_eq!(info["name"], name);
        }
        let copy = json!({ "bucketId": "files", "sourceKey": name, "destinationKey": "copy" });
        service.post("/storage/v1/object/copy").header("x-upsert", "true").json(&copy).await.assert_status(200);
        let deleted = service.request(Method::DELETE, "/storage/v1/object/files").json(&json!({ "prefixes": [name] })).await;
        assert_eq!(deleted.json().as_array().unwrap().len(), 1, "{name}");
        refused(&get(&service, &format!("files/{}", paths[0])).await, "404", "NoSuchKey");
    }
    for path in ["..%2fx", "a%2f..%2fb", "a%00", "a%2F%2Fb", "%2Fa", "a%5Cb", "a%0D%0Ab", "%EF%BF%BF"] {
        refused(&put(&service, &format!("files/{path}"), "x").await, "400", "InvalidKey");
        let name = percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned();
        assert_eq!(resumable(&service, &name, "x").await.assert_status(400).json()["code"], "InvalidKey", "{path}");
        let copy = json!({ "bucketId": "files", "sourceKey": "copy", "destinationKey": name });
        refused(&service.post("/storage/v1/object/copy").json(&copy).await, "400", "InvalidKey");
        let signed = service.post(&format!("/storage/v1/object/upload/sign/files/{path}")).await;
        refused(&signed, "400", "InvalidKey");
    }
    refused(&put(&service, "files/%FF", "x").await, "400", "InvalidKey");
}

/// Every way to read or change an object, by what it answers to a caller.
async fn ways(client: &Client, path: &str) -> Vec<(String, Response)> {
    let (bucket, name) = path.split_once('/').unwrap();
    let to = |key: &str| json!({ "bucketId": bucket, "sourceKey": name, "destinationKey": key });
    let requests = [
        client.get(&format!("/storage/v1/object/{path}")),
        client.head(&format!("/storage/v1/object/{path}")),
        client.get(&format!("/storage/v1/object/authenticated/{path}")),
        client.get(&format!("/storage/v1/object/public/{path}")),
        client.get(&format!("/storage/v1/object/info/{path}")),
        client.get(&format!("/storage/v1/object/info/authenticated/{path}")),
        client.get(&format!("/storage/v1/object/info/public/{path}")),
        client.get(&format!("/storage/v1/object/sign/{path}")),
        client.get(&format!("/storage/v1/object/sign/{path}?token=x.y.z")),
        client.post(&format!("/storage/v1/object/sign/{path}")).json(&json!({ "expiresIn": 60 })),
        client.post(&format!("/storage/v1/object/upload/sign/{path}")).header("x-upsert", "true"),
        client.put(&format!("/storage/v1/object/upload/sign/{path}?token=x.y.z")).body("stolen"),
        client.post(&format!("/storage/v1/object/{path}")).header("x-upsert", "true").body("stolen"),
        client.put(&format!("/storage/v1/object/{path}")).body("stolen"),
        client.delete(&format!("/storage/v1/object/{path}")),
        client.post("/storage/v1/object/copy").json(&to("stolen")),
        client.post("/storage/v1/object/move").json(&to("stolen")),
        client.post(&format!("/storage/v1/bucket/{bucket}/empty")),
        client.delete(&format!("/storage/v1/bucket/{bucket}")),
    ];
    let mut answers = Vec::new();
    for (at, request) in requests.into_iter().enumerate() {
        answers.push((format!("request {at}"), request.await));
    }
    answers.push(("in steps".to_owned(), resumable(client, name, "stolen").await));
    answers
}

#[tokio::test]
async fn a_private_object_is_nobodys_without_a_right_on_any_surface() {
    let app: TestApp = with_buckets("").await;
    let (ada, eve) = (app.sign_up("ada@example.com").await, app.sign_up("eve@example.com").await);
    let path = format!("files/{}/secret", ada.id);
    put(&ada, &path, "the secret").await.assert_status(200);
    let nobody = app.nobody();
    let forged = app.bearer("eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.");
    for caller in [&*eve, &app.anon(), &nobody, &forged] {
        for (what, answer) in ways(caller, &path).await {
            assert!(matches!(answer.status(), 400..=405), "{what}: {} {}", answer.status(), answer.text());
            assert!(!answer.text().contains("the secret"), "{what}");
        }
        let listed = caller.post("/storage/v1/object/list/files").json(&json!({ "prefix": ada.id })).await;
        assert!(listed.status() != 200 || listed.json() == json!([]), "{}", listed.text());
        let paged = caller.post("/storage/v1/object/list-v2/files").json(&json!({})).await;
        assert!(paged.status() != 200 || paged.json()["objects"] == json!([]), "{}", paged.text());
        let many = json!({ "expiresIn": 60, "paths": [format!("{}/secret", ada.id)] });
        let many = caller.post("/storage/v1/object/sign/files").json(&many).await;
        assert!(many.status() != 200 || many.json()[0]["signedURL"] == Value::Null, "{}", many.text());
        let gone = caller
            .request(Method::DELETE, "/storage/v1/object/files")
            .json(&json!({ "prefixes": [format!("{}/", ada.id)] }))
            .await;
        assert!(gone.status() != 200 || gone.json() == json!([]), "{}", gone.text());
        assert_ne!(caller.get("/rest/v1/objects").await.status(), 200);
    }
    assert_eq!(get(&ada, &path).await.assert_status(200).text(), "the secret");
}
