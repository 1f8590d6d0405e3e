//! What the portable subset lacks is refused with its place, PostgreSQL's code and what to write instead.

use super::{refused, run};
use crate::support::TestApp;

#[tokio::test]
async fn each_construct_that_is_lacking_says_so() {
    let app = TestApp::start().await;
    run(&app, "create table t (id int primary key, at timestamptz, name text, data jsonb)").await;
    let cases = [
        ("create function f() returns trigger language plpgsql as $$ begin new.x = 1; return new; end $$", "0A000"),
        ("savepoint a", "25001"),
        ("create table u (a int[][])", "0A000"),
        ("create table u (a money)", "0A000"),
        ("create table u (a int references t (name))", "42830"),
        ("create table plinth_x (a int)", "42939"),
        ("create table auth.x (a int)", "42501"),
        ("create extension postgis", "0A000"),
        ("create function f() returns int language plpgsql as $$ begin return 1; end $$", "0A000"),
        ("create materialized view m as select 1 as a", "0A000"),
        ("create policy p on t using (name = auth.jwt() -> 'user_metadata' ->> 'name')", "0A000"),
        ("create policy p on t using (other = 1)", "42703"),
        ("grant select on t to joe", "42704"),
        ("select id from t where row_number() over () = 1", "42P20"),
        ("with recursive r as (select 1) select * from r", "0A000"),
        ("select row_number() over w from t window w as (order by id)", "0A000"),
        ("select * from t full join t u on true", "0A000"),
        ("select name, count(*) from t", "42803"),
        ("select * from auth.sessions", "42501"),
        ("select encrypted_password from auth.users", "42703"),
        ("update auth.users set email = 'x'", "42501"),
        ("select name + 1 from t", "42883"),
        ("select * from t where at > 'yesterday at noon'", "22007"),
        ("select 1 where 'x'", "22P02"),
        ("insert into t (id, name) values (1)", "42601"),
        ("selec 1", "42601"),
    ];
    for (sql, code) in cases {
        let problem = refused(&app, sql).await;
        assert_eq!(problem["code"], code, "{sql}: {problem}");
        assert!(problem["line"].as_u64().is_some_and(|line| line == 1), "{sql}: {problem}");
        if code == "0A000" {
            assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{sql}: {problem}");
        }
    }
}
