//! The rewriter of schema names in SQL text: whatever the text, it ends, and what it made is not rewritten again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::db::names::rewrite;

fuzz_target!(|sql: &str| {
    let once = rewrite(sql);
    assert!(once.len() <= sql.len() * 2 + 16);
    assert_eq!(rewrite(&once), once);
});
