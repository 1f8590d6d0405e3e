//! Requests and the index that each database serves them by.

use plinth::data::plan::{Incoming, Planner, Purpose, Relationships};
use plinth::data::request::{Body, Content};
use plinth::db::Dialect;
use plinth::policy::Caller;
use plinth::sql::catalog::Grantee;
use plinth::sql::compile::{self, Bindings, Context, Owner};
use plinth::types::Clock;

use super::fixture::App;

const SCHEMA: &str = "
    create table teams (id bigint primary key, name text not null);
    create table members (team_id bigint not null references teams, user_id uuid not null, primary key (team_id, user_id));
    create table notes (
        id bigint primary key, owner uuid not null, team_id bigint not null references teams, handle text not null unique, title text not null,
        subtitle text, price numeric(10, 2), done boolean not null, code char(4), short varchar(20), stars integer, ratio double precision,
        day date, created_at timestamptz not null, deleted_at timestamptz, meta jsonb, tags text[], body text,
        words tsvector generated always as (to_tsvector('english', title)) stored
    );
    create table shared (id bigint primary key, team_id bigint not null references teams, owner uuid not null);
    create index members_user on members (user_id);
    create index notes_owner on notes (owner);
    create index notes_team on notes (team_id);
    create index notes_title on notes (title);
    create index notes_subtitle on notes (subtitle);
    create index notes_price on notes (price);
    create index notes_done on notes (done);
    create index notes_short on notes (short);
    create index notes_stars on notes (stars);
    create index notes_ratio on notes (ratio);
    create index notes_day on notes (day);
    create index notes_created on notes (created_at desc);
    create index notes_deleted on notes (deleted_at);
    create index notes_open on notes (created_at) where deleted_at is null;
    create index notes_lower on notes (lower(title));
    create index notes_kind on notes ((meta ->> 'kind'));
    create index notes_rank on notes (((meta ->> 'rank')::numeric));
    create index notes_both on notes (team_id, created_at desc);
    create index notes_body on notes using gin (to_tsvector('english', body));
    create index notes_all on notes using gin (to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(subtitle, '')));
    create index notes_words on notes using gin (words);
    create index notes_meta on notes using gin (meta);
    create index notes_tags on notes using gin (tags);
    create index shared_team on shared (team_id);
    create index shared_owner on shared (owner);
    create function search(q text) returns setof notes language sql stable as $$
        select * from notes where to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(subtitle, '')) @@ websearch_to_tsquery('simple', q)
    $$;
    alter table notes enable row level security;
    grant select on notes, teams, members, shared to authenticated;
    create policy own on notes for select to authenticated using (owner = auth.uid());
    alter table shared enable row level security;
    create policy own on shared for select to authenticated
        using (exists (select 1 from members m where m.team_id = shared.team_id and m.user_id = auth.uid()));
    alter table teams enable row level security;
    create policy member on teams for select to authenticated
        using (id in (select m.team_id from members m where m.user_id = auth.uid()));
";

/// Rows without a server's own work: 3,000 notes.
const ROWS: [(&str, &str); 2] = [
    (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) insert into notes \
         select i, printf('00000000-0000-4000-8000-%012d', i), i % 100, 'h' || i, 'title ' || i, 'sub ' || i, i || '.00', i % 2, 'c' || (i % 10), \
         's' || i, i % 50, i / 7.0, '2026-01-01', printf('2026-01-%02dT00:00:00.000000Z', 1 + i % 28), null, '{\"kind\":\"k' || i || '\",\"rank\":' || i || '}', '[\"t' || i || '\"]', \
         'word' || i || ' and' from n",
        "insert into public.notes select i, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, i % 100, 'h' || i, 'title ' || i, 'sub ' || i, i, \
         i % 2 = 1, 'c' || (i % 10), 's' || i, i % 50, i / 7.0, '2026-01-01', timestamptz '2026-01-01 00:00:00Z' + (i % 28) * interval '1 day', null, \
         jsonb_build_object('kind', 'k' || i, 'rank', i), array['t' || i], 'word' || i || ' and' from generate_series(1, 3000) as i",
    ),
    (
        "with recursive n(i) as (select 0 union all select i + 1 from n where i < 99) insert into teams select i, 'team ' || i from n",
        "insert into public.teams select i, 'team ' || i from generate_series(0, 99) as i",
    ),
];

