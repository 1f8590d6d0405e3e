//! What is spoken with an upstream's servers, and how it is encrypted.

use std::path::PathBuf;

use crate::config::front::{Upstream, site};
use crate::config::tables::Field;

/// What is spoken with an upstream's servers, and how it is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transport {
    pub protocol: Protocol,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Certificates (PEM) that are trusted in place of the system's.
    pub tls_ca: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    pub tls_verify: bool,
    /// The name asked for and checked (SNI); the server's own when it is not said.
    pub tls_name: Option<String>,
}

/// The protocol spoken with an upstream's servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    #[default]
    Http1,
    /// HTTP/2 where the server agrees to it in the TLS handshake, HTTP/1.1 otherwise.
    H2,
    /// HTTP/2 without TLS, known beforehand.
    H2c,
}

impl Transport {
    /// What is wrong between settings that are each right by themselves.
    pub(in crate::config::front) fn fault(&self) -> Option<&'static str> {
        match (self.protocol, self.tls) {
            (Protocol::H2, false) => Some("has the protocol \"h2\" without tls = true; HTTP/2 without TLS is \"h2c\""),
            (Protocol::H2c, true) => Some("has the protocol \"h2c\", which is without TLS; with tls = true it is \"h2\""),
            (_, false) if self.tls_ca.is_some() || self.tls_name.is_some() || !self.tls_verify => {
                Some("has tls_ca, tls_name or tls_verify without tls = true")
            }
            _ => None,
        }
    }
}

pub(in crate::config::front) const FIELDS: &[Field<Upstream>] = &[
    Field {
        key: "protocol",
        default: "http1",
        meaning: "The protocol spoken with the servers: HTTP/1.1, HTTP/2 by TLS (HTTP/1.1 where a server does not speak it), or HTTP/2 \
                  without TLS.",
        allowed: "\"http1\", \"h2\" or \"h2c\"",
        set: |upstream, raw| {
            upstream.transport.protocol = match raw.text()? {
                "http1" => Protocol::Http1,
                "h2" => Protocol::H2,
                "h2c" => Protocol::H2c,
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        key: "tls",
        default: "false",
        meaning: "Whether connections to the servers are encrypted.",
        allowed: "true or false",
        set: |upstream, raw| raw.flag().map(|flag| upstream.transport.tls = flag),
    },
    Field {
        key: "tls_ca",
        default: "",
        meaning: "Certificates that the servers' must come from, in place of those the system trusts.",
        allowed: "the path of a PEM file",
        set: |upstream, raw| raw.text().map(|path| upstream.transport.tls_ca = Some(PathBuf::from(path))),
    },
    Field {
        key: "tls_verify",
        default: "true",
        meaning: "Whether the servers' certificates are checked; without it anyone on the way can read along.",
        allowed: "true or false",
        set: |upstream, raw| raw.flag().map(|flag| upstream.transport.tls_verify = flag),
    },
    Field {
        key: "tls_name",
        default: "",
        meaning: "The name that the servers' certificates must be for, and that they are asked for (SNI); each server's own when it is \
                  not said.",
        allowed: "a host's name",
        set: |upstream, raw| {
            let name = site::host(raw.text()?).filter(|name| !name.contains(['*', ':', '[']))?;
            upstream.transport.tls_name = Some(name);
            Some(())
        },
    },
];
