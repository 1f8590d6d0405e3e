//! Upstreams that speak TLS, and HTTP/2.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use super::{logged, proxied_as};
use crate::support::{TestApp, eventually};

/// A server that tells how it was asked.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    handle: ServerHandle,
    /// Its certificate, in a folder of its own.
    certificate: PathBuf,
    _folder: tempfile::TempDir,
}

enum Kind {
    Tls,
    H2c,
}

impl Server {
    /// Starts one whose certificate is for `upstream.test`.
    fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = folder.path().join("certificate.pem");
        let made = rcgen::generate_simple_self_signed(vec!["upstream.test".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&connections);
        let (sender, handle) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(|| App::new().default_service(web::to(tell)));
                let server = server.workers(1).disable_signals().on_connect(move |_, _| {
                    counting.fetch_add(1, Ordering::SeqCst);
                });
                let server = match kind {
                    Kind::Tls => server.listen_rustls_0_23(listener, tls).unwrap(),
                    Kind::H2c => server.listen_auto_h2c(listener).unwrap(),
                };
                let server = server.run();
                sender.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = handle.recv_timeout(Duration::from_secs(10)).unwrap();
        Self { address, connections, handle, certificate, _folder: folder }
    }

    /// A server that passes requests on to it.
    async fn proxied(&self, upstream: &str) -> TestApp {
        proxied_as(&[self.address], "retries = 0", upstream).await
    }

    /// Settings by which its certificate is trusted.
    fn trusted(&self) -> String {
        format!("tls = true\ntls_ca = {:?}\ntls_name = \"upstream.test\"", self.certificate)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn tell(request: HttpRequest, body: Bytes) -> HttpResponse {
    let told = json!({
        "version": format!("{:?}", request.version()),
        "path": request.uri().path_and_query().map(ToString::to_string),
        "host": request.connection_info().host(),
        "for": request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()),
        "hops": request.headers().get("te").is_some() || request.headers().get("connection").is_some(),
        "bytes": body.len(),
    });
    HttpResponse::Ok().json(told)
}

#[tokio::test]
async fn an_upstreams_certificate_is_checked() {
    let server = Server::start(Kind::Tls);
    let app = server.proxied(&server.trusted()).await;
    for _ in 0..2 {
        let told = app.nobody().get("/p?q").header("host", "www.example.com").await.assert_status(200).json();
        assert_eq!(told["version"], "HTTP/1.1");
        assert_eq!(told["host"], "www.example.com");
        assert_eq!(told["for"], "127.0.0.1");
    }
    for (what, upstream) in [
        ("nobody vouches for it", "tls = true\ntls_name = \"upstream.test\"".to_owned()),
        ("it is for another name", server.trusted().replace("upstream.test", "another.test")),
        ("it is for no address", server.trusted().replace("tls_name = \"upstream.test\"", "")),
    ] {
        let app = server.proxied(&upstream).await;
        assert_eq!(app.nobody().get("/p").await.assert_status(502).problem()["type"], "/problems/bad_gateway", "{what}");
        logged(&app, "no TLS: invalid peer certificate").await;
    }
    let unchecked = server.proxied("tls = true\ntls_verify = false").await;
    unchecked.nobody().get("/p").await.assert_status(200);
    logged(&unchecked, "are not checked (tls_verify = false)").await;
}

#[tokio::test]
async fn http2_is_spoken_where_the_server_agrees() {
    let tls = Server::start(Kind::Tls);
    let plain = Server::start(Kind::H2c);
    for (server, upstream) in [(&tls, format!("{}\nprotocol = \"h2\"", tls.trusted())), (&plain, "protocol = \"h2c\"".to_owned())]
    {
        let app = server.proxied(&upstream).await;
        let told = app.nobody().get("/p/x?y=1").header("te", "trailers").await.assert_status(200).json();
        assert_eq!(told["version"], "HTTP/2.0");
        assert_eq!(told["path"], "/p/x?y=1");
        assert_eq!(told["host"], app.url().trim_start_matches("http://"));
        assert_eq!(told["hops"], false, "headers of a connection do not cross");
        let sent = app.nobody().post("/p").body(vec![b'x'; 200_000]).await.assert_status(200).json();
        assert_eq!(sent["bytes"], 200_000);
        let head = app.nobody().head("/p").await;
        assert_eq!((head.assert_status(200).bytes().len(), head.header("content-type")), (0, Some("application/json")));
        let nobody = app.nobody();
        let many = futures_util::future::join_all((0..20).map(|_| async { nobody.get("/p").await.status() })).await;
        assert_eq!(many, vec![200; 20]);
        let connections = server.connections.load(Ordering::SeqCst);
        // One for each web worker; at the very start requests may have opened a few more at once.
        assert!(connections <= 12, "{connections} connections");
    }
}

/// Waits until the one server was asked whether it is well, and gives its state and what is wrong with it.
async fn standing(app: &TestApp) -> (String, String) {
    eventually("a health check", Duration::from_secs(20), async || {
        let front = app.service().get("/admin/v1/front").await.json();
        let backend = &front["upstreams"][0]["backends"][0];
        let text = |key: &str| backend[key].as_str().unwrap_or_default().to_owned();
        backend["checked_at"].is_string().then(|| (text("state"), text("why")))
    })
    .await
}

#[tokio::test]
async fn health_checks_speak_what_requests_do() {
    let tls = Server::start(Kind::Tls);
    let plain = Server::start(Kind::H2c);
    let health = "health = { path = \"/well\", interval = \"50ms\", timeout = \"10s\" }";
    for (server, upstream) in [
        (&tls, format!("{}\n{health}", tls.trusted())),
        (&tls, format!("{}\nprotocol = \"h2\"\n{health}", tls.trusted())),
        (&plain, format!("protocol = \"h2c\"\n{health}")),
    ] {
        let app = server.proxied(&upstream).await;
        assert_eq!(standing(&app).await, ("well".to_owned(), String::new()), "{upstream}");
    }

    let other = format!("{}\n{health}", tls.trusted().replace("upstream.test", "another.test"));
    let (state, why) = standing(&tls.proxied(&other).await).await;
    assert!(state == "unwell" && why.starts_with("no TLS: invalid peer certificate"), "{state}: {why}");

    let port = plain.address.port();
    let elsewhere =
        |more: &str| format!("{}\nhealth = {{ port = {port}, interval = \"50ms\", timeout = \"10s\"{more} }}", tls.trusted());
    let (state, why) = standing(&tls.proxied(&elsewhere("")).await).await;
    assert_eq!((state.as_str(), why.as_str()), ("well", ""), "at another port it is asked without TLS");
    let (state, why) = standing(&tls.proxied(&elsewhere(", tls = true")).await).await;
    assert!(state == "unwell" && why.starts_with("no TLS: "), "{state}: {why}");
}
