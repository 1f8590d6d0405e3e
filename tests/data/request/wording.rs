//! Faults in the words that clients know.

use plinth::data::request::{Fault, Kind, OutOfRange, Query};

/// The message and the details of a query that does not parse.
fn refused(text: &str) -> (String, String) {
    let fault = Query::parse(text, Kind::Table).map(|query| format!("{query:?}")).expect_err(text);
    assert_eq!((fault.code(), fault.status(), fault.hint()), ("PGRST100", 400, None), "{text}");
    (fault.message(), fault.details().unwrap())
}

#[test]
fn what_does_not_parse_is_shown_with_its_place() {
    let cases = [
        (
            "a=noop.0",
            "\"failed to parse filter (noop.0)\" (line 1, column 1)",
            "unexpected \"n\" expecting \"not\" or operator (eq, gt, ...)",
        ),
        ("a=not.x", "\"failed to parse filter (not.x)\" (line 1, column 5)", "unexpected \"x\" expecting operator (eq, gt, ...)"),
        (
            "a=is.nil",
            "\"failed to parse filter (is.nil)\" (line 1, column 4)",
            "unexpected \"n\" expecting isVal: (null, not_null, true, false, unknown)",
        ),
        (
            "a=",
            "\"failed to parse filter ()\" (line 1, column 1)",
            "unexpected end of input expecting \"not\" or operator (eq, gt, ...)",
        ),
        (
            "select=a(b",
            "\"failed to parse select parameter (a(b)\" (line 1, column 4)",
            "unexpected end of input expecting \",\" or \")\"",
        ),
        (
            "order=id.ac",
            "\"failed to parse order (id.ac)\" (line 1, column 3)",
            "unexpected \".\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
        ),
        (
            "or=()",
            "\"failed to parse logic tree (())\" (line 1, column 4)",
            "unexpected \")\" expecting field name (* or [a..z0..9_$])",
        ),
        (
            "columns=",
            "\"failed to parse columns parameter ()\" (line 1, column 1)",
            "unexpected end of input expecting field name (* or [a..z0..9_$])",
        ),
    ];
    for (text, message, details) in cases {
        assert_eq!(refused(text), (message.to_owned(), details.to_owned()), "{text}");
    }
}

#[test]
fn what_is_left_over_is_refused() {
    let left_over = [
        "select=id)",
        "select=a,",
        "select=*,,b",
        "select=name!hint",
        "select=*!hint",
        "select=name::",
        "select=a:*",
        "select=a.total()",
        "select=a.sum",
        "select=rel->j(*)",
        "select=x:...rel(*)",
        "select=a(b))",
        "select=a!x!y(b)",
        "select=a!inner!left(b)",
        "select=data->>-78xy",
        "select=data->>--34",
        "select=data->99999999999999999999",
        "select=\"open",
        "select=a->",
        "select=a-",
        "order=",
        "order=a,",
        "order=a.desc.asc",
        "order=a.descc",
        "order=a.nullsfirst.desc",
        "order=a(b,c)",
        "order=a(b",
        "order=a b.c",
        "a=in.(1,2)x",
        "a=in.1,2",
        "a=in.(1",
        "a=is.nullx",
        "a=is().null",
        "a=eq().v",
        "a=eq(some).v",
        "a=fts().v",
        "a=eq",
        "a=like(any)v",
        "a=neq(any).{1}",
        "a=",
        "a)(=eq.1",
        "=eq.1",
        "a..b=eq.1",
        "a->>b.c=eq.1",
        "or=(id.in.1,2,id.eq.3)",
        "or=)(",
        "or=.eq.1",
        "not.or=.eq.",
        "and=x.eq.1",
        "and=(ord(id.eq.1,id.eq.1),id.eq.2)",
        "or=(id.eq.1,not.xor(id.eq.2))",
        "or=(id.eq.1)x",
        "or=",
        "or=(a.eq.{1}x)",
        "or=(a.eq.1",
        "or=(a.is.nullx)",
        "not.or.x=eq.1&select=*",
        "on_conflict=a,",
        "columns=a b)",
        "a=%ff",
        "%c3=eq.1",
    ];
    for text in left_over {
        let fault = Query::parse(text, Kind::Table).map(|query| format!("{query:?}")).expect_err(text);
        assert!(matches!(fault.code(), "PGRST100" | "PGRST108"), "{text}: {fault:?}");
    }
}

