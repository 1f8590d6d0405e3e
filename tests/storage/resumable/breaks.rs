//! Uploads that break off go on from the very byte that is kept.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{begin, bytes, kept, offset, patch, refused};
use crate::storage::{get, with_buckets};
use crate::support::{Nodes, TestApp, eventually, on_postgres};

/// Sends a PATCH of so many bytes and breaks the connection off after some of them.
async fn broken(app: &TestApp, place: &str, from: u64, body: &[u8], cut: usize) {
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut line = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\nupload-offset: {from}\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
        app.key("service_key"),
        body.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&body[..cut]).await.unwrap();
    line.flush().await.unwrap();
    if cut.is_multiple_of(2) {
        // A half that is closed in order; else the line is just gone.
        line.shutdown().await.unwrap();
        let _ = line.read(&mut [0; 1024]).await;
    }
}

/// Breaks off at a byte until all before it are kept: a line that is gone before the server has looked at the request leaves nothing.
async fn send_until(app: &TestApp, place: &str, body: &[u8], (from, cut): (usize, usize)) {
    let service = app.service();
    let mut at = from;
    for _ in 0..10 {
        broken(app, place, at as u64, &body[at..], cut - at).await;
        let sent = Instant::now();
        let stands = eventually("what arrived to be kept", Duration::from_secs(20), async || {
            let stands = offset(&service, place).await;
            (stands == cut as u64 || sent.elapsed() > Duration::from_secs(3)).then_some(stands)
        });
        let stands = usize::try_from(stands.await).unwrap();
        assert!((at..=cut).contains(&stands), "cut at {cut}, and {stands} bytes are kept");
        at = stands;
        if at == cut {
            return;
        }
    }
    panic!("of {cut} bytes {at} are kept");
}

#[tokio::test]
async fn an_upload_that_is_cut_at_any_byte_goes_on_at_what_arrived() {
    let app = with_buckets("").await;
    let service = app.service();
    let body = bytes(1_200_000);
    for (round, cuts) in
        [vec![0, 1, 2, 100], vec![4095, 65_536, 65_537], vec![524_287, 524_288, 600_001], vec![1_199_999]].into_iter().enumerate()
    {
        let name = format!("cut/{round}");
        let place = begin(&service, body.len() as u64, "files", &name).await;
        let mut at = 0;
        for cut in cuts {
            send_until(&app, &place, &body, (at, cut)).await;
            at = cut;
        }
        patch(&service, &place, at as u64, body[at..].to_vec()).await.assert_status(204);
        assert_eq!(get(&service, &format!("files/{name}")).await.assert_status(200).bytes(), body);
    }
}

#[tokio::test]
async fn what_was_kept_before_sigkill_is_kept_after_it() {
    let mut app = with_buckets("").await;
    // More than one piece of a long body is kept while it comes.
    let body = bytes(70 * 1024 * 1024);
    let place = begin(&app.service(), body.len() as u64, "files", "large").await;
    patch(&app.service(), &place, 0, body[..1000].to_vec()).await.assert_status(204);
    broken_by_sigkill(&mut app, &place, &body[1000..]).await;
    app.restart().await;
    let at = offset(&app.service(), &place).await;
    assert_eq!(at, 1000 + 64 * 1024 * 1024, "a whole piece was kept before");
    let rest = body[usize::try_from(at).unwrap()..].to_vec();
    patch(&app.service(), &place, at, rest).await.assert_status(204);
    assert!(get(&app.service(), "files/large").await.assert_status(200).bytes() == body, "every byte is where it was");
    app.restart().await;
    assert_eq!(offset(&app.service(), &place).await, body.len() as u64);
    app.kill9();
    let check = app.plinth(&["storage", "check"]);
    assert!(check.stdout.contains("0 damaged"), "{check:?}");
}

/// Sends all but the last byte, waits for the first piece to be kept, and kills the server.
async fn broken_by_sigkill(app: &mut TestApp, place: &str, body: &[u8]) {
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut line = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\nupload-offset: 1000\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
        app.key("service_key"),
        body.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&body[..body.len() - 1]).await.unwrap();
    let service = app.service();
    eventually("the first piece", Duration::from_secs(60), async || (offset(&service, place).await > 1000).then_some(())).await;
    app.kill9();
}

#[tokio::test]
async fn sigkill_at_the_end_leaves_an_object_or_an_upload_to_go_on_with() {
    let mut app = with_buckets("").await;
    let body = bytes(300_000);
    for round in 0..3 {
        let service = app.service();
        let places = futures_util::future::join_all((0..8).map(|at| {
            let (service, name) = (service.clone(), format!("end/{round}/{at}"));
            async move { (begin(&service, 300_000, "files", &name).await, name) }
        }))
        .await;
        let sending =
            futures_util::future::join_all(places.iter().map(|(place, _)| patch(&service, place, 0, body.clone()).try_send()));
        let watching = async {
            eventually("an object", Duration::from_secs(30), async || {
                let answer = service.head(&format!("/storage/v1/object/files/end/{round}/0")).try_send().await;
                answer.is_ok_and(|answer| answer.status() == 200).then_some(())
            })
            .await;
            app.kill9();
        };
        let (answers, ()) = tokio::join!(sending, watching);
        app.restart().await;
        for ((place, name), answer) in places.iter().zip(answers) {
            let service = app.service();
            let at = offset(&service, place).await;
            let was_answered = answer.is_ok_and(|answer| answer.status() == 204);
            assert!(at == 300_000 || !was_answered, "{name} was answered and stands at {at}");
            if at < 300_000 {
                crate::storage::refused(&get(&service, &format!("files/{name}")).await, "404", "NoSuchKey");
                patch(&service, place, at, body[usize::try_from(at).unwrap()..].to_vec()).await.assert_status(204);
            }
            assert_eq!(get(&service, &format!("files/{name}")).await.assert_status(200).bytes(), body);
        }
    }
}

#[tokio::test]
async fn nodes_on_one_database_go_on_with_each_others_uploads() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await;
    let (first, second) = nodes.two().await;
    first.service().post("/storage/v1/bucket").json(&serde_json::json!({ "name": "files" })).await.assert_status(200);
    let body = bytes(900_000);
    let place = begin(&first.service(), 900_000, "files", "shared").await;
    for (node, other, from) in [(&first, &second, 0), (&second, &first, 300_000)] {
        let piece = body[from..from + 300_000].to_vec();
        patch(&node.service(), &place, from as u64, piece.clone()).await.assert_status(204);
        refused(&patch(&other.service(), &place, from as u64, piece).await, 409, "Conflict");
    }
    let last = body[600_000..].to_vec();
    let (one, two) = (first.service(), second.service());
    let (one, two) = tokio::join!(async { patch(&one, &place, 600_000, last.clone()).await }, async {
        patch(&two, &place, 600_000, last.clone()).await
    });
    let mut statuses = [one.status(), two.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(get(&second.service(), "files/shared").await.assert_status(200).bytes(), body);
    assert_eq!(kept(&first), 3, "what was refused is removed");
}
