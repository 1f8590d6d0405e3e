//! Listings, moves, copies and deletions over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::{get, names, put, refused, with_buckets};
use crate::support::{Client, TestApp};

async fn with_tree() -> (TestApp, Client) {
    let app = with_buckets("").await;
    let service = app.service();
    for name in ["a.txt", "b/one", "b/two", "b/deep/three", "B.txt", "c/four", "\u{e9}t\u{e9}", "z_%"] {
        let path: String = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        put(&service, &format!("files/{}", path.replace("%2F", "/")), name).await.assert_status(200);
    }
    (app, service)
}

async fn list(client: &Client, body: &Value) -> Value {
    client.post("/storage/v1/object/list/files").json(body).await.assert_status(200).json()
}

#[tokio::test]
async fn a_folder_is_listed_with_its_folders_first() {
    let (_app, service) = with_tree().await;
    let all = list(&service, &json!({ "prefix": "" })).await;
    assert_eq!(names(&all), ["b", "c", "B.txt", "a.txt", "z_%", "\u{e9}t\u{e9}"]);
    assert_eq!((&all[0]["id"], &all[0]["metadata"], &all[0]["created_at"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(all[2]["id"].is_string() && all[2]["metadata"]["size"] == 5, "{all}");
    for prefix in ["b", "b/", "/b"] {
        assert_eq!(names(&list(&service, &json!({ "prefix": prefix })).await), ["deep", "one", "two"]);
    }
    assert_eq!(names(&list(&service, &json!({ "prefix": "b", "search": "ON" })).await), ["one"]);
    assert_eq!(names(&list(&service, &json!({ "search": "z_" })).await), ["z_%"]);
    assert_eq!(names(&list(&service, &json!({ "search": "z%" })).await), Vec::<&str>::new());
    let down = json!({ "sortBy": { "column": "name", "order": "desc" } });
    assert_eq!(names(&list(&service, &down).await), ["c", "b", "\u{e9}t\u{e9}", "z_%", "a.txt", "B.txt"]);
    let by_time = json!({ "sortBy": { "column": "created_at", "order": "asc" } });
    assert_eq!(names(&list(&service, &by_time).await), ["b", "c", "a.txt", "B.txt", "\u{e9}t\u{e9}", "z_%"]);
    let mut paged = Vec::new();
    for offset in 0..7 {
        let page = list(&service, &json!({ "limit": 1, "offset": offset })).await;
        paged.extend(names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(paged, names(&all));
    for body in [
        json!({ "limit": 100_000 }),
        json!({ "sortBy": { "column": "owner" } }),
        json!({ "sortBy": { "order": "up" } }),
        json!([]),
    ] {
        refused(&service.post("/storage/v1/object/list/files").json(&body).await, "400", "InvalidRequest");
    }
    refused(&service.post("/storage/v1/object/list/none").json(&json!({})).await, "404", "NoSuchBucket");
}

#[tokio::test]
async fn pages_come_after_one_another() {
    let (_app, service) = with_tree().await;
    for by_folder in [false, true] {
        for limit in [1, 2, 3, 100] {
            let (mut seen, mut cursor, mut more) = (Vec::new(), Value::Null, true);
            while more {
                let body = json!({ "limit": limit, "cursor": cursor, "with_delimiter": by_folder });
                let page = service.post("/storage/v1/object/list-v2/files").json(&body).await.assert_status(200).json();
                let of = |key: &str| names(&page[key]).into_iter().map(str::to_owned).collect::<Vec<_>>();
                let (folders, objects) = (of("folders"), of("objects"));
                assert!(folders.len() + objects.len() <= limit, "{page}");
                seen.extend(folders.into_iter().chain(objects));
                cursor = page["nextCursor"].clone();
                more = cursor.is_string();
                assert_eq!(page["hasNext"].as_bool(), Some(more), "{page}");
            }
            seen.sort();
            let expected: &[&str] = if by_folder {
                &["B.txt", "a.txt", "b/", "c/", "z_%", "\u{e9}t\u{e9}"]
            } else {
                &["B.txt", "a.txt", "b/deep/three", "b/one", "b/two", "c/four", "z_%", "\u{e9}t\u{e9}"]
            };
            assert_eq!(seen, expected, "by folder {by_folder}, {limit} at once");
        }
    }
    let below = json!({ "prefix": "b/", "with_delimiter": true });
    let page = service.post("/storage/v1/object/list-v2/files").json(&below).await.json();
    assert_eq!((names(&page["folders"]), names(&page["objects"])), (vec!["b/deep/"], vec!["b/one", "b/two"]));
    let wrong = service.post("/storage/v1/object/list-v2/files").json(&json!({ "cursor": "%%" })).await;
    refused(&wrong, "400", "InvalidRequest");
}

#[tokio::test]
async fn objects_are_moved_and_copied() {
    let (_app, service) = with_tree().await;
    let post = async |what: &str, from: &str, to: &str, bucket: &str| {
        let body = json!({ "bucketId": "files", "sourceKey": from, "destinationKey": to, "destinationBucket": bucket });
        service.post(&format!("/storage/v1/object/{what}")).json(&body).await
    };
    let before = service.get("/storage/v1/object/info/files/a.txt").await.json();
    assert_eq!(post("move", "a.txt", "m/a.txt", "").await.assert_status(200).json()["message"], "Successfully moved");
    refused(&get(&service, "files/a.txt").await, "404", "NoSuchKey");
    assert_eq!(get(&service, "files/m/a.txt").await.assert_status(200).text(), "a.txt");
    let after = service.get("/storage/v1/object/info/files/m/a.txt").await.json();
    assert_eq!((&before["id"], &before["version"]), (&after["id"], &after["version"]), "the bytes stay where they are");

    let copied = post("copy", "m/a.txt", "copy.txt", "pictures").await.assert_status(200).json();
    assert_eq!(copied["Key"], "pictures/copy.txt");
    service.delete("/storage/v1/object/files/m/a.txt").await.assert_status(200);
    assert_eq!(get(&service, "pictures/copy.txt").await.assert_status(200).text(), "a.txt");

    refused(&post("move", "none", "x", "").await, "404", "NoSuchKey");
    refused(&post("copy", "none", "x", "").await, "404", "NoSuchKey");
    refused(&post("move", "b/one", "b/two", "").await, "409", "Duplicate");
    refused(&post("copy", "b/one", "b/two", "").await, "409", "Duplicate");
    refused(&post("copy", "b/one", "x", "none").await, "404", "NoSuchBucket");
    refused(&post("move", "b/one", "x", "none").await, "404", "NoSuchBucket");
    refused(&post("move", "b/one", "../x", "").await, "400", "InvalidKey");
    let body = json!({ "bucketId": "files", "sourceKey": "b/one", "destinationKey": "b/two" });
    service.post("/storage/v1/object/copy").header("x-upsert", "true").json(&body).await.assert_status(200);
    assert_eq!(get(&service, "files/b/two").await.text(), "b/one");
}

#[tokio::test]
async fn objects_and_folders_are_deleted() {
    let (_app, service) = with_tree().await;
    let delete = async |prefixes: Value| {
        service.request(Method::DELETE, "/storage/v1/object/files").json(&json!({ "prefixes": prefixes })).await
    };
    let deleted = delete(json!(["a.txt", "none"])).await.assert_status(200).json();
    assert_eq!(names(&deleted), ["a.txt"]);
    assert_eq!(deleted[0]["bucket_id"], "files");
    let deleted = delete(json!(["b/"])).await.assert_status(200).json();
    let mut all = names(&deleted);
    all.sort_unstable();
    assert_eq!(all, ["b/deep/three", "b/one", "b/two"]);
    assert_eq!(names(&list(&service, &json!({})).await), ["c", "B.txt", "z_%", "\u{e9}t\u{e9}"]);
    assert_eq!(delete(json!([])).await.assert_status(200).json(), json!([]));
    refused(&delete(json!(["a/../b"])).await, "400", "InvalidKey");
    refused(&delete(json!(vec!["a"; 1001])).await, "400", "InvalidRequest");
    refused(&service.delete("/storage/v1/object/files/none").await, "404", "NoSuchKey");
    let gone = service.delete("/storage/v1/object/files/B.txt").await;
    assert_eq!(gone.assert_status(200).json(), json!({ "message": "Successfully deleted" }));
}

/// Every line of a listing in pages, folders before objects in each page.
async fn all_pages(client: &Client, body: &Value) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..30 {
        let mut asked = body.clone();
        asked["cursor"] = cursor;
        let page = client.post("/storage/v1/object/list-v2/files").json(&asked).await.assert_status(200).json();
        let lines: Vec<&str> = names(&page["folders"]).into_iter().chain(names(&page["objects"])).collect();
        assert!(lines.len() as u64 <= body["limit"].as_u64().unwrap(), "{page}");
        all.extend(lines.into_iter().map(str::to_owned));
        if page["hasNext"] == false {
            return all;
        }
        cursor = page["nextCursor"].clone();
    }
    panic!("pages without end: {all:?}");
}

#[tokio::test]
async fn pages_have_other_orders_whose_cursors_stay_good() {
    let (_app, service) = with_tree().await;
    let made = ["a.txt", "b/one", "b/two", "b/deep/three", "B.txt", "c/four", "\u{e9}t\u{e9}", "z_%"];
    let folders_first = ["b/", "c/", "a.txt", "B.txt", "\u{e9}t\u{e9}", "z_%"];
    for limit in 1..10 {
        let pages = async |column: &str, order: &str, by_folder: bool, prefix: &str| {
            let sort = json!({ "column": column, "order": order });
            let body = json!({ "limit": limit, "prefix": prefix, "with_delimiter": by_folder, "sortBy": sort });
            all_pages(&service, &body).await
        };
        let mut by_name = made.to_vec();
        by_name.sort_unstable();
        assert_eq!(pages("name", "asc", false, "").await, by_name);
        by_name.reverse();
        assert_eq!(pages("name", "desc", false, "").await, by_name);
        assert_eq!(pages("created_at", "asc", false, "").await, made);
        let mut newest = made;
        newest.reverse();
        assert_eq!(pages("created_at", "desc", false, "").await, newest);
        assert_eq!(pages("updated_at", "desc", false, "b/").await, ["b/deep/three", "b/two", "b/one"]);
        assert_eq!(pages("created_at", "asc", true, "").await, folders_first);
        assert_eq!(pages("last_accessed_at", "desc", true, "b/").await, ["b/deep/", "b/two", "b/one"]);
        assert_eq!(pages("created_at", "asc", true, "b/o").await, ["b/one"]);
        assert_eq!(pages("name", "desc", true, "b/").await.len(), 3);
    }
    let down = json!({ "limit": 100, "with_delimiter": true, "sortBy": { "column": "name", "order": "desc" } });
    let page = service.post("/storage/v1/object/list-v2/files").json(&down).await.json();
    assert_eq!(
        (names(&page["folders"]), names(&page["objects"])),
        (vec!["c/", "b/"], vec!["\u{e9}t\u{e9}", "z_%", "a.txt", "B.txt"])
    );

    // What comes and goes between two pages neither repeats nor hides others.
    let first = json!({ "limit": 3, "sortBy": { "column": "created_at" } });
    let page = service.post("/storage/v1/object/list-v2/files").json(&first).await.json();
    assert_eq!(names(&page["objects"]), ["a.txt", "b/one", "b/two"]);
    service.delete("/storage/v1/object/files/b/two").await.assert_status(200);
    put(&service, "files/0-new", "new").await.assert_status(200);
    let rest = json!({ "limit": 10, "cursor": page["nextCursor"], "sortBy": { "column": "created_at" } });
    let page = service.post("/storage/v1/object/list-v2/files").json(&rest).await.json();
    assert_eq!(names(&page["objects"]), ["b/deep/three", "B.txt", "c/four", "\u{e9}t\u{e9}", "z_%", "0-new"]);
    for cursor in ["bm8", "b2JqZWN0L3gveQ", "%%"] {
        let body = json!({ "cursor": cursor, "sortBy": { "column": "created_at" } });
        refused(&service.post("/storage/v1/object/list-v2/files").json(&body).await, "400", "InvalidRequest");
    }
}
