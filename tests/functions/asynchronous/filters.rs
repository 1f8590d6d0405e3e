//! Patterns of event source mappings.

use plinth::functions::{Filter, MAX_FILTER};
use proptest::prelude::*;
use serde_json::{Value, json};

fn matches(pattern: &Value, message: Value) -> bool {
    let filter: Filter = pattern.to_string().parse().unwrap_or_else(|err| panic!("{pattern}: {err}"));
    let Value::Object(message) = message else { panic!("an object") };
    filter.matches(&message)
}

fn of_body(pattern: &Value, body: &Value) -> bool {
    matches(&json!({ "body": pattern }), json!({ "body": body.to_string() }))
}

#[test]
fn bodies_are_compared_as_json_where_the_pattern_has_fields() {
    let wanted = json!({ "state": ["paid", "sent"], "total": [{ "numeric": [">", 10, "<=", 20] }] });
    assert!(of_body(&wanted, &json!({ "state": "paid", "total": 11.5, "more": 1 })));
    assert!(!of_body(&wanted, &json!({ "state": "paid", "total": 10 })));
    assert!(!of_body(&wanted, &json!({ "state": "new", "total": 11 })));
    assert!(!of_body(&wanted, &json!("paid")));
    assert!(!matches(&json!({ "body": wanted }), json!({ "body": "no JSON" })));
    assert!(matches(&json!({ "body": ["hello"] }), json!({ "body": "hello" })));
}

#[test]
fn every_rule_does_what_its_name_says() {
    for (rule, yes, no) in [
        (json!({ "prefix": "ab" }), json!("abc"), json!("cab")),
        (json!({ "suffix": ".png" }), json!("a.png"), json!("a.jpg")),
        (json!({ "equals-ignore-case": "AbC" }), json!("aBc"), json!("abd")),
        (json!({ "anything-but": ["a", "b"] }), json!("c"), json!("b")),
        (json!({ "anything-but": 3 }), json!(4), json!(3.0)),
        (json!({ "anything-but": { "prefix": "x" } }), json!("yx"), json!("xy")),
        (json!({ "numeric": ["=", 3] }), json!(3.0), json!("3")),
        (json!({ "numeric": ["<", 3] }), json!(-1), json!(3)),
        (json!({ "exists": true }), json!(false), json!([])),
        (json!(null), json!(null), json!(0)),
        (json!(1), json!(1.0), json!("1")),
        (json!("a"), json!(["b", "a"]), json!(["b"])),
    ] {
        let pattern = json!({ "field": [rule.clone()] });
        assert!(of_body(&pattern, &json!({ "field": yes })), "{rule} {yes}");
        // An empty array is there, too.
        if no != json!([]) {
            assert!(!of_body(&pattern, &json!({ "field": no })), "{rule} {no}");
        }
    }
    assert!(of_body(&json!({ "a": { "b": [{ "exists": false }] } }), &json!({})));
    assert!(!of_body(&json!({ "a": [{ "exists": true }] }), &json!({})));
    let either = json!({ "$or": [{ "a": [1] }, { "b": [2] }], "c": [3] });
    assert!(of_body(&either, &json!({ "b": 2, "c": 3 })) && !of_body(&either, &json!({ "b": 1, "c": 3 })));
}

#[test]
fn what_is_no_pattern_is_refused() {
    let deep = format!("{}[1]{}", "{\"a\":".repeat(20), "}".repeat(20));
    for text in [
        "",
        "[]",
        "{}",
        "{\"a\": 1}",
        "{\"a\": []}",
        "{\"a\": [[1]]}",
        "{\"a\": [{\"like\": \"x\"}]}",
        "{\"a\": [{\"numeric\": [\">\"]}]}",
        "{\"a\": [{\"numeric\": [\"~\", 1]}]}",
        "{\"$or\": [1]}",
        deep.as_str(),
        &format!("{{\"a\": [\"{}\"]}}", "x".repeat(MAX_FILTER)),
    ] {
        text.parse::<Filter>().expect_err(text);
    }
}

proptest! {
    #[test]
    fn no_text_and_no_message_upset_it(text in "\\PC{0,80}", pattern in "[{}\\[\\]\":,a-c0-9 ]{0,60}", body in "\\PC{0,40}") {
        for text in [text, pattern] {
            if let Ok(filter) = text.parse::<Filter>() {
                let Value::Object(message) = json!({ "body": body }) else { unreachable!() };
                prop_assert_eq!(filter.matches(&message), filter.matches(&message));
                prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
            }
        }
    }

    #[test]
    fn a_value_matches_itself_and_not_what_it_is_not(value in prop_oneof![
        any::<i32>().prop_map(Value::from), "[a-z]{0,5}".prop_map(Value::from), any::<bool>().prop_map(Value::from), Just(Value::Null)
    ]) {
        let body = json!({ "field": value.clone() });
        let same = json!({ "field": [value.clone()] });
        prop_assert!(of_body(&same, &body));
        if value.is_string() || value.is_number() {
            let but = json!({ "field": [{ "anything-but": [value] }] });
            prop_assert!(!of_body(&but, &body));
        }
    }
}
