//! What PostgreSQL asks to run again is run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use plinth::db::Error;
use tokio::sync::Notify;

use super::fixture::{TestDb, execute, insert_one};

const READ: &str = "select id from plinth.things";

/// The operation reads, then somebody else writes the row, then it writes: a serialization failure (40001).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_is_run_again() {
    let test = TestDb::postgres().await.with_things().await;
    insert_one(&test.db, 1).await.unwrap();
    let (has_read, other_done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let runs = Arc::new(AtomicU32::new(0));
    let write = {
        let (has_read, other_done, runs) = (has_read.clone(), other_done.clone(), runs.clone());
        test.db.write::<_, Error, _>(move |tx| {
            let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
            let (has_read, other_done) = (has_read.clone(), other_done.clone());
            Box::pin(async move {
                let (value,): (i64,) = tx.query(READ).fetch_one().await?;
                if first {
                    has_read.notify_one();
                    other_done.notified().await;
                }
                tx.query("update plinth.things set id = $1").bind(value * 10).execute().await
            })
        })
    };
    let other = async {
        has_read.notified().await;
        execute(&test.db, "update plinth.things set id = id + 1").await.unwrap();
        other_done.notify_one();
    };
    let (written, ()) = tokio::join!(write, other);
    assert_eq!(written.unwrap(), 1);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
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
        let meet = meet.clone();
        let runs = AtomicU32::new(0);
        test.db.write::<_, Error, _>(move |tx| {
            let meet = (runs.fetch_add(1, Ordering::SeqCst) == 0).then(|| meet.clone());
            Box::pin(async move {
                let sql = "update plinth.things set name = coalesce(name, '') || 'x' where id = $1";
                tx.query(sql).bind(first).execute().await?;
                if let Some(meet) = meet {
                    meet.wait().await;
                }
                tx.query(sql).bind(second).execute().await
            })
        })
    };
    let (one, two) = tokio::join!(both(1, 2), both(2, 1));
    assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
}
