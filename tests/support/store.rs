//! An S3 store that is not ours (moto, from PyPI), and a line to it that can go bad.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::app::http_client;
use super::environment;

/// A signature: moto wants one, and does not look at it.
const KEY: &str = "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";

/// What is wrong with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Every request is answered with this status.
    Answers(u16),
    /// Requests break off after so many bytes of a connection.
    CutsRequests(u64),
    /// Answers break off after so many bytes of a connection.
    CutsAnswers(u64),
    /// Nothing is ever answered.
    Stalls,
}

/// A running store, reached through a proxy. Ends when dropped.
pub struct Store {
    moto: Child,
    direct: SocketAddr,
    line: SocketAddr,
    fault: watch::Sender<Fault>,
    proxy: tokio::task::JoinHandle<()>,
}

impl Store {
    /// Starts a store with an empty bucket.
    ///
    /// # Panics
    ///
    /// When Python or moto are not there: `scripts/run_tests.py` installs them.
    #[expect(clippy::disallowed_methods, reason = "the proxy ends with the test's runtime")]
    pub async fn start() -> Self {
        let python = environment("PLINTH_TEST_PYTHON").expect("scripts/run_tests.py sets PLINTH_TEST_PYTHON");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/store.py");
        let mut moto = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", &python, script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let stdout = moto.stdout.take().expect("stdout is piped");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let port = read.await.expect("the thread ends").expect("stdout can be read");
        let direct = SocketAddr::from(([127, 0, 0, 1], port.trim().parse().expect("moto prints its port")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let line = listener.local_addr().expect("it is bound");
        let (fault, faults) = watch::channel(Fault::None);
        let proxy = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, direct, faults.clone()));
            }
        });
        Self { moto, direct, line, fault, proxy }
    }

    /// Settings for a server that keeps its files here, and gives up on what says nothing for so many seconds, with a collector that
    /// works at once.
    #[must_use]
    pub fn settings(&self, seconds: u32) -> String {
        format!(
            "[storage]\nbackend = \"s3\"\nendpoint = \"http://{}\"\nbucket = \"plinth\"\naccess_key_id = \"id\"\n\
             secret_access_key = \"secret\"\ntimeout = \"{seconds}s\"\ngrace = \"0s\"\ncollect_every = \"100ms\"\n",
            self.line
        )
    }

    /// Makes the line as bad as that, also for connections that are open.
    pub fn fail(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// The keys below a prefix, by the store's own word.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let listing = self.get(&format!("list-type=2&prefix={prefix}")).await;
        between(&listing, "<Key>", "</Key>")
    }

    /// The keys of uploads in parts that are not finished.
    pub async fn unfinished(&self) -> Vec<String> {
        between(&self.get("uploads").await, "<Key>", "</Key>")
    }

    /// Removes a key behind the server's back.
    pub async fn delete(&self, key: &str) {
        let request = http_client().delete(format!("http://{}/plinth/{key}", self.direct)).header("authorization", KEY);
        assert!(request.send().await.expect("moto answers").status().is_success());
    }

    /// Puts a key behind the server's back.
    pub async fn put(&self, key: &str, body: &'static str) {
        let request = http_client().put(format!("http://{}/plinth/{key}", self.direct)).header("authorization", KEY);
        let request = request.body(body);
        assert!(request.send().await.expect("moto answers").status().is_success());
    }

    async fn get(&self, query: &str) -> String {
        let answer = http_client().get(format!("http://{}/plinth?{query}", self.direct)).send().await.expect("moto answers");
        answer.text().await.expect("moto answers with text")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.proxy.abort();
        let _ = self.moto.kill();
        let _ = self.moto.wait();
    }
}

fn between(text: &str, from: &str, to: &str) -> Vec<String> {
    text.split(from).skip(1).filter_map(|rest| Some(rest.split_once(to)?.0.to_owned())).collect()
}

async fn serve(client: TcpStream, store: SocketAddr, mut faults: watch::Receiver<Fault>) {
    let fault = *faults.borrow_and_update();
    let work = async {
        match fault {
            Fault::Answers(status) => answer(client, status).await,
            Fault::Stalls => {
                let _held = client;
                std::future::pending::<()>().await;
            }
            fault => pass(client, store, fault).await,
        }
    };
    tokio::select! {
        () = work => {}
        _ = faults.changed() => {}
    }
}

async fn pass(mut client: TcpStream, store: SocketAddr, fault: Fault) {
    let Ok(mut upstream) = TcpStream::connect(store).await else { return };
    let (requests, answers) = match fault {
        Fault::CutsRequests(limit) => (limit, u64::MAX),
        Fault::CutsAnswers(limit) => (u64::MAX, limit),
        _ => (u64::MAX, u64::MAX),
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_store, mut to_store) = upstream.split();
    tokio::select! {
        () = copy(&mut from_client, &mut to_store, requests) => {}
        () = copy(&mut from_store, &mut to_client, answers) => {}
    }
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), mut left: u64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let passed = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        if to.write_all(&buffer[..passed]).await.is_err() || passed < read {
            return;
        }
        left -= passed as u64;
    }
}

/// Answers one request with a status, and reads what else comes of it.
async fn answer(mut client: TcpStream, status: u16) {
    let mut buffer = vec![0; 16 * 1024];
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match client.read(&mut buffer).await {
            Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let text = format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    if client.write_all(text.as_bytes()).await.is_ok() && client.shutdown().await.is_ok() {
        while let Ok(1..) = client.read(&mut buffer).await {}
    }
}
