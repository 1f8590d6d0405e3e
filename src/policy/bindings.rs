//! What policies may know of who is calling.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::sql::compile::Bindings;
use crate::types::Timestamp;

/// The values that a statement for a caller is compiled with, from the claims of the caller's token.
#[must_use]
pub fn bindings(role: &str, uid: Option<Uuid>, claims: &Map<String, Value>, now: Timestamp) -> Bindings {
    let mut claims = claims.clone();
    // Users write it themselves: no policy shall believe it, however it is asked for.
    claims.remove("user_metadata");
    let email = claims.get("email").and_then(Value::as_str).map(str::to_owned);
    Bindings { uid, role: role.to_owned(), jwt: Value::Object(claims), email, now }
}
