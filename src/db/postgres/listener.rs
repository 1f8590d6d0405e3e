//! Hears what other nodes announce by `notify`.

use std::fmt;

use sqlx::PgPool;
use sqlx::postgres::PgListener;

use crate::db::error::{Error, Result};

/// Listens to a channel on a connection of its own.
pub struct Listener {
    listener: PgListener,
    channel: &'static str,
}

impl Listener {
    pub(super) async fn open(pool: PgPool, channel: &'static str) -> Result<Self> {
        let mut listener = PgListener::connect_with(&pool).await.map_err(|err| Error::open("a connection that listens", &err))?;
        // Nobody closes the pool but this listener's end.
        listener.ignore_pool_close_event(true);
        listener.listen(channel).await?;
        Ok(Self { listener, channel })
    }

    /// Waits until something is announced, or the connection was lost and is there again: what was announced between is not heard, so
    /// whoever listens looks anew either way.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the connection cannot be had again; then this listener is of no use any more.
    pub async fn heard(&mut self) -> Result<()> {
        Ok(self.listener.try_recv().await.map(drop)?)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("channel", &self.channel).finish_non_exhaustive()
    }
}
