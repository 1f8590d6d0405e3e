//! `plinth openapi`: print the OpenAPI document, as it is committed in `openapi/openapi.json`.

use std::process::ExitCode;

use super::say;
use crate::server;

pub(super) fn run() -> ExitCode {
    say(server::api_document(None));
    ExitCode::SUCCESS
}
