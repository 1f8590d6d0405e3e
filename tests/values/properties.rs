//! What holds for any value.

use std::cmp::Ordering;

use plinth::values::numeric::Numeric;
use plinth::values::text::{like, matches_regex};
use plinth::values::{Datum, Type, from_text, fts, interval, json, to_json, to_text};
use proptest::prelude::*;

fn any_type() -> impl Strategy<Value = Type> {
    let scalar = prop_oneof![
        Just(Type::Bool),
        Just(Type::Int4),
        Just(Type::Float8),
        Just(Type::Float4),
        Just(Type::Numeric(None)),
        Just(Type::Numeric(Some((8, 2)))),
        Just(Type::Text),
        Just(Type::Varchar(Some(4))),
        Just(Type::Char(4)),
        Just(Type::Uuid),
        Just(Type::Timestamptz),
        Just(Type::Timestamp),
        Just(Type::Date),
        Just(Type::Time),
        Just(Type::Json),
        Just(Type::Jsonb),
        Just(Type::Bytea),
    ];
    (scalar, any::<bool>()).prop_map(|(ty, many)| if many { Type::Array(Box::new(ty)) } else { ty })
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let object = prop::collection::btree_map("[a-c]{0,3}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Into::into),
            object.prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(ty in any_type(), text in prop_oneof!["\\PC{0,40}", "[-0-9T:.+{}\\[\\],\" eE/\\\\xZ]{0,30}"]) {
        if let Ok(value) = from_text(&ty, &text) {
            let shown = to_text(&ty, &value).unwrap();
            prop_assert_eq!(from_text(&ty, &shown).unwrap(), value.clone(), "{:?} as {}: {}", text, ty, shown);
            let json = to_json(&ty, &value);
            if !matches!(ty, Type::Json) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{:?} as {}: {}", text, ty, json);
            }
        }
    }

    #[test]
    fn patterns_and_queries_of_any_text_are_survived(text in "\\PC{0,30}", pattern in prop_oneof!["\\PC{0,20}", "[a-c%_\\\\\\[\\](){}*+?|^$&~.-]{0,20}"]) {
        let _ = like(&text, &pattern, true);
        let _ = matches_regex(&text, &pattern, false);
        for kind in [fts::Kind::Query, fts::Kind::Plain, fts::Kind::Phrase, fts::Kind::Web] {
            let _ = fts::matches(&text, &pattern, kind);
        }
        let _ = interval(&pattern);
    }

    #[test]
    fn a_text_is_like_itself_escaped(text in "\\PC{0,20}", before in "\\PC{0,5}", after in "\\PC{0,5}") {
        let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert!(like(&text, &escaped, false).unwrap());
        let (around, pattern) = (format!("{before}{text}{after}"), format!("%{escaped}%"));
        prop_assert!(like(&around, &pattern, false).unwrap());
    }

    #[test]
    fn canonical_json_is_the_same_json(value in any_json()) {
        let canonical = json::canonical(&value.to_string()).unwrap();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&canonical).unwrap(), value);
        prop_assert_eq!(json::canonical(&json::spaced(&canonical)).unwrap(), canonical.clone());
        prop_assert_eq!(json::compare(&canonical, &canonical).unwrap(), Ordering::Equal);
        prop_assert!(json::contains(&canonical, &canonical).unwrap());
    }

    #[test]
    fn the_order_of_json_is_one(a in any_json(), b in any_json(), c in any_json()) {
        let (a, b, c) = (a.to_string(), b.to_string(), c.to_string());
        let order = |left: &str, right: &str| json::compare(left, right).unwrap();
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le(), "{} {} {}", a, b, c);
        }
    }

    #[test]
    fn numerics_are_exact(a in any::<i64>(), b in any::<i64>(), scale in 0_i64..10) {
        let point = |value: i64| format!("{value}e-{scale}").parse_numeric();
        let (x, y) = (point(a), point(b));
        prop_assert_eq!(x.plus(&y).minus(&y), x.clone());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x.times(&y).unwrap().scale(), 2 * scale);
        if b != 0 {
            let rest = x.modulo(&y).unwrap();
            prop_assert!(rest.abs() < y.abs());
        }
        prop_assert_eq!(Numeric::parse(&x.to_string()).unwrap().to_string(), x.to_string());
    }
}

trait ParseNumeric {
    fn parse_numeric(&self) -> Numeric;
}

impl ParseNumeric for String {
    fn parse_numeric(&self) -> Numeric {
        Numeric::parse(self).unwrap()
    }
}

#[test]
fn what_is_too_large_is_refused_and_not_computed() {
    for text in ["1e999999999", "1e-999999999", "1e131073"] {
        assert_eq!(from_text(&Type::Numeric(None), text).unwrap_err().code, "22003", "{text}");
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(from_text(&Type::Jsonb, &deep).unwrap_err().code, "54001");
    assert_eq!(from_text(&Type::Json, &deep).unwrap_err().code, "54001");
    let small = Numeric::parse("1.00000001").unwrap();
    let power = small.power(&Numeric::parse("2000000000").unwrap()).unwrap();
    assert!(power.to_string().starts_with("485165"), "{power}");
    assert_eq!(Numeric::parse("10").unwrap().power(&Numeric::parse("1000000").unwrap()).unwrap_err().code, "22003");
    assert_eq!(matches_regex("", "(a{1000}){1000}", false).unwrap_err().code, "2201B");
    assert_eq!(matches_regex("", &"a".repeat(2000), false).unwrap_err().code, "2201B");
    // Linear, where a backtracking matcher would not come back.
    assert!(!matches_regex(&"a".repeat(5000), "(a*)*b", false).unwrap());
    assert!(!like(&"a".repeat(5000), &("%a".repeat(50) + "%b"), false).unwrap());
    assert_eq!(from_text(&Type::Bool, "yes").unwrap(), Datum::Bool(true));
}
