//! Violated constraints have the same name on both databases.

use plinth::db::Error;

use super::fixture::{TestDb, execute, on_both};

const SQLITE: &str = "
    create table plinth.teams (id integer primary key, name text not null unique, size integer check (size > 0)) strict;
    create table plinth.members (team integer not null references plinth.teams, email text not null, primary key (team, email)) strict;
    create unique index members_lower_email on plinth.members (lower(email));
    create unique index an_index_of_any_name on plinth.teams (size, name)";

const POSTGRES: &str = "
    create table plinth.teams (id bigint primary key, name text not null unique, size bigint constraint size check (size > 0));
    create table plinth.members (team bigint not null references plinth.teams, email text not null, primary key (team, email));
    create unique index members_lower_email on plinth.members (lower(email));
    create unique index an_index_of_any_name on plinth.teams (size, name)";

fn unique(result: Result<u64, Error>) -> (Option<String>, Option<String>) {
    match result {
        Err(Error::Unique { table, constraint, .. }) => (table, constraint),
        other => panic!("not a unique violation: {other:?}"),
    }
}

fn named(table: &str, constraint: &str) -> (Option<String>, Option<String>) {
    (Some(table.to_owned()), Some(constraint.to_owned()))
}

on_both! {
    async fn unique_violations_are_named_alike(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let run = |sql: &'static str| execute(&test.db, sql);
        run("insert into plinth.teams values (1, 'red', 3)").await.unwrap();
        run("insert into plinth.members values (1, 'Ada@example.com')").await.unwrap();

        let team = |constraint| named("plinth.teams", constraint);
        assert_eq!(unique(run("insert into plinth.teams values (1, 'blue', 4)").await), team("teams_pkey"));
        assert_eq!(unique(run("insert into plinth.teams values (2, 'red', 4)").await), team("teams_name_key"));
        let sql = "insert into plinth.members values (1, 'Ada@example.com')";
        let (table, constraint) = unique(run(sql).await);
        // Two are violated; which one is found first is the database's choice.
        let constraint = constraint.unwrap();
        assert!(["members_pkey", "members_lower_email"].contains(&constraint.as_str()), "{table:?} {constraint}");
        let (_, constraint) = unique(run("insert into plinth.members values (1, 'ada@example.com')").await);
        assert_eq!(constraint.as_deref(), Some("members_lower_email"));
    }

    async fn an_index_is_named_by_its_columns(test: TestDb) {
        let table = "create table plinth.pairs (a {}, b {}); create unique index whatever on plinth.pairs (a, b)";
        test.set_up(&table.replace("{}", "integer"), &table.replace("{}", "bigint")).await;
        execute(&test.db, "insert into plinth.pairs values (1, 2)").await.unwrap();
        let again = execute(&test.db, "insert into plinth.pairs values (1, 2)").await;
        assert_eq!(unique(again), named("plinth.pairs", "pairs_a_b_key"));
    }

    async fn other_violations_are_told_apart(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let run = |sql: &'static str| execute(&test.db, sql);
        let nobody = run("insert into plinth.members values (7, 'ada@example.com')").await;
        assert!(matches!(nobody, Err(Error::ForeignKey { .. })), "{nobody:?}");
        let nameless = run("insert into plinth.teams values (1, null, 1)").await;
        assert!(matches!(&nameless, Err(Error::NotNull { column: Some(column), .. }) if column == "name"), "{nameless:?}");
        let empty = run("insert into plinth.teams values (1, 'red', 0)").await;
        assert!(matches!(&empty, Err(Error::Check { constraint: Some(_), .. })), "{empty:?}");
    }

    async fn a_violation_is_told_in_the_same_words(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let run = |sql: &'static str| execute(&test.db, sql);
        run("insert into plinth.teams values (1, 'red', 3)").await.unwrap();

        let err = run("insert into plinth.teams values (2, 'red', 4)").await.unwrap_err();
        let told = err.told().unwrap();
        assert_eq!((told.code.as_str(), told.columns.as_slice()), ("23505", ["name".to_owned()].as_slice()));
        assert_eq!(told.message.expose(), "duplicate key value violates unique constraint \"teams_name_key\"");
        assert_eq!(told.details.expose().is_some(), test.db.is_postgres());

        let err = run("insert into plinth.teams values (2, null, 4)").await.unwrap_err();
        let told = err.told().unwrap();
        assert_eq!((told.code.as_str(), told.columns.as_slice()), ("23502", ["name".to_owned()].as_slice()));
        let expected = "null value in column \"name\" of relation \"teams\" violates not-null constraint";
        assert_eq!(told.message.expose(), expected);
        assert!(matches!(&err, Error::NotNull { table: Some(table), .. } if table == "plinth.teams"), "{err:?}");

        let err = run("insert into plinth.teams values (2, 'blue', 0)").await.unwrap_err();
        assert_eq!(err.told().unwrap().code, "23514");
        let err = run("insert into plinth.members values (7, 'x')").await.unwrap_err();
        assert_eq!(err.told().unwrap().code, "23503");
        let on_postgres = matches!(&err, Error::ForeignKey { constraint: Some(name), .. } if name == "members_team_fkey");
        assert_eq!(on_postgres, test.db.is_postgres(), "{err:?}");
    }

    async fn an_error_shows_no_value(test: TestDb) {
        test.set_up(SQLITE, POSTGRES).await;
        let secret = "hunter2-not-for-logs";
        let insert = || test.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                tx.query("insert into plinth.teams values (1, $1, 1)").bind(secret).execute().await
            })
        });
        insert().await.unwrap();
        let unique = insert().await.unwrap_err();
        let cast = test.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let sql = "insert into plinth.teams values (2, $1, cast(json_extract($1, '$') as integer))";
                let sql = if tx.is_postgres() { "insert into plinth.teams values (2, 'x', cast($1 as bigint))" } else { sql };
                tx.query(sql).bind(secret).execute().await
            })
        });
        let cast = cast.await.unwrap_err();
        let mut conn = test.db.read().await.unwrap();
        let decoded = conn.query("select name from plinth.teams").fetch_one::<(i64,)>().await.unwrap_err();
        for err in [unique, cast, decoded] {
            assert!(!format!("{err} {err:?}").contains("hunter2"), "{err} {err:?}");
        }
    }

    async fn a_missing_column_or_a_wrong_type_is_named(test: TestDb) {
        let mut conn = test.db.read().await.unwrap();
        let sql = "select cast(1 as bigint) as one, cast(null as text) as two";
        let null = conn.query(sql).fetch_one::<(i64, String)>().await;
        assert!(matches!(&null, Err(Error::Column { column, .. }) if column == "1"), "{null:?}");
        let wrong = conn.query(sql).fetch_one::<(String,)>().await;
        assert!(matches!(&wrong, Err(Error::Column { column, .. }) if column == "0"), "{wrong:?}");
        let missing = conn.query(sql).fetch_one::<(i64, Option<String>, i64)>().await;
        assert!(matches!(&missing, Err(Error::Column { column, .. }) if column == "2"), "{missing:?}");
        let none = conn.query("select 1 where 1 = 2").fetch_one::<(i64,)>().await;
        assert!(matches!(none, Err(Error::NoRow)));
    }
}
