//! What holds for every answer of a site or a route, whoever makes it. A route has its site's rules where it says nothing itself.

use crate::config::tables::Field;

/// What holds for every answer of a site or a route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Headers set in every answer: name, value. An empty value takes the header away.
    pub headers: Vec<(String, String)>,
}

/// A table that has [`Rules`].
pub trait HasRules: 'static {
    fn rules(&mut self) -> &mut Rules;
}

/// The fields of [`Rules`] in a table of the kind `T`.
pub(super) struct RulesOf<T>(std::marker::PhantomData<T>);

impl<T: HasRules> RulesOf<T> {
    pub(super) const FIELDS: &'static [Field<T>] = &[Field {
        key: "headers",
        default: "",
        meaning: "Headers set in every answer; an empty value takes a header away.",
        allowed: "a table of header names and values, such as { x-frame-options = \"DENY\" }",
        set: |table, raw| raw.entries(header).map(|headers| table.rules().headers = headers),
    }];
}

/// A header that can be sent: no line breaks, no name with blanks.
pub(super) fn header(name: &str, value: &crate::config::Raw<'_>) -> Option<(String, String)> {
    let crate::config::Raw::Text(value) = value else { return None };
    let name_is_token =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let value_is_plain = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    (name_is_token && value_is_plain).then(|| (name.to_ascii_lowercase(), (*value).to_owned()))
}
