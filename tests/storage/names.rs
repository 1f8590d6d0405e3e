//! Names, on every surface the same.

use plinth::storage::model::{BucketName, MAX_NAME, ObjectName};
use proptest::prelude::*;
use serde_json::json;

use super::{get, put, refused, with_buckets};

#[test]
fn a_name_that_names_nothing_is_refused() {
    let long = "x".repeat(MAX_NAME + 1);
    let refused = [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "../a",
        "a/..",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        "a\u{85}",
        "a\u{ffff}",
        "a\u{10ffff}",
        "a\u{fdd0}",
        &long,
    ];
    for name in refused {
        assert!(ObjectName::parse(name).is_err(), "{name:?}");
    }
    let fits = "x".repeat(MAX_NAME);
    for name in ["a", "a/b/c.d", "...", ".hidden", "a b", "%2e%2e", "a+b", "\u{1f600}/x", "?*:|\"<>", &fits] {
        assert_eq!(ObjectName::parse(name).map(|name| name.to_string()).as_deref(), Ok(name));
    }
    assert_eq!(ObjectName::parse("e\u{301}"), ObjectName::parse("\u{e9}"), "two spellings that look the same are one name");
    assert!(BucketName::parse("a/b").is_err() && BucketName::parse("public").is_err() && BucketName::parse("a").is_ok());
}

proptest! {
    /// Whatever is sent as a name, one that is taken cannot leave its bucket, and is taken again as it is.
    #[test]
    fn a_name_that_is_taken_is_its_own_form(text in "\\PC{0,40}|[./\\\\a\u{0}e\u{301}]{0,12}") {
        if let Ok(name) = ObjectName::parse(&text) {
            prop_assert!(name.as_str().split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            prop_assert!(name.as_str().len() <= MAX_NAME);
            prop_assert_eq!(ObjectName::parse(name.as_str()), Ok(name));
        }
    }
}

#[tokio::test]
async fn paths_and_bodies_mean_the_same_names() {
    let app = with_buckets("").await;
    let service = app.service();
    put(&service, "files/a+b%20c%2Fd", "odd").await.assert_status(200);
    assert_eq!(get(&service, "files/a+b%20c/d").await.assert_status(200).text(), "odd");
    let copy = json!({ "bucketId": "files", "sourceKey": "a+b c/d", "destinationKey": "e\u{301}" });
    service.post("/storage/v1/object/copy").json(&copy).await.assert_status(200);
    assert_eq!(get(&service, "files/%C3%A9").await.assert_status(200).text(), "odd");
    assert_eq!(get(&service, "files/e%CC%81").await.assert_status(200).text(), "odd");
    put(&service, "files/%2541", "percent").await.assert_status(200);
    assert_eq!(get(&service, "files/%2541").await.assert_status(200).text(), "percent");
    refused(&get(&service, "files/A").await, "404", "NoSuchKey");
    for path in ["..%2fpictures%2fa", "a%2f..%2fb", "a//b", "a%00", "a%0a", "%ff", "a%5cb"] {
        refused(&put(&service, &format!("files/{path}"), "x").await, "400", "InvalidKey");
        refused(&get(&service, &format!("files/{path}")).await, "400", "InvalidKey");
    }
    for name in ["../a", "a/../../b", "a\u{0}", ""] {
        for (from, to) in [(name, "ok"), ("a+b c/d", name)] {
            let body = json!({ "bucketId": "files", "sourceKey": from, "destinationKey": to });
            refused(&service.post("/storage/v1/object/copy").json(&body).await, "400", "InvalidKey");
            refused(&service.post("/storage/v1/object/move").json(&body).await, "400", "InvalidKey");
        }
    }
    let body = json!({ "prefix": "../" });
    refused(&service.post("/storage/v1/object/list/files").json(&body).await, "400", "InvalidKey");
}
