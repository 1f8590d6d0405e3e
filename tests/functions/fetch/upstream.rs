//! A server for functions to reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What the server has seen.
#[derive(Default)]
pub struct Seen {
    /// Connections that were made to it.
    pub connections: AtomicUsize,
    pub requests: AtomicUsize,
    /// Requests to `/never` that wait.
    pub waiting: AtomicUsize,
    /// The most of those at once.
    pub most_waiting: AtomicUsize,
    /// Bytes that `/flood` has produced.
    pub produced: AtomicUsize,
}

/// A server on a port of 127.0.0.1, on threads of its own.
pub struct Upstream {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    handle: ServerHandle,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let (counting, mounted) = (Arc::clone(&seen), Arc::clone(&seen));
        let (sender, handle) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let seen = Data::from(Arc::clone(&mounted));
                    App::new().app_data(seen).app_data(web::PayloadConfig::new(64 << 20)).configure(routes)
                });
                let server = server.on_connect(move |_, _| {
                    counting.connections.fetch_add(1, Ordering::SeqCst);
                });
                let server =
                    server.workers(1).h1_allow_half_closed(false).disable_signals().listen(listener).expect("it listens").run();
                sender.send(server.handle()).expect("the test waits");
                server.await.expect("it serves");
            });
        });
        let handle = handle.recv_timeout(Duration::from_secs(10)).expect("it starts");
        Self { address, seen, handle }
    }

    /// Its address by the name of this machine.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    pub fn count(&self, what: impl Fn(&Seen) -> &AtomicUsize) -> usize {
        what(&self.seen).load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/hello", web::to(hello))
        .route("/packed", web::get().to(packed))
        .route("/echo", web::to(echo))
        .route("/redirect", web::to(redirect))
        .route("/round", web::get().to(async || HttpResponse::Found().insert_header(("location", "/round")).finish()))
        .route("/never", web::get().to(never))
        .route("/flood", web::get().to(flood))
        .route("/slow", web::get().to(slow));
}

async fn hello(seen: Data<Seen>) -> HttpResponse {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Ok().insert_header(("x-own", "a")).body("hello")
}

/// Text, packed by gzip.
async fn packed() -> HttpResponse {
    let body: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03+\xcd+HL\xceNM\x01\x00\x96b/\xca\x08\x00\x00\x00";
    HttpResponse::Ok().insert_header(("content-encoding", "gzip")).body(body)
}

async fn echo(request: HttpRequest, body: Bytes, seen: Data<Seen>) -> HttpResponse {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let value = |text: &[u8]| Value::String(String::from_utf8_lossy(text).into_owned());
    let headers: Map<_, _> = request.headers().iter().map(|(name, text)| (name.to_string(), value(text.as_bytes()))).collect();
    let start = value(&body[..body.len().min(100)]);
    HttpResponse::Ok().json(json!({ "method": request.method().as_str(), "headers": headers, "body": start, "size": body.len() }))
}

#[derive(Deserialize)]
struct To {
    to: String,
    status: Option<u16>,
}

async fn redirect(to: Query<To>) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(to.status.unwrap_or(302)).expect("a status");
    HttpResponse::build(status).insert_header(("location", to.to.as_str())).finish()
}

/// Is counted while it waits.
struct Waiting(Data<Seen>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn never(seen: Data<Seen>) -> HttpResponse {
    let now = seen.waiting.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most_waiting.fetch_max(now, Ordering::SeqCst);
    let _waiting = Waiting(seen);
    std::future::pending().await
}

async fn flood(seen: Data<Seen>) -> HttpResponse {
    let pieces = stream::repeat_with(move || {
        seen.produced.fetch_add(65536, Ordering::SeqCst);
        Ok::<_, actix_web::Error>(Bytes::from_static(&[7; 65536]))
    });
    HttpResponse::Ok().streaming(pieces)
}

/// Three pieces with pauses between them.
async fn slow() -> HttpResponse {
    let pieces = stream::unfold(0, |at| async move {
        if at > 0 {
            let mut pause = actix_web::rt::time::interval(Duration::from_millis(150));
            pause.tick().await;
            pause.tick().await;
        }
        (at < 3).then(|| (Ok::<_, actix_web::Error>(Bytes::from(format!("piece {at}"))), at + 1))
    });
    HttpResponse::Ok().streaming(pieces)
}
