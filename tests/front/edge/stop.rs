//! A stop while clients are there: what is under way comes to its end, also by TLS, and who is kept is told to go.

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::h2::{self, H2, frame};
use super::pki::{connect, issue, trusting};
use super::{SOON, listeners, raw};
use crate::support::{TestApp, eventually};

const SLOW: &str = "export const handler = async () => { console.log('begun'); await new Promise((done) => setTimeout(done, 1500)); return 'finished' }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_by_tls_come_to_their_end_and_kept_connections_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let issued = issue(folder.path(), "one", &["a.example"], 90);
    let config = format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n{}", issued.table());
    let mut app = TestApp::start_with(&config).await;
    app.deploy("slow", SLOW, json!({ "timeout_s": 10 })).await;
    let address = listeners(&app).await.remove(0);
    let key = app.key("anon_key").to_owned();
    let call = format!("POST /functions/v1/slow HTTP/1.1\r\nhost: a.example\r\napikey: {key}\r\ncontent-length: 2\r\n\r\n{{}}");

    let client = trusting(&[&issued], &["http/1.1"], &[&rustls::version::TLS13]);
    let mut idle = connect(&address, "a.example", &client).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: a.example\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    let mut busy = connect(&address, "a.example", &client).await.unwrap();
    busy.write_all(call.as_bytes()).await.unwrap();
    let mut by_h2 = H2::open(&address, "a.example", &issued).await;
    let mut block = h2::request("GET", "/functions/v1/slow");
    h2::header(&mut block, "apikey", &key);
    by_h2.send(&frame(h2::HEADERS, h2::END_STREAM | h2::END_HEADERS, 1, &block)).await.unwrap();

    let service = app.service();
    eventually("the calls' beginning", SOON, async || {
        let logs = service.get("/admin/v1/functions/slow/logs").await.text();
        (logs.matches("begun").count() == 2).then_some(())
    })
    .await;
    app.server_mut().signal(Signal::TERM);
    let answer = raw::read_on(&mut busy).await;
    assert!(answer.ends_with("finished"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "who is answered while it stops is told to go: {answer}");
    assert!(raw::ends(&mut idle).await, "who is idle is closed");
    // HTTP/2 is answered, too; actix sends no GOAWAY, so the connection is ended when it has no request any more.
    let data = by_h2.until(h2::DATA).await.expect("the answer by HTTP/2");
    assert_eq!((data.stream, data.payload.as_slice()), (1, b"finished".as_slice()));
    assert!(by_h2.next().await.is_none_or(|last| last.payload.is_empty()), "nothing but the end of the answer follows");
    assert_eq!(app.server_mut().ended(SOON).await.code(), Some(0), "{}", app.server().log());
}
