//! What `Db::write` promises: durable or undone, and nobody's failure is a neighbour's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use plinth::db::Error;

use super::fixture::{TIMEOUT, TestDb, execute, insert, insert_one, on_both};
use crate::support::eventually;
use crate::support::postgres::fresh_database;

on_both! {
    async fn what_was_written_is_read(test: TestDb) {
        let test = test.with_things().await;
        let rows = test.db.write(|tx| insert(tx, 1, Some("one".to_owned()))).await.unwrap();
        assert_eq!(rows, 1);
        let mut conn = test.db.read().await.unwrap();
        let found: Option<(i64, Option<String>)> =
            conn.query("select id, name from plinth.things where id = $1").bind(1_i64).fetch_optional().await.unwrap();
        assert_eq!(found, Some((1, Some("one".to_owned()))));
    }

    async fn a_row_is_returned_by_its_own_insert(test: TestDb) {
        let test = test.with_things().await;
        let ids: Vec<(i64,)> = test
            .db
            .write::<_, Error, _>(|tx| {
                Box::pin(async move {
                    let sql = "insert into plinth.things (id) values ($1), ($2), ($3) returning id";
                    tx.query(sql).bind(1_i64).bind(2_i64).bind(3_i64).fetch_all().await
                })
            })
            .await
            .unwrap();
        assert_eq!(ids, [(1,), (2,), (3,)]);
        let first: Option<(i64,)> = test
            .db
            .write::<_, Error, _>(|tx| {
                Box::pin(async move {
                    let sql = "insert into plinth.things (id) values ($1), ($2) returning id";
                    tx.query(sql).bind(4_i64).bind(5_i64).fetch_optional().await
                })
            })
            .await
            .unwrap();
        assert_eq!(first, Some((4,)));
        assert_eq!(test.count().await, 5, "the second row was inserted too, though only the first was asked for");
    }

    async fn a_failure_is_undone_and_hurts_no_neighbor(test: TestDb) {
        let test = test.with_things().await;
        let writes = (0..200_i64).map(|id| {
            test.db.write(move |tx| {
                Box::pin(async move {
                    insert(tx, id, None).await?;
                    match id % 4 {
                        // An error of the operation's own, after it has written.
                        0 => Err(Error::NoRow),
                        // An error of the database: the key is taken by this very operation.
                        1 => insert(tx, id, None).await,
                        2 => panic!("as an operation may"),
                        _ => Ok(1),
                    }
                })
            })
        });
        for (id, result) in join_all(writes).await.into_iter().enumerate() {
            match id % 4 {
                0 => assert!(matches!(result, Err(Error::NoRow)), "{result:?}"),
                1 => assert!(result.as_ref().is_err_and(|err| err.is_unique("things_pkey")), "{result:?}"),
                2 => assert!(matches!(result, Err(Error::Panicked)), "{result:?}"),
                _ => assert_eq!(result.unwrap(), 1),
            }
        }
        assert_eq!(test.count().await, 50);
    }

    async fn an_ok_after_a_failed_statement_is_an_error(test: TestDb) {
        let test = test.with_things().await;
        let result = test
            .db
            .write(|tx| {
                Box::pin(async move {
                    insert(tx, 1, None).await?;
                    assert!(insert(tx, 1, None).await.is_err());
                    assert!(insert(tx, 2, None).await.is_err(), "nothing is done after a failure");
                    Ok::<_, Error>(())
                })
            })
            .await;
        assert!(matches!(&result, Err(Error::Other(detail)) if detail.code == "25P02"), "{result:?}");
        assert_eq!(test.count().await, 0);
    }

    async fn a_write_that_is_ended_at_its_deadline_runs_once_and_undoes_no_neighbor(test: TestDb) {
        const ENDLESS: &str = "with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < 1000000000000) \
                               insert into plinth.things (id) select max(i) from n";
        let test = test.with_things().await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let slow = test.db.write::<_, Error, _>(move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tx.set_deadline(tokio::time::Instant::now() + Duration::from_millis(200));
                insert(tx, 1000, None).await?;
                tx.query(ENDLESS).execute().await
            })
        });
        let quick = join_all((0..50_i64).map(|id| insert_one(&test.db, id)));
        let (slow, quick) = tokio::join!(slow, quick);
        assert!(matches!(slow, Err(Error::Deadline)), "{slow:?}");
        assert_eq!(runs.load(Ordering::Relaxed), 1, "run again, it would end so again");
        for result in quick {
            assert_eq!(result.unwrap(), 1);
        }
        assert_eq!(test.count().await, 50);
        // The deadline was that one's alone.
        insert_one(&test.db, 2000).await.unwrap();
    }

    async fn rows_and_values_that_are_too_large_are_refused(test: TestDb) {
        let test = test.with_things().await;
        let mut conn = test.db.read().await.unwrap();
        conn.set_most_bytes(1000);
        let text = |bytes: usize| "x".repeat(bytes);
        let (taken,): (String,) = conn.query("select cast($1 as text)").bind(text(1000)).fetch_one().await.unwrap();
        assert_eq!(taken.len(), 1000);
        let refused = conn.query("select cast($1 as text)").bind(text(1001)).fetch_one::<(String,)>().await;
        assert!(matches!(&refused, Err(Error::Other(detail)) if detail.code == "54000"), "{refused:?}");
        drop(conn);
        let written = test.db.write::<_, Error, _>(|tx| {
            Box::pin(async move {
                tx.set_most_bytes(1000);
                let sql = "insert into plinth.things (id, name) values ($1, $2) returning name";
                tx.query(sql).bind(1_i64).bind("x".repeat(1001)).fetch_all::<(String,)>().await
            })
        });
        assert!(matches!(&written.await, Err(Error::Other(detail)) if detail.code == "54000"));
        assert_eq!(test.count().await, 0);
        if !test.db.is_postgres() {
            let mut conn = test.db.read().await.unwrap();
            conn.set_longest_value(100_000);
            let made = conn.query("select replace(hex(zeroblob(50000)), '0', 'xx')").fetch_one::<(String,)>().await;
            assert!(matches!(&made, Err(Error::Other(detail)) if detail.code == "54000"), "{made:?}");
        }
    }

    async fn what_fails_at_commit_fails_alone(test: TestDb) {
        let test = test.with_things().await;
        let table = "create table plinth.parts (thing {} references plinth.things deferrable initially deferred)";
        test.set_up(&table.replace("{}", "integer"), &table.replace("{}", "bigint")).await;
        let runs = Arc::new(AtomicU32::new(0));
        let writes = (0..60_i64).map(|id| {
            let runs = Arc::clone(&runs);
            test.db.write::<_, Error, _>(move |tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                Box::pin(async move {
                    // The part comes before its thing; every tenth thing never comes.
                    tx.query("insert into plinth.parts (thing) values ($1)").bind(id).execute().await?;
                    if id % 10 == 0 { Ok(0) } else { insert(tx, id, None).await }
                })
            })
        });
        for (id, result) in join_all(writes).await.into_iter().enumerate() {
            if id % 10 == 0 {
                assert!(matches!(result, Err(Error::ForeignKey { .. })), "{id}: {result:?}");
            } else {
                assert_eq!(result.unwrap(), 1);
            }
        }
        assert_eq!(test.count().await, 54);
        assert!(test.db.is_postgres() || runs.load(Ordering::Relaxed) > 60, "none was run again, so none shared a transaction");
    }

    async fn every_increment_counts(test: TestDb) {
        let test = test.with_things().await;
        insert_one(&test.db, 0).await.unwrap();
        let sql = "select id from plinth.things";
        let writes = (0..50).map(|_| {
            test.db.write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let (value,): (i64,) = tx.query(sql).fetch_one().await?;
                    tx.query("update plinth.things set id = $1").bind(value + 1).execute().await
                })
            })
        });
        for result in join_all(writes).await {
            assert_eq!(result.unwrap(), 1);
        }
        let (value,): (i64,) = test.db.read().await.unwrap().query(sql).fetch_one().await.unwrap();
        assert_eq!(value, 50);
    }

    async fn a_caller_that_goes_away_leaves_all_or_nothing(test: TestDb) {
        let test = test.with_things().await;
        for round in 0..40_i64 {
            let write = test.db.write(move |tx| {
                Box::pin(async move {
                    insert(tx, round * 2, None).await?;
                    insert(tx, round * 2 + 1, None).await
                })
            });
            let patience = Duration::from_micros(100 * u64::try_from(round).unwrap());
            let _ = tokio::time::timeout(patience, write).await;
        }
        // Behind whatever still runs.
        insert_one(&test.db, 1_000_000).await.unwrap();
        let count = test.count().await - 1;
        assert_eq!(count % 2, 0, "{count} rows of pairs");
    }

    async fn what_is_left_in_the_middle_frees_its_connection(test: TestDb) {
        let forever = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000) select count(*) from n";
        for _ in 0..16 {
            let mut conn = test.db.read().await.unwrap();
            let read = conn.query(forever).fetch_one::<(i64,)>();
            assert!(tokio::time::timeout(Duration::from_millis(20), read).await.is_err());
        }
        let started = Instant::now();
        test.db.ping().await.unwrap();
        assert!(started.elapsed() < TIMEOUT / 2, "a reader was still counting after {:?}", started.elapsed());
    }

    async fn a_closed_database_says_so(test: TestDb) {
        let test = test.with_things().await;
        insert_one(&test.db, 1).await.unwrap();
        test.databases.close().await;
        if !test.db.is_postgres() {
            assert!(matches!(insert_one(&test.db, 2).await, Err(Error::Unavailable(_))));
            assert!(matches!(test.db.ping().await, Err(Error::Unavailable(_))));
        }
    }
}

