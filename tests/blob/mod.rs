//! Bytes by key, on the disk.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use plinth::blob::{Blobs, Error, MAX_KEY};

use crate::support::eventually;

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

/// Bytes whose place can be told from them.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test]
async fn what_comes_in_pieces_is_kept_whole_with_its_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    for (len, chunk) in [(0, 1), (5, 1), (70_000, 70_000), (524_288, 1000), (524_289, 524_288), (2_000_000, 300_000)] {
        let (bytes, key) = (pattern(len), format!("in/{len}"));
        let mut writer = blobs.writer(&key).unwrap();
        for chunk in bytes.chunks(chunk) {
            writer.write(chunk).await.unwrap();
        }
        assert!(blobs.get(&key).await.unwrap().is_none(), "nobody sees {key} before it is whole");
        let written = writer.finish().await.unwrap();
        assert_eq!(written.size, len as u64);
        assert_eq!(blobs.get(&key).await.unwrap().unwrap(), bytes);
        for range in [0..len, 0..len.min(1), len / 2..len, len / 3..len / 2] {
            let part: Vec<Bytes> =
                blobs.read(&key, range.start as u64..range.end as u64).await.unwrap().try_collect().await.unwrap();
            assert_eq!(part.concat(), bytes[range.clone()], "{key} {range:?}");
        }
    }
    let mut writer = blobs.writer("hash").unwrap();
    writer.write(b"abc").await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.md5, "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(matches!(blobs.read("none", 0..1).await.map(drop), Err(Error::Missing(_))));
    assert!(matches!(blobs.read("hash", 0..9).await.map(drop), Err(Error::Store(_))));
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = blobs.writer("dropped/a").unwrap();
    writer.write(&pattern(1_500_000)).await.unwrap();
    drop(writer);
    let files = || std::fs::read_dir(folder.path().join("blobs/dropped")).map_or(0, Iterator::count);
    eventually("the unfinished file's end", Duration::from_secs(10), async || (files() == 0).then_some(())).await;
    assert_eq!(blobs.get("dropped/a").await.unwrap(), None);
}

#[tokio::test]
async fn a_copy_outlives_what_it_was_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    blobs.put("a/one", Bytes::from_static(b"bytes")).await.unwrap();
    blobs.copy("a/one", "b/two").await.unwrap();
    blobs.delete("a/one").await.unwrap();
    assert_eq!(blobs.get("b/two").await.unwrap().as_deref(), Some(&b"bytes"[..]));
    assert!(matches!(blobs.copy("a/one", "b/three").await, Err(Error::Missing(_))));
}
