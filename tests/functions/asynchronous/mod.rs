//! Work that nobody waits for.

mod disk;
mod events;
mod filters;
mod mappings;

use serde_json::Value;

use crate::support::TestApp;

/// What a function wrote into its log: the ids of the calls, and the texts as JSON.
async fn told(app: &TestApp, function: &str) -> Vec<(String, Value)> {
    let logs = app.service().get(&format!("/admin/v1/functions/{function}/logs?kind=function&limit=1000")).await.json();
    let entries = logs["entries"].as_array().expect("entries").iter();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    entries.map(|entry| (text(entry, "request_id"), serde_json::from_str(&text(entry, "text")).unwrap_or_default())).collect()
}
