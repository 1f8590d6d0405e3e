//! Bytes by key, on the disk.

use bytes::Bytes;
use plinth::blob::{Blobs, Error, MAX_KEY};

#[tokio::test]
async fn what_is_put_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let key = "functions/0f3a";
    assert_eq!(blobs.get(key).await.unwrap(), None);
    blobs.put(key, Bytes::from_static(b"one")).await.unwrap();
    blobs.put(key, Bytes::from_static(b"two")).await.unwrap();
    blobs.put("functions/empty", Bytes::new()).await.unwrap();
    blobs.put("other/a/b", Bytes::from_static(b"three")).await.unwrap();

    // As after a restart.
    let blobs = Blobs::open(folder.path()).unwrap();
    assert_eq!(blobs.get(key).await.unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(blobs.get("functions/empty").await.unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(blobs.list("").await.unwrap(), ["functions/0f3a", "functions/empty", "other/a/b"]);
    assert_eq!(blobs.list("functions").await.unwrap(), ["functions/0f3a", "functions/empty"]);
    assert_eq!(blobs.list("functions/").await.unwrap().len(), 2);
    assert!(blobs.list("func").await.unwrap().is_empty(), "a prefix is a whole folder");

    assert!(blobs.delete(key).await.unwrap());
    assert!(!blobs.delete(key).await.unwrap());
    assert_eq!(blobs.get(key).await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_sees_one_version_whole() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let version = |byte: u8| Bytes::from(vec![byte; 300_000]);
    blobs.put("a", version(0)).await.unwrap();
    let writes = async {
        for byte in 1..20 {
            blobs.put("a", version(byte)).await.unwrap();
        }
    };
    let reads = async {
        for _ in 0..60 {
            let found = blobs.get("a").await.unwrap().unwrap();
            assert_eq!(found.len(), 300_000);
            assert!(found.iter().all(|byte| *byte == found[0]));
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writes, reads);
    assert_eq!(blobs.list("").await.unwrap(), ["a"], "no half-written file is listed");
}

#[tokio::test]
async fn a_key_cannot_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let long = "x/".repeat(MAX_KEY);
    for key in [
        "",
        "/",
        "..",
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "a//b",
        "a/",
        "a/./b",
        ".hidden",
        "a/.hidden",
        "a\\b",
        "a\0b",
        "a b",
        "é",
        "%2e%2e/secret",
        "a#1",
        &long,
    ] {
        assert!(matches!(blobs.get(key).await, Err(Error::InvalidKey(_))), "{key:?}");
        assert!(matches!(blobs.put(key, Bytes::new()).await, Err(Error::InvalidKey(_))), "{key:?}");
        assert!(matches!(blobs.delete(key).await, Err(Error::InvalidKey(_))), "{key:?}");
    }
    assert!(matches!(blobs.list("..").await, Err(Error::InvalidKey(_))));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let err = Blobs::open(&file).unwrap_err();
    assert!(err.to_string().contains("file/blobs"), "{err}");
}
