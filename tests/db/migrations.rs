//! The server's own schema: applied once, whole, and never over a newer one.

use plinth::db::{Databases, Error, MIGRATIONS, Migration};
use plinth::types::Clock;

use super::fixture::{TIMEOUT, TestDb, config_of, execute, on_both, tasks};
use crate::support::postgres::fresh_database;

const GOOD: Migration = Migration {
    number: 9001,
    name: "good",
    sqlite: "create table plinth.good (id integer primary key) strict;\ninsert into plinth.good values (1);",
    postgres: "create table plinth.good (id bigint primary key);\ninsert into plinth.good values (1);",
};

const OF_SYSTEM: Migration = Migration {
    number: 9002,
    name: "of_system",
    sqlite: "-- database: system\ncreate table plinth.of_system (id integer primary key) strict;",
    postgres: "-- database: system\ncreate table plinth.of_system (id bigint primary key);",
};

const BAD: Migration = Migration {
    number: 9003,
    name: "bad",
    sqlite: "create table plinth.half (id integer) strict; insert into plinth.half values (1); insert into nowhere values (1);",
    postgres: "create table plinth.half (id bigint); insert into plinth.half values (1); insert into nowhere values (1);",
};

fn all(more: &[Migration]) -> Vec<Migration> {
    MIGRATIONS.iter().chain(more).copied().collect()
}

async fn exists(databases: &Databases, table: &str) -> (bool, bool) {
    let sql = format!("select count(*) from plinth.{table}");
    let mut app = databases.app.read().await.unwrap();
    let mut system = databases.system.read().await.unwrap();
    (
        app.query_owned(sql.clone()).fetch_one::<(i64,)>().await.is_ok(),
        system.query_owned(sql).fetch_one::<(i64,)>().await.is_ok(),
    )
}

on_both! {
    async fn they_are_applied_once(test: TestDb) {
        let clock = Clock::system();
        for _ in 0..3 {
            test.databases.apply(&all(&[GOOD, OF_SYSTEM]), &clock).await.unwrap();
        }
        let mut conn = test.db.read().await.unwrap();
        let (rows,): (i64,) = conn.query("select count(*) from plinth.good").fetch_one().await.unwrap();
        assert_eq!(rows, 1);
        let both = test.db.is_postgres();
        assert_eq!(exists(&test.databases, "good").await, (true, both));
        assert_eq!(exists(&test.databases, "of_system").await, (both, true));
    }

    async fn one_that_fails_leaves_nothing(test: TestDb) {
        let clock = Clock::system();
        let err = test.databases.apply(&all(&[GOOD, BAD]), &clock).await.unwrap_err();
        assert!(err.to_string().starts_with("migration 9003_bad: "), "{err}");
        assert_eq!(exists(&test.databases, "half").await, (false, false));
        assert!(exists(&test.databases, "good").await.0, "the one before it stays");
        // The connection is as good as before.
        test.databases.apply(&all(&[GOOD, OF_SYSTEM]), &clock).await.unwrap();
        execute(&test.db, "insert into plinth.good values (2)").await.unwrap();
    }

    async fn a_newer_schema_is_refused(test: TestDb) {
        let clock = Clock::system();
        test.databases.apply(&all(&[GOOD, OF_SYSTEM]), &clock).await.unwrap();
        let err = test.databases.migrate(&clock).await.unwrap_err();
        let newest = MIGRATIONS.last().unwrap().number;
        match &err {
            Error::NewerSchema { found: 9001 | 9002, known, .. } => assert_eq!(*known, newest),
            other => panic!("{other:?}"),
        }
        // And where only the system database is newer.
        execute(&test.databases.app, "delete from plinth.migrations where number = 9001").await.unwrap();
        let err = test.databases.migrate(&clock).await.unwrap_err();
        assert!(matches!(err, Error::NewerSchema { found: 9002, .. }), "{err:?}");
    }

    async fn one_that_was_changed_is_refused(test: TestDb) {
        let clock = Clock::system();
        test.databases.apply(&all(&[GOOD]), &clock).await.unwrap();
        let changed = Migration { sqlite: "select 1", postgres: "select 1", ..GOOD };
        let renamed = Migration { name: "renamed", ..GOOD };
        for other in [changed, renamed] {
            let err = test.databases.apply(&all(&[other]), &clock).await.unwrap_err();
            assert!(err.to_string().starts_with("migration 9001_good: its text was changed"), "{err}");
        }
        let gone = test.databases.apply(&all(&[OF_SYSTEM]), &clock).await.unwrap_err();
        assert!(gone.to_string().contains("does not have it"), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_do_not_collide() {
    let fresh = fresh_database().await;
    let config = config_of(Some(&fresh), TIMEOUT);
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let nodes = (0..5).map(|_| async {
        let databases = Databases::open(&config, folder.path(), &tasks()).await.unwrap();
        databases.apply(&all(&[GOOD]), &clock).await.unwrap();
        databases.close().await;
    });
    futures_util::future::join_all(nodes).await;
    let databases = Databases::open(&config, folder.path(), &tasks()).await.unwrap();
    assert_eq!(exists(&databases, "good").await, (true, true));
    databases.close().await;
}

#[test]
fn they_are_numbered_in_order_and_named_like_their_files() {
    for (place, migration) in MIGRATIONS.iter().enumerate() {
        assert_eq!(migration.number, i64::try_from(place).unwrap() + 1);
        for (kind, text) in [("sqlite", migration.sqlite), ("postgres", migration.postgres)] {
            let file = format!("{}/migrations/{kind}/{:04}_{}.sql", env!("CARGO_MANIFEST_DIR"), migration.number, migration.name);
            assert_eq!(std::fs::read_to_string(&file).expect(&file), text);
        }
        let first = |text: &str| text.lines().next().map(|line| line.starts_with("-- database:"));
        assert_eq!(first(migration.sqlite), first(migration.postgres), "{}", migration.name);
    }
    for kind in ["sqlite", "postgres"] {
        let folder = format!("{}/migrations/{kind}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), MIGRATIONS.len(), "a file is not in the table");
    }
}
