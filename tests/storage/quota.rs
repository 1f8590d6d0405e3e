//! Quotas: what a bucket holds at the most, exactly, however much comes at once.

use serde_json::{Value, json};

use super::{bucket, get, put, refused, upload, with_buckets};
use crate::support::{Client, TestApp};

/// What a bucket says of its quota, its bytes and its objects.
async fn usage(client: &Client, id: &str) -> [Value; 3] {
    let bucket = client.get(&format!("/storage/v1/bucket/{id}")).await.assert_status(200).json();
    ["quota", "used_bytes", "object_count"].map(|key| bucket[key].clone())
}

async fn with_quota(config: &str, quota: &Value) -> TestApp {
    let app = with_buckets(config).await;
    bucket(&app, &json!({ "name": "small", "quota": quota })).await.assert_status(200);
    app
}

#[tokio::test]
async fn a_bucket_holds_no_more_than_its_quota() {
    let app = with_quota("", &json!("1KB")).await;
    let service = app.service();
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(0), json!(0)]);
    assert_eq!(usage(&service, "files").await, [Value::Null, Value::Null, Value::Null]);
    let sized = |name: &str, size: usize| upload(&service, &format!("small/{name}"), vec![b'x'; size]);
    sized("a", 600).await.assert_status(200);
    refused(&sized("b", 401).await, "413", "QuotaExceeded");
    sized("b", 400).await.assert_status(200);
    refused(&sized("c", 1).await, "413", "QuotaExceeded");
    sized("empty", 0).await.assert_status(200);
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(1000), json!(3)]);
    // Replacing counts what goes.
    sized("a", 599).header("x-upsert", "true").await.assert_status(200);
    refused(&sized("a", 601).header("x-upsert", "true").await, "413", "QuotaExceeded");
    assert_eq!(get(&service, "small/a").await.bytes().len(), 599);
    service.put("/storage/v1/object/small/b").body(vec![b'y'; 300]).await.assert_status(200);
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(899), json!(3)]);

    // Copies and moves into it count as uploads do.
    upload(&service, "files/large", vec![b'x'; 102]).await.assert_status(200);
    let to_small = json!({ "bucketId": "files", "sourceKey": "large", "destinationBucket": "small", "destinationKey": "large" });
    refused(&service.post("/storage/v1/object/copy").json(&to_small).await, "413", "QuotaExceeded");
    refused(&service.post("/storage/v1/object/move").json(&to_small).await, "413", "QuotaExceeded");
    get(&service, "files/large").await.assert_status(200);
    let away = json!({ "bucketId": "small", "sourceKey": "b", "destinationBucket": "files", "destinationKey": "b" });
    service.post("/storage/v1/object/move").json(&away).await.assert_status(200);
    service.post("/storage/v1/object/move").json(&to_small).await.assert_status(200);
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(701), json!(3)]);
    let within = json!({ "bucketId": "small", "sourceKey": "large", "destinationKey": "renamed" });
    service.post("/storage/v1/object/move").json(&within).await.assert_status(200);
    service.delete("/storage/v1/object/small/a").await.assert_status(200);
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(102), json!(2)]);
    service.post("/storage/v1/bucket/small/empty").await.assert_status(200);
    assert_eq!(usage(&service, "small").await, [json!(1000), json!(0), json!(0)]);
    service.delete("/storage/v1/bucket/small").await.assert_status(200);
}

#[tokio::test]
async fn a_quota_is_set_and_taken_away_over_what_is_there() {
    let app = with_buckets("[storage]\nbucket_quota = \"2KB\"").await;
    let service = app.service();
    // Buckets get the setting's unless they say another.
    assert_eq!(usage(&service, "files").await[0], json!(2000));
    upload(&service, "files/a", vec![b'x'; 1500]).await.assert_status(200);
    let set = async |quota: Value| service.put("/storage/v1/bucket/files").json(&json!({ "quota": quota })).await;
    set(json!(null)).await.assert_status(200);
    assert_eq!(usage(&service, "files").await, [Value::Null, Value::Null, Value::Null]);
    upload(&service, "files/b", vec![b'x'; 1500]).await.assert_status(200);
    set(json!(2500)).await.assert_status(200);
    assert_eq!(usage(&service, "files").await, [json!(2500), json!(3000), json!(2)], "what is there stays");
    refused(&put(&service, "files/c", "c").await, "413", "QuotaExceeded");
    service.delete("/storage/v1/object/files/a").await.assert_status(200);
    put(&service, "files/c", "c").await.assert_status(200);
    service.put("/storage/v1/bucket/files").json(&json!({ "public": true })).await.assert_status(200);
    assert_eq!(usage(&service, "files").await, [json!(2500), json!(1501), json!(2)]);
    let listed = service.get("/storage/v1/bucket").await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["used_bytes"]), (&json!("files"), &json!(1501)), "{listed}");
    for wrong in [json!(-1), json!("2 parsecs"), json!([])] {
        refused(&set(wrong).await, "400", "InvalidRequest");
    }

    let policy = "create policy see on storage.buckets for all to authenticated using (true) with check (true);";
    super::sql(&app, policy).await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    let own = json!({ "name": "own", "quota": null });
    refused(&ada.post("/storage/v1/bucket").json(&own).await, "403", "AccessDenied");
    ada.post("/storage/v1/bucket").json(&json!({ "name": "own" })).await.assert_status(200);
    refused(&ada.put("/storage/v1/bucket/own").json(&json!({ "quota": 1_000_000 })).await, "403", "AccessDenied");
    assert_eq!(usage(&ada, "own").await[0], json!(2000));
}

#[tokio::test]
async fn a_quota_is_exact_when_uploads_come_at_once() {
    let app = with_quota("", &json!(10_000)).await;
    let service = app.service();
    // Forty of a thousand bytes each, of which ten fit; half of them as streams of no known length.
    let uploads = (0..40).map(|at| {
        let service = service.clone();
        async move {
            let bytes = vec![b'x'; 1000];
            let body = if at % 2 == 0 {
                reqwest::Body::from(bytes)
            } else {
                reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]))
            };
            upload(&service, &format!("small/{at}"), body).await
        }
    });
    let answers = futures_util::future::join_all(uploads).await;
    let made = answers.iter().filter(|answer| answer.status() == 200).count();
    for answer in answers.iter().filter(|answer| answer.status() != 200) {
        refused(answer, "413", "QuotaExceeded");
    }
    assert_eq!(made, 10);
    assert_eq!(usage(&service, "small").await, [json!(10_000), json!(10_000), json!(10)]);
}

#[tokio::test]
async fn what_comes_while_a_quota_is_set_is_counted() {
    let app = with_buckets("").await;
    let service = app.service();
    let uploads = futures_util::future::join_all((0..60).map(|at| {
        let service = service.clone();
        async move { upload(&service, &format!("files/{at}"), vec![b'x'; 10]).await.assert_status(200).status() }
    }));
    let settings = async {
        for round in 0..6 {
            let quota = if round % 2 == 0 { json!(1_000_000) } else { json!(null) };
            service.put("/storage/v1/bucket/files").json(&json!({ "quota": quota })).await.assert_status(200);
        }
        service.put("/storage/v1/bucket/files").json(&json!({ "quota": 2_000_000 })).await.assert_status(200);
    };
    tokio::join!(uploads, settings);
    assert_eq!(usage(&service, "files").await, [json!(2_000_000), json!(600), json!(60)]);
}
