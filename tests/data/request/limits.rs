//! What is too much, on both sides of each limit.

use plinth::data::request::limits::*;
use plinth::data::request::{Body, Content, Kind, Query};

/// Whether so many are taken, by the code of the fault.
fn code(text: &str) -> Option<&'static str> {
    Query::parse(text, Kind::Table).err().map(|fault| fault.code())
}

fn refusal(text: &str) -> String {
    Query::parse(text, Kind::Table).expect_err("too much").message()
}

#[test]
fn a_query_has_limits_that_say_their_names() {
    let many = |count: usize, item: &str, separator: &str| vec![item; count].join(separator);
    let nested = |depth: usize| format!("and=({}a.eq.1{}", "or(".repeat(depth - 1), ")".repeat(depth));
    let embeds = |depth: usize| format!("select={}{}", "a(".repeat(depth), ")".repeat(depth));
    let side_by_side = |count: usize| format!("select={}", (0..count).map(|n| format!("e{n}()")).collect::<Vec<_>>().join(","));
    type Made<'a> = Box<dyn Fn(usize) -> String + 'a>;
    let cases: [(&str, usize, Made); 10] = [
        ("bytes in the query string", MAX_QUERY_BYTES, Box::new(|n| format!("a=eq.{}", "x".repeat(n - 5)))),
        ("parameters in the query string", MAX_PAIRS, Box::new(|n| many(n, "limit=1", "&"))),
        ("filters", MAX_FILTERS, Box::new(|n| many(n, "a=eq.1", "&"))),
        ("filters", MAX_FILTERS, Box::new(|n| format!("or=({})", many(n, "a.eq.1", ",")))),
        ("levels of and/or", MAX_LOGIC_DEPTH, Box::new(nested)),
        ("elements of in lists", MAX_IN_ELEMENTS, Box::new(|n| format!("a=in.({})", many(n, "1", ",")))),
        ("items in select", MAX_SELECT_ITEMS, Box::new(|n| format!("select={}", many(n, "a", ",")))),
        ("embeds inside each other", MAX_EMBED_DEPTH, Box::new(embeds)),
        ("embeds in select", MAX_EMBEDS, Box::new(side_by_side)),
        ("terms of order", MAX_ORDER_TERMS, Box::new(|n| format!("order={}", many(n, "a", ",")))),
    ];
    for (what, limit, made) in cases {
        assert_eq!(code(&made(limit)), None, "{what}");
        assert_eq!(refusal(&made(limit + 1)), format!("too many {what}: {limit} at the most"));
    }
    let path = |steps: usize| format!("select=a{}", "->b".repeat(steps));
    assert_eq!(code(&path(MAX_JSON_STEPS)), None);
    assert!(refusal(&path(MAX_JSON_STEPS + 1)).contains("steps in a JSON path"));
    let columns = |count: usize| format!("columns={}", vec!["a"; count].join(","));
    assert_eq!(code(&columns(MAX_COLUMNS)), None);
    assert!(refusal(&columns(MAX_COLUMNS + 1)).contains("names in columns"));
}

#[test]
fn a_body_has_limits_that_say_their_names() {
    let refused = |body: &str, columns: Option<&[String]>| {
        let fault = Body::parse(Content::Json, body.as_bytes(), columns).err();
        fault.map(|fault| {
            assert_eq!((fault.code(), fault.status()), ("PGRST102", 413));
            fault.message()
        })
    };
    let rows = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(refused(&rows(MAX_BODY_ROWS), None), None);
    assert_eq!(refused(&rows(MAX_BODY_ROWS + 1), None).unwrap(), format!("the body has more rows than {MAX_BODY_ROWS}"));
    let keys = |count: usize| format!("{{{}}}", (0..count).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
    assert_eq!(refused(&keys(MAX_COLUMNS), None), None);
    assert_eq!(refused(&keys(MAX_COLUMNS + 1), None).unwrap(), format!("the body has more keys in a row than {MAX_COLUMNS}"));
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert_eq!(refused(&deep(MAX_BODY_DEPTH), None), None);
    assert!(refused(&deep(MAX_BODY_DEPTH + 1), None).unwrap().contains("levels of arrays and objects"));
    let columns: Vec<String> = (0..1000).map(|n| format!("k{n}")).collect();
    assert_eq!(refused(&rows(MAX_BODY_CELLS / 1000), Some(&columns)), None);
    assert!(refused(&rows(MAX_BODY_CELLS / 1000 + 1), Some(&columns)).unwrap().contains("values"));
    let long = format!("[{}]", " ".repeat(MAX_BODY_BYTES));
    assert!(refused(&long, None).unwrap().contains("bytes"));
}
