//! Keeps secrets out of a log.

use std::collections::VecDeque;
use std::fmt;

use super::buffer::What;

/// Shorter values are found in too many places that have nothing to do with them.
const SHORTEST: usize = 8;

/// Values that are remembered, so that environments that still have an older one are covered, too.
const MOST: usize = 400;

/// What stands in their place.
const STARS: &str = "***";

/// Values that no line shows.
#[derive(Clone, Default)]
pub(super) struct Mask {
    /// The newest are at the end.
    remembered: VecDeque<String>,
    /// What is looked for: the longest first, since one may hold another.
    sought: Vec<String>,
}

impl Mask {
    pub(super) fn is_empty(&self) -> bool {
        self.sought.is_empty()
    }

    /// Remembers values; false when all of them are known.
    pub(super) fn add<'v>(&mut self, values: impl Iterator<Item = &'v str>) -> bool {
        let mut is_new = false;
        for value in values.filter(|value| value.chars().count() >= SHORTEST) {
            if self.remembered.iter().any(|known| known == value) {
                continue;
            }
            is_new = true;
            self.remembered.push_back(value.to_owned());
            if self.remembered.len() > MOST {
                self.remembered.pop_front();
            }
        }
        if is_new {
            // A value is shown in JSON, too, where some characters are written otherwise.
            let escaped = |value: &String| {
                let quoted = serde_json::Value::from(value.as_str()).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            };
            self.sought = self.remembered.iter().flat_map(|value| [value.clone(), escaped(value)]).collect();
            self.sought.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            self.sought.dedup();
        }
        is_new
    }

    /// A line as it may be shown.
    pub(super) fn conceal(&self, what: What) -> What {
        match what {
            What::Line(level, text) => What::Line(level, self.conceal_text(text)),
            What::Failed(text) => What::Failed(self.conceal_text(text)),
            other => other,
        }
    }

    fn conceal_text(&self, mut text: String) -> String {
        for value in &self.sought {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), STARS);
            }
        }
        text
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} values)", self.remembered.len())
    }
}
