//! Arrays in the form they are held in.

use plinth::values::{Datum, Type, array, from_json, from_raw_json, from_text, to_json, to_text};
use serde_json::json;
use serde_json::value::RawValue;

fn array_of(element: Type) -> Type {
    Type::Array(Box::new(element))
}

#[test]
fn elements_are_held_as_columns_hold_them() {
    for (ty, literal, held, shown) in [
        (Type::Bool, "{t,f,NULL}", "[1,0,null]", "[true,false,null]"),
        (Type::Int4, "{1, -2}", "[1,-2]", "[1,-2]"),
        (Type::Float8, "{1,2.5}", "[1.0,2.5]", "[1,2.5]"),
        (Type::Numeric(None), "{1.50,2}", r#"["1.50","2"]"#, "[1.50,2]"),
        (
            Type::Text,
            r#"{a,"b c","null",NULL,"q\"\\"}"#,
            r#"["a","b c","null",null,"q\"\\"]"#,
            r#"["a","b c","null",null,"q\"\\"]"#,
        ),
        (Type::Bytea, r#"{"\\x00ff"}"#, r#"["\\x00ff"]"#, r#"["\\x00ff"]"#),
        (Type::Jsonb, r#"{"{\"b\":1, \"a\": 2}"}"#, r#"["{\"a\":2,\"b\":1}"]"#, r#"[{"a":2,"b":1}]"#),
        (
            Type::Timestamptz,
            r#"{"2026-01-31 08:05+01"}"#,
            r#"["2026-01-31T07:05:00.000000Z"]"#,
            r#"["2026-01-31T07:05:00+00:00"]"#,
        ),
    ] {
        let ty = array_of(ty);
        let value = from_text(&ty, literal).unwrap();
        assert_eq!(value, Datum::Text(held.to_owned()), "{literal}");
        assert_eq!(to_json(&ty, &value), shown);
        assert_eq!(from_text(&ty, &to_text(&ty, &value).unwrap()).unwrap(), value, "{literal} does not come back");
    }
}

#[test]
fn bodies_give_arrays_as_json_or_as_literals() {
    let ty = array_of(Type::Int4);
    for body in [json!([1, "2", null]), json!("{1,2,NULL}")] {
        assert_eq!(from_json(&ty, &body).unwrap(), Datum::Text("[1,2,null]".to_owned()));
    }
    for (body, code) in
        [(json!({"a": 1}), "22P02"), (json!([1, "x"]), "22P02"), (json!(["99999999999"]), "22003"), (json!("{1"), "22P02")]
    {
        assert_eq!(from_json(&ty, &body).unwrap_err().code, code, "{body}");
    }
}

#[test]
fn a_large_number_keeps_its_digits() {
    let raw = RawValue::from_string("123456789012345678901234567890.10".to_owned()).unwrap();
    let value = from_raw_json(&Type::Numeric(None), &raw).unwrap();
    assert_eq!(to_json(&Type::Numeric(None), &value), "123456789012345678901234567890.10");
    let raw = RawValue::from_string(r#"{"n": 123456789012345678901234567890.10}"#.to_owned()).unwrap();
    let value = from_raw_json(&Type::Jsonb, &raw).unwrap();
    assert_eq!(value, Datum::Text(r#"{"n":123456789012345678901234567890.10}"#.to_owned()));
}

#[test]
fn operators_work_on_held_arrays() {
    assert!(array::contains("[1,2,3]", "[3,1]").unwrap());
    assert!(!array::contains("[1,null]", "[null]").unwrap());
    assert!(array::overlaps(r#"["a","b"]"#, r#"["c","b"]"#).unwrap());
    assert!(!array::overlaps("[]", "[]").unwrap());
    assert_eq!(array::get("[5,6]", 2).unwrap().as_deref(), Some("6"));
    assert_eq!(array::get("[5,6]", 0).unwrap(), None);
    assert_eq!(array::remove("[1,2,1]", "1").unwrap(), "[2]");
    assert_eq!(array::position("[1,2]", "2").unwrap(), Some(2));
    assert_eq!(array::split(r#"{"a":1}"#).unwrap_err().code, "22P02");
}
