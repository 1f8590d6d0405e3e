//! What `plinth:kv` and the other modules of the platform ask of the server. Nothing is decided here: the server does.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::convert::Uint8Array;
use deno_core::{OpState, ToV8, op2};
use deno_error::JsErrorBox;

use crate::isolate::host::{Call, Host};
use crate::isolate::protocol::{MAX_ASK, MAX_ASK_IN_INIT, Question};
use crate::isolate::streams::Reply;

/// The most bytes of a question beside its body: names, keys.
const QUESTION: usize = 64 * 1024;

/// An answer as JavaScript takes it.
#[derive(ToV8)]
pub(in crate::isolate) struct Told {
    /// JSON.
    answer: String,
    body: Option<Uint8Array>,
}

/// Asks the server, for a call. `question` is JSON.
#[op2]
pub(in crate::isolate) async fn op_plinth_ask(
    state: Rc<RefCell<OpState>>,
    #[number] call: u64,
    #[string] question: String,
    body: Option<Uint8Array>,
) -> Result<Told, JsErrorBox> {
    let call = state.borrow().borrow::<Rc<Host>>().numbered(call);
    let body = body.map(|body| body.0.into_vec()).unwrap_or_default();
    if question.len() > QUESTION {
        return Err(JsErrorBox::range_error(format!("its names and keys have {} bytes; {QUESTION} are allowed", question.len())));
    }
    let most = if call.number() == 0 { MAX_ASK_IN_INIT } else { MAX_ASK };
    if body.len() > most {
        return Err(JsErrorBox::range_error(format!("it has {} bytes; {most} are allowed", body.len())));
    }
    let question: Question = serde_json::from_str(&question).map_err(|err| JsErrorBox::type_error(err.to_string()))?;
    let (answer, body) = ask(&call, question, body).await?;
    let answer = serde_json::to_string(&answer).map_err(|err| JsErrorBox::generic(err.to_string()))?;
    Ok(Told { answer, body: Some(Uint8Array::from(body)).filter(|body| !body.0.is_empty()) })
}

async fn ask(call: &Call, question: Question, body: Vec<u8>) -> Result<Reply, JsErrorBox> {
    // A question that outlives its call is known to JavaScript by its reason.
    let over = |reason: String| JsErrorBox::generic(format!("platform call: {reason}; await it, or give it to waitUntil"));
    call.streams().asks().ask(question, body).await.map_err(over)
}
