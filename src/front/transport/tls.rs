//! TLS to upstreams: whose certificates are trusted, and what is offered in the handshake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::front::{Transport, Upstream};

/// What is offered in the handshake of an upstream's connections.
#[derive(Debug)]
pub(in crate::front) struct Tls {
    /// Tells apart connections that were checked differently.
    pub(in crate::front) id: u64,
    pub(super) http1: Arc<ClientConfig>,
    pub(super) http2: Arc<ClientConfig>,
}

/// Why an upstream's certificates cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of certificates cannot be read, or has none.
    #[error("the upstream {upstream}'s tls_ca {path} cannot be used: {reason}")]
    Ca { upstream: String, path: PathBuf, reason: String },
    /// The system has no certificates.
    #[error("the system has no trusted certificates ({0}); give the upstream tls_ca")]
    NoRoots(String),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// What decides whether a certificate is trusted.
type Trust = (Option<PathBuf>, bool);

/// Every way to check certificates that an upstream has asked for.
#[derive(Debug, Default)]
pub(in crate::front) struct TlsConfigs {
    known: RwLock<HashMap<Trust, Arc<Tls>>>,
}

impl TlsConfigs {
    /// Reads the certificates of every upstream anew, so that a reload takes new ones.
    pub(in crate::front) fn prepare(&self, upstreams: &[Upstream]) -> Result<(), TlsError> {
        let mut fresh = HashMap::new();
        for upstream in upstreams.iter().filter(|upstream| upstream.transport.tls) {
            if !upstream.transport.tls_verify {
                tracing::warn!(
                    upstream = upstream.name,
                    "the certificates of the upstream {} are not checked (tls_verify = false): anyone on the way can read along",
                    upstream.name
                );
            }
            if let Entry::Vacant(missing) = fresh.entry(trust(&upstream.transport)) {
                let tls = open(&upstream.name, missing.key())?;
                missing.insert(Arc::new(tls));
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// How the encrypted connections of an upstream are.
    pub(in crate::front) fn of(&self, upstream: &str, transport: &Transport) -> Result<Arc<Tls>, TlsError> {
        let trust = trust(transport);
        if let Some(tls) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&trust) {
            return Ok(Arc::clone(tls));
        }
        // An upstream of the configuration before the last reload.
        let tls = Arc::new(open(upstream, &trust)?);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(trust, Arc::clone(&tls));
        Ok(tls)
    }
}

/// Whom an upstream's server of a name must show a certificate for.
pub(in crate::front) fn server_name<'n>(transport: &'n Transport, name: &'n str) -> &'n str {
    let own = || name.rsplit_once(':').map_or(name, |(host, _)| host).trim_matches(['[', ']']);
    transport.tls_name.as_deref().unwrap_or_else(own)
}

fn trust(transport: &Transport) -> Trust {
    (transport.tls_ca.clone(), transport.tls_verify)
}

fn open(upstream: &str, (ca, verify): &Trust) -> Result<Tls, TlsError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut http1 = if *verify {
        builder.with_root_certificates(roots(upstream, ca.as_deref())?).with_no_client_auth()
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked(provider))).with_no_client_auth()
    };
    let mut http2 = http1.clone();
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(Tls { id, http1: Arc::new(http1), http2: Arc::new(http2) })
}

fn roots(upstream: &str, ca: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let reason = || found.errors.first().map_or_else(|| "none were found".to_owned(), ToString::to_string);
        return if roots.is_empty() { Err(TlsError::NoRoots(reason())) } else { Ok(roots) };
    };
    let fail = |reason: String| TlsError::Ca { upstream: upstream.to_owned(), path: path.to_owned(), reason };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|err| fail(err.to_string()))? {
        let certificate = certificate.map_err(|err| fail(err.to_string()))?;
        roots.add(certificate).map_err(|err| fail(err.to_string()))?;
    }
    if roots.is_empty() { Err(fail("it has no certificate".to_owned())) } else { Ok(roots) }
}

/// Takes any certificate: `tls_verify = false`. That the server holds the certificate's key is still checked.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
