//! A file's media type, by its name.

use std::path::Path;

use actix_web::http::header::HeaderValue;

/// The value of `content-type` for a file: text has its charset, what is unknown is bytes.
pub(super) fn content_type(name: &str) -> HeaderValue {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "js" | "mjs" | "cjs" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        "ts" | "mts" | "tsx" | "jsx" => HeaderValue::from_static("text/plain; charset=utf-8"),
        "html" | "htm" => HeaderValue::from_static("text/html; charset=utf-8"),
        "css" => HeaderValue::from_static("text/css; charset=utf-8"),
        "svg" => HeaderValue::from_static("image/svg+xml"),
        "json" | "map" => HeaderValue::from_static("application/json"),
        "webmanifest" => HeaderValue::from_static("application/manifest+json"),
        "wasm" => HeaderValue::from_static("application/wasm"),
        _ => guessed(name),
    }
}

fn guessed(name: &str) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let text = if guess.type_() == "text" { format!("{guess}; charset=utf-8") } else { guess.to_string() };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}
