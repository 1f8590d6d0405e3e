//! What calls came to: counted, kept, added up.

mod histogram;
mod kept;
mod told;

use serde_json::{Value, json};

use crate::support::TestApp;

/// A function that answers what it is told to do.
const MIXED: &str = "export const handler = async (event) => {
    const body = event.body === undefined ? event : JSON.parse(event.body || '{}');
    if (body.fail) throw new Error('as told');
    if (body.hang) await new Promise(() => setInterval(() => {}, 1000));
    return { done: true };
};";

/// The usage that a query is told.
async fn usage(app: &TestApp, query: &str) -> Value {
    app.service().get(&format!("/admin/v1/usage{query}")).await.assert_status(200).json()
}

/// Some of the counts.
fn counts(of: &Value, names: &[&str]) -> Vec<i64> {
    names.iter().map(|name| of[*name].as_i64().unwrap_or_else(|| panic!("{name} is a whole number: {of}"))).collect()
}

/// Calls a function so many times, one after the other, and well.
async fn call(app: &TestApp, function: &str, times: usize) {
    for _ in 0..times {
        app.invoke(function, &json!({})).await.assert_status(200);
    }
}
