//! Checks and transpiles a source at deploy time.
use super::protocol::{Compile, FromWorker};
pub(super) fn compile(_: &Compile, _: &[u8]) -> (FromWorker, Vec<u8>) {
    (FromWorker::Rejected { diagnostics: Vec::new() }, Vec::new())
}