#[test]
fn long_input_is_repeated_in_part() {
    let (message, details) = refused(&format!("a={}", "é".repeat(5000)));
    assert!(message.chars().count() < 300 && message.contains('…'), "{message}");
    assert!(details.len() < 100);
}

#[test]
fn every_fault_has_its_code_status_and_words() {
    let text = |text: &str| text.to_owned();
    let faults = [
        (Fault::RpcMethod(text("PUT")), "PGRST101", 405),
        (Fault::Body(text("Empty or invalid json")), "PGRST102", 400),
        (Fault::BodyLimit { what: "rows", limit: 5 }, "PGRST102", 413),
        (Fault::Range(OutOfRange::Offset { offset: 9, total: 5 }), "PGRST103", 416),
        (Fault::PutFilters, "PGRST105", 405),
        (Fault::Profile { schema: text("x"), exposed: vec![text("public")] }, "PGRST106", 406),
        (Fault::MediaType(vec![text("text/html")]), "PGRST107", 406),
        (Fault::NotEmbedded { name: text("a"), instead: vec![] }, "PGRST108", 400),
        (Fault::PutLimit, "PGRST114", 400),
        (Fault::PutMismatch, "PGRST115", 400),
        (Fault::Singular { rows: 0 }, "PGRST116", 406),
        (Fault::Method(text("TRACE")), "PGRST117", 405),
        (Fault::OrderNotToOne { origin: text("a"), target: text("b") }, "PGRST118", 400),
        (Fault::EmbedFilter(text("a")), "PGRST120", 400),
        (Fault::Preferences(vec![text("x=y")]), "PGRST122", 400),
        (Fault::AggregatesDisabled, "PGRST123", 400),
        (Fault::MaxAffected { rows: 7 }, "PGRST124", 400),
        (Fault::Path, "PGRST125", 404),
        (Fault::NotImplemented(text("ranges")), "PGRST127", 400),
        (Fault::MaxAffectedOnScalar, "PGRST128", 400),
    ];
    let mut said = String::new();
    for (fault, code, status) in faults {
        assert_eq!((fault.code(), fault.status()), (code, status), "{fault:?}");
        said.push_str(&format!(
            "{code} {} | {} | {};\n",
            fault.message(),
            fault.details().unwrap_or_default(),
            fault.hint().unwrap_or_default()
        ));
    }
    assert_eq!(said, WORDS);
}

/// Code, message, details and hint of each.
const WORDS: &str = "\
PGRST101 Cannot use the PUT method on RPC |  | ;\n\
PGRST102 Empty or invalid json |  | ;\n\
PGRST102 the body has more rows than 5 |  | Send less in each request.;\n\
PGRST103 Requested range not satisfiable | An offset of 9 was requested, but there are only 5 rows. | ;\n\
PGRST105 Filters must include all and only primary key columns with 'eq' operators |  | ;\n\
PGRST106 Invalid schema: x |  | Only the following schemas are exposed: public;\n\
PGRST107 None of these media types are available: text/html |  | ;\n\
PGRST108 'a' is not an embedded resource in this request |  | Verify that 'a' is included in the 'select' query parameter.;\n\
PGRST114 limit/offset querystring parameters are not allowed for PUT |  | ;\n\
PGRST115 Payload values do not match URL in primary key column(s) |  | ;\n\
PGRST116 Cannot coerce the result to a single JSON object | The result contains 0 rows | ;\n\
PGRST117 Unsupported HTTP method: TRACE |  | ;\n\
PGRST118 A related order on 'b' is not possible | 'a' and 'b' do not form a many-to-one or one-to-one relationship | ;\n\
PGRST120 Bad operator on the 'a' embedded resource | Only is null or not is null filters are allowed on embedded resources | ;\n\
PGRST122 Invalid preferences given with handling=strict | Invalid preferences: x=y | ;\n\
PGRST123 Use of aggregate functions is not allowed |  | ;\n\
PGRST124 Query result exceeds max-affected preference constraint | The query affects 7 rows | ;\n\
PGRST125 Invalid path specified in request URL |  | ;\n\
PGRST127 Feature not implemented | ranges | ;\n\
PGRST128 Function must return SETOF or TABLE when max-affected preference is used with handling=strict |  | ;\n\
";