/// A request, and what stands in the plan on SQLite and on PostgreSQL; `-` where no index serves it.
const READS: &[(&str, &str, &str)] = &[
    // Equality, by type.
    ("notes?select=id&owner=eq.00000000-0000-4000-8000-000000000007", "notes_owner", "notes_owner"),
    ("notes?select=title&id=eq.7", "INTEGER PRIMARY KEY", "notes_pkey"),
    ("notes?select=id&handle=eq.h7", "notes_1", "notes_handle_key"),
    ("notes?select=id&title=eq.x", "notes_title", "notes_title"),
    ("notes?select=id&short=eq.x", "notes_short", "notes_short"),
    ("notes?select=id&price=eq.7", "notes_price", "notes_price"),
    ("notes?select=id&done=eq.true", "notes_done", "notes_done"),
    ("notes?select=id&ratio=eq.0.5", "notes_ratio", "notes_ratio"),
    ("notes?select=id&created_at=eq.2026-01-03T00:00:00Z", "notes_created", "notes_created"),
    ("notes?select=id&day=eq.2026-01-03", "notes_day", "notes_day"),
    ("notes?select=id&meta->>kind=eq.k7", "notes_kind", "notes_kind"),
    // Lists, bound as one.
    ("notes?select=title&id=in.(1,2,3)", "INTEGER PRIMARY KEY", "notes_pkey"),
    ("notes?select=id&title=in.(a,b)", "notes_title", "notes_title"),
    ("notes?select=id&price=in.(1,2)", "notes_price", "notes_price"),
    (
        "notes?select=id&owner=in.(00000000-0000-4000-8000-000000000007,00000000-0000-4000-8000-000000000008)",
        "notes_owner",
        "notes_owner",
    ),
    ("notes?select=id&created_at=in.(2026-01-03T00:00:00Z,2026-01-04T00:00:00Z)", "notes_created", "notes_created"),
    ("notes?select=id&meta->>kind=in.(a,b)", "notes_kind", "notes_kind"),
    // Ranges.
    ("notes?select=id&title=gt.title 9&title=lt.title 91", "notes_title", "notes_title"),
    ("notes?select=id&price=gte.2999", "notes_price", "notes_price"),
    ("notes?select=id&stars=lt.2", "notes_stars", "notes_stars"),
    ("notes?select=id&created_at=gte.2026-01-28T00:00:00Z", "notes_created", "notes_created"),
    ("notes?select=id&meta->>kind=gt.k999", "notes_kind", "notes_kind"),
    ("notes?select=id&title=like.title 9*", "notes_title", "notes_title"),
    // Nulls.
    ("notes?select=id&subtitle=is.null", "notes_subtitle", "notes_subtitle"),
    ("notes?select=id&stars=is.null", "notes_stars", "notes_stars"),
    // Order, with nulls where the client wants them.
    ("notes?select=id&order=title.asc&limit=20", "notes_title", "notes_title"),
    ("notes?select=id&order=title.desc&limit=20", "notes_title", "notes_title"),
    ("notes?select=id&order=subtitle.asc&limit=20", "notes_subtitle", "notes_subtitle"),
    ("notes?select=id&order=subtitle.desc&limit=20", "notes_subtitle", "notes_subtitle"),
    ("notes?select=id&order=price.asc&limit=20", "notes_price", "notes_price"),
    ("notes?select=id&order=created_at.desc&limit=20", "notes_created", "notes_created"),
    ("notes?select=id&order=stars.desc&limit=20", "notes_stars", "notes_stars"),
    ("notes?select=id&order=meta->>kind.asc&limit=20", "notes_kind", "notes_kind"),
    ("notes?select=id&team_id=eq.7&order=created_at.desc&limit=20", "notes_both", "notes_both"),
    ("notes?select=id&deleted_at=is.null&order=created_at.asc&limit=20", "notes_", "notes_"),
    // Words, in an index of any configuration.
    ("notes?select=id&body=fts.word7", "plinth_fts_notes_body", "notes_body"),
    ("notes?select=id&body=plfts(english).word7 and", "plinth_fts_notes_body", "notes_body"),
    ("notes?select=id&body=phfts.word7 and", "plinth_fts_notes_body", "notes_body"),
    ("notes?select=id&body=wfts(german).word7 -x", "plinth_fts_notes_body", "notes_body"),
    ("notes?select=id&or=(body.fts.word7,title.eq.x)", "plinth_fts_notes_body", "notes_body"),
    ("notes?select=id&words=wfts(english).title 77", "plinth_fts_notes_words", "notes_words"),
    // What is inside jsonb and arrays.
    ("notes?select=id&meta=cs.{\"kind\":\"k7\"}", "-", "notes_meta"),
    ("notes?select=id&tags=cs.{t7}", "-", "notes_tags"),
    ("notes?select=id&tags=ov.{t7,t8}", "-", "notes_tags"),
    // Embeds, both ways.
    ("teams?select=id,notes(id)&id=eq.7", "notes_", "notes_"),
    ("notes?select=id,teams(name)&id=eq.7", "INTEGER PRIMARY KEY", "teams_pkey"),
];

/// The same of a user whose policies stand beside the table.
const GUARDED: &[(&str, &str, &str)] = &[
    ("notes?select=id", "notes_owner", "notes_owner"),
    ("notes?select=id&order=id&limit=20", "notes_owner", "notes_owner"),
    ("shared?select=id", "members", "members_pkey"),
    ("teams?select=id", "members", "members"),
];

