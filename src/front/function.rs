//! How a route calls a function: what the server wires in.

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;

/// Calls a function for a route. The front knows no functions: the server gives it this.
pub trait CallFunction: Send + Sync {
    /// Calls it, and answers as it does; both bodies go by as they come.
    fn call(&self, call: FunctionCall) -> LocalBoxFuture<'static, HttpResponse>;
}

/// A request that a function is to answer.
pub struct FunctionCall {
    /// The function's name, as it is configured.
    pub name: String,
    pub request: HttpRequest,
    pub payload: Payload,
    /// Scheme and host that the client asked: `https://www.example.com`.
    pub origin: String,
    /// The path and the query, percent-encoded, as they came or as the route rewrote them.
    pub target: String,
}
