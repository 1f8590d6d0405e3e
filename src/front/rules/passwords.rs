//! Names and passwords of a file (HTTP's basic authentication), as `htpasswd` writes it.
//!
//! Hashing happens off the web workers, in few places at once; what came of it is remembered for some seconds, so that a page with many
//! parts costs one hash, and so that a change of the file shows soon.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use tokio::sync::Semaphore;

use super::apr1;
use crate::api::Code;
use crate::front::error::Error;

/// How long what came of a name and a password is remembered.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How many are remembered, by a hash of them.
const MOST_REMEMBERED: u64 = 10_000;

/// How many hash at once, and how many wait for that: 32 hashes of bcrypt's usual cost take about two seconds.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;

/// The longest header that is looked at, and the largest file, in bytes.
const LONGEST_HEADER: usize = 1024;
const LARGEST_FILE: u64 = 1024 * 1024;

/// The costliest hash of bcrypt that is computed: each step doubles, and this one takes a second.
const COSTLIEST: u32 = 14;

/// The names and the passwords that are let in.
pub(super) struct Passwords {
    path: PathBuf,
    challenge: HeaderValue,
    remembered: moka::future::Cache<[u8; 32], bool>,
    waiting: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// Why a request does not go on.
enum Refusal {
    Wrong,
    Busy,
    Unreadable(String),
}

impl Passwords {
    /// Reads the file once, so that a wrong one is known at the start.
    pub(super) fn open(path: &Path, realm: &str) -> Result<Self, Error> {
        let fail = |reason: String| Error::Passwords { path: path.to_owned(), reason };
        let text = read(path).map_err(|err| fail(err.to_string()))?;
        if let Some(at) = entries(&text).position(|(_, hash)| Kind::of(hash).is_none()) {
            return Err(fail(format!("entry {} has no hash that is known here: bcrypt ($2y$), {{SHA}} or $apr1$", at + 1)));
        }
        let challenge = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
        Ok(Self {
            path: path.to_owned(),
            challenge: HeaderValue::try_from(challenge).map_err(|_| fail("the realm is no header's value".to_owned()))?,
            remembered: moka::future::Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).build(),
            waiting: Arc::new(Semaphore::new(WAITING)),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Lets a request go on, or gives the answer that it gets instead.
    pub(super) async fn check(&self, request: &HttpRequest) -> Result<(), HttpResponse> {
        let header = request.headers().get(header::AUTHORIZATION).filter(|value| value.len() <= LONGEST_HEADER);
        let outcome = match header.and_then(credentials) {
            Some(credentials) => self.verify(credentials).await,
            None => Err(Refusal::Wrong),
        };
        outcome.map_err(|refusal| match refusal {
            Refusal::Wrong => {
                let mut answer = Code::BadCredential.because("a name and a password are needed here").error_response();
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, self.challenge.clone());
                answer
            }
            Refusal::Busy => Code::Unavailable
                .because("too many passwords are being checked")
                .retry_after(Duration::from_secs(1))
                .error_response(),
            Refusal::Unreadable(reason) => {
                tracing::error!(path = %self.path.display(), "the file of passwords cannot be used: {reason}");
                Code::Unavailable.because("passwords cannot be checked at the moment").error_response()
            }
        })
    }

    async fn verify(&self, (name, password): (String, String)) -> Result<(), Refusal> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, format!("{}:{name}:{password}", name.len()).as_bytes()).as_ref());
        let good = match self.remembered.get(&key).await {
            Some(good) => good,
            None => {
                let good = self.look(name, password).await?;
                self.remembered.insert(key, good).await;
                good
            }
        };
        if good { Ok(()) } else { Err(Refusal::Wrong) }
    }

    async fn look(&self, name: String, password: String) -> Result<bool, Refusal> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
        let _place = self.places.acquire().await.map_err(|_| Refusal::Busy)?;
        let path = self.path.clone();
        let looked = web::block(move || read(&path).map(|text| holds(&text, &name, &password))).await;
        looked.map_err(io::Error::other).and_then(|looked| looked).map_err(|err| Refusal::Unreadable(err.to_string()))
    }
}

/// The name and the password of `Basic …`.
fn credentials(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn read(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.len() > LARGEST_FILE {
        return Err(io::Error::other(format!("it has more than {LARGEST_FILE} bytes")));
    }
    std::fs::read_to_string(path)
}

/// Each user's name and hash.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(':').unwrap_or((line, "")))
}

/// Whether the file has a name with this password. A name that it has not costs as much time as one that it has.
fn holds(text: &str, name: &str, password: &str) -> bool {
    let own = entries(text).find(|(known, _)| *known == name);
    let Some((_, hash)) = own.or_else(|| entries(text).next()) else { return false };
    let matches = Kind::of(hash).is_some_and(|kind| kind.matches(password));
    matches && own.is_some()
}

/// A hash of a password.
enum Kind<'h> {
    Bcrypt(&'h str),
    /// SHA-1 in Base64, without salt.
    Sha1(&'h str),
    Apr1(&'h str),
}

impl<'h> Kind<'h> {
    fn of(hash: &'h str) -> Option<Self> {
        // Further fields, as in passwd files, are none of ours.
        let hash = hash.split(':').next().unwrap_or_default();
        if let Some(encoded) = hash.strip_prefix("{SHA}") {
            return Some(Self::Sha1(encoded));
        }
        if hash.starts_with("$apr1$") {
            return Some(Self::Apr1(hash));
        }
        let cost: u32 = ["$2y$", "$2b$", "$2a$"].iter().find_map(|kind| hash.strip_prefix(kind))?.get(..2)?.parse().ok()?;
        (cost <= COSTLIEST).then_some(Self::Bcrypt(hash))
    }

    fn matches(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Sha1(encoded) => same(STANDARD.encode(Sha1::digest(password.as_bytes())).as_bytes(), encoded.as_bytes()),
            Self::Apr1(hash) => apr1::hash(password, hash).is_some_and(|own| same(own.as_bytes(), hash.as_bytes())),
        }
    }
}

fn same(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}
