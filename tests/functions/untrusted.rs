//! Names and settings of functions, as anybody may write them, and what their workers may send about streams.

use plinth::config::Functions;
use plinth::functions::api::{check_config, name_in};
use plinth::functions::untrusted::{CALL, take};
use plinth::isolate::protocol::{
    Ask, AttributeKind, Fetch, FetchBody, FromWorker, InvokeAsk, KvAsk, KvForm, OnlyIf, Question, SendAsk, SentAttribute,
    SentMessage, WINDOW, encode_into, fetch_stream, request_stream, response_stream,
};
use plinth::types::FunctionName;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_header_is_settings_or_refused_with_its_fields(
        text in r#"\{("(handler|memory_mb|timeout_s|env|network|permissions|description|x)":(null|-?[0-9]{1,5}|".{0,9}"|\[\]|\{"a":"b"\}),?){0,4}\}|.{0,40}"#,
    ) {
        let defaults = Functions { memory_mb: 128, ..Functions::default() };
        if let Err(fields) = check_config(text.as_bytes(), &defaults) {
            prop_assert!(!fields.is_empty() && fields.iter().all(|field| !field.is_empty()), "{}", text);
        }
    }

    #[test]
    fn any_path_has_a_good_name_or_none(path in "(/functions/v1/)?[a-z%./_-]{0,20}|.{0,40}") {
        if let Ok(name) = name_in(&path).parse::<FunctionName>() {
            prop_assert!(path.contains(name.as_str()) && (1..=64).contains(&name.as_str().len()));
        }
    }
}

/// A question that may make sense or not.
fn question() -> impl Strategy<Value = Question> {
    let name = || ".{0,20}|[a-z]{200}";
    let only_if = prop_oneof![Just(OnlyIf::Always), Just(OnlyIf::Absent), name().prop_map(OnlyIf::Version)];
    let set = (name(), any::<Option<u64>>(), only_if).prop_map(|(key, expires_in_ms, only_if)| KvAsk::Set {
        key,
        form: KvForm::Json,
        expires_in_ms,
        only_if,
    });
    let list = (name(), any::<Option<u32>>()).prop_map(|(prefix, limit)| KvAsk::List { prefix, after: None, limit });
    let increment = (name(), any::<i64>()).prop_map(|(key, by)| KvAsk::Increment { key, by, expires_in_ms: None });
    let about_stores = (name(), prop_oneof![set, list, increment]).prop_map(|(store, ask)| Question::Kv { store, ask });
    let invoke =
        (name(), any::<bool>()).prop_map(|(function, event)| Question::Invoke(InvokeAsk { function, qualifier: None, event }));
    let message = (0..300_usize, any::<Option<u32>>(), name()).prop_map(|(length, delay_s, value)| SentMessage {
        length,
        attributes: [(value.clone(), SentAttribute { kind: AttributeKind::Binary, value })].into(),
        delay_s,
    });
    let send = (name(), proptest::collection::vec(message, 0..4))
        .prop_map(|(queue, messages)| Question::Send(SendAsk { queue, messages }));
    prop_oneof![about_stores, invoke, send]
}

/// A frame about a stream that may be or not be, and its body.
fn frame() -> impl Strategy<Value = (FromWorker, usize)> {
    let numbers = [
        response_stream(CALL),
        response_stream(CALL),
        request_stream(CALL),
        fetch_stream(CALL, 1),
        fetch_stream(CALL, 2),
        fetch_stream(CALL, 3),
        fetch_stream(CALL - 1, 1),
        0,
        1,
        u64::MAX,
    ];
    let stream = || proptest::sample::select(numbers.to_vec());
    let fetch = |(stream, body)| {
        let (method, url) = ("POST".to_owned(), "http://127.0.0.1:1/".to_owned());
        FromWorker::Fetch(Box::new(Fetch { stream, method, url, headers: Vec::new(), body }))
    };
    let bodies = [FetchBody::None, FetchBody::Whole, FetchBody::Streamed(None)];
    let message = prop_oneof![
        4 => (stream(), any::<bool>()).prop_map(|(stream, end)| FromWorker::Chunk { stream, end }),
        1 => (stream(), any::<usize>()).prop_map(|(stream, bytes)| FromWorker::Credit { stream, bytes }),
        1 => stream().prop_map(|stream| FromWorker::Abort { stream, reason: "enough".to_owned() }),
        2 => (stream(), proptest::sample::select(bodies.to_vec())).prop_map(fetch),
        1 => stream().prop_map(|call| FromWorker::Settled { call }),
        3 => (CALL - 1..=CALL, 0..4_u64, question()).prop_map(|(call, number, question)| FromWorker::Ask(Box::new(Ask { call, number, question }))),
    ];
    (message, prop_oneof![Just(0), 0..200_usize, Just(65_536), Just(65_537)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_sent_about_streams_the_server_holds_no_more_than_a_window(frames in proptest::collection::vec(frame(), 0..40)) {
        let mut sent = Vec::new();
        for (message, size) in &frames {
            encode_into(&mut sent, message, &vec![7; *size]).expect("the frame is short enough");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let taken = runtime.block_on(take(&sent)).expect("sockets are to be had");
        prop_assert!(taken.held <= WINDOW, "{taken:?}");
        // A worker that does what it must not is told from one that ends.
        prop_assert!(taken.end.contains("Broken") || taken.end.contains("Closed"), "{taken:?}");
    }
}
