//! Refusals in SQS's names and words.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::aws::Refused;
use crate::queues::Error;

/// What operations return.
pub(super) type Result<T = HttpResponse> = std::result::Result<T, Exception>;

/// The media type of requests and answers.
pub(super) const JSON: &str = "application/x-amz-json-1.0";

/// An exception of SQS.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    name: &'static str,
    /// What the query protocol calls it.
    old_name: &'static str,
    status: StatusCode,
    message: String,
}

/// The body of a refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SqsException)]
pub(super) struct ExceptionBody {
    /// Its name.
    #[serde(rename = "__type")]
    #[schema(example = "com.amazonaws.sqs#QueueDoesNotExist")]
    name: String,
    /// Why.
    #[schema(example = "The specified queue does not exist.")]
    message: String,
}

impl Exception {
    fn new(name: &'static str, old_name: &'static str, message: impl Into<String>) -> Self {
        Self { name, old_name, status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn no_queue() -> Self {
        let old_name = "AWS.SimpleQueueService.NonExistentQueue";
        Self::new("QueueDoesNotExist", old_name, "The specified queue does not exist.")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", "InvalidParameterValue", message)
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}.");
        Self::new("MissingRequiredParameterException", "MissingParameter", message)
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new("SerializationException", "MalformedInput", message)
    }

    pub(super) fn unknown_operation(target: &str) -> Self {
        Self::new("UnknownOperationException", "InvalidAction", format!("The action {target} is not valid for this endpoint."))
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", message)
    }

    pub(super) fn attribute_name(name: &str) -> Self {
        Self::new("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
    }

    /// Whether it says that there is no attribute of a name.
    pub(super) fn is_unknown_attribute(&self) -> bool {
        self.name == "InvalidAttributeName"
    }

    pub(super) fn attribute_value(name: &str, rule: &str) -> Self {
        let message = format!("Invalid value for the parameter {name}. Reason: {rule}");
        Self::new("InvalidAttributeValue", "InvalidAttributeValue", message)
    }

    pub(super) fn contents(message: impl Into<String>) -> Self {
        Self::new("InvalidMessageContents", "InvalidMessageContents", message)
    }

    pub(super) fn receipt(text: &str) -> Self {
        let shown: String = text.chars().take(100).collect();
        let message = format!("The input receipt handle \"{shown}\" is not a valid receipt handle.");
        Self::new("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", message)
    }

    pub(super) fn batch(name: &'static str, old_name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, old_name, message)
    }

    pub(super) fn internal(source: impl std::fmt::Display) -> Self {
        tracing::error!(error = %source, "a queue's operation failed: {source}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            status,
            ..Self::new("InternalFailure", "InternalFailure", "An error occurred and the request cannot be processed.")
        }
    }

    /// Its name, its text, and whether the caller is at fault: what an entry of a batch is told.
    pub(super) fn into_parts(self) -> (String, String, bool) {
        (self.old_name.to_owned(), self.message, self.status.is_client_error())
    }

    /// The answer.
    pub(super) fn response(&self) -> HttpResponse {
        let side = if self.status.is_client_error() { "Sender" } else { "Receiver" };
        HttpResponse::build(self.status)
            .insert_header(("x-amzn-query-error", format!("{};{side}", self.old_name)))
            .content_type(JSON)
            .body(
                serde_json::to_vec(&ExceptionBody {
                    name: format!("com.amazonaws.sqs#{}", self.name),
                    message: self.message.clone(),
                })
                .unwrap_or_default(),
            )
    }
}

impl From<Refused> for Exception {
    fn from(refused: Refused) -> Self {
        let name = refused.code();
        Self { status: StatusCode::FORBIDDEN, ..Self::new(name, name, refused.to_string()) }
    }
}

impl From<Error> for Exception {
    fn from(err: Error) -> Self {
        let is_full = err.is_full();
        match err {
            Error::NoQueue(_) => Self::no_queue(),
            Error::OtherSettings(_) => Self::new(
                "QueueNameExists",
                "QueueAlreadyExists",
                "A queue already exists with the same name and a different value for attribute(s).",
            ),
            Error::NoDeadLetterQueue(_) => Self::attribute_value("RedrivePolicy", "Dead letter target does not exist."),
            Error::MessageTooLong { limit, .. } => {
                Self::invalid(format!("One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."))
            }
            Error::NotHeld => Self::new(
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
                "The message referred to isn't in flight.",
            ),
            Error::PurgedJustNow(name) => Self::new(
                "PurgeQueueInProgress",
                "AWS.SimpleQueueService.PurgeQueueInProgress",
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
            ),
            Error::Db(source) if source.is_transient() => {
                tracing::error!(error = %source, "the database does not serve: {source}");
                let full = "The server's disk is full: nothing was stored. Try again when there is space.";
                let message = if is_full { full } else { "The database does not serve at the moment; try again." };
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self { status, ..Self::new("ServiceUnavailable", "ServiceUnavailable", message) }
            }
            Error::Db(source) => Self::internal(source),
        }
    }
}
