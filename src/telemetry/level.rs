//! The level of the log, which a reload may change.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// Puts another filter in the place of the logger's.
type Set = Box<dyn Fn(EnvFilter) + Send + Sync>;

static SET: OnceLock<Set> = OnceLock::new();

/// Libraries that tell of every request they refuse as an error, which anybody may send: they are heard only by who asks for them by name.
const LOUD: [&str; 2] = ["actix_http", "s3s"];

/// The filter of a configured level; `None` for what is none.
pub(super) fn filter(level: &str) -> Option<EnvFilter> {
    let mut filter = EnvFilter::try_new(level).ok()?;
    for library in LOUD.into_iter().filter(|library| !level.contains(library)) {
        filter = filter.add_directive(format!("{library}=off").parse().ok()?);
    }
    Some(filter)
}

/// Remembers how the logger that was installed is given another filter.
pub(super) fn remember(set: impl Fn(EnvFilter) + Send + Sync + 'static) {
    drop(SET.set(Box::new(set)));
}

/// Logs at these levels from now on; what is no filter changes nothing.
pub fn set_log_level(level: &str) {
    if let (Some(set), Some(filter)) = (SET.get(), filter(level)) {
        set(filter);
    }
}
