//! The connections that functions share, and what is between a decision and a response.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, ClientBuilder, Method, Response, Url, redirect};

use super::policy::{Class, Refusal, Route, classify, host_of, route};
use crate::functions::model::Network;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept, and how many to one host.
const IDLE: Duration = Duration::from_secs(60);
const IDLE_PER_HOST: usize = 32;

/// Counts the functions that a request has gone through, so that one that calls itself comes to an end.
const HOPS: HeaderName = HeaderName::from_static("x-plinth-hops");

/// How many functions a request may go through.
pub const MAX_HOPS: u8 = 16;

/// Headers that are the connection's, not the function's.
const NOT_THEIRS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-plinth-hops",
];

/// How many functions a request that arrives has gone through; what is not a number counts as too many.
#[must_use]
pub fn hops_of(header: Option<&[u8]>) -> u8 {
    header.map_or(0, |value| std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(u8::MAX))
}

/// Where this server itself is.
#[derive(Clone, Debug)]
pub struct Own {
    /// The address clients use, such as `https://app.example.com`.
    pub public_url: Arc<str>,
    /// The address it listens on.
    pub listen: SocketAddr,
    /// The private listener.
    pub socket: PathBuf,
}

/// Makes requests for functions. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions) struct Egress(Arc<Inner>);

struct Inner {
    /// Made for the first request: reading the machine's certificates takes a while.
    clients: OnceLock<Result<Clients, String>>,
    origin: Own,
    public_url: Option<Url>,
}

struct Clients {
    /// Resolves to public addresses alone.
    public: Client,
    /// Resolves to private addresses too, for hosts that a list has.
    listed: Client,
    /// Connects to the private listener, whatever the address.
    own: Client,
}

/// A request that a function makes.
pub(in crate::functions) struct Outbound<'a> {
    pub(in crate::functions) network: &'a Network,
    /// How many functions the call has gone through already.
    pub(in crate::functions) hops: u8,
    pub(in crate::functions) method: &'a str,
    pub(in crate::functions) url: &'a str,
    /// Each character stands for a byte.
    pub(in crate::functions) headers: &'a [(String, String)],
    pub(in crate::functions) body: Option<Body>,
    /// The body's length, where it is known.
    pub(in crate::functions) length: Option<u64>,
}

/// Why there is no response.
#[derive(Debug)]
pub(in crate::functions) enum Trouble {
    /// It was not to be.
    Refused(Refusal),
    /// It was tried.
    Failed(String),
}

impl Egress {
    /// Connects to nothing yet.
    pub(in crate::functions) fn new(origin: Own) -> Self {
        let public_url = Url::parse(&origin.public_url).ok();
        Self(Arc::new(Inner { clients: OnceLock::new(), origin, public_url }))
    }

    fn clients(&self) -> Result<&Clients, Trouble> {
        let make = || {
            let public = client().dns_resolver(Gate { private: false }).build()?;
            let listed = client().dns_resolver(Gate { private: true }).build()?;
            let own = client().unix_socket(self.0.origin.socket.as_path()).build()?;
            Ok(Clients { public, listed, own })
        };
        let clients = self.0.clients.get_or_init(|| make().map_err(|err: reqwest::Error| innermost(&err)));
        let without = |why: &String| Trouble::Failed(format!("the server cannot make connections: {why}"));
        clients.as_ref().map_err(without)
    }

    /// The address clients reach this server at.
    pub(in crate::functions) fn public_url(&self) -> &str {
        &self.0.origin.public_url
    }

    /// Makes a request and waits for the head of its response.
    pub(in crate::functions) async fn send(&self, outbound: Outbound<'_>) -> Result<Response, Trouble> {
        let sent = self.try_send(outbound).await;
        let outcome = match &sent {
            Ok(_) => "ok",
            Err(Trouble::Refused(_)) => "refused",
            Err(Trouble::Failed(_)) => "failed",
        };
        counter!("plinth_function_fetches_total", "outcome" => outcome).increment(1);
        sent
    }

