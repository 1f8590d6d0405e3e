//! A small HTTP server that is well or not as a test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// An HTTP/1.1 server on a port of 127.0.0.1; it ends, and breaks its connections, when this is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
    _task: JoinSet<()>,
}

struct Seen {
    status: AtomicU16,
    requests: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// A permit is taken before each answer.
    gate: Semaphore,
    last: std::sync::Mutex<String>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// On an address where one was before.
    pub(super) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen {
            status: AtomicU16::new(200),
            requests: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            last: std::sync::Mutex::default(),
        });
        let shared = Arc::clone(&seen);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { address, seen, _task: task }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers with this status from now on.
    pub(super) fn answer(&self, status: u16) {
        self.seen.status.store(status, Ordering::SeqCst);
    }

    /// Answers only as many more requests as [`Server::release`] says.
    pub(super) fn hold(&self) {
        self.seen.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn release(&self, requests: usize) {
        self.seen.gate.add_permits(requests);
    }

    /// Requests that came.
    pub(super) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(super) fn under_way(&self) -> usize {
        self.seen.under_way.load(Ordering::SeqCst)
    }

    /// The most at a time.
    pub(super) fn most_under_way(&self) -> usize {
        self.seen.most_under_way.load(Ordering::SeqCst)
    }

    /// The head of the last request.
    pub(super) fn last(&self) -> String {
        self.seen.last.lock().expect("no holder panics").clone()
    }
}

/// Answers the requests of one connection, none of which has a body.
async fn serve(mut socket: TcpStream, seen: Arc<Seen>) {
    let mut read = Vec::new();
    loop {
        while !read.windows(4).any(|end| end == b"\r\n\r\n") {
            match socket.read_buf(&mut read).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
        let end = read.windows(4).position(|end| end == b"\r\n\r\n").expect("a head's end") + 4;
        *seen.last.lock().expect("no holder panics") = String::from_utf8_lossy(&read[..end]).into_owned();
        read.drain(..end);
        seen.requests.fetch_add(1, Ordering::SeqCst);
        let now = seen.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_under_way.fetch_max(now, Ordering::SeqCst);
        seen.gate.acquire().await.expect("the gate stays").forget();
        seen.under_way.fetch_sub(1, Ordering::SeqCst);
        let status = seen.status.load(Ordering::SeqCst);
        let port = socket.local_addr().expect("an address").port().to_string();
        let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n\r\n{port}", port.len());
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
