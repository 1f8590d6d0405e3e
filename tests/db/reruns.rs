//! What PostgreSQL asks to run again is run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plinth::db::Error;
use tokio::sync::Notify;

use super::fixture::{TestDb, execute, insert_one};

const READ: &str = "select id from plinth.things";

/// Where two operations wait for each other.
#[derive(Clone, Default)]
struct Meeting {
    has_read: Arc<Notify>,
    other_done: Arc<Notify>,
    runs: Arc<AtomicU32>,
}

impl Meeting {
    /// In the first run alone: says that it has read, and waits for the other.
    async fn pause(&self) {
        if self.runs.fetch_add(1, Ordering::SeqCst) == 0 {
            self.has_read.notify_one();
            self.other_done.notified().await;
        }
    }
}

/// The operation reads, then somebody else writes the row, then it writes: a serialization failure (40001).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_is_run_again() {
    let test = TestDb::postgres().await.with_things().await;
    insert_one(&test.db, 1).await.unwrap();
    let meeting = Meeting::default();
    let here = meeting.clone();
    let write = test.db.write::<_, Error, _>(move |tx| {
        let here = here.clone();
        Box::pin(async move {
            let (value,): (i64,) = tx.query(READ).fetch_one().await?;
            here.pause().await;
            tx.query("update plinth.things set id = $1").bind(value * 10).execute().await
        })
    });
    let other = async {
        meeting.has_read.notified().await;
        execute(&test.db, "update plinth.things set id = id + 1").await.unwrap();
        meeting.other_done.notify_one();
    };
    let (written, ()) = tokio::join!(write, other);
    assert_eq!(written.unwrap(), 1);
    assert_eq!(meeting.runs.load(Ordering::SeqCst), 2);
    let (value,): (i64,) = test.db.read().await.unwrap().query(READ).fetch_one().await.unwrap();
    assert_eq!(value, 20, "the second run saw what the other had written");
}

/// Two operations lock two rows in opposite order: PostgreSQL ends one of them (40P01).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_run_again() {
    let test = TestDb::postgres().await.with_things().await;
    insert_one(&test.db, 1).await.unwrap();
    insert_one(&test.db, 2).await.unwrap();
    let meet = Arc::new(tokio::sync::Barrier::new(2));
    let both = |first: i64, second: i64| {
        let mut meet = Some(meet.clone());
        test.db.write::<_, Error, _>(move |tx| {
            // In the first run alone.
            let meet = meet.take();
            Box::pin(async move {
                let sql = "update plinth.things set name = coalesce(name, '') || id where id = $1";
                tx.query(sql).bind(first).execute().await?;
                let _ = futures_util::future::OptionFuture::from(meet.as_ref().map(|meet| meet.wait())).await;
                tx.query(sql).bind(second).execute().await
            })
        })
    };
    let (one, two) = tokio::join!(both(1, 2), both(2, 1));
    assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
}
