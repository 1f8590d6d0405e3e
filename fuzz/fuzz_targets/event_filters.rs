//! Patterns of event source mappings: any text is refused with words, or is a pattern that reads again as itself and takes any message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::functions::Filter;
use serde_json::{Map, Value};

fuzz_target!(|input: (String, String)| {
    let (pattern, body) = input;
    match pattern.parse::<Filter>() {
        Ok(filter) => {
            let message = Map::from_iter([("body".to_owned(), Value::String(body))]);
            assert_eq!(filter.matches(&message), filter.matches(&message));
            assert_eq!(filter.to_string().parse::<Filter>().expect("a pattern"), filter);
        }
        Err(err) => assert!(!err.to_string().is_empty()),
    }
});
