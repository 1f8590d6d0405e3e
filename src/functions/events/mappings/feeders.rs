//! What feeds functions on this node, and how it went the last time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Mapping;
use crate::types::Timestamp;

/// What feeds functions on this node. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::functions) struct Feeders(Arc<Inner>);

#[derive(Default)]
struct Inner {
    running: Mutex<HashMap<Uuid, Feeder>>,
    /// Mappings were changed.
    wake: Notify,
}

struct Feeder {
    /// Which state of the mapping it has.
    updated_at: Timestamp,
    stop: CancellationToken,
    last_result: Option<&'static str>,
}

impl Feeders {
    /// Has the mappings be looked at soon.
    pub(in crate::functions) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Resolves when mappings were changed on this node.
    pub(in crate::functions) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Takes these mappings for those that are to be fed from: stops feeders of others, and gives those that need a new one, each
    /// with what will stop it.
    pub(in crate::functions) fn take(&self, mappings: Vec<Mapping>) -> Vec<(Mapping, CancellationToken)> {
        let mut running = self.lock();
        let wanted: HashMap<Uuid, Timestamp> = mappings.iter().map(|mapping| (mapping.id, mapping.updated_at)).collect();
        running.retain(|id, feeder| {
            let stays = wanted.get(id) == Some(&feeder.updated_at) && !feeder.stop.is_cancelled();
            if !stays {
                feeder.stop.cancel();
            }
            stays
        });
        let mut new = Vec::new();
        for mapping in mappings {
            if let Entry::Vacant(place) = running.entry(mapping.id) {
                let stop = CancellationToken::new();
                place.insert(Feeder { updated_at: mapping.updated_at, stop: stop.clone(), last_result: None });
                new.push((mapping, stop));
            }
        }
        new
    }

    /// Notes how the last batch of a mapping went.
    pub(in crate::functions) fn note(&self, id: Uuid, result: &'static str) {
        if let Some(feeder) = self.lock().get_mut(&id) {
            feeder.last_result = Some(result);
        }
    }

    /// How the last batch of a mapping went on this node; `None` when there was none.
    pub(in crate::functions) fn last_result(&self, id: Uuid) -> Option<&'static str> {
        self.lock().get(&id).and_then(|feeder| feeder.last_result)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Feeder>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
