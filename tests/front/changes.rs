//! A site that changes while it is served.

use std::time::Duration;

use super::{pattern, site, write};
use crate::support::eventually;

/// A change shows within a second; the rest is room for a busy machine.
const SHOWS: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_changed_file_is_seen_even_at_the_same_size_and_time() {
    let (app, folder) = site(|root| write(root, "a.txt", "first")).await;
    let nobody = app.nobody();
    let first = nobody.get("/a.txt").await;
    assert_eq!(first.assert_status(200).text(), "first");
    let path = folder.path().join("a.txt");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, "again").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let again = eventually("the new content's showing", SHOWS, async || {
        let answer = nobody.get("/a.txt").await;
        (answer.text() == "again").then_some(answer)
    })
    .await;
    assert_ne!(again.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn files_come_and_go() {
    let (app, folder) = site(|root| write(root, "a.txt", "a")).await;
    let nobody = app.nobody();
    nobody.get("/a.txt").await.assert_status(200);
    nobody.get("/b/").await.assert_status(404);
    std::fs::remove_file(folder.path().join("a.txt")).unwrap();
    write(folder.path(), "b/index.html", "b");
    assert_eq!(nobody.get("/b/").await.assert_status(200).text(), "b");
    eventually("the removed file's being gone", SHOWS, async || (nobody.get("/a.txt").await.status() == 404).then_some(())).await;
    write(folder.path(), "b/index.html.gz", "packed");
    eventually("the packed form's being seen", SHOWS, async || {
        let answer = nobody.get("/b/").header("accept-encoding", "gzip").await;
        (answer.text() == "packed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_gets_shorter_while_it_is_sent_ends_only_that_answer() {
    let (app, folder) = site(|root| write(root, "large.bin", pattern(64 * 1024 * 1024))).await;
    let mut answer = app.nobody().get("/large.bin").stream().await.unwrap();
    answer.chunk().await.unwrap();
    std::fs::File::options().write(true).open(folder.path().join("large.bin")).unwrap().set_len(1000).unwrap();
    let mut outcome = Ok(());
    while outcome.is_ok() {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(err) => outcome = Err(err),
        }
    }
    assert!(outcome.is_err(), "an answer that is cut short must not look whole");
    assert_eq!(app.nobody().get("/large.bin").await.assert_status(200).bytes().len(), 1000);
}

#[tokio::test]
async fn many_slow_readers_of_a_large_file_cost_little_memory() {
    let (app, _folder) = site(|root| write(root, "large.bin", pattern(64 * 1024 * 1024))).await;
    let nobody = app.nobody();
    nobody.get("/large.bin").header("range", "bytes=0-9").await.assert_status(206);
    let before = app.resident_bytes();
    let mut readers = Vec::new();
    for _ in 0..40 {
        let mut answer = nobody.get("/large.bin").stream().await.unwrap();
        answer.chunk().await.unwrap();
        readers.push(answer);
    }
    let grown = app.resident_bytes().saturating_sub(before);
    assert!(grown < 80 * 1024 * 1024, "40 readers of 64 MiB cost {grown} bytes");
}
