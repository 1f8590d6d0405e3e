//! Names and settings of functions, as anybody may write them.

use plinth::config::Functions;
use plinth::functions::api::{check_config, name_in};
use plinth::types::FunctionName;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_header_is_settings_or_refused_with_its_fields(
        text in r#"\{("(handler|memory_mb|timeout_s|env|network|description|x)":(null|-?[0-9]{1,5}|".{0,9}"|\[\]|\{"a":"b"\}),?){0,4}\}|.{0,40}"#,
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
