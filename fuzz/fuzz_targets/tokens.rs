//! Access and refresh tokens: no text but one that this server signed is taken, and none breaks the reader.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use plinth::auth::token::{RefreshToken, Verifier};
use plinth::types::Timestamp;

fuzz_target!(|text: &str| {
    let _ = RefreshToken::parse(text);
    let now = Timestamp::from_micros(1_800_000_000_000_000).expect("a moment");
    assert!(Verifier::new(HashMap::new()).verify(text, now).is_err());
});
