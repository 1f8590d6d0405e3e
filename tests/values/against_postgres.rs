//! Each value is given to PostgreSQL as well, and what both make of it is compared: text, JSON, SQLSTATE and message.

use std::fmt::Write;

use plinth::config;
use plinth::db::{Conn, Databases, Error};
use plinth::tasks::Tasks;
use plinth::types::Secret;
use plinth::values::{Type, cast_text, from_text, json, postgres_text, to_json, to_text};

use crate::support::postgres::fresh_database;

/// Texts by the type they are read as. What is none of its type must be refused in the same words.
const CASES: &[(&str, &[&str])] = &[
    ("boolean", &["t", "TRUE", " yes ", "y", "on", "1", "f", "false", "no", "off", "of", "0", "o", "2", "", "truex"]),
    ("smallint", &["0", "-32768", "32767", "32768", " 7 ", "+7", "--7", "1.5", "", "x", "1e3"]),
    ("integer", &["2147483647", "2147483648", "-2147483648", "007", "abc", "12 3"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808", "9223372036854775808", "99999999999999999999999"]),
    (
        "double precision",
        &[
            "0",
            "-0",
            "1",
            "1.5",
            "1e10",
            "1e14",
            "1e15",
            "123456789012345",
            "1234567890123456",
            "0.0001",
            "0.00001",
            "1e-5",
            "1e308",
            "1e400",
            "1e-400",
            "0.1",
            "3.141592653589793",
            "NaN",
            "inf",
            "-Infinity",
            ".5",
            "5.",
            "x",
            "",
            "1e",
            "100000000000000000000",
        ],
    ),
    ("real", &["1", "0.1", "123456", "1234567", "1e6", "0.0001", "0.00001", "3.4028235e38", "1e39", "1e-50", "16777217", "x"]),
    (
        "numeric",
        &[
            "0",
            "-0",
            "1",
            "1.50",
            "-1.50",
            "00012.3400",
            "1e3",
            "1.5e-3",
            "1E+2",
            ".5",
            "5.",
            "+3",
            "NaN",
            "x",
            "",
            "1e",
            "1 2",
            "0.000",
            "123456789012345678901234567890.123456789",
            "-0.00",
        ],
    ),
    ("numeric(5,2)", &["1", "1.005", "1.004999", "-1.005", "999.99", "999.995", "1000", "99999", "NaN", "1e2", "0.001"]),
    ("text", &["", "a", "ä\"\\\n\t", "\u{1}", "'"]),
    ("character varying(3)", &["", "abc", "äöü", "abc  ", "abcd", "ab c"]),
    ("character(4)", &["", "ab", "abcd", "abcd  ", "abcde", "ä"]),
    (
        "uuid",
        &[
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
            "",
        ],
    ),
    (
        "timestamp with time zone",
        &[
            "2026-01-31T08:05:00Z",
            "2026-01-31 08:05:00.5+00",
            "2026-01-31 08:05:00+01:30",
            "2026-01-31 08:05:00-0330",
            "2026-01-31 08:05",
            "2026-01-31",
            "2026-01-31t08:05:00z",
            "2026-01-31 08:05:00.1234567",
            "2026-01-31 08:05:00.9999999",
            "2026-01-31 23:59:60",
            "2026-01-31 24:00:00",
            "2026-01-31 08:05:00 UTC",
            "20260131T080500Z",
            "2026-01-31 8:05 PM",
            "2026-1-3 1:02:03",
            "2026-02-30 00:00:00",
            "2026-13-01",
            "2026-01-31 25:00:00",
            "2026-01-31 08:60:00",
            "2026-01-31 08:05:00+99",
            "yesterdayish",
            "",
            "2026-01-31 08:05:00 Nowhere",
            "0001-01-01 00:00:00",
            "epoch",
        ],
    ),
    (
        "timestamp without time zone",
        &[
            "2026-01-31T08:05:00Z",
            "2026-01-31 08:05:00.5+05",
            "2026-01-31",
            "x",
            "2026-01-31 08:05:00.000001",
            "2024-02-29 12:00",
        ],
    ),
    (
        "date",
        &[
            "2026-01-31",
            "2026-1-3",
            "20260131",
            "2026/01/31",
            "01/31/2026",
            "2026-01-31T08:05:00Z",
            "2026-02-29",
            "2024-02-29",
            "x",
            "",
        ],
    ),
    (
        "time without time zone",
        &["08:05", "08:05:00", "08:05:00.25", "24:00:00", "24:00:01", "25:00", "8:05 PM", "080500", "2026-01-31 08:05", "x"],
    ),
    ("json", &[r#"{"b" :1,  "a":[1, 2.50]}"#, "null", "1", "\"x\"", "{", "{\"a\":}", "", "01", "'a'", "[1,]", "truex"]),
    (
        "jsonb",
        &[
            r#"{"bb":1,"a":2,"c":{"z":null},"a":3}"#,
            "[]",
            "{}",
            "1.50",
            "1e3",
            "1E-2",
            "-0",
            "-0.0",
            r#""\u00e4\n\"\u0001""#,
            "[1, [2, {}]]",
            r#""\u0000""#,
            "{",
            "nul",
            "1e",
            "[1 2]",
            r#"{"a" 1}"#,
            "\"\t\"",
            "tru",
            r#""\ud83d\ude00""#,
            "100000000000000000000000.000",
        ],
    ),
    ("bytea", &["\\x00ff", "\\x", "\\xABcd", "abc", "a\\\\b", "\\001\\377", "\\x0", "\\xzz", "\\9"]),
    ("integer[]", &["{}", "{1,2,3}", "{1,NULL,3}", " { 1 , 2 } ", "{1", "1,2", "{a}", "{1,,2}", "{99999999999}", "{1}x"]),
    ("text[]", &["{a,b}", r#"{"a b","c,d","e\"f"}"#, r#"{"",NULL,"NULL"}"#, "{a b , c}", r"{a\,b}", "{\"a}", "{{a}"]),
    ("numeric[]", &["{1.50,2}"]),
    ("boolean[]", &["{t,false,NULL}"]),
    ("timestamp with time zone[]", &["{2026-01-31,\"2026-01-31 08:05:00+01\"}"]),
    ("jsonb[]", &[r#"{"{\"a\": 1}","[1,2]",NULL}"#]),
    ("double precision[]", &["{1,2.5,NaN,1e20}"]),
];

/// A value as text and as JSON; or the SQLSTATE and the message.
type Made = Result<(Option<String>, String), (String, String)>;

async fn by_postgres(conn: &mut Conn, ty: &str, text: &str) -> Made {
    // As a member of a request's body, since a cast would cut what is too long.
    let sql = if ty.starts_with("json") && !ty.ends_with("[]") {
        format!("select cast(x as text), cast(to_json(x) as text) from (select cast(cast($1 as text) as {ty}) as x) as r")
    } else {
        format!(
            "select cast(x as text), cast(to_json(x) as text) from json_to_record(json_build_object('x', cast($1 as text))) as r(x {ty})"
        )
    };
    conn.query_owned(sql).bind(text).fetch_one::<(Option<String>, String)>().await.map_err(|err| match &err {
        Error::Other(detail) => (detail.code.clone(), detail.told.message.expose().clone()),
        other => panic!("{ty} {text:?}: {other:?}"),
    })
}

fn by_us(ty: &Type, text: &str) -> Made {
    let value = from_text(ty, text).map_err(|err| (err.code.to_owned(), err.message))?;
    let json = to_json(ty, &value).into_owned();
    let spaced = matches!(ty, Type::Jsonb) || *ty == Type::Array(Box::new(Type::Jsonb));
    Ok((cast_text(ty, &value), if spaced { spaced_inside(ty, &json) } else { json }))
}

/// PostgreSQL puts spaces into `jsonb`, but not between the elements of an array of it.
fn spaced_inside(ty: &Type, shown: &str) -> String {
    if matches!(ty, Type::Jsonb) {
        return json::spaced(shown);
    }
    let mut elements = Vec::new();
    json::each(shown, |element| elements.push(json::spaced(element))).unwrap();
    format!("[{}]", elements.join(","))
}

async fn databases() -> (crate::support::postgres::FreshDatabase, Databases) {
    let fresh = fresh_database().await;
    let url = Some(Secret::new(fresh.url().to_owned()));
    let config = config::Database { url, connections: 2, timeout: std::time::Duration::from_secs(20) };
    let folder = tempfile::tempdir().unwrap();
    let databases = Databases::open(&config, folder.path(), &Tasks::new(tokio::runtime::Handle::current())).await.unwrap();
    (fresh, databases)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_read_and_written_alike() {
    let (_fresh, databases) = databases().await;
    let mut conn = databases.app.read().await.unwrap();
    let mut faults = String::new();
    for (name, texts) in CASES {
        let ty: Type = name.parse().unwrap();
        for text in *texts {
            let (theirs, ours) = (by_postgres(&mut conn, name, text).await, by_us(&ty, text));
            if theirs != ours {
                writeln!(faults, "{name} {text:?}\n  PostgreSQL {theirs:?}\n  here       {ours:?}").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    databases.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bound_as_text_comes_back_the_same() {
    let (_fresh, databases) = databases().await;
    let mut conn = databases.app.read().await.unwrap();
    for (name, texts) in CASES {
        let ty: Type = name.parse().unwrap();
        for value in texts.iter().filter_map(|text| from_text(&ty, text).ok()) {
            let bound = postgres_text(&ty, &value);
            let sql = format!("select cast(cast(cast($1 as text) as {name}) as text)");
            let (back,): (String,) = conn.query_owned(sql).bind(bound).fetch_one().await.unwrap();
            // By its text, since a NaN is not equal to itself.
            let back = from_text(&ty, &back).unwrap();
            assert_eq!(to_text(&ty, &back), to_text(&ty, &value), "{name}");
        }
    }
    databases.close().await;
}