async fn filled(mut app: App) -> App {
    app.apply(SCHEMA).await;
    for (lite, postgres) in ROWS.iter().rev() {
        app.raw(if app.db.is_postgres() { (*postgres).to_owned() } else { (*lite).to_owned() }).await;
    }
    app.raw("analyze".to_owned()).await;
    app
}

async fn serve(app: App) {
    let is_postgres = app.db.is_postgres();
    let mut wrong = Vec::new();
    let cases =
        READS.iter().map(|case| (case, Grantee::ServiceRole)).chain(GUARDED.iter().map(|case| (case, Grantee::Authenticated)));
    for ((request, lite, postgres), role) in cases {
        let plan = app.plan(app.compiled(request, role)).await;
        let expected = if is_postgres { postgres } else { lite };
        // Few rows are sorted when that is less work.
        let sorts = request.contains("order=")
            && !request.contains("eq.")
            && (plan.contains("ORDER BY") || plan.contains("Sort"))
            && role == Grantee::ServiceRole;
        // The table itself is `s2`: `s1` is what the answer is made of.
        let scans =
            role == Grantee::ServiceRole && plan.lines().any(|line| line == "SCAN s2" || line.contains("Seq Scan on notes"));
        if *expected != "-" && (!plan.contains(expected) || scans || sorts) {
            wrong.push(format!("{request}\nlacks {expected}:\n{plan}\n{}\n", app.compiled(request, role).sql));
        }
        app.read(request).await;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), READS.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_serve_requests_on_sqlite() {
    serve(filled(App::sqlite().await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_serve_requests_on_postgresql() {
    serve(filled(App::postgres().await).await).await;
}

/// An upsert looks which of its rows are there, by the key.
async fn looks_up(app: App) {
    let relationships = Relationships::of(app.schema.catalog());
    let mut planner = Planner::new(&app.schema, &relationships, &Owner, 1000);
    let relation = planner.relation("notes").expect("the table");
    let row = |id: u32| {
        let (owner, made) = ("00000000-0000-4000-8000-000000000007", "2026-01-01T00:00:00Z");
        serde_json::json!({ "id": id, "owner": owner, "team_id": 1, "handle": format!("h{id}"), "title": "", "done": true, "created_at": made })
    };
    let rows = serde_json::json!([row(1), row(2)]).to_string();
    let body = Body::parse(Content::Json, rows.as_bytes(), None).expect("a body");
    let incoming = Incoming::of(relation, &body, Purpose::Insert, false).expect("rows");
    let plan = planner.existing(relation, &incoming, &["handle".to_owned()]).expect("a query");
    let bindings = Bindings {
        uid: None,
        role: "service_role".to_owned(),
        jwt: serde_json::Value::Null,
        email: None,
        now: Clock::system().now(),
    };
    let dialect = if app.db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite };
    let rights = Caller { role: Grantee::ServiceRole };
    let context = Context { dialect, schema: &app.schema, bindings: &bindings, rights: &rights };
    let plan = app.plan(compile::query(&plan, &context).expect("it compiles")).await;
    let expected = if app.db.is_postgres() { "notes_handle_key" } else { "notes_1" };
    assert!(plan.contains(expected), "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_looks_rows_up_by_their_key() {
    looks_up(filled(App::sqlite().await).await).await;
    looks_up(filled(App::postgres().await).await).await;
}

/// A query of words may be an argument, whose value is not known when the statement is prepared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_searches_by_an_index_too() {
    for app in [filled(App::sqlite().await).await, filled(App::postgres().await).await] {
        let expr = "(select count(*) from search('title 77'))";
        let expr = plinth::sql::lower::expression(expr, &app.schema, &plinth::sql::lower::Scope::default()).expect("it lowers");
        let output = plinth::sql::ast::Output { name: "n".to_owned(), expr };
        let select = plinth::sql::ast::Select {
            distinct: false,
            columns: vec![output],
            from: Vec::new(),
            filter: None,
            group_by: Vec::new(),
            having: None,
        };
        let body = plinth::sql::ast::Body::Select(Box::new(select));
        let query = plinth::sql::ast::Query { body, order: Vec::new(), limit: None, offset: None };
        let bindings = Bindings {
            uid: None,
            role: "service_role".to_owned(),
            jwt: serde_json::Value::Null,
            email: None,
            now: Clock::system().now(),
        };
        let dialect = if app.db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite };
        let context = Context { dialect, schema: &app.schema, bindings: &bindings, rights: &Owner };
        let plan = app.plan(compile::query(&query, &context).expect("it compiles")).await;
        assert!(plan.contains("notes_all"), "{plan}");
        assert!(!plan.contains("SCAN s"), "{plan}");
    }
}
