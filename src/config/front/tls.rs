//! `[[listeners]]` and `[[certificates]]`: further addresses to listen on, and what TLS is spoken with there.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::tables::{Field, Kind};

/// An address to listen on, beside `server.listen`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// Where it is written: `file:line:column`.
    pub place: String,
    /// Always there in a configuration that checked.
    pub address: Option<SocketAddr>,
    pub tls: bool,
    /// Whether what is asked for without TLS is sent on to HTTPS.
    pub redirect_to_https: bool,
}

/// A certificate with its key, and the hosts it is shown to clients of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Where it is written: `file:line:column`.
    pub place: String,
    /// The chain, the host's own first, as PEM.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Names, `*.example.com` among them; empty for those that the certificate has itself.
    pub hosts: Vec<String>,
}

impl Kind for Listener {
    const NAME: &'static str = "listener";
    const FIELDS: &'static [&'static [Field<Self>]] = &[LISTENER];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }
}

impl Kind for Certificate {
    const NAME: &'static str = "certificate";
    const FIELDS: &'static [&'static [Field<Self>]] = &[CERTIFICATE];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }
}

const LISTENER: &[Field<Listener>] = &[
    Field {
        key: "address",
        default: "",
        meaning: "The address and port to listen on.",
        allowed: "an IP address (or localhost) with a port, such as 0.0.0.0:443 or [::]:443",
        set: |listener, raw| raw.address().map(|address| listener.address = Some(address)),
    },
    Field {
        key: "tls",
        default: "true",
        meaning: "Whether TLS is spoken there, with the certificates of [[certificates]].",
        allowed: "true or false",
        set: |listener, raw| raw.flag().map(|flag| listener.tls = flag),
    },
    Field {
        key: "redirect_to_https",
        default: "false",
        meaning: "Whether what is asked for without TLS is answered with 308 to HTTPS, except below /.well-known/acme-challenge/.",
        allowed: "true or false",
        set: |listener, raw| raw.flag().map(|flag| listener.redirect_to_https = flag),
    },
];

const CERTIFICATE: &[Field<Certificate>] = &[
    Field {
        key: "cert",
        default: "",
        meaning: "The certificate and those between it and its authority, in one file; the host's own comes first.",
        allowed: "a path to a PEM file that exists",
        set: |certificate, raw| file(raw.text()?).map(|path| certificate.cert = path),
    },
    Field {
        key: "key",
        default: "",
        meaning: "The certificate's private key.",
        allowed: "a path to a PEM file that exists",
        set: |certificate, raw| file(raw.text()?).map(|path| certificate.key = path),
    },
    Field {
        key: "hosts",
        default: "",
        meaning: "The hosts that it is shown at; those that it names itself when they are not said.",
        allowed: "a host's name or a list of them; *.example.com for the names one level below",
        set: |certificate, raw| {
            let host = |text: &str| super::site::host(text).filter(|host| host != "*");
            raw.each(|raw| host(raw.text()?)).map(|hosts| certificate.hosts = hosts)
        },
    },
];

fn file(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    path.is_file().then_some(path)
}

/// What is wrong between them: a place and a message for each.
pub(super) fn faults(listeners: &[Listener], certificates: &[Certificate]) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut addresses = std::collections::BTreeSet::new();
    for listener in listeners {
        let place = || listener.place.clone();
        match listener.address {
            None => faults.push((place(), "a listener must have an address, such as \"0.0.0.0:443\"".to_owned())),
            Some(address) if address.port() != 0 && !addresses.insert(address) => {
                faults.push((place(), format!("{address} is the address of another listener, too")));
            }
            Some(_) => {}
        }
        if listener.tls && certificates.is_empty() {
            faults
                .push((place(), "a listener with TLS needs a certificate: write [[certificates]] with cert and key".to_owned()));
        }
        if listener.tls && listener.redirect_to_https {
            faults.push((place(), "redirect_to_https is for a listener without TLS (tls = false)".to_owned()));
        }
    }
    for certificate in certificates {
        if certificate.cert.as_os_str().is_empty() || certificate.key.as_os_str().is_empty() {
            faults.push((certificate.place.clone(), "a certificate must have cert and key, each a PEM file".to_owned()));
        }
    }
    faults
}
