//! The head of an answer: what crosses to the client, and where the body ends.

use std::mem::MaybeUninit;

use actix_web::HttpResponse;
use actix_web::body::{self, MessageBody as _};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use httparse::ParserConfig;

use super::{Error, MAX_HEADERS};
use crate::front::proxy::answer::Heard;
use crate::front::proxy::headers::{Named, is_of_connection};

/// Where an answer's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// Where its last chunk says so.
    Chunks,
    /// With the connection.
    Close,
    /// There is none: what follows is another protocol.
    Switched,
}

/// A head that was read.
pub(super) enum Read {
    /// One of 1xx, which another follows.
    Interim,
    Final {
        heard: Heard,
        framing: Framing,
        /// Whether the server lets another request follow.
        keeps: bool,
    },
}

/// What a head says of its body and of its connection.
#[derive(Default)]
struct Said {
    length: Option<u64>,
    /// Whether it has `Transfer-Encoding: chunked`.
    is_chunked: bool,
    closes: bool,
    keeps: bool,
    is_websocket: bool,
    /// Headers that are for the connection alone, since `Connection` names them.
    named: Named,
}

/// Reads a head that has come whole, with its empty line. `to_head`: it answers HEAD.
pub(super) fn read(head: &Bytes, to_head: bool) -> Result<Read, Error> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let outcome = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, head, &mut headers);
    match outcome {
        Ok(status) if status.is_complete() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Error::Malformed("it has more than 100 headers")),
        Err(httparse::Error::Version) => return Err(Error::Malformed("it is no HTTP/1.1")),
        Err(httparse::Error::Status) => return Err(Error::Malformed("its status is none")),
        _ => return Err(Error::Malformed("its head is none of HTTP/1.1")),
    }
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| Error::Malformed("its status is none"))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Read::Interim);
    }
    let mut response = HttpResponse::with_body(status, body::None::new().boxed());
    let mut said = Said::default();
    let crossing = response.headers_mut();
    for header in &*parsed.headers {
        let malformed = || Error::Malformed("one of its headers is none");
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| malformed())?;
        if said.hear(name.as_str(), header.value)? {
            continue;
        }
        // The value is lent by the head, not copied.
        let value = HeaderValue::from_maybe_shared(head.slice_ref(header.value)).map_err(|_| malformed())?;
        crossing.append(name, value);
    }
    for name in said.named.iter() {
        crossing.remove(name);
    }
    let is_old = parsed.version == Some(0);
    let framing = said.framing(status, to_head, is_old)?;
    let keeps = if is_old { said.keeps && !said.closes } else { !said.closes };
    // A body that must not be there may follow all the same.
    let has_more = !to_head && (said.is_chunked || status == StatusCode::NO_CONTENT && said.length.unwrap_or_default() > 0);
    let keeps = keeps && (framing != Framing::Length(0) || !has_more) && framing != Framing::Close;
    let heard = Heard { response, length: said.length, is_websocket: said.is_websocket };
    Ok(Read::Final { heard, framing, keeps })
}

impl Said {
    /// Notes a header that is for the connection alone, or says where the body ends; whether it is such a one.
    fn hear(&mut self, name: &str, value: &[u8]) -> Result<bool, Error> {
        match name {
            "content-length" => self.measure(value)?,
            "transfer-encoding" => {
                if self.is_chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Err(Error::Malformed("its Transfer-Encoding is not chunked alone"));
                }
                self.is_chunked = true;
            }
            "connection" => {
                let has =
                    |token: &[u8]| value.split(|byte| *byte == b',').any(|said| said.trim_ascii().eq_ignore_ascii_case(token));
                self.closes |= has(b"close");
                self.keeps |= has(b"keep-alive");
                self.named.add(value);
            }
            "upgrade" => self.is_websocket = value.trim_ascii().eq_ignore_ascii_case(b"websocket"),
            name => return Ok(is_of_connection(name)),
        }
        Ok(true)
    }

    /// Takes a length; one that is said again must be the same (RFC 9110, 8.6).
    fn measure(&mut self, value: &[u8]) -> Result<(), Error> {
        for text in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(text).ok().filter(|_| is_number).and_then(|text| text.parse().ok());
            let length: u64 = length.ok_or(Error::Malformed("its Content-Length is none"))?;
            if self.length.is_some_and(|before| before != length) {
                return Err(Error::Malformed("it has two Content-Lengths"));
            }
            self.length = Some(length);
        }
        Ok(())
    }

    /// Where the body ends (RFC 9112, 6.3).
    fn framing(&self, status: StatusCode, to_head: bool, is_old: bool) -> Result<Framing, Error> {
        if self.is_chunked && self.length.is_some() {
            return Err(Error::Malformed("it has both Content-Length and Transfer-Encoding"));
        }
        if self.is_chunked && is_old {
            return Err(Error::Malformed("it has Transfer-Encoding with HTTP/1.0"));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Framing::Switched);
        }
        if to_head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Framing::Length(0));
        }
        Ok(match self.length {
            Some(length) => Framing::Length(length),
            None if self.is_chunked => Framing::Chunks,
            None => Framing::Close,
        })
    }
}
