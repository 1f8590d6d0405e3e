//! One certificate: its files, checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::der::{Facts, facts};
use super::{Told, WARN_BEFORE};
use crate::config::front;
use crate::types::Timestamp;

/// A certificate with its key, ready to be served.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The hosts it is shown at.
    pub hosts: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// The file it was read from.
    pub file: PathBuf,
    pub(super) key: Arc<CertifiedKey>,
}

/// What is wrong with one of them, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Fault {
    pub place: String,
    pub message: String,
}

/// What is wrong with any of them, and which end, or will soon: `plinth check`'s answer.
#[must_use]
pub fn check(configured: &[front::Certificate], now: Timestamp) -> (Vec<Fault>, Vec<Told>) {
    let (mut faults, mut ending) = (Vec::new(), Vec::new());
    for certificate in configured {
        match Certificate::load(certificate) {
            Ok(loaded) if loaded.not_after <= now => faults.push(Fault {
                place: certificate.place.clone(),
                message: format!("the certificate {} ended at {}", loaded.file.display(), loaded.not_after),
            }),
            Ok(loaded) if loaded.not_after <= now.plus(WARN_BEFORE) => ending.push(Told::of(&loaded, now)),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (faults, ending)
}

impl Certificate {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// When a file cannot be read or is not PEM, the key is not the certificate's, or it names no host and none is said.
    pub fn load(configured: &front::Certificate) -> Result<Self, Fault> {
        let fail = |message: String| Fault { place: configured.place.clone(), message };
        let chain = chain(&configured.cert).map_err(fail)?;
        let key = key(&configured.key).map_err(fail)?;
        let name = configured.cert.display();
        let first = chain.first().ok_or_else(|| fail(format!("{name} has no certificate")))?;
        let Facts { names, not_before, not_after } =
            facts(first).ok_or_else(|| fail(format!("the certificate in {name} cannot be understood")))?;
        let hosts = if configured.hosts.is_empty() { names } else { configured.hosts.clone() };
        if hosts.is_empty() {
            return Err(fail(format!("the certificate in {name} names no host: say hosts")));
        }
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|err| match err {
            rustls::Error::InconsistentKeys(_) => {
                fail(format!("the key in {} is not that of the certificate in {name}", configured.key.display()))
            }
            err => fail(format!("{name} and {} cannot be used: {err}", configured.key.display())),
        })?;
        Ok(Self { hosts, not_before, not_after, file: configured.cert.clone(), key: Arc::new(key) })
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    certificates.map_err(|err| format!("the certificate {} cannot be read: {err}", path.display()))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|err| format!("the key {} cannot be read: {err}", path.display()))
}
