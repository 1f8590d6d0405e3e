//! Reads with a deadline, reads that see one state, and rows whose columns are not known before.

use std::time::Duration;

use plinth::db::{Error, Value};
use tokio::time::Instant;

use super::fixture::{TestDb, insert_one, on_both};

/// Runs for ever, or nearly.
const ENDLESS: &str = "with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < 1000000000000) \
                       select count(*) from n";

/// Much longer than a deadline here, much shorter than the endless statement.
const SOON: Duration = Duration::from_secs(8);

on_both! {
    async fn a_deadline_ends_a_statement(test: TestDb) {
        let started = Instant::now();
        let mut conn = test.db.read().await.unwrap();
        let late = conn.query(ENDLESS).within(Duration::from_millis(100)).fetch_one::<(i64,)>().await;
        assert!(matches!(late, Err(Error::Deadline)), "{late:?}");
        drop(conn);
        let mut conn = test.db.read().await.unwrap().with_deadline(Instant::now() + Duration::from_millis(100));
        let late = conn.query(ENDLESS).fetch_one::<(i64,)>().await;
        assert!(matches!(late, Err(Error::Deadline)), "{late:?}");
        drop(conn);
        assert!(started.elapsed() < SOON);
        // Every place is free again.
        for _ in 0..20 {
            test.db.ping().await.unwrap();
        }
    }

    async fn a_deadline_that_is_kept_changes_nothing(test: TestDb) {
        let mut conn = test.db.read().await.unwrap();
        for _ in 0..3 {
            let (one,): (i64,) =
                conn.query("select cast(1 as bigint)").within(Duration::from_secs(8)).fetch_one().await.unwrap();
            assert_eq!(one, 1);
        }
    }

    async fn a_slow_read_does_not_hold_up_others(test: TestDb) {
        let slow = async {
            let mut conn = test.db.read().await.unwrap();
            conn.query(ENDLESS).within(Duration::from_secs(2)).fetch_one::<(i64,)>().await
        };
        let others = async {
            let started = Instant::now();
            for _ in 0..50 {
                test.db.ping().await.unwrap();
            }
            started.elapsed()
        };
        let (slow, others) = tokio::join!(slow, others);
        assert!(matches!(slow, Err(Error::Deadline)), "{slow:?}");
        assert!(others < Duration::from_secs(2), "they waited {others:?}");
    }

    async fn a_snapshot_sees_one_state(test: TestDb) {
        let test = test.with_things().await;
        insert_one(&test.db, 1).await.unwrap();
        let db = test.db.clone();
        let counts = test.db.read_snapshot::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let sql = "select count(*) from plinth.things";
                let (before,): (i64,) = conn.query(sql).fetch_one().await?;
                insert_one(&db, 2).await?;
                let (after,): (i64,) = conn.query(sql).fetch_one().await?;
                Ok((before, after))
            })
        });
        assert_eq!(counts.await.unwrap(), (1, 1));
        assert_eq!(test.count().await, 2);
    }

    async fn a_snapshot_that_is_left_leaves_nothing_behind(test: TestDb) {
        let test = test.with_things().await;
        for round in 0..20 {
            let left = test.db.read_snapshot::<(), Error, _>(|conn| {
                Box::pin(async move {
                    let _: (i64,) = conn.query("select count(*) from plinth.things").fetch_one().await?;
                    std::future::pending().await
                })
            });
            assert!(tokio::time::timeout(Duration::from_millis(50), left).await.is_err());
            insert_one(&test.db, round).await.unwrap();
            assert_eq!(test.count().await, round + 1, "a reader was left in an old state");
        }
        let failed = test.db.read_snapshot::<(), Error, _>(|conn| {
            Box::pin(async move { conn.query("select no_such_column").fetch_one::<(i64,)>().await.map(drop) })
        });
        assert!(failed.await.is_err());
        let empty = test.db.read_snapshot::<_, Error, _>(|_| Box::pin(async move { Ok(7) }));
        assert_eq!(empty.await.unwrap(), 7);
        assert_eq!(test.count().await, 20);
    }

    async fn rows_say_what_they_are_of(test: TestDb) {
        let mut conn = test.db.read().await.unwrap();
        let sql = "select cast(1 as bigint) as a, 'x' as b, cast(2.5 as double precision) as \"B c\", cast(null as text) as d";
        let rows = conn.query(sql).fetch_rows().await.unwrap();
        assert_eq!(rows[0].columns(), ["a", "b", "B c", "d"]);
        let values: Vec<Value> = (0..4).map(|place| rows[0].value(place).unwrap()).collect();
        assert_eq!(values[..3], [Value::Int(1), Value::Text("x".to_owned()), Value::Real(2.5)]);
        assert!(matches!(values[3], Value::Null(_)));
        assert!(rows[0].value(4).is_err());
    }
}

#[tokio::test]
async fn a_statement_that_was_prepared_before_sees_new_columns() {
    let test = TestDb::sqlite().await.with_things().await;
    test.set_up("insert into plinth.things (id, name) values (1, 'a')", "").await;
    let everything = async || {
        let mut conn = test.db.read().await.unwrap();
        let rows = conn.query("select * from plinth.things").fetch_rows().await.unwrap();
        let columns: Vec<String> = rows[0].columns().into_iter().map(str::to_owned).collect();
        (columns, (0..rows[0].columns().len()).map(|place| rows[0].value(place).unwrap()).collect::<Vec<_>>())
    };
    assert_eq!(everything().await.0, ["id", "name"]);
    test.set_up(
        "alter table plinth.things rename column name to label; alter table plinth.things add column size integer default 7",
        "",
    )
    .await;
    let (columns, values) = everything().await;
    assert_eq!(columns, ["id", "label", "size"]);
    assert_eq!(values, [Value::Int(1), Value::Text("a".to_owned()), Value::Int(7)]);
}

#[tokio::test]
async fn a_statement_may_use_its_values_in_any_order_and_more_than_once() {
    let test = TestDb::sqlite().await;
    let mut conn = test.db.read().await.unwrap();
    let sql = "select cast($2 as text) || cast($1 as text) || cast($2 as text), $3, $4";
    let row = conn.query(sql).bind("a").bind("b").bind(Vec::<u8>::new()).bind(None::<&str>).fetch_rows().await.unwrap().remove(0);
    let values: Vec<Value> = (0..3).map(|place| row.value(place).unwrap()).collect();
    assert_eq!(values[..2], [Value::Text("bab".to_owned()), Value::Bytes(Vec::new())]);
    assert!(matches!(values[2], Value::Null(_)));
}