    async fn try_send(&self, outbound: Outbound<'_>) -> Result<Response, Trouble> {
        let Outbound { network, hops, method, url, headers, body, length } = outbound;
        let mut url = Url::parse(url).map_err(|err| Trouble::Failed(format!("{url}: {err}")))?;
        let host = host_of(&url);
        let failed = |why: String| Trouble::Failed(format!("{host}: {why}"));
        let route = route(&url, network, |url| self.is_own(url)).map_err(Trouble::Refused)?;
        let clients = self.clients()?;
        let client = match route {
            Route::Public => &clients.public,
            Route::Listed => &clients.listed,
            Route::Own => {
                // TLS ends in front of the private listener.
                let _ = url.set_scheme("http");
                &clients.own
            }
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| failed(format!("{method:?} is no method")))?;
        let mut sent = header_map(headers).map_err(failed)?;
        sent.insert(HOPS, HeaderValue::from(u16::from(hops.saturating_add(1))));
        let length = length.or((body.is_none() && [Method::POST, Method::PUT, Method::PATCH].contains(&method)).then_some(0));
        if let Some(length) = length {
            sent.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut request = client.request(method, url).headers(sent);
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|err| explain(&host, &err))
    }

    /// Whether an address is one of this server's.
    fn is_own(&self, url: &Url) -> bool {
        if self.0.public_url.as_ref().is_some_and(|own| own.origin() == url.origin()) {
            return true;
        }
        let listen = self.0.origin.listen;
        let host = host_of(url);
        let is_here = match host.parse::<IpAddr>() {
            Ok(address) => address == listen.ip() || (address.is_loopback() && reaches_loopback(listen.ip())),
            Err(_) => host == "localhost" && reaches_loopback(listen.ip()),
        };
        url.scheme() == "http" && url.port_or_known_default() == Some(listen.port()) && is_here
    }
}

const fn reaches_loopback(listen: IpAddr) -> bool {
    listen.is_loopback() || listen.is_unspecified()
}

fn client() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .user_agent(concat!("Plinth/", env!("CARGO_PKG_VERSION")))
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header's name"))?;
        if NOT_THEIRS.contains(&name.as_str()) {
            continue;
        }
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let value = bytes.and_then(|bytes| HeaderValue::from_maybe_shared(Bytes::from(bytes)).ok());
        map.append(&name, value.ok_or_else(|| format!("the value of header {name} cannot be sent"))?);
    }
    Ok(map)
}

/// Resolves names, and gives only what may be reached.
#[derive(Clone, Copy, Debug)]
struct Gate {
    private: bool,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in tokio::net::lookup_host((host.as_str(), 0)).await? {
                match classify(address.ip()) {
                    Class::Public => allowed.push(address),
                    Class::Private(_) if private => allowed.push(address),
                    class => refused = Some(Refusal::of_address(host.trim_end_matches('.'), address.ip(), class)),
                }
            }
            match refused {
                Some(refusal) if allowed.is_empty() => Err(refusal.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// What lies at the bottom of an error.
pub(in crate::functions) fn innermost(err: &reqwest::Error) -> String {
    let mut bottom: &(dyn StdError + 'static) = err;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    bottom.to_string()
}

/// What became of a request, in one line that names the host.
fn explain(host: &str, err: &reqwest::Error) -> Trouble {
    let mut source: Option<&(dyn StdError + 'static)> = Some(err);
    while let Some(err) = source {
        if let Some(refusal) = err.downcast_ref::<Refusal>() {
            return Trouble::Refused(refusal.clone());
        }
        source = err.source();
    }
    let last = innermost(err);
    let what = if err.is_connect() && err.is_timeout() {
        format!("no connection within {} s", CONNECT.as_secs())
    } else if err.is_connect() {
        format!("no connection: {last}")
    } else {
        last
    };
    Trouble::Failed(format!("{host}: {what}"))
}
