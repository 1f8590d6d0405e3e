//! HTTP/2 by hand: frames written as bytes, so that a test can say what no client library would.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::pki::{Issued, connect, trusting};

/// Kinds of frames (RFC 9113, 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) struct H2(TlsStream<TcpStream>);

/// A frame that came.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl H2 {
    /// A connection on which the client's preface and its settings were sent.
    pub(super) async fn open(address: &str, host: &str, issued: &Issued) -> Self {
        let stream = connect(address, host, &trusting(&[issued], &["h2"], &[&rustls::version::TLS13])).await.unwrap();
        let mut h2 = Self(stream);
        h2.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        h2
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// The next frame; `None` at the end, or when none comes in a generous time.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
            Some(Frame { kind: head[3], stream, payload })
        };
        tokio::time::timeout(super::SOON, read).await.ok().flatten()
    }

    /// Frames up to the first of this kind.
    pub(super) async fn until(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }
}

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header block of a request (RFC 7541): `:method`, `:scheme`, `:path` and `:authority`, none of which is remembered.
pub(super) fn request(method: &str, path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (index, value) in [(2, method), (6, "https"), (4, path), (1, "a.example")] {
        indexed(&mut block, index, value);
    }
    block
}

/// A header whose name is in the table that everybody has, not remembered.
pub(super) fn indexed(block: &mut Vec<u8>, index: u8, value: &str) {
    block.push(index);
    text(block, value.as_bytes());
}

/// A header that is not remembered.
pub(super) fn header(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    text(block, name.as_bytes());
    text(block, value.as_bytes());
}

/// A header that is remembered, as the newest of the table (index 62).
pub(super) fn remembered(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0x40);
    text(block, name.as_bytes());
    text(block, value.as_bytes());
}

/// A text with its length before it, in seven bits and continued.
fn text(block: &mut Vec<u8>, value: &[u8]) {
    let mut length = value.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        block.push(u8::try_from(length).unwrap());
    }
    block.extend_from_slice(value);
}
