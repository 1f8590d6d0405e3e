//! A body on its way in: taken out of its chunks, held to what was said of it, and handed on through a bounded channel.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;

use super::fault::Fault;
use super::identify::Identified;
use crate::api::Seen;
use crate::aws::{Algorithm, Checksum, Chunked, Payload as Said, Running};

/// How long a body may send nothing.
const STALL: Duration = Duration::from_secs(60);

/// Pieces that wait to be taken.
const WAITING: usize = 4;

/// Bytes of a refused body that are read before the answer: a client that still sends may not see one otherwise.
const DRAINED: usize = 8 * 1024 * 1024;

/// The checksum of a body, once all of it has come and held.
#[derive(Debug, Default)]
pub(super) struct Received(Mutex<Option<Checksum>>);

impl Received {
    pub(super) fn checksum(&self) -> Option<Checksum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why a body ends before its end; what it was is known to who sends it.
#[derive(Debug, thiserror::Error)]
#[error("the body does not hold")]
pub(super) struct Cut;

/// What a body must be.
pub(super) struct Intake {
    chunks: Option<Chunked>,
    /// The SHA-256 that was signed, in hexadecimal, and that of what came.
    sha256: Option<(String, Running)>,
    md5: Option<([u8; 16], Md5)>,
    checksum: Option<(Running, Option<Checksum>)>,
    /// The checksum's trailer that was announced.
    trailer: Option<Algorithm>,
}

impl Intake {
    /// What the headers of a request say of its body.
    pub(super) fn of(seen: &Seen, identified: Identified) -> Result<Self, Fault> {
        let (mut chunks, mut sha256) = (None, None);
        match identified.payload {
            Said::Computed | Said::Unsigned => {}
            Said::Hash(hash) => sha256 = Some((hash, Running::new(Algorithm::Sha256))),
            Said::Chunked(framing) => {
                let length = seen.header("x-amz-decoded-content-length").and_then(|length| length.parse().ok());
                let missing =
                    || Fault::new(411, "MissingContentLength", "x-amz-decoded-content-length must say the body's length");
                chunks = Some(Chunked::new(framing, identified.chain, length.ok_or_else(missing)?));
            }
        }
        let md5 = seen.header("content-md5").map(|said| {
            let digest = STANDARD.decode(said).ok().and_then(|digest| digest.try_into().ok());
            let invalid = || Fault::new(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
            digest.map(|digest| (digest, Md5::new())).ok_or_else(invalid)
        });
        let trailer = seen.header("x-amz-trailer").and_then(Algorithm::of_header).filter(|_| chunks.is_some());
        let presigned = identified.presigned;
        let said = match checks_body(seen) {
            true => said_checksum(|name| seen.header(name).map(str::to_owned))?.or(signed_checksum(seen, presigned)?),
            false => None,
        };
        let checksum = match (said, trailer) {
            (Some(_), Some(_)) => return Err(Fault::request("Expecting a single x-amz-checksum- header")),
            (Some(said), None) => Some((Running::new(said.algorithm), Some(said))),
            (None, Some(algorithm)) => Some((Running::new(algorithm), None)),
            (None, None) => None,
        };
        Ok(Self { chunks, sha256, md5: md5.transpose()?, checksum, trailer })
    }

    /// Takes the body to its end and hands it on. When nobody takes it any more, the rest is left.
    pub(super) async fn pump(
        mut self,
        payload: &mut Payload,
        to: mpsc::Sender<Result<Bytes, Cut>>,
        received: Arc<Received>,
    ) -> Result<(), Fault> {
        let pumped = self.pour(payload, &to).await;
        let held = match pumped {
            Ok(true) => self.held(),
            Ok(false) => return Ok(()),
            Err(fault) => Err(fault),
        };
        match held {
            Ok(checksum) => {
                *received.0.lock().unwrap_or_else(PoisonError::into_inner) = checksum;
                Ok(())
            }
            Err(fault) => {
                // Whoever takes it must not mistake this for its end.
                drop(to.send(Err(Cut)).await);
                Err(fault)
            }
        }
    }

    /// Whether it came to its end.
    async fn pour(&mut self, payload: &mut Payload, to: &mpsc::Sender<Result<Bytes, Cut>>) -> Result<bool, Fault> {
        loop {
            let Ok(next) = tokio::time::timeout(STALL, payload.next()).await else {
                let message = "Your socket connection to the server was not read from or written to within the timeout period.";
                return Err(Fault::new(400, "RequestTimeout", message));
            };
            let mut input = match next {
                None => return Ok(true),
                Some(Ok(input)) => input,
                Some(Err(err)) => return Err(Fault::new(400, "IncompleteBody", format!("the body broke off: {err}"))),
            };
            while !input.is_empty() {
                let bytes = match &mut self.chunks {
                    None => std::mem::take(&mut input),
                    Some(chunks) => match chunks.next(&mut input)? {
                        Some(bytes) => bytes,
                        None => break,
                    },
                };
                self.update(&bytes);
                if to.send(Ok(bytes)).await.is_err() {
                    return Ok(false);
                }
            }
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some((_, running)) = &mut self.sha256 {
            running.update(bytes);
        }
        if let Some((_, running)) = &mut self.md5 {
            running.update(bytes);
        }
        if let Some((running, _)) = &mut self.checksum {
            running.update(bytes);
        }
    }

    /// Holds what came to what was said of it; gives its checksum.
    fn held(self) -> Result<Option<Checksum>, Fault> {
        let trailers = self.chunks.map(Chunked::finish).transpose()?.unwrap_or_default();
        if let Some((said, running)) = self.sha256
            && Algorithm::Sha256.read_hex(&said) != Some(running.finish())
        {
            return Err(Fault::other_body());
        }
        let bad_digest =
            |what: &str| Fault::new(400, "BadDigest", format!("The {what} you specified did not match what we received."));
        if let Some((said, running)) = self.md5
            && running.finalize().as_slice() != said
        {
            return Err(bad_digest("Content-MD5"));
        }
        let Some((running, said)) = self.checksum else { return Ok(None) };
        let said = match (said, self.trailer) {
            (None, Some(algorithm)) => {
                let value = trailers.iter().find(|(name, _)| name == algorithm.header()).map(|(_, value)| value.as_str());
                let missing =
                    || Fault::new(400, "MalformedTrailerError", "The trailer that x-amz-trailer announces is not there.");
                Some(algorithm.read(value.ok_or_else(missing)?).ok_or_else(|| invalid(algorithm))?)
            }
            (said, _) => said,
        };
        let checksum = running.finish();
        match said {
            Some(said) if said != checksum => Err(bad_digest(checksum.algorithm.name())),
            _ => Ok(Some(checksum)),
        }
    }
}

/// Whether a checksum in the headers is that of the body: what completes an upload says that of the object.
fn checks_body(seen: &Seen) -> bool {
    let completes = seen.method == "POST" && seen.query.split('&').any(|pair| pair.starts_with("uploadId="));
    !completes
}

/// The checksum that a presigned query says. Of nothing it says nothing: a client that presigns without a body signs that of none.
fn signed_checksum(seen: &Seen, presigned: bool) -> Result<Option<Checksum>, Fault> {
    let find = |name: &str| {
        let mut pairs = seen.query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(other, _)| other.eq_ignore_ascii_case(name)).filter(|_| presigned);
        found.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    Ok(said_checksum(find)?.filter(|said| *said != Checksum::of(said.algorithm, b"")))
}

/// The checksum that headers, or what stands for them, say.
fn said_checksum(find: impl Fn(&str) -> Option<String>) -> Result<Option<Checksum>, Fault> {
    let mut said = Algorithm::ALL.into_iter().filter_map(|algorithm| Some((algorithm, find(algorithm.header())?)));
    let Some((algorithm, value)) = said.next() else { return Ok(None) };
    if said.next().is_some() {
        return Err(Fault::request("Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed."));
    }
    algorithm.read(&value).map(Some).ok_or_else(|| invalid(algorithm))
}

fn invalid(algorithm: Algorithm) -> Fault {
    Fault::request(format!("Value for {} header is invalid.", algorithm.header()))
}

/// Both ends of the way.
pub(super) fn channel() -> (mpsc::Sender<Result<Bytes, Cut>>, s3s::Body) {
    let (to, from) = mpsc::channel(WAITING);
    (to, s3s::Body::http_body_unsync(StreamBody::new(frames(from))))
}

fn frames(from: mpsc::Receiver<Result<Bytes, Cut>>) -> impl Stream<Item = Result<Frame<Bytes>, Cut>> + Send + 'static {
    stream::unfold(from, |mut from| async move { from.recv().await.map(|next| (next.map(Frame::data), from)) })
}

/// Reads a little of a body that nobody wants.
pub(super) async fn drain(payload: &mut Payload) {
    let mut read = 0;
    while read < DRAINED {
        match tokio::time::timeout(Duration::from_millis(500), payload.next()).await {
            Ok(Some(Ok(bytes))) => read += bytes.len(),
            _ => return,
        }
    }
}
