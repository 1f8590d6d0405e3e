//! The header `x-plinth-config`: any bytes are settings within their limits, or refused with a field for each error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::config::Functions;

fuzz_target!(|header: &[u8]| {
    let defaults = Functions { memory_mb: 128, ..Functions::default() };
    if let Err(fields) = plinth::functions::api::check_config(header, &defaults) {
        assert!(!fields.is_empty() && fields.iter().all(|field| !field.is_empty()));
    }
});
