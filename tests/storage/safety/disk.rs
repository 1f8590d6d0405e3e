//! A disk without space: uploads of every kind are refused and said to be, and space ends it.

use reqwest::Method;
use serde_json::json;

use crate::storage::{bucket, get, put, refused, upload};
use crate::support::{Disk, Options, TestApp, on_postgres};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_every_upload_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path());
    let app = TestApp::start_as(Options { data: Some(folder.path().join("data")), ..Options::default() }).await;
    let service = app.service();
    bucket(&app, &json!({ "name": "files" })).await.assert_status(200);
    put(&service, "files/before", "before").await.assert_status(200);
    let place = service.post("/storage/v1/upload/resumable").header("tus-resumable", "1.0.0").header("upload-length", "2000000");
    let place = place.header("upload-metadata", "bucketName ZmlsZXM=,objectName c3RlcHM=").await;
    let place = place.assert_status(201).header("location").unwrap().to_owned();
    let patch = async |offset: usize, length: usize| {
        let request = service.request(Method::PATCH, &place).header("tus-resumable", "1.0.0");
        let request = request.header("content-type", "application/offset+octet-stream");
        request.header("upload-offset", &offset.to_string()).body(vec![b'x'; length]).await
    };
    patch(0, 1000).await.assert_status(204);

    disk.fill(&app);
    for size in [200_000, 1_500_000] {
        let answer = upload(&service, "files/large", vec![b'x'; size]).await;
        refused(&answer, "507", "StorageFull");
        let upsert = upload(&service, "files/before", vec![b'x'; size]).header("x-upsert", "true").await;
        refused(&upsert, "507", "StorageFull");
        assert_eq!(patch(1000, size).await.status(), 507);
    }
    let copy = json!({ "bucketId": "files", "sourceKey": "before", "destinationKey": "copy" });
    let copied = service.post("/storage/v1/object/copy").json(&copy).await;
    assert!(on_postgres() || copied.status() >= 500, "{}", copied.text());
    assert_eq!(get(&service, "files/before").await.assert_status(200).text(), "before");

    disk.free(&app);
    refused(&get(&service, "files/large").await, "404", "NoSuchKey");
    upload(&service, "files/large", vec![b'x'; 200_000]).await.assert_status(200);
    let told = service.head(&place).header("tus-resumable", "1.0.0").await;
    let at: usize = told.assert_status(200).header("upload-offset").unwrap().parse().unwrap();
    assert_eq!(at, 1000, "what was kept stays");
    patch(at, 2_000_000 - at).await.assert_status(204);
    assert_eq!(get(&service, "files/steps").await.assert_status(200).bytes().len(), 2_000_000);
}
