//! HTTP/2 as those write it who mean harm: what is bounded, by whom, and that others are served meanwhile. The bounds of the `h2` crate
//! (0.3.27) are recorded: 20 streams reset before they were taken, header lists of 16 MiB, a few continuations.

use std::time::Duration;

use super::h2::{self, H2, frame};
use super::pki::{Issued, issue};
use super::{SOON, listeners};
use crate::support::{TestApp, eventually};

/// What a server may grow by under any of these.
const GROWTH: u64 = 160 << 20;

/// The reason `ENHANCE_YOUR_CALM` of a GOAWAY.
const ENHANCE_YOUR_CALM: u8 = 11;

struct Target {
    app: TestApp,
    address: String,
    issued: Issued,
    before: u64,
    _folder: tempfile::TempDir,
}

impl Target {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issued = issue(folder.path(), "one", &["a.example"], 90);
        let config = format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n{}[log]\naccess = false\n", issued.table());
        let app = TestApp::start_with(&config).await;
        let address = listeners(&app).await.remove(0);
        let before = app.resident_bytes();
        Self { app, address, issued, before, _folder: folder }
    }

    async fn open(&self) -> H2 {
        H2::open(&self.address, "a.example", &self.issued).await
    }

    /// Others are served, and memory did not grow without bounds.
    async fn is_well(&self) {
        self.app.nobody().get("/health/ready").timeout(SOON).await.assert_status(200);
        let now = self.app.resident_bytes();
        assert!(now < self.before + GROWTH, "from {} to {now} bytes", self.before);
        let mut h2 = self.open().await;
        h2.send(&frame(h2::HEADERS, h2::END_STREAM | h2::END_HEADERS, 1, &h2::request("GET", "/health/live"))).await.unwrap();
        let answer = h2.until(h2::HEADERS).await.expect("an answer by HTTP/2");
        assert_eq!(answer.stream, 1);
    }

    async fn count(&self, status: u16) -> f64 {
        let metrics = self.app.nobody().get("/metrics").await.text();
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("plinth_http_requests_total") && line.contains(&format!("status=\"{status}\"")));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// Sends until the server has had enough, or all was sent; whether it broke off.
async fn flood(h2: &mut H2, pieces: impl Iterator<Item = Vec<u8>>) -> bool {
    let all = async {
        for piece in pieces {
            if h2.send(&piece).await.is_err() {
                return true;
            }
        }
        false
    };
    // A server that does not read any more has broken off, too.
    tokio::time::timeout(Duration::from_secs(10), all).await.unwrap_or(true)
}

fn streams() -> impl Iterator<Item = u32> {
    (0..).map(|number| number * 2 + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_the_connection() {
    let target = Target::start().await;
    let mut h2 = target.open().await;
    let cancel = 8_u32.to_be_bytes();
    let pieces: Vec<Vec<u8>> = streams()
        .take(20_000)
        .collect::<Vec<_>>()
        .chunks(100)
        .map(|streams| {
            let both = streams.iter().map(|stream| {
                let head = frame(h2::HEADERS, h2::END_STREAM | h2::END_HEADERS, *stream, &h2::request("GET", "/"));
                [head, frame(h2::RST_STREAM, 0, *stream, &cancel)].concat()
            });
            both.collect::<Vec<_>>().concat()
        })
        .collect();
    flood(&mut h2, pieces.into_iter()).await;
    let goaway = h2.until(h2::GOAWAY).await.expect("the connection is given up");
    assert_eq!(goaway.payload[7], ENHANCE_YOUR_CALM, "{goaway:?}");
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_so_many_requests_under_way() {
    let target = Target::start().await;
    let mut h2 = target.open().await;
    // Each waits for a body that does not come.
    let mut block = h2::request("POST", "/auth/v1/signup");
    h2::header(&mut block, "apikey", target.app.key("anon_key"));
    h2::header(&mut block, "content-type", "application/json");
    let pieces = streams().take(1500).map(|stream| frame(h2::HEADERS, h2::END_HEADERS, stream, &block));
    assert!(!flood(&mut h2, pieces).await);
    eventually("refusals of what is too much", SOON, async || (target.count(429).await >= 400.0).then_some(())).await;
    assert!(target.count(429).await <= 500.0, "those within the limit wait");
    target.is_well().await;
    h2.send(&frame(h2::DATA, h2::END_STREAM, 1, b"{}")).await.unwrap();
    assert!(h2.until(h2::HEADERS).await.is_some(), "the connection goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_pings_without_end_cost_no_memory() {
    let target = Target::start().await;
    let floods = [frame(h2::SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]), frame(h2::PING, 0, 0, b"12345678")];
    for one in floods {
        let mut h2 = target.open().await;
        let many = one.repeat(1000);
        // Answers are not read, so what the server may keep of them is at its largest.
        flood(&mut h2, (0..200).map(|_| many.clone())).await;
        target.is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_an_end_end_the_connection() {
    let target = Target::start().await;
    let mut h2 = target.open().await;
    h2.send(&frame(h2::HEADERS, h2::END_STREAM, 1, &h2::request("GET", "/"))).await.unwrap();
    let mut block = Vec::new();
    h2::header(&mut block, "x-more", &"a".repeat(16_000));
    let pieces = (0..20_000).map(|_| frame(h2::CONTINUATION, 0, 1, &block));
    assert!(flood(&mut h2, pieces).await, "it is broken off before 320 MB are sent");
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_of_headers_are_refused_and_kept_small() {
    let target = Target::start().await;
    let mut h2 = target.open().await;
    // One header of 3,000 bytes, said again by one byte each.
    for (stream, times) in [(1, 100), (3, 3_000), (5, 12_000)] {
        let mut block = h2::request("GET", "/health/live");
        h2::remembered(&mut block, "x-bomb", &"b".repeat(3_000));
        block.extend(std::iter::repeat_n(0x80 | 62, times));
        let flags = h2::END_STREAM | h2::END_HEADERS;
        h2.send(&frame(h2::HEADERS, flags, stream, &block)).await.unwrap();
        assert!(h2.until(h2::HEADERS).await.is_some(), "{times} times are answered");
    }
    assert!(target.count(431).await >= 2.0, "by the limit of bytes and of headers");
    target.is_well().await;
}
