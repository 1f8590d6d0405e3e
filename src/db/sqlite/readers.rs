//! The connections that read.
//!
//! sqlx's own pool spawns a task and pings at every return; a reader needs neither, and point reads are the hottest path there is.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Handle, Settings};
use crate::db::error::{Error, Result};

pub(super) struct Readers {
    settings: Settings,
    /// Those not in use, the last used on top: its page cache is the warmest.
    idle: Mutex<Vec<Handle>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(settings.readers.max(1) as usize));
        Arc::new(Self { settings, idle: Mutex::default(), places })
    }

    /// Takes a reader; opens one when all are in use and there may be more.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let place = tokio::time::timeout(self.settings.timeout, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| Error::Busy("no reader became free in time".to_owned()))?
            .map_err(|_| Error::Unavailable("it is closed".to_owned()))?;
        let idle = self.idle().pop();
        let handle = match idle {
            Some(mut handle) => match handle.settle().await {
                Ok(()) => handle,
                Err(_) => self.settings.connect(true).await?,
            },
            None => self.settings.connect(true).await?,
        };
        Ok(Lease { handle: Some(handle), home: Arc::clone(self), _place: place })
    }

    /// Closes every reader that is not in use; those in use are closed when they come back.
    pub(super) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        for handle in idle {
            handle.close().await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Handle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader, until it is dropped.
pub(in crate::db) struct Lease {
    /// Taken only by `drop`.
    handle: Option<Handle>,
    home: Arc<Readers>,
    _place: OwnedSemaphorePermit,
}

impl Lease {
    pub(in crate::db) const fn handle(&mut self) -> &mut Handle {
        self.handle.as_mut().expect("a lease holds its reader until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take()
            && !handle.is_broken()
            && !handle.is_reading()
            && !self.home.places.is_closed()
        {
            self.home.idle().push(handle);
        }
    }
}
