//! What goes wrong between a client and an upstream: whose fault it is, what the client is told, and whether another server is tried.

use std::time::Duration;

use actix_web::http::ConnectionType;
use actix_web::{HttpResponse, ResponseError};

use super::connect::ConnectError;
use super::connection::{Break, SendError};
use super::http1;
use super::source::ClientFault;
use super::watch::Expiry;
use crate::api::{Code, Problem};
use crate::front::balance;
use crate::front::transport::TlsError;

/// Why an exchange has no answer of the upstream.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The request is none that is passed on.
    #[error("{1}")]
    Refused(Code, &'static str),
    #[error(transparent)]
    Client(#[from] ClientFault),
    #[error("the client sent no more of its body for {0:?}")]
    ClientSilent(Duration),
    #[error("no server can be asked: {0:?}")]
    Unavailable(balance::Unavailable),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("{phase}: {source}")]
    Broken { phase: Phase, source: Break },
    #[error("{0}: nothing within {1:?}")]
    Silent(Phase, Duration),
    #[error("the exchange took longer than {0:?}")]
    Overdue(Duration),
    /// The server's answer is none that can be passed on.
    #[error("the answer cannot be passed on: {0}")]
    Answer(&'static str),
}

/// How far an exchange came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Write,
    FirstByte,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Write => "sending the request",
            Self::FirstByte => "waiting for the answer",
        })
    }
}

/// A failure, and whether the server it happened with may have seen the request.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) was_sent: bool,
}

impl Failed {
    /// Of a try whose request was not sent.
    pub(super) fn unsent(failure: impl Into<Failure>) -> Self {
        Self { failure: failure.into(), was_sent: false }
    }

    /// Of a try whose request may have been sent.
    pub(super) const fn sent(failure: Failure) -> Self {
        Self { failure, was_sent: true }
    }
}

impl Failure {
    /// What a failed try was, unless the client or a time limit had a hand in it.
    pub(super) fn of_send(error: SendError, all_sent: bool, limits: &crate::config::front::Proxying) -> Self {
        let phase = if all_sent { Phase::FirstByte } else { Phase::Write };
        match error {
            SendError::Refused => Self::Refused(Code::InvalidInput, "its host, its path or its headers cannot be passed on"),
            SendError::Failed(Break::Http1(http1::Error::Malformed(why))) => Self::Answer(why),
            SendError::Failed(Break::Http1(http1::Error::Client(fault))) => Self::Client(fault),
            SendError::Unsent(source) => Self::Broken { phase: Phase::Write, source },
            SendError::Failed(source) => Self::Broken { phase, source },
            SendError::Expired(Expiry::Client) => Self::ClientSilent(limits.write_timeout),
            SendError::Expired(Expiry::Write) => Self::Silent(Phase::Write, limits.write_timeout),
            SendError::Expired(Expiry::FirstByte) => Self::Silent(Phase::FirstByte, limits.first_byte()),
            SendError::Expired(Expiry::Total) => Self::Overdue(limits.timeout.unwrap_or_default()),
        }
    }

    /// What the choice of servers is to know of it; `None` where the server had no part in it.
    pub(super) fn of_server(&self) -> Option<balance::Failure> {
        match self {
            Self::Connect(_) | Self::ConnectTimeout(_) => Some(balance::Failure::Connect),
            Self::Silent(..) => Some(balance::Failure::Timeout),
            Self::Broken { source: Break::Http2(source), .. } if source.is_parse() => Some(balance::Failure::Protocol),
            Self::Broken { .. } => Some(balance::Failure::Reset),
            Self::Answer(_) => Some(balance::Failure::Protocol),
            // The whole exchange's limit says nothing of one server.
            Self::Overdue(_)
            | Self::Refused(..)
            | Self::Client(_)
            | Self::ClientSilent(_)
            | Self::Unavailable(_)
            | Self::Tls(_) => None,
        }
    }

    /// The client's answer. It says nothing of the servers' addresses.
    pub(super) fn answer(&self) -> HttpResponse {
        let problem = self.problem();
        let mut response = problem.error_response();
        if matches!(self, Self::Client(_) | Self::ClientSilent(_) | Self::Refused(..)) {
            // What is left of the body is not waited for.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }

    fn problem(&self) -> Problem {
        match self {
            Self::Refused(code, why) => code.because(why),
            Self::Client(ClientFault::TooLarge(max)) => {
                Code::TooLarge.because(format!("the body may have {max} bytes at the most (max_body of the route)"))
            }
            Self::Client(ClientFault::Broken(_)) => Code::InvalidInput.because("the request's body ended early"),
            Self::ClientSilent(limit) => {
                Code::RequestTimeout.because(format!("nothing of the request's body came for {limit:?}"))
            }
            Self::Unavailable(balance::Unavailable::NoBackend) => Code::BadGateway.because("no server is there to answer"),
            Self::Unavailable(balance::Unavailable::QueueFull | balance::Unavailable::QueueTimeout) => {
                Code::Unavailable.because("every server is at its limit; try again").retry_after(Duration::from_secs(1))
            }
            Self::Connect(_) | Self::Tls(_) => Code::BadGateway.because("the server behind this one cannot be reached"),
            Self::Broken { .. } | Self::Answer(_) => {
                Code::BadGateway.because("the server behind this one did not answer properly")
            }
            Self::ConnectTimeout(_) => Code::GatewayTimeout.because("the server behind this one cannot be reached in time"),
            Self::Silent(..) | Self::Overdue(_) => {
                Code::GatewayTimeout.because("the server behind this one did not answer in time")
            }
        }
    }
}
