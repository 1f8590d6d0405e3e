//! The reference: PostgreSQL's own row level security, with nothing of the server's between.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use tokio::sync::Mutex;

use super::generate::{self, Case, Request};
use crate::support::postgres::{FreshDatabase, fresh_database};

/// What the policies and grants of a case need to be there.
const SET_UP: &str = "
create schema auth;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
grant usage on schema auth, public to public;
do $$ begin
    if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin; end if;
    if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin; end if;
exception when duplicate_object or unique_violation then null;
end $$;
";

/// A database of its own, with one connection as its owner.
pub struct Native {
    conn: Mutex<PgConnection>,
    _database: FreshDatabase,
}

/// What PostgreSQL says: rows, or the code of an error.
pub type Said = Result<Value, String>;

impl Native {
    pub async fn start() -> Self {
        let database = fresh_database().await;
        let mut conn = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
        conn.execute(SET_UP).await.expect("the set-up runs");
        conn.execute("set timezone = 'UTC'").await.expect("there is such a time zone");
        Self { conn: Mutex::new(conn), _database: database }
    }

    pub async fn prepare(&self, case: &Case) {
        let mut conn = self.conn.lock().await;
        conn.execute(AssertSqlSafe(format!("{}{}", generate::DROP, case.schema))).await.expect("the schema is PostgreSQL's");
        for (table, rows) in &case.rows {
            let sql = format!("insert into {table} select * from json_populate_recordset(null::{table}, $1::json)");
            sqlx::query(AssertSqlSafe(sql)).bind(rows.to_string()).execute(&mut *conn).await.expect("the rows fit");
        }
    }

    /// What the request's SQL says under the caller's role. Only what succeeded is kept.
    pub async fn answer(&self, request: &Request) -> Said {
        let mut conn = self.conn.lock().await;
        let user = if request.as_ada { generate::ADA } else { generate::BOB };
        let claims = format!(r#"{{"sub":"{user}","role":"authenticated"}}"#);
        let mut tx = conn.begin().await.expect("a transaction begins");
        sqlx::query("select set_config('request.jwt.claims', $1, true)").bind(claims).execute(&mut *tx).await.expect("it is set");
        tx.execute("set local role authenticated").await.expect("the role is there");
        let said = sqlx::query(AssertSqlSafe(request.sql.clone())).fetch_optional(&mut *tx).await;
        match said {
            Ok(row) => {
                tx.execute("reset role").await.expect("the owner is back");
                tx.commit().await.expect("it is kept");
                let text: Option<String> = row.and_then(|row| row.get(0));
                Ok(text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("it is JSON")))
            }
            Err(err) => {
                let code = err.as_database_error().and_then(|err| err.code()).map(|code| code.into_owned());
                tx.rollback().await.expect("it is undone");
                Err(code.unwrap_or_else(|| panic!("{err}")))
            }
        }
    }

    pub async fn rows(&self, table: &str) -> Value {
        let mut conn = self.conn.lock().await;
        let sql = format!("select coalesce(json_agg(t order by id), '[]')::text from {table} t");
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *conn).await.expect("the owner reads all");
        serde_json::from_str(&row.get::<String, _>(0)).expect("it is JSON")
    }
}

/// Whether an answer of the server is what PostgreSQL said. Of a request with more than one fault, PostgreSQL tells the one in its text
/// first; the server looks at the rights first, so that nobody learns anything about a column that is not theirs. Of a row that both a policy
/// and a foreign key forbid PostgreSQL tells the policy's refusal, the server the key's.
pub fn agrees(said: &Said, answer: &(u16, Value)) -> bool {
    match said {
        Ok(rows) => (200..300).contains(&answer.0) && super::equal(rows, &answer.1),
        Err(code) => {
            let told = &answer.1["code"];
            told == code.as_str()
                || (told == "42501" && matches!(code.as_str(), "22P02" | "42703"))
                || (told == "23503" && code == "42501")
        }
    }
}
