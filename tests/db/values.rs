//! A value that is bound comes back as it was, on both databases.

use plinth::db::{Db, Error, Kind, Result, Value};
use plinth::types::{FunctionName, Timestamp, UserId};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use uuid::Uuid;

use super::fixture::{TestDb, on_both};

const SQLITE: &str = "create table plinth.everything (id integer primary key, bool integer, int integer, real real, text text, \
                      bytes blob, uuid text, time text, json text) strict";
const POSTGRES: &str = "create table plinth.everything (id bigint primary key, bool boolean, int bigint, real double precision, \
                        text text, bytes bytea, uuid uuid, time timestamptz, json jsonb)";

/// One value of each kind.
#[derive(Clone, Debug, PartialEq)]
struct Everything {
    bool: Option<bool>,
    int: Option<i64>,
    real: Option<f64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    uuid: Option<Uuid>,
    time: Option<Timestamp>,
    json: Option<serde_json::Value>,
}

impl plinth::db::FromRow for Everything {
    fn from_row(row: &plinth::db::Row) -> Result<Self> {
        Ok(Self {
            bool: row.get("bool")?,
            int: row.get("int")?,
            real: row.get("real")?,
            text: row.get("text")?,
            bytes: row.get("bytes")?,
            uuid: row.get("uuid")?,
            time: row.get("time")?,
            json: row.get("json")?,
        })
    }
}

impl Everything {
    async fn insert(self, db: &Db) -> Result<Self> {
        let sql = "insert into plinth.everything (id, bool, int, real, text, bytes, uuid, time, json) \
                   select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 from plinth.everything \
                   returning bool, int, real, text, bytes, uuid, time, json";
        db.write(move |tx| {
            let row = self.clone();
            Box::pin(async move {
                let query = tx.query(sql).bind(row.bool).bind(row.int).bind(row.real).bind(row.text);
                query.bind(row.bytes).bind(row.uuid).bind(row.time).bind(row.json).fetch_one().await
            })
        })
        .await
    }
}

/// JSON that PostgreSQL keeps as it is: no NUL, and no floats whose digits it would write otherwise.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        (-1000_i32..1000).prop_map(|number| json!(f64::from(number) / 8.0 + 0.0625)),
        "[^\\x00]{0,20}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[^\\x00]{0,8}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    // From year 1 to 9999, as RFC 3339 can write.
    let time = (-62_135_596_800_000_000_i64..253_402_300_799_999_999).prop_map(|micros| Timestamp::from_micros(micros).unwrap());
    let real = any::<f64>().prop_filter("SQLite has no NaN", |real| !real.is_nan());
    let uuid = any::<u128>().prop_map(Uuid::from_u128);
    (
        any::<Option<bool>>(),
        any::<Option<i64>>(),
        prop::option::of(real),
        prop::option::of("[^\\x00]{0,40}"),
        any::<Option<Vec<u8>>>(),
        prop::option::of(uuid),
        prop::option::of(time),
        prop::option::of(json()),
    )
        .prop_map(|(bool, int, real, text, bytes, uuid, time, json)| Everything {
            bool,
            int,
            real,
            text,
            bytes,
            uuid,
            time,
            json,
        })
}

on_both! {
    async fn every_value_comes_back(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let handle = tokio::runtime::Handle::current();
        let db = test.db.clone();
        let checked = tokio::task::spawn_blocking(move || -> std::result::Result<(), String> {
            let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
            TestRunner::new(config).run(&everything(), |row| {
                let back = handle.block_on(row.clone().insert(&db)).expect("the row is inserted");
                prop_assert_eq!(row, back);
                Ok(())
            })
            .map_err(|err| err.to_string())
        });
        checked.await.unwrap().unwrap();
    }

    async fn times_sort_as_times(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let micros = [0, -1, 1, 999_999, 1_000_000, 1_700_000_000_000_000, -62_000_000_000_000_000];
        for micros in micros {
            let time = Timestamp::from_micros(micros);
            let row = Everything { bool: None, int: None, real: None, text: None, bytes: None, uuid: None, time, json: None };
            row.insert(&test.db).await.unwrap();
        }
        let mut conn = test.db.read().await.unwrap();
        let sorted: Vec<(Timestamp,)> =
            conn.query("select time from plinth.everything order by time").fetch_all().await.unwrap();
        let mut expected = micros;
        expected.sort_unstable();
        assert_eq!(sorted.iter().map(|(time,)| time.micros()).collect::<Vec<_>>(), expected);
        let before: Vec<(Timestamp,)> = conn
            .query("select time from plinth.everything where time < $1")
            .bind(Timestamp::from_micros(0))
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(before.len(), 2);
    }

    async fn domain_types_are_columns_too(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let (user, name): (UserId, FunctionName) = (UserId::random(), "hello-world_1".parse().unwrap());
        let digest = [7_u8; 32];
        let back: (UserId, FunctionName, [u8; 32], Option<i32>) = test
            .db
            .write::<_, Error, _>(move |tx| {
                let name = name.clone();
                Box::pin(async move {
                    let sql = "insert into plinth.everything (id, uuid, text, bytes, int) values (1, $1, $2, $3, $4) \
                               returning uuid, text, bytes, int";
                    tx.query(sql).bind(user).bind(&name).bind(digest).bind(None::<i32>).fetch_one().await
                })
            })
            .await
            .unwrap();
        assert_eq!(back, (user, "hello-world_1".parse().unwrap(), digest, None));
        let mut conn = test.db.read().await.unwrap();
        let short = conn.query("select bytes from plinth.everything").fetch_one::<([u8; 16],)>().await;
        assert!(short.is_err());
    }
}

#[test]
fn a_value_is_not_shown() {
    let secret = Value::from("hunter2");
    assert_eq!(format!("{secret:?}"), "Text(…)");
    assert_eq!(format!("{:?}", Value::from(None::<&str>)), "Null(Text)");
    assert_eq!(Value::from(Some(5_i64)).kind(), Kind::Int);
}
