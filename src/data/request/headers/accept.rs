//! `Accept`: the form of the answer.

use super::split_unquoted;
use crate::data::request::fault::{Fault, quoted};
use crate::data::request::limits::MAX_HEADER_BYTES;

/// A form that an answer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// An array of rows (or what a function gives); `strip_nulls` drops keys whose value is null.
    Array {
        strip_nulls: bool,
    },
    /// The one row there is.
    Object {
        strip_nulls: bool,
    },
    Csv,
    /// The API's own description.
    OpenApi,
}

/// What can be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offers {
    /// Rows: of a table, or of a function.
    Rows,
    /// The description at the root, which `application/json` gives too.
    Root,
}

/// A media range of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Accepted {
    /// As it was sent, without the quality.
    text: String,
    media: Option<Wanted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    Is(Media),
}

/// The media ranges of a request, the most wanted first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept(Vec<Accepted>);

impl Media {
    /// The `Content-Type` of the answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Array { strip_nulls: false } => "application/json; charset=utf-8",
            Self::Array { strip_nulls: true } => "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            Self::Object { strip_nulls: false } => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::Object { strip_nulls: true } => "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::OpenApi => "application/openapi+json; charset=utf-8",
        }
    }
}

impl Accept {
    /// Of the values of all `Accept` headers, by quality and then by how exactly they say it; everything when there is none.
    ///
    /// # Errors
    ///
    /// [`Fault::MediaType`] when there is more than [`MAX_HEADER_BYTES`] of them.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut bytes = 0;
        let mut ranges = Vec::new();
        for header in headers {
            bytes += header.len();
            if bytes > MAX_HEADER_BYTES {
                return Err(Fault::MediaType(vec![quoted(header)]));
            }
            ranges.extend(split_unquoted(header, ',').map(str::trim).filter(|range| !range.is_empty()).map(weighed));
        }
        if ranges.is_empty() {
            ranges.push(weighed("*/*"));
        }
        ranges.sort_by_key(|(quality, exactness, _)| std::cmp::Reverse((*quality, *exactness)));
        let wanted = ranges.into_iter().filter(|(quality, ..)| *quality > 0);
        Ok(Self(wanted.map(|(.., accepted)| accepted).collect()))
    }

    /// The most wanted form that is offered.
    ///
    /// # Errors
    ///
    /// [`Fault::MediaType`] when none is. Query plans are never offered: they would tell of rows that policies hide.
    pub fn choose(&self, offers: Offers) -> Result<Media, Fault> {
        let chosen = self.0.iter().find_map(|accepted| match (offers, accepted.media?) {
            (Offers::Rows, Wanted::Any) => Some(Media::Array { strip_nulls: false }),
            (Offers::Rows, Wanted::Is(Media::OpenApi)) => None,
            (Offers::Rows, Wanted::Is(media)) => Some(media),
            (Offers::Root, Wanted::Any | Wanted::Is(Media::OpenApi | Media::Array { strip_nulls: false })) => {
                Some(Media::OpenApi)
            }
            (Offers::Root, Wanted::Is(_)) => None,
        });
        chosen.ok_or_else(|| Fault::MediaType(self.0.iter().map(|accepted| quoted(&accepted.text)).collect()))
    }
}

/// A media range with its quality in thousandths and how exact it is: 0 for `*/*`, 1 for `text/*`, more with parameters.
fn weighed(range: &str) -> (u16, usize, Accepted) {
    let mut parts = split_unquoted(range, ';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let (mut quality, mut parameters) = (1000, Vec::new());
    for part in parts.filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
        if key == "q" {
            quality = thousandths(value);
        } else {
            parameters.push((key, value));
        }
    }
    let exactness = match name.as_str() {
        "*/*" => 0,
        other if other.ends_with("/*") => 1,
        _ => 2 + parameters.len(),
    };
    let mut text = name.clone();
    for (key, value) in &parameters {
        text.push_str(&format!(";{key}={value}"));
    }
    let strip_nulls = parameters.iter().any(|(key, value)| key == "nulls" && value.eq_ignore_ascii_case("stripped"));
    (quality, exactness, Accepted { text, media: wanted(&name, strip_nulls) })
}

fn wanted(name: &str, strip_nulls: bool) -> Option<Wanted> {
    Some(match name {
        "*/*" => Wanted::Any,
        "application/json" => Wanted::Is(Media::Array { strip_nulls: false }),
        "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => Wanted::Is(Media::Array { strip_nulls }),
        "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => Wanted::Is(Media::Object { strip_nulls }),
        "text/csv" => Wanted::Is(Media::Csv),
        "application/openapi+json" => Wanted::Is(Media::OpenApi),
        _ => return None,
    })
}

/// A quality from 0 to 1; what is none counts as 1.
fn thousandths(value: &str) -> u16 {
    let Ok(quality) = value.parse::<f32>() else { return 1000 };
    if (0.0..=1.0).contains(&quality) { (quality * 1000.0) as u16 } else { 1000 }
}
