//! The configuration file: any text either checks or is refused with a place for each error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for error in plinth::config::errors_of(text) {
        assert!(!error.place.is_empty() && !error.message.is_empty());
    }
});
