//! One app on three databases: SQLite, PostgreSQL with the server's own policies, and PostgreSQL with its native row level security as
//! a plain role. Generated policies, rows and requests; the answers must be equal.
//!
//! A seed makes a whole case. Seeds that found something once are kept in [`KEPT`]; some more are run each time, and as many as
//! `PLINTH_TEST_SEEDS` says by `make soak`.

mod chance;
mod generate;
mod native;

use serde_json::{Value, json};

use self::chance::Chance;
use self::generate::{Case, Request};
use self::native::Native;
use crate::support::{Options, TestApp, User, environment};

/// Seeds that once found a difference.
const KEPT: &[u64] = &[20];

/// Further seeds of an ordinary run.
const ORDINARY: u64 = 6;

/// Requests of a case.
const REQUESTS: usize = 40;

/// A server and its two users.
struct Side {
    app: TestApp,
    ada: User,
    bob: User,
}

impl Side {
    async fn start(postgres: bool) -> Self {
        let app = TestApp::start_as(Options { postgres: Some(postgres), ..Options::default() }).await;
        let ada = app.sign_up("ada@example.com").await;
        let bob = app.sign_up("bob@example.com").await;
        Self { app, ada, bob }
    }

    /// Puts this server's ids of users where a case names them.
    fn localised(&self, text: &str) -> String {
        text.replace(generate::ADA, &self.ada.id).replace(generate::BOB, &self.bob.id)
    }

    /// An answer with the users' ids as a case names them: its status, its error's code, and its body.
    async fn send(&self, request: &Request) -> (u16, Value) {
        let user = if request.as_ada { &self.ada } else { &self.bob };
        let path = self.localised(&request.path);
        let mut sent = user.request(request.method.clone(), &path).header("prefer", request.prefer);
        if let Some(body) = &request.body {
            sent = sent.header("content-type", "application/json").body(self.localised(&body.to_string()));
        }
        let answer = sent.await;
        let text = answer.text().replace(&self.ada.id, generate::ADA).replace(&self.bob.id, generate::BOB);
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the answer is JSON") };
        match answer.status() {
            status @ 200..300 => (status, body),
            status => (status, json!({ "code": body["code"] })),
        }
    }

    /// Every row there is, as the owner sees them.
    async fn rows(&self, table: &str) -> Value {
        let answer = self.app.service().get(&format!("/rest/v1/{table}?order=id")).await;
        let text = answer.assert_status(200).text().replace(&self.ada.id, generate::ADA).replace(&self.bob.id, generate::BOB);
        serde_json::from_str(&text).expect("rows are JSON")
    }

    async fn prepare(&self, case: &Case) {
        let sql = format!("{}{}", generate::DROP, case.schema);
        self.app.service().post("/admin/v1/sql").json(&json!({ "sql": self.localised(&sql) })).await.assert_status(200);
        for (table, rows) in &case.rows {
            let body = self.localised(&rows.to_string());
            let sent =
                self.app.service().post(&format!("/rest/v1/{table}")).header("content-type", "application/json").body(body);
            sent.await.assert_status(201);
        }
    }
}

#[tokio::test]
async fn answers_are_equal_on_sqlite_on_postgresql_and_under_native_row_level_security() {
    let sqlite = Side::start(false).await;
    let postgres = Side::start(true).await;
    let native = Native::start().await;
    let more = environment("PLINTH_TEST_SEEDS").map_or(ORDINARY, |count| count.parse().expect("PLINTH_TEST_SEEDS is a number"));
    for seed in KEPT.iter().copied().chain(1..=more) {
        let case = Case::generate(&mut Chance::new(seed), REQUESTS);
        tokio::join!(sqlite.prepare(&case), postgres.prepare(&case), native.prepare(&case));
        for table in ["groups", "items"] {
            let (lite, ours, expected) = tokio::join!(sqlite.rows(table), postgres.rows(table), native.rows(table));
            assert!(equal(&lite, &expected), "seed {seed}: {table} on SQLite {lite:#}\ndiffers from {expected:#}");
            assert!(equal(&ours, &expected), "seed {seed}: {table} on PostgreSQL {ours:#}\ndiffers from {expected:#}");
        }
        for (place, request) in case.requests.iter().enumerate() {
            let expected = native.answer(request).await;
            let (lite, ours) = tokio::join!(sqlite.send(request), postgres.send(request));
            let about = || format!("seed {seed}, request {place}: {request:#?}\n{}\nnatively: {}", case.schema, request.sql);
            assert!(same(&lite, &ours), "SQLite {lite:#?}\ndiffers from PostgreSQL {ours:#?}\n{}", about());
            assert!(native::agrees(&expected, &ours), "native {expected:#?}\ndiffers from PostgreSQL {ours:#?}\n{}", about());
            if request.writes {
                let (lite, ours) = tokio::join!(sqlite.rows("items"), postgres.rows("items"));
                assert!(equal(&lite, &ours), "rows on SQLite {lite:#}\ndiffer from PostgreSQL's {ours:#}\n{}", about());
                let expected = native.rows("items").await;
                assert!(equal(&expected, &ours), "rows natively {expected:#}\ndiffer from PostgreSQL's {ours:#}\n{}", about());
            }
        }
    }
}

fn same(left: &(u16, Value), right: &(u16, Value)) -> bool {
    left.0 == right.0 && equal(&left.1, &right.1)
}

/// Whether two JSON values are the same; numbers by value, since `1.0` and `1` are one number.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| equal(l, r)))
        }
        _ => left == right,
    }
}
