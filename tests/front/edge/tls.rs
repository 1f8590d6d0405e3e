//! TLS: which certificate a client is shown, what is spoken, and certificates that come and go.

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::io::AsyncWriteExt;

use super::pki::{connect, issue, trusting};
use super::{SOON, listeners, raw};
use crate::support::{TestApp, eventually, run_plinth};

const LISTENER: &str = "[[listeners]]\naddress = \"127.0.0.1:0\"\n";
const HTTP1: &[&str] = &["http/1.1"];
const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_name_has_its_certificate_and_every_other_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = issue(folder.path(), "first", &["a.example"], 90);
    let wild = issue(folder.path(), "wild", &["*.b.example"], 90);
    let exact = issue(folder.path(), "exact", &["x.b.example"], 90);
    let config = [LISTENER, &first.table(), &wild.table(), &exact.table()].concat();
    let app = TestApp::start_with(&config).await;
    let address = &listeners(&app).await[0];
    let client = trusting(&[&first, &wild, &exact], HTTP1, &[&TLS13]);
    for (name, issued) in [("a.example", &first), ("x.b.example", &exact), ("y.b.example", &wild), ("Y.B.Example", &wild)] {
        let mut stream = connect(address, name, &client).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], issued.der, "{name}");
        assert_eq!(raw::statuses(&raw::exchange(&mut stream, LIVE).await), [200]);
    }
    // The first is shown to whoever asks for another name, and is refused by a client that checks.
    let refused = connect(address, "unknown.example", &client).await.unwrap_err();
    assert!(refused.to_string().contains("NotValidForName") || refused.to_string().contains("not valid for name"), "{refused}");
    let below = connect(address, "z.y.b.example", &client).await.unwrap_err();
    assert!(below.to_string().contains("name"), "a wildcard is for one level: {below}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_protocols_and_sessions_that_are_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let issued = issue(folder.path(), "one", &["a.example"], 90);
    let app = TestApp::start_with(&[LISTENER, &issued.table()].concat()).await;
    let address = &listeners(&app).await[0];
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let client = trusting(&[&issued], HTTP1, &[version]);
        for turn in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = connect(address, "a.example", &client).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
            assert_eq!(raw::statuses(&raw::exchange(&mut stream, LIVE).await), [200]);
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(turn), "{expected:?}");
        }
    }
    let client = trusting(&[&issued], &["h2", "http/1.1"], &[&TLS13]);
    let stream = connect(address, "a.example", &client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "HTTP/2 is preferred");
    // What speaks no TLS at all is closed, and nobody else notices.
    assert_eq!(raw::send(address, LIVE).await.matches("HTTP/").count(), 0);
    let mut half = tokio::net::TcpStream::connect(address).await.unwrap();
    half.write_all(b"\x16\x03\x01").await.unwrap();
    let mut whole = connect(address, "a.example", &client).await.unwrap();
    assert!(whole.flush().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_change_are_read_again_and_bad_ones_leave_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let old = issue(folder.path(), "one", &["a.example"], 90);
    let config = [LISTENER, "[server]\ncertificates_every = \"100ms\"\n", &old.table()].concat();
    let app = TestApp::start_with(&config).await;
    let address = &listeners(&app).await[0];

    std::fs::write(&old.cert, "not PEM").unwrap();
    eventually("the refusal in the log", SOON, async || {
        app.server().log().contains("a certificate's files changed and cannot be used").then_some(())
    })
    .await;
    let client = trusting(&[&old], HTTP1, &[&TLS13]);
    connect(address, "a.example", &client).await.expect("the one before is served");
    app.service().post("/admin/v1/reload").await.assert_status(422);
    connect(address, "a.example", &client).await.expect("a reload leaves it, too");

    let new = issue(folder.path(), "one", &["a.example"], 90);
    let client = trusting(&[&new], HTTP1, &[&TLS13]);
    eventually("the new certificate", SOON, async || connect(address, "a.example", &client).await.ok()).await;

    // A reload brings certificates of other files.
    let other = issue(folder.path(), "two", &["c.example"], 90);
    app.configure(&[LISTENER, "[server]\ncertificates_every = \"100ms\"\n", &other.table()].concat());
    let told = app.service().post("/admin/v1/reload").await.assert_status(200).json();
    assert_eq!(told["restart_required"].as_array().unwrap().len(), 0, "{told}");
    connect(address, "c.example", &trusting(&[&other], HTTP1, &[&TLS13])).await.expect("the reload's certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_are_told_in_the_status_the_metrics_and_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let soon = issue(folder.path(), "soon", &["soon.example"], 5);
    let late = issue(folder.path(), "late", &["late.example"], 90);
    let app = TestApp::start_with(&[LISTENER, &soon.table(), &late.table()].concat()).await;
    let told = app.service().get("/admin/v1/status").await.json()["certificates"].clone();
    assert_eq!(told[0]["hosts"][0], "soon.example");
    assert!((3..=5).contains(&told[0]["days_left"].as_u64().unwrap()), "{told}");
    assert!((88..=90).contains(&told[1]["days_left"].as_u64().unwrap()), "{told}");
    let metrics = app.nobody().get("/metrics").await.text();
    assert!(metrics.contains("plinth_certificate_not_after_seconds{certificate=\"soon.example\"}"), "{metrics}");
    let log = app.server().log();
    assert!(log.contains("soon.pem ends soon") && !log.contains("late.pem ends soon"), "{log}");
}

#[test]
fn check_tells_of_keys_that_do_not_fit_and_of_ends() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| issue(folder.path(), name, &["a.example"], 90));
    let soon = issue(folder.path(), "soon", &["a.example"], 5);
    let over = issue(folder.path(), "over", &["a.example"], 0);
    let check = |tables: &str| {
        std::fs::write(folder.path().join("plinth.toml"), tables).unwrap();
        run_plinth(folder.path(), &["check"], &[])
    };
    let good = check(&[LISTENER, &one.table()].concat());
    assert!(good.status.success(), "{}", good.stderr);

    let mixed = check(&format!("{LISTENER}[[certificates]]\ncert = {:?}\nkey = {:?}\n", one.cert, two.key));
    assert_eq!(mixed.status.code(), Some(78));
    assert!(
        mixed.stderr.contains("plinth.toml:4:1") && mixed.stderr.contains("is not that of the certificate"),
        "{}",
        mixed.stderr
    );

    let ending = check(&[LISTENER, &soon.table()].concat());
    assert!(ending.status.success() && ending.stdout.contains("soon.pem ends at"), "{}", ending.stdout);
    let ended = check(&[LISTENER, &over.table()].concat());
    assert_eq!(ended.status.code(), Some(78));
    assert!(ended.stderr.contains("over.pem ended at"), "{}", ended.stderr);

    let none = check(LISTENER);
    assert!(none.stderr.contains("a listener with TLS needs a certificate"), "{}", none.stderr);
    let absent = check("[[certificates]]\ncert = \"absent.pem\"\nkey = \"absent.key\"\n");
    assert!(
        absent.stderr.contains("plinth.toml:2:8: cert of a certificate must be a path to a PEM file that exists"),
        "{}",
        absent.stderr
    );
    // A server does not start with what cannot be served.
    std::fs::write(
        folder.path().join("plinth.toml"),
        format!("{LISTENER}[[certificates]]\ncert = {:?}\nkey = {:?}\n", one.cert, two.key),
    )
    .unwrap();
    let refused = run_plinth(folder.path(), &["serve", "--data", "data", "--listen", "127.0.0.1:0"], &[]);
    assert_eq!(refused.status.code(), Some(78), "{}", refused.stderr);
}

#[test]
fn names_and_dates_are_read_from_a_certificate_and_nothing_from_other_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let issued = issue(folder.path(), "one", &["A.example", "*.b.example", "127.0.0.1", "::1"], 90);
    let facts = plinth::tls::facts(&issued.der).expect("a certificate");
    assert_eq!(facts.names, ["a.example", "*.b.example", "127.0.0.1", "::1"]);
    assert_eq!(facts.not_before.to_string(), "2020-01-01T00:00:00.000000Z");
    for cut in 0..issued.der.len() {
        assert_eq!(plinth::tls::facts(&issued.der[..cut]), None, "cut at {cut}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_certificates_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = plinth::tls::facts(&bytes);
    }

    #[test]
    fn a_certificate_with_a_changed_byte_makes_no_panic_either(at in 0_usize..400, byte in proptest::prelude::any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut der = issue(folder.path(), "one", &["a.example"], 90).der.to_vec();
        if let Some(place) = der.get_mut(at) {
            *place = byte;
        }
        let _ = plinth::tls::facts(&der);
    }
}
