//! Watches the write-ahead log's size.
//!
//! SQLite checkpoints by itself every thousand pages and then writes the log from its beginning again, but never makes the file
//! smaller while readers come and go. After a burst, a quiet moment is used for that.

use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::gauge;

use super::writer::Writer;
use crate::tasks::Tasks;

/// A log larger than this, in bytes, is cut when the writer has nothing to do.
pub(super) const TRUNCATE_ABOVE: u64 = 32 << 20;

const INTERVAL: Duration = Duration::from_secs(5);

/// Looks from time to time until the writer is gone or the server stops.
pub(super) fn watch(writer: &Arc<Writer>, tasks: &Tasks) {
    let writer = Arc::downgrade(writer);
    let stop = tasks.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.soft_stopped() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let Some(writer) = Weak::upgrade(&writer) else { return };
            look(&writer).await;
        }
    });
}

async fn look(writer: &Writer) {
    let size = std::fs::metadata(writer.wal()).map_or(0, |meta| meta.len());
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a file's size fits its 53 bits")]
    gauge!("plinth_db_wal_bytes", "database" => writer.name()).set(size as f64);
    if size > TRUNCATE_ABOVE {
        writer.truncate_wal().await;
    }
}
