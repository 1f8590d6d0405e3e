//! The document of SQS's protocol.

use utoipa::OpenApi;

use super::request;

/// The document of SQS's protocol.
#[derive(OpenApi)]
#[openapi(
    paths(request::handle),
    tags((name = "sqs", description = "Queues by SQS's protocol, for AWS's SDKs and command line: requests are signed (Signature Version 4, \
          service `sqs`) with the access key that `plinth keys` shows; the endpoint is `/sqs/`"))
)]
pub struct Doc;
