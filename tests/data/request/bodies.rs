//! Rows and arguments as they are sent.

use plinth::data::request::{Body, CallBody, Content, Fault};

/// The keys, and each row's JSON texts (`-` where there is none).
fn read(content: Content, text: &str, columns: Option<&[&str]>) -> Result<(String, Vec<String>), String> {
    let columns = columns.map(|columns| columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
    let body = Body::parse(content, text.as_bytes(), columns.as_deref()).map_err(|fault| {
        assert_eq!((fault.code(), fault.status()), ("PGRST102", 400));
        fault.message()
    })?;
    let rows = body.rows.iter().map(|row| {
        let values = row.iter().map(|value| value.as_ref().map_or("-", |value| value.get()));
        values.collect::<Vec<_>>().join(" ")
    });
    Ok((body.keys.join(" "), rows.collect()))
}

fn json(text: &str) -> Result<(String, Vec<String>), String> {
    read(Content::Json, text, None)
}

fn rows(keys: &str, rows: &[&str]) -> Result<(String, Vec<String>), String> {
    Ok((keys.to_owned(), rows.iter().map(|row| (*row).to_owned()).collect()))
}

#[test]
fn values_keep_every_digit() {
    let body = r#"{"a": 12345678901234567890.123456789012345678901e5, "b": {"x":  1.10}, "c":"\u00e9", "a":1.0}"#;
    assert_eq!(json(body), rows("a b c", &[r#"1.0 {"x":  1.10} "\u00e9""#]));
    assert_eq!(json("[{\"n\":0.10},{\"n\":9007199254740993}]"), rows("n", &["0.10", "9007199254740993"]));
}

#[test]
fn one_object_is_one_row_and_an_array_any_number() {
    assert_eq!(json("{}"), rows("", &[""]));
    assert_eq!(json(" [] "), rows("", &[]));
    assert_eq!(json("[{},{}]"), rows("", &["", ""]));
    assert!(!Body::parse(Content::Json, b"{}", None).unwrap().is_array);
    assert!(Body::parse(Content::Json, b"[{}]", None).unwrap().is_array);
    assert_eq!(json("[{\"a\":1,\"b\":2},{\"b\":3,\"a\":null}]"), rows("a b", &["1 2", "null 3"]));
}

#[test]
fn rows_have_equal_keys_unless_columns_are_listed() {
    for text in
        ["[{\"a\":1},{}]", "[{},{\"a\":1}]", "[{\"a\":1},{\"b\":1}]", "[{\"a\":1},{\"a\":1,\"b\":1}]", "[1]", "[[]]", "[{},null]"]
    {
        assert_eq!(json(text), Err("All object keys must match".to_owned()), "{text}");
    }
    let listed = read(Content::Json, r#"[{"slug":"a","done":true,"more":1},{"slug":"b"}]"#, Some(&["slug", "done"]));
    assert_eq!(listed, rows("slug done", &["\"a\" true", "\"b\" -"]));
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["", " ", "{", "[{}", "{\"a\"}", "{\"a\":01}", "{\"a\":1}x", "nul", "[{},]", "{'a':1}"] {
        assert_eq!(json(text), Err("Empty or invalid json".to_owned()), "{text}");
    }
    for text in ["1", "\"a\"", "null", "true"] {
        assert_eq!(json(text), Err("The body must be an object or an array of objects".to_owned()), "{text}");
    }
    assert!(matches!(Body::parse(Content::Json, b"{\"a\":\"\xff\"}", None), Err(Fault::Body(_))));
}

#[test]
fn csv_is_rows_of_text() {
    let text = "id,name\r\n1,\"a, \"\"b\"\"\"\n2,NULL\n3,\n";
    let expected = rows("id name", &[r#""1" "a, \"b\"""#, "\"2\" null", "\"3\" \"\""]);
    assert_eq!(read(Content::Csv, text, None), expected);
    assert_eq!(read(Content::Csv, "id,name\n1,a\n", Some(&["name", "age"])), rows("name age", &["\"a\" -"]));
    assert_eq!(read(Content::Csv, "a,b\n1\n", None), Err("All lines must have same number of fields".to_owned()));
    assert_eq!(read(Content::Csv, "a,a\n1,2\n", None), Err("The CSV has the column a twice".to_owned()));
    assert_eq!(read(Content::Csv, "", None), Err("The CSV has no header line".to_owned()));
    assert_eq!(read(Content::Csv, "a,b\n", None), rows("", &[]));
}

#[test]
fn a_form_is_one_row_of_text() {
    assert_eq!(read(Content::Form, "a=1&b=x+y%26&a=2", None), rows("a b", &["\"2\" \"x y&\""]));
    assert_eq!(read(Content::Form, "a=%ff", None), Err("The form is not UTF-8".to_owned()));
}

#[test]
fn calls_have_named_arguments() {
    let arguments = |content, text: &str, columns: Option<&[String]>| match CallBody::parse(content, text.as_bytes(), columns)
        .unwrap()
    {
        CallBody::Json(arguments) => {
            arguments.iter().map(|(key, value)| format!("{key}:{}", value.get())).collect::<Vec<_>>().join(" ")
        }
        CallBody::Form(arguments) => arguments.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "),
    };
    assert_eq!(arguments(Content::Json, "", None), "");
    assert_eq!(arguments(Content::Json, "{}", None), "");
    assert_eq!(arguments(Content::Json, "{\"a\":[1,2],\"b\":\"x\"}", None), "a:[1,2] b:\"x\"");
    assert_eq!(arguments(Content::Json, "{\"a\":1,\"b\":2}", Some(&["b".to_owned()])), "b:2");
    assert_eq!(arguments(Content::Form, "v=1&v=2&w", None), "v=1 v=2 w=");
    for (content, text) in [(Content::Json, "[{}]"), (Content::Json, "[]"), (Content::Json, "1"), (Content::Csv, "a\n1\n")] {
        assert_eq!(CallBody::parse(content, text.as_bytes(), None).unwrap_err().code(), "PGRST102", "{text}");
    }
}

#[test]
fn types_of_bodies_are_known_by_their_names() {
    let of = |header: &str| Content::of(Some(header)).map_err(|fault| fault.message());
    assert_eq!(Content::of(None), Ok(Content::Json));
    assert_eq!(of("Application/JSON; charset=utf-8"), Ok(Content::Json));
    assert_eq!(of("text/csv"), Ok(Content::Csv));
    assert_eq!(of("application/x-www-form-urlencoded"), Ok(Content::Form));
    assert_eq!(of("text/html"), Err("Content-Type not acceptable: text/html".to_owned()));
}
