//! Questions of functions to the platform's modules: whether they are allowed, and who answers them.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::functions::model::{Access, PERMISSION_CHARS, Permissions};
use crate::isolate::protocol::{Answered, KvAsk, Question, Refused};

/// An answer, and its body.
pub(in crate::functions) type Reply = (Answered, Bytes);

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::functions) struct Asker {
    /// How many functions the call has gone through before this one.
    pub(in crate::functions) hops: u8,
    /// Whether it is the code outside the handler, which no call has to end.
    pub(in crate::functions) is_init: bool,
}

/// Answers questions that are allowed.
pub(in crate::functions) trait Platform: Send + Sync {
    fn answer(&self, asker: Asker, question: Question, body: Bytes) -> BoxFuture<'_, Reply>;
}

/// A refusal as an answer.
pub(in crate::functions) fn refused(code: Refused, message: impl Into<String>) -> Reply {
    (Answered::Refused { code, message: message.into() }, Bytes::new())
}

/// Decides about a question.
///
/// # Errors
/// The refusal, which says what to add to the configuration.
pub(in crate::functions) fn permit(permissions: &Permissions, question: &Question) -> Result<(), Reply> {
    let name = match question {
        Question::Kv { store, .. } => store,
        Question::Invoke(ask) => &ask.function,
        Question::Send(ask) => &ask.queue,
    };
    if name.len() > PERMISSION_CHARS {
        let message = format!("its name has {} characters; {PERMISSION_CHARS} are allowed", name.len());
        return Err(refused(Refused::Invalid, message));
    }
    let permitted = match question {
        Question::Kv { store, ask: KvAsk::Get { .. } | KvAsk::List { .. } } => permissions.check_store(store, Access::Read),
        Question::Kv { store, .. } => permissions.check_store(store, Access::Write),
        Question::Invoke(ask) => permissions.check_function(&ask.function),
        Question::Send(ask) => permissions.check_queue(&ask.queue),
    };
    permitted.map_err(|message| refused(Refused::PermissionDenied, message))
}
