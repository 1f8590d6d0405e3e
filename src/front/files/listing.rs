//! A folder as a page of links.

use std::fmt::Write;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::answer;

/// Names that one page has at the most.
pub(super) const MOST: usize = 5000;

/// The names in a folder, each a link; as JSON for a client that asks for it.
pub(super) fn answer(request: &HttpRequest, names: &[String], is_cut: bool) -> HttpResponse {
    let (kind, body) = if answer::wants_json(request) {
        ("application/json", serde_json::json!({ "names": names, "more": is_cut }).to_string())
    } else {
        ("text/html; charset=utf-8", page(request.path(), names, is_cut))
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(kind)));
    answer.insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
    answer.insert_header((header::VARY, HeaderValue::from_static("accept")));
    if request.method() == Method::HEAD { answer.finish() } else { answer.body(body) }
}

fn page(path: &str, names: &[String], is_cut: bool) -> String {
    let title = escaped(&percent_decode_str(path).decode_utf8_lossy());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body><h1>{title}</h1><ul>\n"
    );
    if path != "/" {
        page.push_str("<li><a href=\"../\">../</a></li>\n");
    }
    for name in names {
        let (plain, slash) = name.strip_suffix('/').map_or((name.as_str(), ""), |plain| (plain, "/"));
        let link = utf8_percent_encode(plain, NON_ALPHANUMERIC);
        // Writing to a String does not fail.
        let _ = writeln!(page, "<li><a href=\"{link}{slash}\">{}{slash}</a></li>", escaped(plain));
    }
    page.push_str(if is_cut { "</ul><p>There are more.</p></body></html>\n" } else { "</ul></body></html>\n" });
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
