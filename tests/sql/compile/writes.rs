//! Writes: defaults, conflicts, what is returned, what is refused.

use plinth::db::Dialect;
use plinth::sql::ast::{Body, Insert, Join, JoinKind, Query, Rows, Select, Source, SourceId, Statement};
use plinth::sql::catalog::Name;
use plinth::sql::compile;
use plinth::values::{Datum, Type};
use serde_json::json;

use super::fixture::{Both, SERVICE, With, table};

async fn stock() -> Both {
    let items = table(
        "items",
        &[
            ("id", Type::Int8),
            ("sku", Type::Text),
            ("qty", Type::Int4),
            ("price", Type::Numeric(Some((6, 2)))),
            ("short", Type::Varchar(Some(3))),
            ("made", Type::Timestamptz),
            ("key", Type::Uuid),
            ("tags", Type::Array(Box::new(Type::Text))),
            ("blob", Type::Bytea),
        ],
    )
    .identity("id")
    .unique("sku")
    .default("qty", "1 + 1")
    .default("made", "now()")
    .default("key", "gen_random_uuid()");
    let sums = table("sums", &[("sku", Type::Text), ("total", Type::Int8)]);
    Both::with(vec![items, sums, table("bare", &[("id", Type::Int8)]).identity("id")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_that_are_left_out_get_their_defaults() {
    let both = stock().await;
    let rows = both.same("insert into items (sku, price) values ('a', 1.239), ('b', 2) returning id, sku, qty, price, made", &SERVICE);
    assert_eq!(
        rows.await.expect("two rows"),
        json!([
            { "id": 1, "sku": "a", "qty": 2, "price": 1.24, "made": "2026-03-04T05:06:07.89+00:00" },
            { "id": 2, "sku": "b", "qty": 2, "price": 2.00, "made": "2026-03-04T05:06:07.89+00:00" },
        ])
    );
    let keys = both.same("select count(distinct key) as n from items", &SERVICE).await;
    assert_eq!(keys.expect("a count"), json!([{ "n": 2 }]), "each row has a random one of its own");
    let more = both.same("insert into items (sku) select sku || '2' from items order by sku desc returning id, sku", &SERVICE).await;
    assert_eq!(more.expect("rows"), json!([{ "id": 3, "sku": "b2" }, { "id": 4, "sku": "a2" }]));
    both.run("insert into items default values").await;
    let bare = both.same("insert into bare default values returning id", &SERVICE).await;
    assert_eq!(bare.expect("a row"), json!({ "id": 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_column_cannot_hold_is_refused_alike() {
    let both = stock().await;
    for (sql, code) in [
        ("insert into items (sku, qty) values ('x', 3000000000)", "22003"),
        ("insert into items (sku, qty) select 'x', 2147483647::bigint + 1", "22003"),
        ("insert into items (sku, price) select 'x', 99999.5", "22003"),
        ("insert into items (sku, short) select 'x', 'ab' || 'cd'", "22001"),
        ("update items set qty = qty / 0", "22012"),
        ("insert into items (sku) values ('a'), ('a')", "23505"),
    ] {
        both.run("delete from items").await;
        both.run("insert into items (id, sku) values (77, 'there')").await;
        let answer = both.try_same(sql).await;
        assert_eq!(answer, Err(code.to_owned()), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_updates_and_deletes_are_the_same() {
    let both = stock().await;
    both.run("insert into items (id, sku, qty) values (10, 'a', 1), (11, 'b', 5)").await;
    for sql in [
        "insert into items (id, sku, qty) values (12, 'a', 7), (13, 'c', 1) on conflict (sku) do nothing returning id, sku",
        "insert into items (id, sku, qty) values (14, 'a', 7) on conflict (sku) do update set qty = items.qty + excluded.qty \
         returning id, qty",
        "insert into items (id, sku, qty) values (15, 'a', 7) on conflict (sku) do update set qty = 0 where items.qty > 100 returning id",
        "update items set qty = qty + 1, price = 1.005 where sku = 'b' returning sku, qty, price",
        "update items set short = 'x' where sku in (select sku from items where qty > 3) returning sku",
        "insert into sums (sku, total) select sku, sum(qty) from items group by sku returning sku, total",
        "update sums set total = i.qty * 10 from items i where i.sku = sums.sku and i.sku = 'a' returning sku, total",
        "delete from sums using items i where i.sku = sums.sku and i.qty > 7 returning sku, total",
        "delete from items where id = 999 returning id",
        "update items set tags = array['p', 'q'], blob = '\\xab' where sku = 'a' returning tags, blob",
    ] {
        let answer = both.same(sql, &SERVICE).await;
        assert!(answer.is_ok(), "{sql}: {answer:?}");
    }
    for sql in ["select * from sums order by sku", "select id, sku, qty, price, short, tags from items order by id"] {
        both.run(sql).await;
    }
}

/// Rows of a request are one parameter, so their number is not in the text; each value comes back as it went in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_request_are_one_parameter() {
    let both = stock().await;
    let columns = vec![
        ("sku".to_owned(), Type::Text),
        ("qty".to_owned(), Type::Int4),
        ("price".to_owned(), Type::Numeric(Some((6, 2)))),
        ("tags".to_owned(), Type::Array(Box::new(Type::Text))),
        ("blob".to_owned(), Type::Bytea),
        ("id".to_owned(), Type::Int8),
    ];
    let row = |sku: &str, id: i64| {
        vec![
            Datum::Text(sku.to_owned()),
            Datum::Int(3),
            Datum::Text("1.50".to_owned()),
            Datum::Text(r#"["a\"b","c,d",null]"#.to_owned()),
            Datum::Bytes(vec![0, 255]),
            Datum::Int(id),
        ]
    };
    let relation = both.schema.relation(&Name::public("items")).expect("the table").clone();
    let insert = |rows: Vec<Vec<Datum>>| {
        let column = |(name, ty): &(String, Type)| plinth::sql::ast::Output {
            name: name.clone(),
            expr: plinth::sql::ast::Expr { node: plinth::sql::ast::Node::Column(SourceId(2), name.clone()), ty: ty.clone() },
        };
        let source = Source { id: SourceId(2), rows: Rows::Values { columns: columns.clone(), rows } };
        let select = Select {
            distinct: false,
            columns: columns.iter().map(column).collect(),
            from: vec![Join { kind: JoinKind::Inner, source, on: None }],
            filter: None,
            group_by: Vec::new(),
            having: None,
        };
        let from = Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, offset: None };
        let names = columns.iter().map(|(name, _)| name.clone()).collect();
        let returning = Vec::new();
        Statement::Insert(Insert { into: relation.clone(), id: SourceId(1), columns: names, from, conflict: None, returning })
    };
    let big = 9_007_199_254_740_993;
    let two = insert(vec![row("'quoted' \"x\" \\ é\u{1}", big), row("y", 2)]);
    let one = insert(vec![row("z", 3)]);
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let context = both.context(dialect, &SERVICE);
        let texts = [&one, &two].map(|statement| compile::statement(statement, &context).expect("it compiles").sql);
        assert_eq!(texts[0], texts[1]);
    }
    both.same_compiled("the rows", |context| compile::statement(&two, context), &SERVICE).await.expect("they are inserted");
    let rows = both.same("select id, sku, qty, price, tags, blob from items order by id desc", &SERVICE).await.expect("rows");
    assert_eq!(
        rows[0],
        json!({ "id": big, "sku": "'quoted' \"x\" \\ é\u{1}", "qty": 3, "price": 1.5, "tags": ["a\"b", "c,d", null], "blob": "\\x00ff" })
    );
}
