//! How to answer, by the headers.

use plinth::data::request::{
    Accept, Action, ContentRange, Count, Handling, Media, Missing, Offers, Preferences, Profile, Range, Representation,
    Resolution, Tx,
};

fn prefer(headers: &[&str]) -> Preferences {
    Preferences::parse(headers.iter().copied()).unwrap()
}

#[test]
fn every_preference_is_read_and_the_first_counts() {
    let all = "resolution=merge-duplicates, return=representation,count=exact ,tx=rollback, missing=default,handling=strict,timezone=Asia/Tokyo,max-affected=10";
    let read = prefer(&[all, "count=planned, handling=lenient", "resolution=ignore-duplicates,max-affected=99"]);
    let expected = Preferences {
        resolution: Some(Resolution::MergeDuplicates),
        representation: Some(Representation::Full),
        count: Some(Count::Exact),
        tx: Some(Tx::Rollback),
        missing: Some(Missing::Default),
        handling: Some(Handling::Strict),
        timezone: Some("Asia/Tokyo".to_owned()),
        max_affected: Some(10),
    };
    assert_eq!(read, expected);
    assert_eq!(read.max_affected(), Some(10));
    assert_eq!(prefer(&["max-affected=10"]).max_affected(), None);
    assert_eq!(prefer(&["return=minimal"]).representation, Some(Representation::Minimal));
    assert_eq!(prefer(&["return=headers-only"]).representation, Some(Representation::HeadersOnly));
    assert_eq!(prefer(&["", " , ", "whatever", "count=all", "respond-async"]), Preferences::default());
}

#[test]
fn strict_handling_names_what_is_unknown() {
    let fault = Preferences::parse(["handling=strict, anything", "count=all,max-affected=few"]).unwrap_err();
    assert_eq!((fault.code(), fault.status()), ("PGRST122", 400));
    assert_eq!(fault.details().unwrap(), "Invalid preferences: anything, count=all, max-affected=few");
    assert!(Preferences::parse(["x".repeat(9000).as_str()]).is_err());
}

#[test]
fn only_preferences_that_had_a_meaning_are_echoed() {
    let all = "handling=strict, max-affected=10, timezone=UTC, tx=commit, count=exact, return=minimal, missing=null, resolution=ignore-duplicates";
    let read = prefer(&[all]);
    let always = "count=exact, tx=commit, handling=strict, timezone=UTC";
    let expected = [
        (Action::Read, always.to_owned()),
        (Action::Insert { has_key: true }, format!("resolution=ignore-duplicates, missing=null, return=minimal, {always}")),
        (Action::Insert { has_key: false }, format!("missing=null, return=minimal, {always}")),
        (Action::Update, format!("missing=null, return=minimal, {always}, max-affected=10")),
        (Action::Upsert, format!("return=minimal, {always}")),
        (Action::Delete, format!("return=minimal, {always}, max-affected=10")),
        (Action::Call, format!("{always}, max-affected=10")),
    ];
    for (action, applied) in expected {
        assert_eq!(read.applied(action), Some(applied), "{action:?}");
    }
    assert_eq!(Preferences::default().applied(Action::Read), None);
    assert_eq!(prefer(&["max-affected=10"]).applied(Action::Update), None);
}

