//! Expressions of schedules: any text is refused with words, or has due times that move forward, wherever clocks are changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::functions::model::{Expression, Timing, Zone};
use plinth::types::Timestamp;

const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"];

fuzz_target!(|input: (String, String, u8, u32)| {
    let (text, name, zone, seconds) = input;
    let named = Zone::named(&name).ok();
    let zone = named.unwrap_or_else(|| Zone::named(ZONES[usize::from(zone) % ZONES.len()]).expect("a zone"));
    let after = Timestamp::from_micros(i64::from(seconds) * 1_000_000 + 1).expect("a moment");
    match text.parse::<Expression>() {
        Ok(expression) => {
            let timing = Timing { expression, zone, start: None, end: None, set_at: after };
            let due = timing.upcoming(after, 20);
            assert!(due.first().is_none_or(|first| *first > after) && due.windows(2).all(|pair| pair[0] < pair[1]));
            if let (Some(first), Some(last)) = (due.first(), due.last()) {
                assert_eq!(timing.last_until(*first, *last), *last);
            }
        }
        Err(err) => assert!(!err.to_string().is_empty()),
    }
});
