//! Frames, as anybody may send them.

use plinth::isolate::protocol::{FromWorker, LogLevel, LogLine, MAX_FRAME, decode, encode, frame_length};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_a_frame_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), word in any::<[u8; 4]>()) {
        if let Ok((_, body)) = decode::<FromWorker>(&bytes) {
            prop_assert!(body <= bytes.len());
        }
        prop_assert!(frame_length(word).is_ok_and(|length| (4..=MAX_FRAME).contains(&length)) || u32::from_le_bytes(word) as usize > MAX_FRAME || u32::from_le_bytes(word) < 4);
    }

    #[test]
    fn what_is_written_is_read(text in ".*", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let line = LogLine { call: 7, level: LogLevel::Warn, text };
        let frame = encode(&FromWorker::Log(line.clone()), &body).unwrap();
        prop_assert_eq!(frame_length(*frame.first_chunk().unwrap()).unwrap(), frame.len() - 4);
        let (message, at) = decode::<FromWorker>(&frame[4..]).unwrap();
        prop_assert!(matches!(message, FromWorker::Log(read) if read == line));
        prop_assert_eq!(&frame[4 + at..], &body[..]);
    }
}