/// A large write leaves a large log behind, which is cut once nobody writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_sqlite_is_cut_when_it_is_quiet() {
    let test = TestDb::sqlite().await;
    execute(&test.db, "create table plinth.large (bytes blob)").await.unwrap();
    let insert = test.db.write::<_, Error, _>(|tx| {
        Box::pin(async move {
            let sql = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 40) \
                       insert into plinth.large select randomblob(1048576) from n";
            tx.query(sql).execute().await
        })
    });
    insert.await.unwrap();
    let log = test.folder().join("app.db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    assert!(size() > 40 << 20, "{} bytes", size());
    eventually("the log's being cut", Duration::from_secs(30), async || (size() == 0).then_some(())).await;
    execute(&test.db, "delete from plinth.large").await.unwrap();
}

/// On SQLite: the statement is interrupted, which takes the shared transaction down; the neighbours are run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_never_ends_is_ended_on_sqlite() {
    Box::pin(never_ends(TestDb::open(None, Duration::from_millis(700)).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_never_ends_is_ended_on_postgres() {
    let test = TestDb::open(Some(fresh_database().await), Duration::from_millis(700)).await;
    Box::pin(never_ends(test)).await;
}

async fn never_ends(test: TestDb) {
    let test = test.with_things().await;
    let started = Arc::new(AtomicBool::new(false));
    let slow = {
        let started = Arc::clone(&started);
        test.db.write::<u64, Error, _>(move |tx| {
            started.store(true, Ordering::Relaxed);
            Box::pin(async move {
                insert(tx, 999, None).await?;
                let sql = "insert into plinth.things (id) with recursive n(i) as \
                           (select 1000 union all select i + 1 from n where i < 1000000000) select i from n";
                tx.query(sql).execute().await
            })
        })
    };
    let neighbors = join_all((0..20).map(|id| insert_one(&test.db, id)));
    let (slow, neighbors) = tokio::join!(slow, neighbors);
    assert!(started.load(Ordering::Relaxed));
    assert!(matches!(slow, Err(Error::Busy(_))), "{slow:?}");
    let (kept, late): (Vec<_>, Vec<_>) = neighbors.into_iter().partition(Result::is_ok);
    for result in late {
        assert!(matches!(result, Err(Error::Busy(_))), "only its turn came too late: {result:?}");
    }
    assert_eq!(test.count().await, i64::try_from(kept.len()).unwrap());
    insert_one(&test.db, 5000).await.unwrap();
    execute(&test.db, "delete from plinth.things").await.unwrap();
    assert_eq!(test.count().await, 0);
}
