//! Logs, metrics and request ids: what the server says about itself.

mod level;
mod metrics;
mod request;

pub use level::set_log_level;
pub use metrics::{Metrics, describe_process};
pub use request::{current_request_id, with_request_id};

use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FmtSpan, Writer, debug_fn};

use crate::config::{Log, LogFormat};

/// Installs the process's logger: lines go to standard error, in the format and at the level of the configuration.
///
/// A second call in one process changes nothing.
pub fn install_logger(log: &Log) {
    let filter = level::filter(&log.level).unwrap_or_else(|| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_span_events(FmtSpan::NONE);
    let installed = match log.format {
        // A message says everything to a person; its values as fields are for machines.
        LogFormat::Human => {
            let lines = lines.with_target(false).with_ansi(io::stderr().is_terminal()).fmt_fields(debug_fn(write_for_people));
            let lines = lines.with_filter_reloading();
            let filter = lines.reload_handle();
            level::remember(move |level| drop(filter.reload(level)));
            lines.try_init()
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter_reloading();
            let filter = lines.reload_handle();
            level::remember(move |level| drop(filter.reload(level)));
            lines.try_init()
        }
    };
    if installed.is_err() {
        tracing::debug!("a logger is installed already");
    }
}

fn write_for_people(line: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    if matches!(field.name(), "message" | "request_id") { write!(line, "{value:?}") } else { Ok(()) }
}
