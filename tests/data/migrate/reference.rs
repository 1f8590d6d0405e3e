//! The functions that docs/data.md lists: each example is run, and gives what is said there.

use super::rows;
use crate::support::TestApp;

const DOCUMENT: &str = include_str!("../../../docs/data.md");

/// The examples of a line of the table, and what they give.
fn examples(line: &str) -> Option<(Vec<String>, String)> {
    let cells = line.strip_prefix("| `")?.strip_suffix("` |")?;
    let (examples, gives) = cells.split_once("` | `")?;
    let examples = examples.split("`, `").map(|example| example.replace("\\|", "|")).collect();
    Some((examples, gives.to_owned()))
}

#[tokio::test]
async fn each_example_of_a_function_gives_what_the_table_says() {
    let app = TestApp::start().await;
    let (_, table) = DOCUMENT.split_once("### Functions").unwrap();
    let table = table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let mut run = 0;
    for (examples, gives) in table.filter_map(examples) {
        for example in examples {
            let found = rows(&app, &format!("select ({example})::text as given")).await;
            assert_eq!(found[0]["given"], gives.as_str(), "{example}");
            run += 1;
        }
    }
    assert!(run > 60, "the table has only {run} examples");
}
