//! The certificates a running server has, and which of them a client is shown.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use metrics::gauge;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::WARN_BEFORE;
use super::certificate::{Certificate, Fault};
use crate::config::front;
use crate::tasks::Tasks;
use crate::types::{Clock, Timestamp};

/// The protocols that are spoken; what is older is refused.
const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// Sessions of TLS 1.2 without tickets that are kept for clients that come back.
const KEPT_SESSIONS: usize = 4096;

/// How often one that is about to end is warned of.
const WARN_EVERY: Duration = Duration::from_secs(86_400);

/// The certificates of a server. Cheap to clone; every listener asks the same.
#[derive(Clone, Debug)]
pub struct Certificates(Arc<Inner>);

struct Inner {
    current: ArcSwap<Set>,
    clock: Clock,
    /// What the current ones were read from.
    source: Mutex<Source>,
    /// Held by whoever replaces them, so that what a reload brought is not replaced by what was there before.
    replacing: Mutex<()>,
}

/// Which files, and how they looked when they were read.
#[derive(Clone, Default)]
struct Source {
    configured: Vec<front::Certificate>,
    stamps: Vec<Option<(SystemTime, u64)>>,
    /// How files looked that were refused, so that they are told of once.
    refused: Vec<Option<(SystemTime, u64)>>,
    warned: Option<Timestamp>,
}

/// Certificates by the names they are for, `*.example.com` among them.
#[derive(Default)]
struct Set {
    all: Vec<Certificate>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

/// A certificate as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub hosts: Vec<String>,
    pub file: PathBuf,
    pub not_after: Timestamp,
    /// Whole days until then; 0 when it is over.
    pub days_left: u64,
}

impl Told {
    pub(super) fn of(certificate: &Certificate, now: Timestamp) -> Self {
        Self {
            hosts: certificate.hosts.clone(),
            file: certificate.file.clone(),
            not_after: certificate.not_after,
            days_left: certificate.not_after.since(now).as_secs() / 86_400,
        }
    }
}

/// Certificates that were read and checked, for [`Certificates::take`].
pub struct Checked {
    set: Set,
    source: Source,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("count", &self.current.load().all.len()).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads and checks what is configured.
    ///
    /// # Errors
    /// Every certificate that cannot be used.
    pub fn open(configured: &[front::Certificate], clock: Clock) -> Result<Self, Vec<Fault>> {
        let inner = Inner {
            current: ArcSwap::from_pointee(Set::default()),
            clock,
            source: Mutex::default(),
            replacing: Mutex::default(),
        };
        let certificates = Self(Arc::new(inner));
        certificates.take(Self::read(configured)?);
        Ok(certificates)
    }

    /// Reads and checks what is configured, without taking it. Waits for the disk.
    ///
    /// # Errors
    /// Every certificate that cannot be used.
    pub fn read(configured: &[front::Certificate]) -> Result<Checked, Vec<Fault>> {
        // Before the files are read: a change in between is seen as one.
        let stamps = stamps(configured);
        let (mut all, mut faults) = (Vec::new(), Vec::new());
        for certificate in configured {
            match Certificate::load(certificate) {
                Ok(loaded) => all.push(loaded),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut by_name = HashMap::new();
        for certificate in &all {
            for host in &certificate.hosts {
                by_name.entry(host.clone()).or_insert_with(|| Arc::clone(&certificate.key));
            }
        }
        let source = Source { configured: configured.to_vec(), stamps, ..Source::default() };
        Ok(Checked { set: Set { all, by_name }, source })
    }

    /// Serves these from now on. Connections that are there keep what they have.
    pub fn take(&self, checked: Checked) {
        let _alone = self.alone();
        self.replace(checked);
    }

    fn replace(&self, checked: Checked) {
        for certificate in &checked.set.all {
            let name = certificate.hosts.first().cloned().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; seconds fit its 53 bits")]
            gauge!("plinth_certificate_not_after_seconds", "certificate" => name).set(certificate.not_after.seconds() as f64);
        }
        self.0.current.store(Arc::new(checked.set));
        *self.source() = checked.source;
        self.warn_of_ends();
    }

    /// What operators see of them.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let now = self.0.clock.now();
        self.0.current.load().all.iter().map(|certificate| Told::of(certificate, now)).collect()
    }

    /// What a listener speaks TLS with: TLS 1.2 and 1.3, sessions that are taken up again, and these certificates.
    ///
    /// # Errors
    /// When the machine gives no random key for tickets.
    pub fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(VERSIONS)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(KEPT_SESSIONS);
        Ok(config)
    }

    /// Looks every so often whether files changed, until the server stops. Files that do not check leave those before as they are.
    pub fn follow(&self, tasks: &Tasks, every: Duration) {
        let (certificates, stop) = (self.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            let mut ticks = tokio::time::interval(every);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stop.soft_stopped() => return,
                }
                let look = certificates.clone();
                let looked = tokio::task::spawn_blocking(move || look.look());
                if let Err(err) = looked.await {
                    tracing::error!(error = %err, "looking at the certificates' files failed: {err}");
                }
            }
        }));
    }

    fn look(&self) {
        let alone = self.alone();
        let source = self.source().clone();
        let stamps = stamps(&source.configured);
        if stamps != source.stamps && stamps != source.refused {
            match Self::read(&source.configured) {
                Ok(checked) => {
                    self.replace(checked);
                    tracing::info!("certificates were read again: their files changed");
                }
                Err(faults) => {
                    self.source().refused = stamps;
                    for fault in faults {
                        tracing::warn!("a certificate's files changed and cannot be used; the one before stays: {fault}");
                    }
                }
            }
        }
        drop(alone);
        self.warn_of_ends();
    }

    /// Says once a day which certificates end soon.
    fn warn_of_ends(&self) {
        let now = self.0.clock.now();
        let mut source = self.source();
        if source.warned.is_some_and(|warned| now.since(warned) < WARN_EVERY) {
            return;
        }
        source.warned = Some(now);
        drop(source);
        for certificate in &self.0.current.load().all {
            let (file, end) = (certificate.file.display(), certificate.not_after);
            if end <= now {
                tracing::warn!("the certificate {file} ended at {end}: clients refuse it");
            } else if end <= now.plus(WARN_BEFORE) {
                tracing::warn!("the certificate {file} ends soon, at {end}");
            }
        }
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.0.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Inner {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let set = self.current.load();
        let named = hello.server_name().and_then(|name| set.of(&name.to_ascii_lowercase()));
        named.or_else(|| set.all.first().map(|first| &first.key)).cloned()
    }
}

impl Set {
    /// The certificate of this very name, or of the names one level below the next.
    fn of(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        self.by_name.get(name).or_else(|| {
            let (_, above) = name.split_once('.')?;
            self.by_name.get(&format!("*.{above}"))
        })
    }
}

/// When each file was changed last, and its size; `None` where it is not there.
fn stamps(configured: &[front::Certificate]) -> Vec<Option<(SystemTime, u64)>> {
    let files = configured.iter().flat_map(|certificate| [&certificate.cert, &certificate.key]);
    let stamp = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.map(stamp).collect()
}
