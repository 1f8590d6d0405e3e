//! A request of SQS's protocol: signature, body, and which operation it is.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::error::{Exception, Result};
use super::ops;
use crate::api::{MAX_JSON_DEPTH, PublicUrl, Seen, json_depth};
use crate::auth::AuthService;
use crate::aws::{self, Check, Credential, PathStyle, Refused};
use crate::queues::QueuesService;
use crate::telemetry::current_request_id;
use crate::types::{Clock, RequestId};

/// The id of a request, as AWS's clients look for it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What signatures must be for.
const SERVICE: &str = "sqs";

/// The longest body: a batch of 1 MiB, in which every byte may be written as six, and what is around it.
const LONGEST: usize = 7 * 1024 * 1024;

/// How long a body may take.
const SLOW: Duration = Duration::from_secs(60);

/// A request whose signature was checked.
pub(super) struct Call {
    pub(super) queues: QueuesService,
    pub(super) public_url: PublicUrl,
    body: Bytes,
}

impl Call {
    /// The body as an object of the operation's.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        if json_depth(body) > MAX_JSON_DEPTH {
            return Err(Exception::malformed(format!("the body's JSON nests deeper than {MAX_JSON_DEPTH} levels")));
        }
        let reader = &mut serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(reader).map_err(|err| {
            let (field, inner) = (err.path().to_string(), err.inner());
            Exception::malformed(if inner.is_data() {
                format!("{field}: {inner}")
            } else {
                format!("the body is no JSON: {inner}")
            })
        })
    }
}

/// Do an operation of SQS
///
/// AWS JSON 1.0: `X-Amz-Target` names the operation (`AmazonSQS.CreateQueue`, `GetQueueUrl`, `ListQueues`,
/// `ListDeadLetterSourceQueues`, `DeleteQueue`, `PurgeQueue`, `GetQueueAttributes`, `SetQueueAttributes`, `TagQueue`, `UntagQueue`,
/// `ListQueueTags`, `SendMessage`, `SendMessageBatch`, `ReceiveMessage`, `DeleteMessage`, `DeleteMessageBatch`,
/// `ChangeMessageVisibility`, `ChangeMessageVisibilityBatch`), the body is its input. Standard queues alone.
#[utoipa::path(
    post,
    path = "/sqs/",
    tag = "sqs",
    security(("sigv4" = [])),
    params(("X-Amz-Target" = String, Header, description = "The operation", example = "AmazonSQS.SendMessage")),
    request_body(content((ops::SendInput = "application/x-amz-json-1.0"), (ops::CreateInput = "application/x-amz-json-1.0"), (ops::ReceiveInput = "application/x-amz-json-1.0"))),
    responses(
        (status = 200, description = "Done", content((ops::SendOutput = "application/x-amz-json-1.0"), (ops::UrlOutput = "application/x-amz-json-1.0"), (ops::ReceiveOutput = "application/x-amz-json-1.0"))),
        (status = 400, description = "Refused; `__type` says why", body = super::error::ExceptionBody, content_type = "application/x-amz-json-1.0"),
        (status = 403, description = "The signature is not good", body = super::error::ExceptionBody, content_type = "application/x-amz-json-1.0"),
    ),
)]
pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    auth: Data<AuthService>,
    queues: Data<QueuesService>,
    public_url: Data<PublicUrl>,
) -> HttpResponse {
    let id = current_request_id().unwrap_or_else(RequestId::random);
    let parts = (queues.get_ref().clone(), public_url.get_ref().clone());
    let answered = Box::pin(answer(&request, payload, &auth, parts)).await;
    let mut response = answered.unwrap_or_else(|exception| exception.response());
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn answer(request: &HttpRequest, payload: Payload, auth: &AuthService, parts: (QueuesService, PublicUrl)) -> Result {
    let (queues, public_url) = parts;
    let seen = Seen::of(request);
    let body = authenticate(&seen, payload, auth).await?;
    if seen.method != "POST" {
        return Err(Exception::unknown_operation(&seen.method));
    }
    let target = seen.header("x-amz-target").ok_or_else(|| Exception::missing("X-Amz-Target"))?.to_owned();
    ops::dispatch(&Call { queues, public_url, body }, &target).await
}

/// Checks the signature; the body is read only for a credential of a known key.
async fn authenticate(seen: &Seen, payload: Payload, auth: &AuthService) -> Result<Bytes> {
    let signed = seen.signed();
    let credential = Credential::of(&signed)?;
    let check = Check { service: SERVICE, path: PathStyle::Encoded, now: Clock::system().now() };
    check.before_body(&credential, &signed)?;
    if credential.session_token.is_some() {
        return Err(Refused::UnknownKey.into());
    }
    let key = auth.access_key(&credential.access_key_id).filter(|key| key.principal.is_service()).ok_or(Refused::UnknownKey)?;
    let body = read(payload).await?;
    aws::verify(&check, &credential, &key.secret, &signed, &body)?;
    Ok(body)
}

async fn read(mut payload: Payload) -> Result<Bytes> {
    let whole = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|err| Exception::malformed(format!("the body broke off: {err}")))?;
            if body.len() + chunk.len() > LONGEST {
                return Err(Exception::invalid(format!("The request must be shorter than {LONGEST} bytes.")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let late = |_| Exception::malformed(format!("the body did not arrive within {} s", SLOW.as_secs()));
    tokio::time::timeout(SLOW, whole).await.map_err(late)?
}
