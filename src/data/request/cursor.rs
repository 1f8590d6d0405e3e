//! A place in a text that is being read, and what names and JSON paths look like there.

use super::ast::{Arrow, Field, JsonKey, JsonStep};
use super::fault::{Fault, quoted};
use super::limits::MAX_JSON_STEPS;

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The text has something else at a byte than what was expected.
    Syntax { at: usize, expecting: &'static str },
    /// A limit was passed.
    Fault(Fault),
}

pub(super) type Read<T> = Result<T, Stop>;

/// A text and how far it has been read.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A name, and whether it was in quotes, where no word has a meaning of its own.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

const FIELD_NAME: &str = "field name (* or [a..z0..9_$])";

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes past a text if it stands here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_here = self.rest().starts_with(text);
        if is_here {
            self.at += text.len();
        }
        is_here
    }

    /// Goes past a text that must stand here.
    pub(super) fn expect(&mut self, text: &str, expecting: &'static str) -> Read<()> {
        if self.eat(text) { Ok(()) } else { Err(self.expected(expecting)) }
    }

    /// The end of the text must be here.
    pub(super) fn end(&self, expecting: &'static str) -> Read<()> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expecting)) }
    }

    pub(super) fn spaces(&mut self) {
        self.run(|c| matches!(c, ' ' | '\t'));
    }

    /// The characters from here on that fit.
    pub(super) fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let run = &rest[..rest.find(|c| !fits(c)).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    /// All that has not been read.
    pub(super) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.text.len();
        rest
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn expected(&self, expecting: &'static str) -> Stop {
        Stop::Syntax { at: self.at, expecting }
    }

    /// The fault for a stop in this text, which is a `what` that reads `shown`.
    pub(super) fn fault(&self, stop: Stop, what: &str, shown: &str) -> Fault {
        match stop {
            Stop::Fault(fault) => fault,
            Stop::Syntax { at, expecting } => {
                let column = self.text[..at].chars().count() + 1;
                let unexpected = match self.text[at..].chars().next() {
                    Some(c) => format!("{:?}", c.to_string()),
                    None => "end of input".to_owned(),
                };
                Fault::Query {
                    message: format!("\"failed to parse {what} ({})\" (line 1, column {column})", quoted(shown)),
                    details: format!("unexpected {unexpected} expecting {expecting}"),
                }
            }
        }
    }

    /// A text in double quotes, `\` taking the next character as it is; where there is none, nothing is read.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let mut chars = self.rest().strip_prefix('"')?.char_indices();
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += 1 + at + 1;
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                _ => text.push(c),
            }
        }
        None
    }

    /// The same if it ends where `is_over` says; otherwise nothing is read.
    pub(super) fn quoted_until(&mut self, is_over: impl Fn(Option<char>) -> bool) -> Option<String> {
        let start = self.at;
        let text = self.quoted();
        if text.is_some() && is_over(self.peek()) {
            return text;
        }
        self.at = start;
        None
    }

    /// A name: in quotes, or letters, digits, `_`, `$`, spaces and dashes without the spaces around.
    pub(super) fn name(&mut self) -> Read<Name> {
        if self.peek() == Some('"') {
            let Some(text) = self.quoted() else {
                self.at = self.text.len();
                return Err(self.expected("\"\\\"\""));
            };
            return Ok(Name { text, is_quoted: true });
        }
        let text = self.joined_by_dashes(is_of_a_name, FIELD_NAME)?;
        Ok(Name { text, is_quoted: false })
    }

    /// A name and the JSON path after it, with spaces around.
    pub(super) fn field(&mut self) -> Read<Field> {
        self.spaces();
        let name = self.name()?.text;
        let path = self.json_path()?;
        self.spaces();
        Ok(Field { name, path })
    }

    /// `embed.embed.field`: the names before the last one, and the field.
    pub(super) fn key(&mut self) -> Read<(Vec<String>, Field)> {
        let mut embeds = Vec::new();
        let mut name = self.name()?.text;
        while self.eat(".") {
            embeds.push(std::mem::replace(&mut name, self.name()?.text));
        }
        let path = self.json_path()?;
        self.end("\"->>\", \"->\", delimiter (.) or end of input")?;
        Ok((embeds, Field { name, path }))
    }

    /// Names with commas between.
    pub(super) fn names(&mut self) -> Read<Vec<String>> {
        let mut names = Vec::new();
        loop {
            self.spaces();
            names.push(self.name()?.text);
            self.spaces();
            if !self.eat(",") {
                self.end("\",\" or end of input")?;
                return Ok(names);
            }
        }
    }

    /// `->key->>0`, as far as it goes.
    pub(super) fn json_path(&mut self) -> Read<Vec<JsonStep>> {
        let mut path = Vec::new();
        while self.rest().starts_with("->") {
            if path.len() == MAX_JSON_STEPS {
                return Err(Stop::Fault(Fault::QueryLimit { what: "steps in a JSON path", limit: MAX_JSON_STEPS }));
            }
            self.at += 2;
            let arrow = if self.eat(">") { Arrow::Text } else { Arrow::Json };
            path.push(JsonStep { arrow, key: self.json_key()? });
        }
        Ok(path)
    }

    fn json_key(&mut self) -> Read<JsonKey> {
        const EXPECTING: &str = "any non reserved character different from: .,>()";
        let start = self.at;
        let is_negative = self.eat("-");
        let digits = self.run(|c| c.is_ascii_digit());
        if !digits.is_empty() && self.is_after_an_index() {
            let index = self.text[start..self.at].parse();
            return index.map(JsonKey::Index).map_err(|_| Stop::Syntax { at: start, expecting: "a smaller index" });
        }
        if is_negative {
            return Err(self.expected("digit"));
        }
        self.at = start;
        if let Some(key) = self.quoted() {
            return Ok(JsonKey::Key(key));
        }
        self.joined_by_dashes(|c| !matches!(c, '(' | '-' | ':' | '.' | ',' | '>' | ')'), EXPECTING).map(JsonKey::Key)
    }

    /// Whether digits that end here are the whole step.
    fn is_after_an_index(&self) -> bool {
        let rest = self.rest().trim_start_matches([' ', '\t']);
        rest.is_empty() || ["->", "::", ".", ",", ")"].iter().any(|next| rest.starts_with(next))
    }

    /// Runs with dashes between, each without the spaces around it. A dash that begins an arrow ends them.
    fn joined_by_dashes(&mut self, fits: impl Fn(char) -> bool, expecting: &'static str) -> Read<String> {
        let mut text = String::new();
        loop {
            let start = self.at;
            let run = self.run(&fits).trim();
            if run.is_empty() {
                self.at = start;
                return Err(self.expected(expecting));
            }
            text.push_str(run);
            if !self.rest().starts_with('-') || self.rest().starts_with("->") {
                return Ok(text);
            }
            self.at += 1;
            text.push('-');
        }
    }

    /// A type's name or a text search configuration: letters, digits, `_`, `$` and spaces.
    pub(super) fn identifier(&mut self) -> Read<String> {
        let start = self.at;
        let run = self.run(is_of_a_name).trim();
        if run.is_empty() {
            self.at = start;
            return Err(self.expected("letter or digit"));
        }
        Ok(run.to_owned())
    }
}

/// Letters and digits of any script.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | ' ')
}
