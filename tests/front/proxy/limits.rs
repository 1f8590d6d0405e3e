//! How much one client may ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Talk, Upstream, header, proxied, status};
use crate::support::{TestApp, eventually};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn statuses(app: &TestApp, count: usize, key: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(app.nobody().get("/p").header("x-key", key).await.status());
    }
    statuses
}

#[tokio::test]
async fn requests_beyond_the_rate_and_the_burst_are_refused() {
    let upstream = Upstream::answering(OK).await;
    let app = proxied(&upstream, "rate = \"1/m\"\nburst = 2").await;
    assert_eq!(statuses(&app, 5, "").await, [200, 200, 200, 429, 429]);
    let refused = app.nobody().get("/p").await;
    assert_eq!(refused.assert_status(429).problem()["type"], "/problems/too_many_requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "a minute at the most, not {wait} s");
    assert_eq!(upstream.heads().len(), 3, "what is refused reaches no upstream");
}

#[tokio::test]
async fn who_comes_when_told_is_let_in() {
    let upstream = Upstream::answering(OK).await;
    let app = proxied(&upstream, "rate = \"2/s\"").await;
    assert_eq!(statuses(&app, 2, "").await, [200, 429]);
    eventually("the next turn", Duration::from_secs(10), async || (app.nobody().get("/p").await.status() == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn a_burst_waits_for_its_turn_when_that_is_asked() {
    let upstream = Upstream::answering(OK).await;
    let app = proxied(&upstream, "rate = \"10/s\"\nburst = 5\ndelay = true").await;
    let start = Instant::now();
    assert_eq!(statuses(&app, 5, "").await, [200; 5]);
    assert!(start.elapsed() >= Duration::from_millis(390), "four of them wait for a tenth of a second each");
}

#[tokio::test]
async fn clients_are_told_apart_by_what_is_said() {
    let upstream = Upstream::answering(OK).await;
    let app = proxied(&upstream, "rate = \"1/h\"\nlimit_by = \"header:x-key\"").await;
    assert_eq!(statuses(&app, 2, "ada").await, [200, 429]);
    assert_eq!(statuses(&app, 2, "bob").await, [200, 429]);
    // Who has no key is known by the address, which no key can stand for.
    assert_eq!(app.nobody().get("/p").await.status(), 200);
    assert_eq!(statuses(&app, 1, "127.0.0.1").await, [200]);
    assert_eq!(app.nobody().get("/p").await.status(), 429);
}

#[tokio::test]
async fn only_so_many_requests_are_under_way_at_once() {
    let (release, arrived) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (waiting, telling) = (Arc::clone(&release), Arc::clone(&arrived));
    let upstream = Upstream::start(move |mut talk| {
        let (release, arrived) = (Arc::clone(&waiting), Arc::clone(&telling));
        async move {
            while talk.head().await.is_some() {
                talk.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await;
                arrived.notify_one();
                release.notified().await;
                talk.say("ok").await;
            }
        }
    })
    .await;
    let app = proxied(&upstream, "concurrent = 1").await;
    let mut first = Talk::with(&app.url()).await;
    first.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let head = first.head().await.unwrap();
    arrived.notified().await;
    let refused = app.nobody().get("/p").await;
    assert_eq!(refused.assert_status(429).header("retry-after"), Some("1"), "an answer counts until its end");
    release.notify_one();
    assert_eq!((status(&head), header(&head, "content-length")), (200, Some("2")));
    first.body(&head).await.unwrap();
    release.notify_one();
    eventually("the place's being free", Duration::from_secs(10), async || {
        release.notify_one();
        (app.nobody().get("/p").await.status() == 200).then_some(())
    })
    .await;
}
