//! Paths and headers, as anybody may send them.

use plinth::front::untrusted::{part, path};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_path_that_is_looked_up_stays_below_its_root(raw in "(/|%2f|[.]|%2e|[.][.]|%00|a|\\\\|%5c|%c3%28|~){0,12}|.{0,40}") {
        if let Some(name) = path(&raw) {
            prop_assert!(!name.starts_with('/') && !name.contains(['\0', '\\']) && name.split('/').all(|part| part != ".."), "{}", name);
        }
    }

    #[test]
    fn a_part_that_is_sent_lies_inside_the_file(range in "bytes=[0-9]{0,21}-[0-9]{0,21}|.{0,30}", other in ".{0,30}", len in 0_usize..300) {
        for name in ["if-range", "if-none-match", "if-modified-since", "range"] {
            if let Some((first, last)) = part(&[("range", range.as_bytes()), (name, other.as_bytes())], len) {
                prop_assert!(first <= last && last < len as u64);
            }
        }
    }
}
