//! Frames of a worker that may be anybody: the head and the body are told apart within the frame, or it is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::isolate::protocol::{FromWorker, MAX_FRAME, decode, encode, frame_length};

fuzz_target!(|bytes: &[u8]| {
    if let Some(word) = bytes.first_chunk::<4>() {
        assert!(frame_length(*word).is_ok_and(|length| (4..=MAX_FRAME).contains(&length)) || frame_length(*word).is_err());
    }
    if let Ok((message, body)) = decode::<FromWorker>(bytes) {
        assert!(body <= bytes.len());
        let frame = encode(&message, &bytes[body..]).expect("what was read can be written");
        let (_, again) = decode::<FromWorker>(&frame[4..]).expect("and read again");
        assert_eq!(frame[4 + again..], bytes[body..]);
    }
});
