//! Certificates made for tests, and clients that trust them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::Datelike;
use plinth::types::Clock;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate that is its own authority, in files.
pub(super) struct Issued {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) der: CertificateDer<'static>,
}

/// Makes a certificate for these hosts that ends in so many days, in the files `NAME.pem` and `NAME.key`.
pub(super) fn issue(folder: &Path, name: &str, hosts: &[&str], days: u64) -> Issued {
    let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap();
    let end = Clock::system().now().plus(Duration::from_secs(days * 86_400)).to_chrono();
    let (month, day) = (u8::try_from(end.month()).unwrap(), u8::try_from(end.day()).unwrap());
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(end.year(), month, day);
    let pair = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    let (cert, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    std::fs::write(&cert, certificate.pem()).unwrap();
    Issued { cert, key, der: certificate.der().clone() }
}

impl Issued {
    /// Its table in the configuration.
    pub(super) fn table(&self) -> String {
        format!("[[certificates]]\ncert = {:?}\nkey = {:?}\n", self.cert, self.key)
    }
}

/// A client's settings: whom it trusts, what it speaks, which versions of TLS.
pub(super) fn trusting(issued: &[&Issued], alpn: &[&str], versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for one in issued {
        roots.add(one.der.clone()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let mut config = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Connects and shakes hands as a client of this host.
pub(super) async fn connect(address: &str, host: &str, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(host.to_owned()).expect("a host's name");
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await
}
