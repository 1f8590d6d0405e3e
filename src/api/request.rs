//! What a request brings beside its body.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use std::convert::Infallible;
use std::future::{Ready, ready};

/// The address clients reach the server at, without a trailing slash. Kept as application data; never taken from `Host`.
#[derive(Clone, Debug)]
pub struct PublicUrl(pub Arc<str>);

/// The real client's address, found behind proxies that are trusted; `None` behind a Unix socket.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub Option<IpAddr>);

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let noted = request.extensions().get::<Self>().copied();
        ready(Ok(noted.unwrap_or_else(|| Self(request.peer_addr().map(|address| address.ip())))))
    }
}
