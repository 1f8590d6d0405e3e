//! The page that is served when no site is configured, and the page for what is not there. Both are in the binary.

use std::sync::Arc;

use bytes::Bytes;

use super::media::content_type;
use super::resource::{Form, Resource};

/// Name and content of each built-in file; `index.html` also answers for `/`.
const FILES: [(&str, &[u8]); 5] = [
    ("index.html", include_bytes!("../../../static/index.html")),
    ("style.css", include_bytes!("../../../static/style.css")),
    ("status.js", include_bytes!("../../../static/status.js")),
    ("favicon.svg", include_bytes!("../../../static/favicon.svg")),
    (NOT_FOUND, include_bytes!("../../../static/404.html")),
];

/// The page for what is not there: in a site's folder its own, here the built-in one.
pub(super) const NOT_FOUND: &str = "404.html";

/// The built-in files, ready to be sent.
#[derive(Debug)]
pub(super) struct Builtin(Vec<(&'static str, Arc<Resource>)>);

impl Builtin {
    pub(super) fn new() -> Self {
        let ready = |(name, bytes)| {
            let plain = Form::in_memory(Bytes::from_static(bytes));
            (name, Arc::new(Resource { content_type: content_type(name), modified: None, plain, packed: Vec::new() }))
        };
        Self(FILES.into_iter().map(ready).collect())
    }

    /// A file by its name; `None` when there is none of that name.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Resource>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, resource)| Arc::clone(resource))
    }
}
