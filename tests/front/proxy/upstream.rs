//! An upstream of the test's own: a socket, and a script of what it does with each connection.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// No wait for bytes is longer: a test that waits for what never comes fails with what it has.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of 127.0.0.1.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

/// What it has seen.
#[derive(Default)]
struct Seen {
    heads: Mutex<Vec<String>>,
    connections: AtomicUsize,
    /// Connections whose script has ended.
    ended: AtomicUsize,
}

/// One side of a connection.
pub struct Talk {
    stream: TcpStream,
    unread: Vec<u8>,
    seen: Arc<Seen>,
    /// Which connection of its upstream it is, from 0.
    pub number: usize,
}

impl Upstream {
    /// Starts a server that does the same with each connection.
    pub async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(Talk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let counting = Arc::clone(&seen);
        let task = super::beside(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counting.connections.fetch_add(1, Ordering::SeqCst);
                let talk = Talk { stream, unread: Vec::new(), seen: Arc::clone(&counting), number };
                let (script, ending) = (script(talk), Arc::clone(&counting));
                super::beside(async move {
                    script.await;
                    ending.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, task }
    }

    /// A server that answers every request with `answer`.
    pub async fn answering(answer: impl Into<String>) -> Self {
        let answer: Arc<str> = answer.into().into();
        Self::start(move |mut talk| {
            let answer = Arc::clone(&answer);
            async move {
                while talk.request().await.is_some() {
                    talk.say(&*answer).await;
                }
            }
        })
        .await
    }

    /// A server that answers every request with its head, as it came.
    pub async fn echo() -> Self {
        Self::start(|mut talk| async move {
            while let Some((head, body)) = talk.request().await {
                let echo = head + &body;
                talk.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{echo}", echo.len())).await;
            }
        })
        .await
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().expect("no script panics here").clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many connections are over.
    pub fn ended(&self) -> usize {
        self.seen.ended.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Talk {
    /// A client's side of a connection to a server such as `http://127.0.0.1:8080`.
    pub async fn with(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("the server listens");
        Self { stream, unread: Vec::new(), seen: Arc::default(), number: 0 }
    }

    /// The next head, with the empty line; `None` when the other side closes before one.
    pub async fn head(&mut self) -> Option<String> {
        let head = self.until(b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&head).into_owned();
        self.seen.heads.lock().expect("no script panics here").push(head.clone());
        Some(head)
    }

    /// The next request: its head, and its body without framing.
    pub async fn request(&mut self) -> Option<(String, String)> {
        let head = self.head().await?;
        let body = self.body(&head).await?;
        Some((head, String::from_utf8_lossy(&body).into_owned()))
    }

    /// The body that a head announces.
    pub async fn body(&mut self, head: &str) -> Option<Vec<u8>> {
        if let Some(length) = header(head, "content-length") {
            return self.exactly(length.parse().expect("a length")).await;
        }
        if header(head, "transfer-encoding").is_none() {
            return Some(Vec::new());
        }
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n").await?;
            let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("the size of a chunk");
            let chunk = self.exactly(size + 2).await?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// So many bytes; `None` when the other side closes before.
    pub async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            self.more().await?;
        }
        let rest = self.unread.split_off(count);
        Some(std::mem::replace(&mut self.unread, rest))
    }

    /// Bytes up to and with a mark.
    pub async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.unread.windows(mark.len()).position(|window| window == mark) {
                return self.exactly(at + mark.len()).await;
            }
            self.more().await?;
        }
    }

    /// Everything until the other side closes.
    pub async fn rest(&mut self) -> String {
        while self.more().await.is_some() {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// Waits until the other side has closed.
    pub async fn closed(&mut self) {
        while self.more().await.is_some() {
            self.unread.clear();
        }
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing came; before it: {}", String::from_utf8_lossy(&self.unread)));
        // A connection that is reset is closed, too.
        let count = read.ok().filter(|count| *count > 0)?;
        self.unread.extend_from_slice(&buffer[..count]);
        Some(())
    }

    /// Sends text. That nobody takes it is found where an answer is missed.
    pub async fn say(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(text.as_ref()).await;
    }

    /// Sends as much as is taken; whether all was.
    pub async fn try_say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Two halves, of which one reads and one writes.
    pub fn split(self) -> (Self, Self) {
        let other =
            self.stream.into_std().and_then(|stream| Ok((stream.try_clone()?, stream))).expect("the socket can be shared");
        let half = |stream| TcpStream::from_std(stream).expect("the runtime takes it");
        let (seen, number) = (Arc::clone(&self.seen), self.number);
        (
            Self { stream: half(other.0), unread: self.unread, seen: self.seen, number },
            Self { stream: half(other.1), unread: Vec::new(), seen, number },
        )
    }

    /// Closes with a reset, as a process that died does.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).expect("the socket can be told");
    }
}

/// A header's value in a head.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
