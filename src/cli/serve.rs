//! `plinth serve`: run the server.

use std::process::ExitCode;

use super::{Common, complain, exit, say};
use crate::{server, telemetry};

pub(super) fn run(common: &Common) -> ExitCode {
    let loaded = match common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    telemetry::install_logger(&loaded.config.log);
    match server::run(loaded, |url| say(format_args!("listening on {url}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            complain(&err);
            exit::code(&err).into()
        }
    }
}
