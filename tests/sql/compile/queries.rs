//! Queries over tables of every type: the same rows on both databases, as JSON.

use plinth::sql::catalog::Relation;
use plinth::values::Type;

use super::fixture::{Both, SERVICE, With, table};

fn things() -> Relation {
    table(
        "things",
        &[
            ("id", Type::Int8),
            ("n", Type::Int4),
            ("price", Type::Numeric(Some((10, 2)))),
            ("any_number", Type::Numeric(None)),
            ("real", Type::Float8),
            ("title", Type::Text),
            ("short", Type::Varchar(Some(5))),
            ("done", Type::Bool),
            ("owner", Type::Uuid),
            ("at", Type::Timestamptz),
            ("local", Type::Timestamp),
            ("day", Type::Date),
            ("clock", Type::Time),
            ("data", Type::Jsonb),
            ("raw", Type::Json),
            ("blob", Type::Bytea),
            ("tags", Type::Array(Box::new(Type::Text))),
            ("numbers", Type::Array(Box::new(Type::Int4))),
        ],
    )
    .default("done", "false")
    .default("at", "now()")
}

pub(super) async fn filled() -> Both {
    let items = table("items", &[("id", Type::Int8), ("thing", Type::Int8), ("name", Type::Text)]);
    let both = Both::with(vec![things(), items]).await;
    for row in [
        "1, 5, 10.50, 1.0, 0.1, 'Banana', 'abc', true, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-31 08:05:00.5+00', \
         '2026-01-31 08:05:00', '2026-01-31', '08:05:00.25', '{\"b\": 1, \"a\": [1.50, null]}', '{ \"z\":1 }', '\\x00ff', \
         array['x', 'y \"z\"'], array[1, 2]",
        "2, -3, 9.99, 12345678901234567890.123, 1e300, 'apple', 'é', false, null, '2025-12-31 23:59:59.999999+00', \
         '2025-12-31 23:59:59.999999', '2025-12-31', '23:59:59', '[1, 2]', 'null', '\\x', array[]::text[], array[null, 7]",
        "3, null, null, null, null, null, null, null, null, '2026-02-01 00:00:00+00', null, null, null, null, null, null, null, null",
        "4, 5, 100.00, 1.00, -0.5, 'Äpfel', 'a%_', true, null, '2026-02-01 00:00:00+00', null, null, null, '\"text\"', '1', \
         null, null, null",
    ] {
        let columns =
            "id, n, price, any_number, real, title, short, done, owner, at, local, day, clock, data, raw, blob, tags, numbers";
        both.run(&format!("insert into things ({columns}) values ({row})")).await;
    }
    both.run("insert into items (id, thing, name) values (1, 1, 'one'), (2, 1, 'two'), (3, 2, 'three'), (4, null, 'four')").await;
    both
}

