//! Cases: a schema with policies, rows, and requests with what they mean in SQL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::chance::Chance;

/// Stand for the ids of the two users, which differ from server to server.
pub const ADA: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
pub const BOB: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

/// The ids stay as they are, to be found and replaced.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');

/// Takes away what the case before left.
pub const DROP: &str = "drop table if exists items; drop table if exists groups;\n";

const TABLES: &str = "
create table groups (id int primary key, owner uuid, title text, open boolean);
create table items (
    id int primary key,
    owner uuid,
    grp int references groups (id),
    name text,
    n int,
    price numeric(10, 2),
    ratio double precision,
    flag boolean,
    at timestamptz,
    day date,
    tags text[],
    meta jsonb
);
create index on items (owner);
create index on items (name);
create index on items (price);
create index on items (lower(name));
create index on items ((meta ->> 'b'));
create index on items using gin (to_tsvector('simple', name));
";

/// Conditions on a row of `items`, as policies say them.
const CONDITIONS: &[&str] = &[
    "true",
    "false",
    "owner = auth.uid()",
    "owner <> auth.uid()",
    "flag",
    "not flag",
    "flag is not true",
    "n > 3",
    "n is null",
    "n % 2 = 0",
    "n between 2 and 6",
    "name like 'a%'",
    "name ilike '%B%'",
    "price >= 10",
    "price * 2 < 30.5",
    "ratio < 0.5",
    "at < timestamptz '2026-03-01 00:00:00+00'",
    "day > date '2026-01-15'",
    "tags @> array['x']",
    "'y' = any(tags)",
    "meta @> '{\"a\": 1}'",
    "meta ->> 'b' = 'two'",
    // A cast that fails would fail or not by the order in which a database looks at conditions.
    "case when jsonb_typeof(meta -> 'a') = 'number' then (meta -> 'a')::int > 0 end",
    "auth.role() = 'authenticated'",
    "(auth.jwt() ->> 'role') = 'authenticated' and n is not null",
    "coalesce(n, 0) < 5",
    "lower(name) in ('ab', 'b', 'zz')",
    "exists (select 1 from groups g where g.id = items.grp and g.open)",
    "exists (select 1 from groups g where g.id = grp and g.owner = auth.uid())",
    "grp in (select g.id from groups g where g.title is not null)",
    "grp not in (select g.id from groups g where g.open)",
    "case when flag then n > 2 else n <= 2 end",
    "length(name) = 2",
    "owner is distinct from auth.uid()",
];

