//! The id of the request being served, known wherever its future runs.

use std::future::Future;

use crate::types::RequestId;

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// Runs a request's future so that [`current_request_id`] knows its id within.
pub async fn with_request_id<F: Future>(id: RequestId, request: F) -> F::Output {
    REQUEST_ID.scope(id, request).await
}

/// The id of the request being served; `None` outside of any.
#[must_use]
pub fn current_request_id() -> Option<RequestId> {
    REQUEST_ID.try_with(|id| *id).ok()
}
