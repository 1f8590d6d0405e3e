//! Calls over HTTP: what a function sees of a request, and what becomes of its reply.

pub(super) mod body;
pub(super) mod reply;
pub(super) mod request;
