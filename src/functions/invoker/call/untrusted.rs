//! What a worker sends about streams, read by itself: for fuzzing and property tests.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Handle;

use super::running::FRAME;
use super::wire::{Context, Limits, Wire};
use crate::functions::egress::{Asker, Egress, Own, Platform, Reply};
use crate::functions::invoker::channel::Link;
use crate::functions::logs::Buffer;
use crate::functions::model::{Network, Permissions};
use crate::isolate::protocol::{Answered, Question};
use crate::tasks::Tasks;
use crate::types::RequestId;

/// The call whose streams these are.
pub const CALL: u64 = 3;

/// What came of a worker's frames.
#[derive(Debug)]
pub struct Taken {
    /// Bytes of the response that the server held for a client who read none of them.
    pub held: usize,
    /// Frames that are about more than streams.
    pub others: usize,
    /// How it ended: the end of the bytes is an error, too.
    pub end: String,
}

/// Takes bytes as what a worker sends in call [`CALL`], whose response is streamed to a client that does not read, and whose function
/// may reach nothing.
///
/// # Errors
/// When the machine has no more sockets.
pub async fn take(bytes: &[u8]) -> io::Result<Taken> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    let (mut reader, mut writer) = UnixStream::from_std(theirs)?.into_split();
    let send = async move {
        // What is refused is not read to its end.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let drain = async move {
        let mut sink = vec![0; 64 * 1024];
        while reader.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    };
    let (taken, (), ()) = tokio::join!(serve(ours), send, drain);
    Ok(taken)
}

async fn serve(socket: std::os::unix::net::UnixStream) -> Taken {
    let mut link = Link::new(socket);
    let mut wire = Wire::new(Arc::new(context()), CALL);
    let response = wire.stream_response();
    let mut others = 0;
    let end = loop {
        match wire.next(&mut link, FRAME).await {
            Ok(_) => others += 1,
            Err(end) => break format!("{end:?}"),
        }
    };
    drop(wire);
    let held = response.fold(0, async |held, piece| held + piece.map_or(0, |piece| piece.len())).await;
    Taken { held, others, end }
}

/// Has nothing to give.
struct Nothing;

impl Platform for Nothing {
    fn answer(&self, _: Asker, _: Question, _: Bytes) -> BoxFuture<'_, Reply> {
        async { (Answered::NoEntry, Bytes::new()) }.boxed()
    }
}

fn context() -> Context {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let own = Own { public_url: "http://localhost".into(), listen: nowhere, socket: PathBuf::new() };
    let hour = Duration::from_hours(1);
    Context {
        egress: Egress::new(own),
        network: Network::None,
        permissions: Permissions::default(),
        platform: Arc::new(Nothing),
        hops: 0,
        limits: Limits { streamed: 1 << 20, fetches: 16, fetched: 1 << 20, asks: 16, stall: hour },
        tasks: Tasks::new(Handle::current()),
        log: Arc::new(Buffer::unwritten()),
        request: RequestId::random(),
    }
}
