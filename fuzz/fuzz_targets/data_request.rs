//! Requests of the data API: any query, headers and body are understood, or refused with a code and words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::data::request::{Accept, Body, CallBody, Content, Fault, Kind, Offers, Preferences, Query, Range};

fuzz_target!(|input: (String, String, Vec<u8>, u8)| {
    let (query, header, body, choice) = input;
    let kind = [Kind::Table, Kind::RpcGet, Kind::RpcPost][usize::from(choice) % 3];
    let parsed = Query::parse(&query, kind);
    let columns = parsed.as_ref().ok().and_then(|query| query.columns.clone());
    check(parsed);
    check(Preferences::parse([header.as_str(), "handling=strict"]));
    check(Accept::parse([header.as_str()]).and_then(|accept| accept.choose(Offers::Rows)));
    check(Range::parse(&header));
    let content = [Content::Json, Content::Csv, Content::Form][usize::from(choice / 3) % 3];
    if let Ok(body) = Body::parse(content, &body, columns.as_deref()) {
        assert!(body.rows.iter().all(|row| row.len() == body.keys.len()));
    }
    check(CallBody::parse(content, &body, columns.as_deref()));
});

fn check<T>(read: Result<T, Fault>) {
    if let Err(fault) = read {
        assert!(fault.code().starts_with("PGRST1") && (400..417).contains(&fault.status()) && !fault.message().is_empty());
    }
}
