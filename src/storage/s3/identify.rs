//! Who asks, by the request's signature.

use super::fault::Fault;
use crate::api::Seen;
use crate::auth::AuthService;
use crate::aws::{Chain, Check, Credential, PathStyle, Payload, Refused, verify_head};
use crate::storage::model::Caller;
use crate::types::{Secret, Timestamp};

/// What signatures must be for.
const SERVICE: &str = "s3";

/// A request whose signature holds.
pub(super) struct Identified {
    pub(super) caller: Caller,
    /// What was said of the body.
    pub(super) payload: Payload,
    /// What verifies the body's chunks.
    pub(super) chain: Chain,
    /// Whether the signature is in the query.
    pub(super) presigned: bool,
    /// The region that the client takes this server for.
    pub(super) region: String,
}

/// Checks a request's signature, and the session token that came with it.
pub(super) async fn identify(seen: &Seen, auth: &AuthService, now: Timestamp) -> Result<Identified, Fault> {
    let signed = seen.signed();
    let credential = Credential::of(&signed).map_err(|refused| of_query(seen, refused))?;
    let check = Check { service: SERVICE, path: PathStyle::AsSent, now };
    let (caller, chain) = match &credential.session_token {
        None => {
            check.before_body(&credential, &signed)?;
            let key = auth.access_key(&credential.access_key_id).ok_or(Refused::UnknownKey)?;
            let chain = verify_head(&check, &credential, &key.secret, &signed)?;
            (Caller::from(key.principal.as_ref()), chain)
        }
        // Whoever has the anon key may sign; the token says who it is.
        Some(token) => {
            let secret = Secret::new(auth.anon_key().to_owned());
            let chain = verify_head(&check, &credential, &secret, &signed)?;
            let identity = auth.identify(Some(token), None).await;
            (Caller::from(identity.bearer.principal()?.as_ref()), chain)
        }
    };
    if credential.presigned && !credential.expires() {
        return Err(malformed_query("Query-string authentication version 4 requires the X-Amz-Expires parameter"));
    }
    if !credential.presigned && credential.payload == Payload::Computed {
        return Err(Fault::request("Missing required header for this request: x-amz-content-sha256"));
    }
    let region = credential.region().to_owned();
    Ok(Identified { caller, payload: credential.payload, chain, presigned: credential.presigned, region })
}

/// What is malformed of a signature in the query has a code of its own.
fn of_query(seen: &Seen, refused: Refused) -> Fault {
    match refused {
        Refused::Incomplete(message) if seen.header("authorization").is_none() => malformed_query(&message),
        refused => refused.into(),
    }
}

fn malformed_query(message: &str) -> Fault {
    Fault::new(400, "AuthorizationQueryParametersError", message)
}
