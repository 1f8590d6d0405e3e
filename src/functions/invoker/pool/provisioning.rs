//! Provisioned environments: started before a call needs them, and started again when they end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::functions::invoker::Invoker;
use crate::functions::invoker::start::{self, StartError};
use crate::functions::model::Revision;
use crate::types::{RequestId, RevisionId};

/// Functions whose environments are initialised at the same time; those of one come one after the other.
const AT_ONCE: usize = 4;

impl Invoker {
    /// Keeps so many environments of these revisions initialised, and of no others: starts what is missing.
    pub(in crate::functions) async fn provision(&self, wanted: Vec<(Arc<Revision>, usize)>) {
        self.pool.set_provisioned(wanted.iter().map(|(revision, count)| (revision.id, *count)).collect());
        let ids: HashSet<RevisionId> = wanted.iter().map(|(revision, _)| revision.id).collect();
        self.pool.keeper().keep_only(&ids);
        stream::iter(wanted).for_each_concurrent(AT_ONCE, |(revision, count)| self.keep(revision, count)).await;
    }

    async fn keep(&self, revision: Arc<Revision>, count: usize) {
        let (pool, keeper) = (&self.pool, self.pool.keeper());
        pool.keep_version(revision.function_id, revision.id);
        let there = pool.provisioned(revision.id);
        if there >= count {
            keeper.is_well(revision.id);
        }
        // Not until there are so many: those of a function that is deleted meanwhile are not kept.
        for _ in there..count {
            // What ends as soon as it is there is not replaced at once for ever, and what fails does not hold up the others.
            if !keeper.may_try(revision.id) || self.tasks.is_stopping() {
                return;
            }
            let request = RequestId::random();
            let why = match start::start(self, Arc::clone(&revision), request, true).await {
                Ok((environment, _)) => {
                    pool.checkin(environment);
                    self.spares.refill();
                    continue;
                }
                Err(StartError::NeverBegan) => "its worker ended before it read what it was to become".to_owned(),
                Err(StartError::Server(err)) => err.to_string(),
                Err(StartError::Fault(failed)) => {
                    let error = failed.into_failure(request, &revision).error;
                    format!("{}: {}", error.error_type, error.message)
                }
            };
            let (function, version) = (revision.name.as_str(), revision.version_name());
            tracing::warn!(function, version, "a provisioned environment of {function} was not initialised: {why}");
            keeper.failed(revision.id, why);
            return;
        }
    }

    /// Provisioned environments of a revision, busy and idle.
    pub(in crate::functions) fn provisioned(&self, revision: RevisionId) -> usize {
        self.pool.provisioned(revision)
    }

    /// Why provisioned environments of a revision are missing, when that is known.
    pub(in crate::functions) fn trouble(&self, revision: RevisionId) -> Option<String> {
        self.pool.keeper().why(revision)
    }

    /// Tries anew at once, whatever went wrong before.
    pub(in crate::functions) fn provision_anew(&self, revision: RevisionId) {
        self.pool.keeper().forget(revision);
        self.provisioning_changed();
    }

    /// Says that something about what is provisioned may have changed.
    pub(in crate::functions) fn provisioning_changed(&self) {
        self.pool.keeper().wake();
    }

    /// Waits for such a change, for a try that is due, or so long.
    pub(in crate::functions) async fn provisioning_due(&self, longest: Duration) {
        let wait = self.pool.keeper().next_try().map_or(longest, |wait| wait.min(longest));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.pool.keeper().woken() => {}
            () = self.tasks.soft_stopped() => {}
        }
    }

    /// How many environments may be provisioned on this node, and the setting that says so.
    pub(in crate::functions) fn most_provisioned(&self) -> (usize, &'static str) {
        self.pool.most_provisioned()
    }
}
