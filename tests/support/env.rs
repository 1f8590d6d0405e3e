//! What the environment tells the tests.

/// The value of a variable; `None` when it is not set, or empty.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests' one place that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this run is the one on PostgreSQL (`PLINTH_TEST_DB=postgres`).
///
/// # Panics
///
/// When the variable names neither database, since the run would then test another thing than it was asked to.
#[must_use]
pub fn on_postgres() -> bool {
    match environment("PLINTH_TEST_DB").as_deref() {
        None | Some("sqlite") => false,
        Some("postgres") => true,
        Some(other) => panic!("PLINTH_TEST_DB is {other:?}; it may be \"sqlite\" or \"postgres\""),
    }
}
