//! Answers of upstreams: however they are cut, they are read the same, within their bounds, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::front::untrusted::answer;

fuzz_target!(|input: &[u8]| {
    let [cut, to_head, bytes @ ..] = input else { return };
    let to_head = to_head % 2 == 1;
    let whole = answer(bytes, bytes.len(), to_head);
    assert_eq!(whole, answer(bytes, usize::from(*cut), to_head), "it depends on where it was cut");
    assert_eq!(whole, answer(bytes, 1, to_head), "it depends on where it was cut");
    let Some(read) = whole else { return };
    assert!((100..=999).contains(&read.status) && (read.status == 101 || read.status >= 200));
    assert!(read.body.len() <= bytes.len());
    assert!(!(to_head || matches!(read.status, 101 | 204 | 304)) || read.body.is_empty(), "a body where none can be");
    for (name, value) in read.headers {
        let is_of_connection =
            matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding" | "upgrade" | "trailer");
        assert!(!is_of_connection, "{name} crosses");
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name} ends its line");
    }
});