#[test]
fn the_form_of_an_answer_is_the_most_wanted_one() {
    let array = Media::Array { strip_nulls: false };
    let rows = |header: &str| Accept::parse([header]).unwrap().choose(Offers::Rows).map_err(|fault| fault.message());
    let chosen = [
        ("", array),
        ("*/*", array),
        ("application/json", array),
        ("application/json; charset=utf-8", array),
        ("application/vnd.pgrst.array+json", array),
        ("application/vnd.pgrst.array+json;nulls=stripped", Media::Array { strip_nulls: true }),
        ("ApplicatIon/vnd.PgRsT.object+json", Media::Object { strip_nulls: false }),
        ("application/vnd.pgrst.object+json; Nulls=\"stripped\"", Media::Object { strip_nulls: true }),
        ("text/csv", Media::Csv),
        ("*/*, text/csv", Media::Csv),
        ("text/csv;q=0.5, application/json;q=0.8", array),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", array),
        ("text/csv;q=0, */*;q=0.1", array),
    ];
    for (header, media) in chosen {
        assert_eq!(rows(header), Ok(media), "{header}");
    }
    let refused = [
        ("text/html, application/x;a=\"b,c\"", "application/x;a=b,c, text/html"),
        (
            "application/vnd.pgrst.plan+json; for=\"application/json\"; options=analyze",
            "application/vnd.pgrst.plan+json;for=application/json;options=analyze",
        ),
        ("application/geo+json", "application/geo+json"),
        ("application/openapi+json", "application/openapi+json"),
    ];
    for (header, names) in refused {
        assert_eq!(rows(header), Err(format!("None of these media types are available: {names}")), "{header}");
    }
    assert_eq!(Accept::parse([]).unwrap().choose(Offers::Rows), Ok(array));
    let root = |header: &str| Accept::parse([header]).unwrap().choose(Offers::Root).map_err(|fault| fault.status());
    for header in ["", "*/*", "application/json", "application/openapi+json"] {
        assert_eq!(root(header), Ok(Media::OpenApi), "{header}");
    }
    assert_eq!(root("text/csv"), Err(406));
    assert_eq!(Media::OpenApi.content_type(), "application/openapi+json; charset=utf-8");
}

#[test]
fn ranges_are_rows() {
    let parsed = |header: &str| Range::parse(header).map_err(|fault| fault.status());
    assert_eq!(parsed("5-9"), Ok(Some(Range { first: 5, last: Some(9) })));
    assert_eq!(parsed("5-"), Ok(Some(Range { first: 5, last: None })));
    assert_eq!(parsed("0-99999999999999999999"), Ok(Some(Range { first: 0, last: Some(i64::MAX as u64) })));
    for ignored in ["", "-5", "bytes=0-5", "a-b", "5", "1-2-3", " 1-2"] {
        assert_eq!(parsed(ignored), Ok(None), "{ignored}");
    }
    assert_eq!(parsed("9-5"), Err(416));
}

#[test]
fn answers_say_which_rows_they_have() {
    let read = |offset, rows, total| ContentRange::of_read(offset, rows, total).map(|range| (range.to_string(), range.status()));
    assert_eq!(read(0, 10, None), Ok(("0-9/*".to_owned(), 200)));
    assert_eq!(read(0, 10, Some(57)), Ok(("0-9/57".to_owned(), 206)));
    assert_eq!(read(50, 7, Some(57)), Ok(("50-56/57".to_owned(), 206)));
    assert_eq!(read(0, 57, Some(57)), Ok(("0-56/57".to_owned(), 200)));
    assert_eq!(read(0, 0, Some(0)), Ok(("*/0".to_owned(), 200)));
    assert_eq!(read(5, 0, None), Ok(("*/*".to_owned(), 200)));
    assert_eq!(read(57, 0, Some(57)), Ok(("*/57".to_owned(), 206)));
    let fault = read(58, 0, Some(57)).unwrap_err();
    assert_eq!((fault.code(), fault.status()), ("PGRST103", 416));
    assert_eq!(fault.details().unwrap(), "An offset of 58 was requested, but there are only 57 rows.");
    let update = |rows, counted| ContentRange::of_update(rows, counted).to_string();
    assert_eq!([update(2, false), update(2, true), update(0, false), update(0, true)], ["0-1/*", "0-1/2", "*/*", "*/0"]);
    let other = |rows, counted| ContentRange::of_places_unknown(rows, counted).to_string();
    assert_eq!([other(2, false), other(2, true)], ["*/*", "*/2"]);
}

#[test]
fn schemas_are_those_exposed() {
    assert_eq!(Profile::of_method("GET").header(), "accept-profile");
    assert_eq!(Profile::of_method("POST").header(), "content-profile");
    assert_eq!(Profile::schema(None, &["public"]), Ok("public"));
    assert_eq!(Profile::schema(Some("public"), &["public"]), Ok("public"));
    let fault = Profile::schema(Some("auth"), &["public", "api"]).unwrap_err();
    assert_eq!((fault.code(), fault.status()), ("PGRST106", 406));
    assert_eq!(fault.hint().unwrap(), "Only the following schemas are exposed: public, api");
}
