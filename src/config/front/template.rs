//! Text with places that are filled in for each request: where a redirect leads, what a rewrite makes of a path.

/// Text with places to fill in: `$1` and `${1}` are what a regular expression's groups found, `${name}` what a named one found or one of
/// [`VARIABLES`], `$$` a dollar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Part>);

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

/// What a template may name of every request: the host without its port, `http` or `https`, the path as the client sent it, the path with
/// the query, and the path below a route's prefix.
pub const VARIABLES: [&str; 5] = ["host", "scheme", "path", "uri", "rest"];

impl Template {
    /// Reads a template; `None` where a dollar is followed by none of the forms above, or the text has more than visible ASCII.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut parts, before);
            rest = match after.as_bytes().first()? {
                b'$' => {
                    push_text(&mut parts, "$");
                    &after[1..]
                }
                b'{' => {
                    let (name, after) = after[1..].split_once('}')?;
                    parts.push(named(name)?);
                    after
                }
                b'0'..=b'9' => {
                    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                    parts.push(Part::Group(after[..end].parse().ok()?));
                    &after[end..]
                }
                _ => return None,
            };
        }
        push_text(&mut parts, rest);
        Some(Self(parts))
    }

    /// The first place that nothing can fill: neither a group of `pattern` nor, unless only groups are there, one of [`VARIABLES`].
    #[must_use]
    pub fn unknown(&self, pattern: Option<&regex::Regex>, variables: bool) -> Option<String> {
        self.0.iter().find_map(|part| match part {
            Part::Group(number) if pattern.map_or(0, regex::Regex::captures_len) <= *number => Some(format!("${number}")),
            Part::Named(name) => {
                let is_group = pattern.is_some_and(|pattern| pattern.capture_names().flatten().any(|group| group == name));
                let is_variable = variables && VARIABLES.contains(&name.as_str());
                (!is_group && !is_variable).then(|| format!("${{{name}}}"))
            }
            _ => None,
        })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn named(name: &str) -> Option<Part> {
    if let Ok(number) = name.parse() {
        return Some(Part::Group(number));
    }
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| Part::Named(name.to_owned()))
}
