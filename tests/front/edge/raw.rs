//! Bytes to the server as they are, and what comes back.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::TestApp;

/// The host and the port of the server under test.
pub(super) fn address(app: &TestApp) -> String {
    app.url().trim_start_matches("http://").to_owned()
}

/// Sends bytes on a connection of their own and reads until the server closes it, or says nothing more for two seconds.
pub(super) async fn send(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    exchange(&mut stream, bytes).await
}

/// The same on a connection that is there.
pub(super) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> String {
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    read_on(stream).await
}

/// What comes until the end, or until nothing comes for two seconds.
pub(super) async fn read_on(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of the answers in a text.
pub(super) fn statuses(text: &str) -> Vec<u16> {
    let heads = text.split("HTTP/1.1 ").skip(1);
    heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
}

/// Reads to the end of a connection, within a generous time; whether it ended.
pub(super) async fn ends(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut buffer = vec![0; 64 * 1024];
    let to_end = async { while let Ok(1..) = stream.read(&mut buffer).await {} };
    tokio::time::timeout(super::SOON, to_end).await.is_ok()
}
