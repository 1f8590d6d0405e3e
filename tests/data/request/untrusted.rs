//! Queries, headers and bodies, as anybody may send them.

use plinth::data::request::{Accept, Body, CallBody, Content, Fault, Kind, Offers, Preferences, Query, Range};
use proptest::prelude::*;

use super::{print, strategy};

const PIECES: &str = "([a-z.]{1,3}|select=|order=|or=|and[(]|not[.]|[.]eq[.]|in[.][(]|[(]|[)]|,|\"|\\\\|->>?|::|![a-z]|[.]{3}|count[(][)]|[{}&=+%*:-]|%2[0-9a-f]|é){0,24}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_query_is_understood_as_it_was_meant((query, kind) in strategy::query()) {
        let text = print::query_string(&query);
        prop_assert_eq!(Query::parse(&text, kind), Ok(query), "{}", text);
    }

    #[test]
    fn what_is_understood_means_the_same_when_it_is_said_again(text in PIECES, select in PIECES) {
        for text in [text.clone(), format!("select={select}&{text}"), format!("order={text}&or=({select})")] {
            for kind in [Kind::Table, Kind::RpcGet] {
                match Query::parse(&text, kind) {
                    Ok(query) => {
                        let again = print::query_string(&query);
                        prop_assert_eq!(Query::parse(&again, kind), Ok(query), "{}", again);
                    }
                    Err(fault) => prop_assert!(is_clear(&fault), "{:?}", fault),
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_query_or_a_fault(text in "\\PC{0,60}") {
        for kind in [Kind::Table, Kind::RpcGet, Kind::RpcPost] {
            if let Err(fault) = Query::parse(&text, kind) {
                prop_assert!(is_clear(&fault), "{:?}", fault);
            }
        }
    }

    #[test]
    fn any_headers_are_understood_or_refused(text in "[a-z*/;,=q0-9.\" +-]{0,40}|\\PC{0,40}", more in "(handling=strict|max-affected=[0-9-]{0,22}|return=[a-z]{0,4}|,|;){0,4}") {
        if let Err(fault) = Preferences::parse([text.as_str(), more.as_str()]) {
            prop_assert_eq!(fault.code(), "PGRST122");
        }
        let accept = Accept::parse([text.as_str()]).unwrap();
        for offers in [Offers::Rows, Offers::Root] {
            if let Err(fault) = accept.choose(offers) {
                prop_assert_eq!(fault.code(), "PGRST107");
            }
        }
        if let Ok(Some(range)) = Range::parse(&text) {
            prop_assert!(range.last.is_none_or(|last| last >= range.first));
        }
    }

    #[test]
    fn any_body_is_rows_of_one_width_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "([\\[\\]{},:\"]|\"[ab]\"|1|null|\n|&|=|%[0-9]){0,24}") {
        let columns = ["a".to_owned(), "b".to_owned()];
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            for content in [Content::Json, Content::Csv, Content::Form] {
                for columns in [None, Some(&columns[..])] {
                    match Body::parse(content, bytes, columns) {
                        Ok(body) => {
                            prop_assert!(body.rows.iter().all(|row| row.len() == body.keys.len()));
                            prop_assert!(columns.is_some() || body.rows.iter().flatten().all(Option::is_some));
                        }
                        Err(fault) => prop_assert_eq!(fault.code(), "PGRST102"),
                    }
                    if let Err(fault) = CallBody::parse(content, bytes, columns) {
                        prop_assert_eq!(fault.code(), "PGRST102");
                    }
                }
            }
        }
    }
}

/// Whether it says what is wrong, in few words.
fn is_clear(fault: &Fault) -> bool {
    let said = [Some(fault.message()), fault.details(), fault.hint()];
    !fault.message().is_empty() && said.into_iter().flatten().all(|text| text.chars().count() < 500)
}
