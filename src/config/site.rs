//! `[site]`: the static site at `/`.

use std::path::PathBuf;

use super::setting::Setting;

/// The static site.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The folder served at `/`; `None` serves the built-in page.
    pub root: Option<PathBuf>,
}

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "site.root",
    env: "PLINTH_SITE_ROOT",
    default: "",
    meaning: "The folder served at /; the built-in page when it is not set.",
    allowed: "a path to a folder that exists",
    set: |config, raw| {
        let root = PathBuf::from(raw.text()?);
        root.is_dir().then(|| config.site.root = Some(root))
    },
}];
