//! Conditional requests and ranges.

use super::{pattern, site, write};
use crate::support::{Client, Response};

/// Larger than what is kept in memory, so that both ways of answering are tried.
const LARGE: usize = 600_000;

async fn ranged(client: &Client, path: &str, range: &str) -> Response {
    client.get(path).header("range", range).await
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let (app, _folder) = site(|root| {
        write(root, "small.txt", "small");
        write(root, "large.bin", pattern(LARGE));
    })
    .await;
    let nobody = app.nobody();
    for path in ["/small.txt", "/large.bin"] {
        let first = nobody.get(path).await;
        let (tag, date) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
        for (name, value) in [
            ("if-none-match", tag),
            ("if-none-match", &format!("\"other\", {tag}")),
            ("if-none-match", "*"),
            ("if-modified-since", date),
            ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ] {
            let again = nobody.get(path).header(name, value).await;
            assert_eq!(again.assert_status(304).bytes(), b"", "{path}: {name}: {value}");
            assert_eq!(again.header("etag"), Some(tag));
        }
        for (name, value) in [
            ("if-none-match", "\"other\""),
            ("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT"),
            ("if-modified-since", "yesterday"),
        ] {
            nobody.get(path).header(name, value).await.assert_status(200);
        }
        // The tag goes before the date.
        let both = nobody.get(path).header("if-none-match", "\"other\"").header("if-modified-since", date).await;
        both.assert_status(200);
    }
}

#[tokio::test]
async fn a_range_is_answered_with_exactly_its_bytes() {
    let content = pattern(LARGE);
    let (app, _folder) = site(|root| {
        write(root, "small.bin", &content[..1000]);
        write(root, "large.bin", &content);
    })
    .await;
    let nobody = app.nobody();
    for (path, len) in [("/small.bin", 1000), ("/large.bin", LARGE)] {
        for (range, first, last) in [
            ("bytes=0-0".to_owned(), 0, 0),
            ("bytes=10-19".to_owned(), 10, 19),
            ("bytes=990-".to_owned(), 990, len - 1),
            ("bytes=-10".to_owned(), len - 10, len - 1),
            (format!("bytes=-{}", len * 2), 0, len - 1),
            (format!("bytes=5-{}", len * 2), 5, len - 1),
            ("bytes=7-99999999999999999999999999".to_owned(), 7, len - 1),
        ] {
            let answer = ranged(&nobody, path, &range).await;
            assert!(answer.assert_status(206).bytes() == &content[first..=last], "{path}: {range}");
            assert_eq!(answer.header("content-range"), Some(format!("bytes {first}-{last}/{len}").as_str()));
        }
    }
}

#[tokio::test]
async fn a_range_outside_is_416_and_one_not_understood_is_the_whole() {
    let (app, _folder) = site(|root| {
        write(root, "a.txt", "0123456789");
        write(root, "empty.txt", "");
    })
    .await;
    let nobody = app.nobody();
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
        let answer = ranged(&nobody, "/a.txt", range).await;
        assert_eq!(answer.assert_status(416).header("content-range"), Some("bytes */10"), "{range}");
    }
    ranged(&nobody, "/empty.txt", "bytes=0-").await.assert_status(416);
    for range in ["bytes=0-1,4-5", "bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0x1-2", "bytes=+1-2"] {
        let answer = ranged(&nobody, "/a.txt", range).await;
        assert_eq!(answer.assert_status(200).text(), "0123456789", "{range}");
    }
    let head = nobody.head("/a.txt").header("range", "bytes=0-1").await;
    assert_eq!(head.assert_status(200).header("content-length"), Some("10"));
}

#[tokio::test]
async fn a_range_holds_only_for_the_bytes_it_is_a_part_of() {
    let (app, folder) = site(|root| write(root, "a.txt", "0123456789")).await;
    // Long unchanged, so that its date identifies it.
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    std::fs::File::options().write(true).open(folder.path().join("a.txt")).unwrap().set_modified(old).unwrap();
    let nobody = app.nobody();
    let first = nobody.get("/a.txt").await;
    let (tag, date) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let with = |condition: &str| nobody.get("/a.txt").header("range", "bytes=2-3").header("if-range", condition);
    for good in [tag, date] {
        assert_eq!(with(good).await.assert_status(206).text(), "23", "{good}");
    }
    for stale in ["\"other\"", &format!("W/{tag}"), "Sat, 01 Jan 2000 00:00:00 GMT"] {
        assert_eq!(with(stale).await.assert_status(200).text(), "0123456789", "{stale}");
    }
}
