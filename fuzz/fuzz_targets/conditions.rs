//! Range and conditional headers: a part that is sent lies inside the file, whatever was asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::front::untrusted::part;

fuzz_target!(|input: (u16, Vec<u8>, Vec<u8>)| {
    let (len, range, other) = input;
    let names = ["if-range", "if-none-match", "if-modified-since"];
    let name = names[usize::from(other.first().copied().unwrap_or(0)) % names.len()];
    if let Some((first, last)) = part(&[("range", &range), (name, &other)], usize::from(len)) {
        assert!(first <= last && last < u64::from(len));
    }
});