const QUERIES: &[&str] = &[
    "select * from things order by id",
    "select id, title from things order by title",
    "select id from things order by title desc, id",
    "select id from things order by title nulls first, id desc",
    "select id, price from things order by price, id",
    "select id from things order by any_number desc nulls last, id",
    "select id from things order by data, id",
    "select id from things order by owner nulls first, id limit 2 offset 1",
    "select id from things order by id offset 2",
    "select id from things where price > 10 order by id",
    "select id from things where any_number = 1.00 order by id",
    "select id from things where price in (9.990, 100) order by id",
    "select id from things where title like 'Ban%'",
    "select id from things where title ilike 'b%'",
    "select id from things where title < 'a' order by id",
    "select id from things where data @> '{\"b\": 1}'",
    "select id from things where data ->> 'b' = '1'",
    "select id from things where tags @> array['x']",
    "select id from things where 'x' = any(tags)",
    "select id from things where 7 = any(numbers)",
    "select id from things where at >= '2026-01-01' order by id",
    "select id from things where at::date = '2026-01-31'",
    "select id from things where day + 1 = '2026-02-01'",
    "select id from things where done order by id",
    "select id from things where not done order by id",
    "select id from things where done is not true order by id",
    "select id from things where n is distinct from 5 order by id",
    "select id from things where blob = '\\x00ff'",
    "select id from things where owner = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "select id from things where id in (select thing from items) order by id",
    "select id from things t where exists (select 1 from items i where i.thing = t.id and i.name = 'three')",
    "select id, (select count(*) from items i where i.thing = t.id) as c from things t order by id",
    "select t.id, i.name from things t join items i on i.thing = t.id order by i.id",
    "select t.id, i.name from things t left join items i on i.thing = t.id order by t.id, i.id nulls first",
    "select i.id, t.title from items i left join things t on t.id = i.thing and t.done order by i.id",
    "select count(*) as c from things cross join items",
    "select distinct any_number from things order by 1",
    "select distinct done from things order by done nulls first",
    "select n, count(*) as c, sum(price) as s, min(title) as a, max(title) as z from things group by n order by n",
    "select any_number, count(*) as c from things group by any_number order by any_number",
    "select coalesce(title, 'none') as t, count(*) as c from things group by coalesce(title, 'none') order by coalesce(title, 'none')",
    "select done, avg(n) as a, sum(n) as s, avg(real) as r from things group by done having count(*) > 0 order by done",
    "select sum(id) as s, avg(price) as p, max(price) as m, min(any_number) as l from things",
    "select max(real) as m, min(day) as d, max(at) as t, bool_or(done) as b from things",
    "select string_agg(title, '/' order by title) as s, array_agg(id order by id desc) as a from things",
    "select json_agg(at order by id) as j, array_agg(real order by id) as r from things",
    "select count(*) filter (where done) as d, count(distinct n) as n from things",
    "select id from things where n = 5 union select thing from items where thing is not null order by 1",
    "select id from things union all select id from items order by 1",
    "select id, row_number() over (order by id desc) as r from things order by id",
    "select id, rank() over (partition by done order by n) as r, dense_rank() over (partition by done order by n) as d from things order by id",
    "select id, sum(price) over (order by id) as s, sum(n) over () as t from things order by id",
    "select id, avg(price) over (order by id rows between 1 preceding and 1 following) as a from things order by id",
    "select id, lag(title) over (order by id) as a, lead(n, 2, 0) over (order by id) as b, lag(price, 1, 0) over (order by id) as c \
     from things order by id",
    "select id, first_value(title) over (partition by done order by id) as f, nth_value(n, 2) over (order by id) as s, \
     last_value(n) over (order by id rows between unbounded preceding and unbounded following) as l from things order by id",
    "select id, ntile(2) over (order by id) as t, percent_rank() over (order by id) as p, cume_dist() over (order by id) as c \
     from things order by id",
    "select done, sum(n) as s, rank() over (order by sum(n) desc nulls last) as r from things group by done order by 3, 1",
    "select id from (select id, row_number() over (partition by done order by id) as r from things) x where r = 1 order by id",
    "select id, string_agg(title, ',') over (order by id) as s, count(*) filter (where n > 0) over (order by id) as c, \
     max(title) over (partition by done) as m, bool_or(done) over (order by id) as b from things order by id",
    "select id, row_number() over (order by any_number desc, id) as r, min(any_number) over (order by id groups 1 preceding) as g \
     from things order by id",
    "select id from things order by row_number() over (order by n desc, id)",
    "select distinct on (done) id, title as t from things order by done, n desc, id",
    "select distinct on (1, t) done, title as t, n from things order by t desc, done limit 2",
    "select id from (select distinct on (done) done, id from things order by done nulls first, id) x order by id",
    "select distinct on (done) done, sum(n) as s from things group by done, title order by done, 2 desc nulls last",
    "select id, count(*) over (order by at range between current row and unbounded following) as c from things order by id",
    "select id from things intersect select thing from items order by 1",
    "select id from things except select thing from items order by 1",
    "select any_number as v from things union select price from things order by 1 nulls first",
    "select s.id from (select id, n from things where n > 0 order by id limit 1) s",
    "with big as (select * from things where price > 10) select id from big order by id",
    "select value from jsonb_array_elements('[1, \"a\", {\"b\": 1.50}, null]'::jsonb) order by value",
    "select t.id, e.value from things t, jsonb_array_elements_text(t.data) e where t.id = 2 order by 2",
    "select n from generate_series(1, 5) as n order by n desc",
    "select generate_series as g, current_date - generate_series < current_date as past from generate_series(6, 0, -3) order by 1",
    "select s.v, count(t.id) as c from generate_series(0, 9000000000, 4500000000) as s(v) left join things t on t.n > s.v group by s.v order by 1",
    "select n from generate_series(3, 1) as n",
    "select n from generate_series(1, null) as n",
    "select u.v from things t, unnest(t.tags) as u(v) where t.id = 1 order by 1",
    "select * from (values (1, 'a'), (2, 'b')) as v(x, y) order by x desc",
    "select 1 as a, 'x' as b, null as c where true",
    "select id, title || '!' as t, n * 2 as m, price / 3 as q, real * 2 as r from things order by id",
    "select id, -n as m, abs(n) as a, price::int as i, real::int as j from things where id <> 2 order by id",
    "select id, at + interval '1 month' as a, at - interval '36 hours' as b, date_trunc('day', at) as d from things order by id",
    "select id, extract(month from at) as m, extract(epoch from local) as e from things order by id",
    "select id, data -> 'a' -> 0 as x, data #>> '{a,0}' as y, jsonb_typeof(data) as t from things order by id",
    "select id, numbers[1] as f, array_length(numbers, 1) as l, numbers || 9 as m from things order by id",
    "select id, at::text as a, day::text as d, price::text as p, done::text as b, data::text as j from things order by id",
    "select id, case when n > 0 then 'plus' when n < 0 then 'minus' else 'none' end as s from things order by id",
    "select id, greatest(n, 0) as g, least(price, any_number) as l from things order by id",
    "select short, length(short) as l, upper(title) as u from things where id < 3 order by id",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers_the_same_on_both() {
    let both = filled().await;
    let mut wrong = Vec::new();
    for sql in QUERIES {
        let (postgres, sqlite) = both.answers(sql, &SERVICE).await;
        if postgres != sqlite || postgres.is_err() {
            wrong.push(format!("{sql}:\n  PostgreSQL {postgres:?}\n  SQLite     {sqlite:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ or fail:\n{}", wrong.len(), wrong.join("\n"));
}

/// The text is PostgreSQL's `to_json` to the letter where it matters: digits, zones, escapes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_written_as_postgresql_writes_them() {
    let both = filled().await;
    let row = both.same("select price, any_number, real, at, local, clock, blob, tags from things where id = 1", &SERVICE).await;
    let row = row.expect("a row")[0].to_string();
    assert_eq!(
        row,
        r#"{"price":10.5,"any_number":1.0,"real":0.1,"at":"2026-01-31T08:05:00.5+00:00","local":"2026-01-31T08:05:00","#
            .to_owned()
            + r#""clock":"08:05:00.25","blob":"\\x00ff","tags":["x","y \"z\""]}"#
    );
}
