//! What reads text that anybody may send.

use std::time::Duration;

use plinth::auth::model::{BanDuration, Email, NewPassword, Phone, merge};
use plinth::auth::token::{RefreshKeys, RefreshToken};
use plinth::auth::vault::Vault;
use plinth::auth::{Error, model};
use plinth::types::SessionId;
use proptest::prelude::*;
use serde_json::json;

fn ban(text: &str) -> Option<BanDuration> {
    text.parse().ok()
}

#[test]
fn addresses_are_lowered_and_checked() {
    let good = [
        ("Ada@Example.COM", "ada@example.com"),
        ("a.b+tag@sub.example.co", "a.b+tag@sub.example.co"),
        ("o'neil_%x@localhost", "o'neil_%x@localhost"),
    ];
    for (text, expected) in good {
        assert_eq!(text.parse::<Email>().expect(text).as_str(), expected);
    }
    let bad = [
        "", "@", "a@", "@b.c", "a b@c.d", "a@b..c", "a@-b.c", "a@b-.c", "a@b.c ", " a@b.c", "a@b@c", "a\0@b.c", "ä@b.c",
        "a@bä.c", "a\n@b.c", "<a@b.c>", "a,b@c.d",
    ];
    for text in bad {
        assert!(text.parse::<Email>().is_err(), "{text:?}");
    }
    let longest = format!("{}@{}.example", "a".repeat(64), ["b".repeat(60), "c".repeat(60), "d".repeat(59)].join("."));
    assert_eq!(longest.len(), 254);
    assert!(longest.parse::<Email>().is_ok());
    assert!(format!("{longest}s").parse::<Email>().is_err());
    assert!(format!("{}@b.c", "a".repeat(65)).parse::<Email>().is_err());
}

#[test]
fn phone_numbers_are_digits_of_e164() {
    for text in ["+15550123456", "15550123456", "+1 555 012 3456"] {
        assert_eq!(text.parse::<Phone>().expect(text).as_str(), "15550123456");
    }
    for text in ["", "+", "0123456", "12a", "+1234567890123456", "1", "+١٢٣"] {
        assert!(text.parse::<Phone>().is_err(), "{text:?}");
    }
}

#[test]
fn bans_are_go_durations() {
    let hours = |hours: u64| Some(BanDuration(Some(Duration::from_secs(hours * 3600))));
    assert_eq!(ban("none"), Some(BanDuration(None)));
    assert_eq!(ban("0"), Some(BanDuration(None)));
    assert_eq!(ban("24h"), hours(24));
    assert_eq!(ban("1h30m"), Some(BanDuration(Some(Duration::from_secs(5400)))));
    assert_eq!(ban("1.5h"), Some(BanDuration(Some(Duration::from_secs(5400)))));
    assert_eq!(ban("300ms"), Some(BanDuration(Some(Duration::from_millis(300)))));
    assert_eq!(ban("876000h"), hours(876_000));
    for text in ["", "h", "24", "1d", "-1h", "1h-", "9999999999h", "1..5h", "NaNh", "inf", "1e9h", "24 h"] {
        assert_eq!(ban(text), None, "{text:?}");
    }
}

#[test]
fn passwords_have_two_bounds() {
    assert!(NewPassword::parse("12345".to_owned(), 6).is_err_and(|err| matches!(err, Error::WeakPassword(6))));
    // Characters count, not bytes.
    assert!(NewPassword::parse("äöüäö".to_owned(), 6).is_err());
    assert!(NewPassword::parse("äöüäöü".to_owned(), 6).is_ok());
    assert!(NewPassword::parse("x".repeat(model::MAX_PASSWORD), 6).is_ok());
    let long = NewPassword::parse("x".repeat(model::MAX_PASSWORD + 1), 6);
    assert!(long.is_err_and(|err| err.to_string().contains("1024")));
}

#[test]
fn metadata_merges_by_key() {
    let object = |value: serde_json::Value| value.as_object().cloned().expect("an object");
    let mut target = object(json!({ "kept": 1, "replaced": { "a": 1 }, "removed": true }));
    merge(&mut target, &object(json!({ "replaced": { "b": 2 }, "removed": null, "added": [] , "never": null })));
    assert_eq!(serde_json::Value::Object(target), json!({ "kept": 1, "replaced": { "b": 2 }, "added": [] }));
}

fn refresh_keys() -> RefreshKeys {
    RefreshKeys::new(&Vault::with_key(&[7; 32]).expect("a vault")).expect("keys")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_upsets_a_parser(text in any::<String>()) {
        let _ = text.parse::<Email>();
        let _ = text.parse::<Phone>();
        let _ = text.parse::<BanDuration>();
        prop_assert_eq!(RefreshToken::parse(&text), None);
    }

    #[test]
    fn text_that_looks_like_a_duration_upsets_nobody(text in "[0-9.hmsnuµ]{0,40}") {
        if let Ok(BanDuration(Some(length))) = text.parse() {
            prop_assert!(length <= BanDuration::MAX);
        }
    }

    #[test]
    fn an_address_is_a_fixed_point(text in "[A-Za-z0-9.+_-]{1,20}@[A-Za-z0-9]{1,10}\\.[a-z]{2,5}") {
        let once: Email = text.parse().expect("an address");
        let twice: Email = once.as_str().parse().expect("still an address");
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(once.as_str(), text.to_ascii_lowercase());
    }

    #[test]
    fn a_refresh_token_reads_as_it_was_written(counter in 0..i64::MAX, salt in any::<[u8; 16]>(), id in any::<u128>()) {
        let keys = refresh_keys();
        let session = SessionId(uuid::Uuid::from_u128(id));
        let text = keys.write(session, counter, &salt);
        let token = RefreshToken::parse(text.expose()).expect("a token");
        prop_assert_eq!((token.session, token.counter), (session, counter));
        prop_assert!(keys.is_genuine(&token, &salt));
        // Another session's salt, and another server's key.
        prop_assert!(!keys.is_genuine(&token, &[!salt[0]; 16]));
        let stranger = RefreshKeys::new(&Vault::with_key(&[8; 32]).expect("a vault")).expect("keys");
        prop_assert!(!stranger.is_genuine(&token, &salt));
    }

    #[test]
    fn a_changed_refresh_token_is_not_genuine(at in 0..76_usize, to in "[A-Za-z0-9_-]") {
        let keys = refresh_keys();
        let text = keys.write(SessionId(uuid::Uuid::from_u128(5)), 3, &[1; 16]).into_exposed();
        let mut changed = text.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != text);
        if let Some(token) = RefreshToken::parse(&changed) {
            prop_assert!(!keys.is_genuine(&token, &[1; 16]));
        }
    }
}