/// Filters: as a parameter, and as SQL.
const FILTERS: &[(&str, &str)] = &[
    ("n=eq.3", "n = 3"),
    ("n=neq.3", "n <> 3"),
    ("n=gt.2", "n > 2"),
    ("n=lte.4", "n <= 4"),
    ("n=is.null", "n is null"),
    ("n=not.is.null", "n is not null"),
    ("n=not.eq.3", "not n = 3"),
    ("n=in.(1,3,5)", "n in (1, 3, 5)"),
    ("n=not.in.(1,3)", "n not in (1, 3)"),
    ("n=isdistinct.3", "n is distinct from 3"),
    ("n=gt(any).{4,6}", "n > any('{4,6}'::int[])"),
    ("n=eq(any).{1,2}", "n = any('{1,2}'::int[])"),
    ("name=eq.ab", "name = 'ab'"),
    ("name=gt.a", "name > 'a' collate \"C\""),
    ("name=like.a*", "name like 'a%'"),
    ("name=ilike.*B*", "name ilike '%B%'"),
    ("name=match.^a", "name ~ '^a'"),
    ("name=imatch.B$", "name ~* 'B$'"),
    ("name=in.(ab,\"c d\",é)", "name in ('ab', 'c d', 'é')"),
    ("name=fts.ab", "to_tsvector('simple', name) @@ to_tsquery('simple', 'ab')"),
    ("name=wfts.c d", "to_tsvector('simple', name) @@ websearch_to_tsquery('simple', 'c d')"),
    ("price=gte.9.5", "price >= 9.5"),
    ("price=lt.100", "price < 100"),
    ("price=eq.10", "price = 10"),
    ("ratio=gt.0.25", "ratio > 0.25"),
    ("flag=is.true", "flag is true"),
    ("flag=eq.false", "flag = false"),
    ("flag=not.is.true", "flag is not true"),
    ("flag=is.unknown", "flag is unknown"),
    ("at=lt.2026-02-10T00:00:00Z", "at < '2026-02-10T00:00:00Z'"),
    ("at=gte.2026-01-20 12:00:00%2B01", "at >= '2026-01-20 12:00:00+01'"),
    ("day=eq.2026-01-20", "day = '2026-01-20'"),
    ("day=gt.2026-01-15", "day > '2026-01-15'"),
    ("tags=cs.{x}", "tags @> '{x}'"),
    ("tags=cd.{x,y}", "tags <@ '{x,y}'"),
    ("tags=ov.{y,z}", "tags && '{y,z}'"),
    ("tags=eq.{x,y}", "tags = '{x,y}'"),
    ("meta=cs.{\"a\":1}", "meta @> '{\"a\":1}'"),
    ("meta=cd.{\"a\":1,\"b\":\"two\"}", "meta <@ '{\"a\":1,\"b\":\"two\"}'"),
    ("meta->>b=eq.two", "meta ->> 'b' = 'two'"),
    ("meta->a=gt.0", "meta -> 'a' > '0'"),
    ("meta->c->0=eq.1", "meta -> 'c' -> 0 = '1'"),
    ("owner=eq.aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "owner = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'"),
    ("or=(n.eq.1,name.eq.b)", "(n = 1 or name = 'b')"),
    ("or=(and(n.gt.1,flag.is.true),not.and(price.gt.5,n.lt.9))", "((n > 1 and flag is true) or not (price > 5 and n < 9))"),
    ("not.or=(n.eq.1,n.eq.2)", "not (n = 1 or n = 2)"),
    ("n=eq.x", "n = 'x'"),
    ("nothing=eq.1", "nothing = 1"),
    ("owner=eq.me", "owner = 'me'"),
];

/// What is selected: as a parameter, and as SQL over `items`.
const SELECTS: &[(&str, &str)] = &[
    ("*", "items.*"),
    ("id,name", "id, name"),
    ("id,amount:price,ratio", "id, price as amount, ratio"),
    ("id,at,day", "id, at, day"),
    ("id,tags,meta", "id, tags, meta"),
    ("id,b:meta->>b,a:meta->a", "id, meta ->> 'b' as b, meta -> 'a' as a"),
    ("id,n::text,flag::text", "id, n::text, flag::text"),
    (
        "id,groups(title,open)",
        "id, (select row_to_json(g) from (select title, open from groups where groups.id = items.grp) g) as groups",
    ),
];

const ORDERS: &[(&str, &str)] = &[
    ("id", "id"),
    ("n.desc,id", "n desc, id"),
    ("n.nullsfirst,id.desc", "n nulls first, id desc"),
    ("name,id", "name collate \"C\", id"),
    ("price.desc.nullslast,id", "price desc nulls last, id"),
    ("at.desc,id", "at desc, id"),
    ("flag,id", "flag, id"),
    ("meta->>b,id", "meta ->> 'b' collate \"C\", id"),
    ("meta->a.desc,id", "meta -> 'a' desc, id"),
];

/// A whole case.
pub struct Case {
    pub schema: String,
    /// By table, in the order they go in.
    pub rows: Vec<(&'static str, Value)>,
    pub requests: Vec<Request>,
}

/// A request and what it means.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub prefer: &'static str,
    pub body: Option<Value>,
    pub as_ada: bool,
    pub writes: bool,
    pub sql: String,
}

impl Case {
    pub fn generate(chance: &mut Chance, requests: usize) -> Self {
        let schema = format!("{TABLES}{}{}", grants(chance), policies(chance));
        let rows = vec![("groups", groups(chance)), ("items", items(chance))];
        let mut next_id = 1000;
        let requests = (0..requests).map(|_| request(chance, &mut next_id)).collect();
        Self { schema, rows, requests }
    }
}

fn grants(chance: &mut Chance) -> String {
    let select = if chance.once_in(4) { "select (id, owner, grp, name, n, flag, tags, meta)" } else { "select" };
    let update = if chance.once_in(4) { "update (name, n, flag)" } else { "update" };
    format!("grant select on groups to authenticated; grant {select}, insert, {update}, delete on items to authenticated;\n")
}

fn policies(chance: &mut Chance) -> String {
    let mut sql = String::new();
    if !chance.once_in(8) {
        sql.push_str("alter table items enable row level security;\n");
    }
    if chance.once_in(2) {
        sql.push_str("alter table groups enable row level security;\n");
        sql.push_str("create policy g on groups for select to authenticated using (open or owner = auth.uid());\n");
    }
    for place in 0..1 + chance.below(4) {
        let command = *chance.pick(&["all", "select", "select", "insert", "update", "delete"]);
        let kind = if chance.once_in(4) { " as restrictive" } else { "" };
        let role = if chance.once_in(6) { "anon" } else { "authenticated" };
        let using = if command == "insert" { String::new() } else { format!(" using ({})", condition(chance)) };
        let check = match command {
            "select" | "delete" => String::new(),
            "insert" => format!(" with check ({})", condition(chance)),
            _ if chance.once_in(2) => String::new(),
            _ => format!(" with check ({})", condition(chance)),
        };
        sql.push_str(&format!("create policy p{place} on items{kind} for {command} to {role}{using}{check};\n"));
    }
    sql
}

fn condition(chance: &mut Chance) -> String {
    let one = chance.pick(CONDITIONS).to_string();
    match chance.below(5) {
        0 => format!("({one}) and ({})", chance.pick(CONDITIONS)),
        1 => format!("({one}) or ({})", chance.pick(CONDITIONS)),
        2 => format!("not ({one})"),
        _ => one,
    }
}

fn owner(chance: &mut Chance) -> Value {
    match chance.below(5) {
        0 => Value::Null,
        1 | 2 => json!(BOB),
        _ => json!(ADA),
    }
}

fn groups(chance: &mut Chance) -> Value {
    let row = |id: usize, chance: &mut Chance| {
        let title = *chance.pick(&[Some("one"), Some("two"), None]);
        json!({ "id": id, "owner": owner(chance), "title": title, "open": chance.once_in(2) })
    };
    (1..=3).map(|id| row(id, chance)).collect()
}

fn items(chance: &mut Chance) -> Value {
    (1..=25).map(|id| item(id, chance)).collect()
}

fn item(id: usize, chance: &mut Chance) -> Value {
    json!({
        "id": id,
        "owner": owner(chance),
        "grp": chance.pick(&[json!(1), json!(2), json!(3), json!(null)]),
        "name": chance.pick(&[json!("ab"), json!("AB"), json!("b"), json!("c d"), json!("é"), json!("zz"), json!(""), json!(null)]),
        "n": chance.pick(&[json!(0), json!(1), json!(2), json!(3), json!(4), json!(7), json!(-5), json!(null)]),
        "price": chance.pick(&[json!(9.5), json!(10), json!("10.00"), json!(100.25), json!(0.1), json!(-3), json!(null)]),
        "ratio": chance.pick(&[json!(0.25), json!(0.5), json!(1), json!(1e20), json!(-0.125), json!(null)]),
        "flag": chance.pick(&[json!(true), json!(false), json!(null)]),
        "at": chance.pick(&[json!("2026-01-20T11:00:00Z"), json!("2026-02-10T00:00:00.5+02:00"), json!("2026-03-05 08:00:00.123456+00"), json!(null)]),
        "day": chance.pick(&[json!("2026-01-15"), json!("2026-01-20"), json!("2025-12-31"), json!(null)]),
        "tags": chance.pick(&[json!([]), json!(["x"]), json!(["x", "y"]), json!(["z", "y", "x"]), json!(["a b", "c\"d"]), json!(null)]),
        "meta": chance.pick(&[json!({"a": 1}), json!({"b": "two", "a": 0}), json!({"c": [1, 2]}), json!([1, "x"]), json!({"a": null}), json!(null)]),
    })
}

fn request(chance: &mut Chance, next_id: &mut usize) -> Request {
    match chance.below(10) {
        0 if chance.once_in(2) => upsert(chance, next_id),
        0 => insert(chance, next_id),
        1 => update(chance),
        2 => delete(chance),
        _ => read(chance),
    }
}

fn filters(chance: &mut Chance, most: usize) -> (Vec<String>, String) {
    let chosen: Vec<_> = (0..chance.below(most + 1)).map(|_| *chance.pick(FILTERS)).collect();
    let parameters = chosen.iter().map(|(parameter, _)| escaped(parameter)).collect();
    let sql = chosen.iter().map(|(_, sql)| format!("({sql})")).collect::<Vec<_>>().join(" and ");
    (parameters, if sql.is_empty() { "true".to_owned() } else { sql })
}

/// A parameter as it is sent: its key and its value escaped.
fn escaped(parameter: &str) -> String {
    let (key, value) = parameter.split_once('=').expect("a parameter has a value");
    let value = value.replace("%2B", "+");
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    format!("{}={}", escape(key), escape(&value))
}

fn read(chance: &mut Chance) -> Request {
    let (mut parameters, condition) = filters(chance, 3);
    let (select, columns) = *chance.pick(SELECTS);
    let (order, order_sql) = *chance.pick(ORDERS);
    parameters.push(escaped(&format!("select={select}")));
    parameters.push(escaped(&format!("order={order}")));
    let mut page = String::new();
    if chance.once_in(2) {
        let (limit, offset) = (chance.below(6), chance.below(4));
        parameters.push(format!("limit={limit}&offset={offset}"));
        page = format!(" limit {limit} offset {offset}");
    }
    let query = format!("select {columns} from items where {condition} order by {order_sql}{page}");
    Request {
        method: Method::GET,
        path: format!("/rest/v1/items?{}", parameters.join("&")),
        prefer: "",
        body: None,
        as_ada: !chance.once_in(3),
        writes: false,
        sql: format!("select coalesce(json_agg(t), '[]')::text from ({query}) t"),
    }
}

fn insert(chance: &mut Chance, next_id: &mut usize) -> Request {
    *next_id += 1;
    let row = item(*next_id, chance);
    let columns = "id, owner, grp, name, n, price, ratio, flag, at, day, tags, meta";
    let literal = row.to_string().replace('\'', "''");
    Request {
        method: Method::POST,
        path: "/rest/v1/items".to_owned(),
        prefer: "return=minimal",
        body: Some(row),
        as_ada: !chance.once_in(3),
        writes: true,
        sql: format!("insert into items ({columns}) select {columns} from json_populate_record(null::items, '{literal}')"),
    }
}

/// One row whose key may be there.
fn upsert(chance: &mut Chance, next_id: &mut usize) -> Request {
    let merges = chance.once_in(2);
    let id = if chance.once_in(3) { *next_id + 1000 } else { 1 + chance.below(25) };
    *next_id += 1;
    let row = item(id, chance);
    let columns = ["id", "owner", "grp", "name", "n", "price", "ratio", "flag", "at", "day", "tags", "meta"];
    let list = columns.join(", ");
    let set = columns.map(|column| format!("{column} = excluded.{column}")).join(", ");
    let action = if merges { format!("update set {set}") } else { "nothing".to_owned() };
    let literal = row.to_string().replace('\'', "''");
    Request {
        method: Method::POST,
        path: "/rest/v1/items?on_conflict=id".to_owned(),
        prefer: if merges { "return=minimal,resolution=merge-duplicates" } else { "return=minimal,resolution=ignore-duplicates" },
        body: Some(row),
        as_ada: !chance.once_in(3),
        writes: true,
        sql: format!(
            "insert into items ({list}) select {list} from json_populate_record(null::items, '{literal}') on conflict (id) do {action}"
        ),
    }
}

fn update(chance: &mut Chance) -> Request {
    let (parameters, condition) = filters(chance, 2);
    let (body, assignment) = chance
        .pick(&[
            (json!({ "n": 4 }), "n = 4"),
            (json!({ "name": "ab", "flag": true }), "name = 'ab', flag = true"),
            (json!({ "owner": ADA }), "owner = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'"),
            (json!({ "flag": null }), "flag = null"),
            (json!({ "grp": 99 }), "grp = 99"),
        ])
        .clone();
    Request {
        method: Method::PATCH,
        path: format!("/rest/v1/items?{}", parameters.join("&")),
        prefer: "return=minimal",
        body: Some(body),
        as_ada: !chance.once_in(3),
        writes: true,
        sql: format!("update items set {assignment} where {condition}"),
    }
}

fn delete(chance: &mut Chance) -> Request {
    let (mut parameters, condition) = filters(chance, 2);
    parameters.push(escaped("id=gt.15"));
    Request {
        method: Method::DELETE,
        path: format!("/rest/v1/items?{}", parameters.join("&")),
        prefer: "return=minimal",
        body: None,
        as_ada: !chance.once_in(3),
        writes: true,
        sql: format!("delete from items where {condition} and id > 15"),
    }
}
