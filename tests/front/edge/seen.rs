//! What is seen: the access log, the real client in it, and the metrics of each worker.

use super::pki::{connect, issue, trusting};
use super::{SOON, access_line, listeners, raw};
use crate::support::{TestApp, eventually};

const JSON: &str = "[log]\nformat = \"json\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_says_who_asked_for_what_and_what_went_out() {
    let folder = tempfile::tempdir().unwrap();
    let issued = issue(folder.path(), "one", &["a.example"], 90);
    std::fs::write(folder.path().join("file.txt"), vec![b'x'; 100_000]).unwrap();
    let site = format!("[site]\nroot = {:?}\n", folder.path());
    let config = [JSON, "access_client = true\n", &site, "[[listeners]]\naddress = \"127.0.0.1:0\"\n", &issued.table()].concat();
    let app = TestApp::start_with(&config).await;
    app.nobody().get("/file.txt?secret=1").header("referer", "http://from.example/").await.assert_status(200);
    let line = access_line(&app, "/file.txt").await;
    assert_eq!((&line["method"], &line["status"], &line["bytes"]), (&"GET".into(), &200.into(), &100_000.into()), "{line}");
    assert_eq!((&line["client"], &line["http"], &line["tls"]), (&"127.0.0.1".into(), &"1.1".into(), &false.into()), "{line}");
    assert_eq!(line["referer"], "http://from.example/");
    assert!(line["first_byte_ms"].as_f64().unwrap() <= line["duration_ms"].as_f64().unwrap(), "{line}");
    assert!(line.get("aborted").is_none() && line.get("upstream").is_none() && line.get("peer").is_none(), "{line}");

    let client = trusting(&[&issued], &["http/1.1"], &[&rustls::version::TLS13]);
    let mut stream = connect(&listeners(&app).await[0], "a.example", &client).await.unwrap();
    raw::exchange(&mut stream, b"GET /by-tls HTTP/1.1\r\nhost: a.example\r\nuser-agent: it\r\nconnection: close\r\n\r\n").await;
    let line = access_line(&app, "/by-tls").await;
    assert_eq!((&line["tls"], &line["host"], &line["user_agent"]), (&true.into(), &"a.example".into(), &"it".into()), "{line}");

    // A client that goes away in the middle has a line, too.
    let long = "const handler = () => new Response(new ReadableStream({ async pull(c) { c.enqueue(new TextEncoder().encode('x'.repeat(1000))); await new Promise((d) => setTimeout(d, 20)); } }));\nexport default { fetch: handler };";
    app.deploy("long", long, serde_json::json!({ "timeout_s": 60 })).await;
    let mut answer = app.anon().get("/functions/v1/long").stream().await.unwrap();
    answer.chunk().await.unwrap().expect("a first piece");
    drop(answer);
    let line = access_line(&app, "/functions/v1/long").await;
    assert_eq!(line["aborted"], true, "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_client_is_logged_and_known_to_the_handlers() {
    let app = TestApp::start_with(&[JSON, "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n"].concat()).await;
    app.nobody().get("/proxied").header("x-forwarded-for", "6.6.6.6, 198.51.100.7").await;
    let line = access_line(&app, "/proxied").await;
    assert_eq!((&line["client"], &line["peer"]), (&"198.51.100.7".into(), &"127.0.0.1".into()), "{line}");

    let untrusting = TestApp::start_with(JSON).await;
    untrusting.nobody().get("/direct").header("x-forwarded-for", "198.51.100.7").await;
    assert_eq!(access_line(&untrusting, "/direct").await["client"], "127.0.0.1");
    // An address that is not one is told with its place.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plinth.toml"), "[server]\ntrusted_proxies = [\"10.0.0.0/40\"]\n").unwrap();
    let refused = crate::support::run_plinth(folder.path(), &["check"], &[]);
    assert!(
        refused.stderr.contains("plinth.toml:2:19: server.trusted_proxies must be IP addresses and networks"),
        "{}",
        refused.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_worker_counts_and_is_measured() {
    let app = TestApp::start().await;
    let metric = async |name: &str| -> f64 {
        let metrics = app.nobody().get("/metrics").await.text();
        let lines = metrics.lines().filter(|line| line.starts_with(&format!("{name}{{worker=")));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    eventually("measures of the event loops", SOON, async || {
        (metric("plinth_worker_lag_seconds_count").await >= 2.0).then_some(())
    })
    .await;
    let before = metric("plinth_worker_connections").await;
    let address = raw::address(&app);
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start).await.unwrap();
        held.push(stream);
    }
    assert!(metric("plinth_worker_connections").await >= before + 20.0);
    assert!(metric("plinth_worker_requests_total").await >= 20.0);
    drop(held);
    eventually("the connections' end", SOON, async || (metric("plinth_worker_connections").await < before + 20.0).then_some(()))
        .await;
    assert!(metric("plinth_worker_connections_total").await >= 20.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_phases_of_an_upstreams_answer_are_told() {
    let upstream = TestApp::start().await;
    let url = upstream.url();
    let address = url.trim_start_matches("http://");
    let front = |told: bool| {
        format!(
            "{JSON}[server]\nupstream_timing = {told}\n[[upstreams]]\nname = \"up\"\nservers = [\"{address}\"]\n[[sites]]\nhosts = \"*\"\n\
             [[sites.routes]]\npath = \"/p\"\nstrip_prefix = true\nupstream = \"up\"\n"
        )
    };
    let app = TestApp::start_with(&front(true)).await;
    let answer = app.nobody().get("/p/health/live").await;
    let told = answer.assert_status(200).header("server-timing").unwrap();
    let phases: Vec<_> = told.split(", ").filter_map(|phase| phase.split_once(";dur=")).collect();
    assert_eq!(phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["queue", "connect", "upstream"], "{told}");
    assert!(phases.iter().all(|(_, time)| time.parse::<f64>().is_ok_and(|time| time >= 0.0)), "{told}");

    let line = access_line(&app, "/p/health/live").await;
    assert_eq!((&line["upstream"], &line["tries"]), (&format!("up {address}").into(), &1.into()), "{line}");
    let time = |phase: &str| line[phase].as_f64().unwrap_or_else(|| panic!("{phase} of {line}"));
    let phases = time("queue_ms") + time("connect_ms") + time("upstream_first_byte_ms");
    assert!(time("upstream_first_byte_ms") > 0.0 && phases <= time("duration_ms"), "{line}");
    assert!(time("first_byte_ms") <= time("duration_ms"), "{line}");

    let silent = TestApp::start_with(&front(false)).await;
    assert_eq!(silent.nobody().get("/p/health/live").await.assert_status(200).header("server-timing"), None);
}
