//! What was asked of each embed: its filters, order and window, found by the path of names that leads there.

use super::ast::{Condition, OrderTerm, SelectItem};
use super::fault::{Fault, quoted};

/// The embeds of one level: one for each [`SelectItem::Embed`] of its `select`, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embeds(pub Vec<Nested>);

/// What is asked of one embed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nested {
    pub name: String,
    pub alias: Option<String>,
    /// All must be true; they narrow the embedded rows, not the parents.
    pub filters: Vec<Condition>,
    pub order: Vec<OrderTerm>,
    /// Rows for each parent.
    pub limit: Option<u64>,
    pub offset: u64,
    pub embeds: Embeds,
}

impl Embeds {
    /// Of a `select`, with nothing asked yet.
    #[must_use]
    pub fn of(select: &[SelectItem]) -> Self {
        let nested = select.iter().filter_map(|item| match item {
            SelectItem::Embed { name, alias, select, .. } => {
                Some(Nested { name: name.clone(), alias: alias.clone(), embeds: Self::of(select), ..Nested::default() })
            }
            _ => None,
        });
        Self(nested.collect())
    }

    /// The embed that a path of aliases (or names, where there is no alias) leads to.
    #[must_use]
    pub fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<&Nested> {
        let (first, below) = path.split_first()?;
        let nested = self.0.iter().find(|nested| nested.key() == first.as_ref())?;
        if below.is_empty() { Some(nested) } else { nested.embeds.get(below) }
    }

    /// Two embeds of one level that have the same key would be one in the answer.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let mut keys = std::collections::HashSet::new();
        for nested in &self.0 {
            if !keys.insert(nested.key()) {
                return Err(Fault::Query {
                    message: format!("'{}' is embedded twice under one name", quoted(nested.key())),
                    details: "Give one of them an alias: alias:name(...)".to_owned(),
                });
            }
            nested.embeds.check()?;
        }
        Ok(())
    }

    /// The embed that a prefix means: by alias, or by a name that only one embed of the level has.
    pub(super) fn find(&mut self, first: &str, below: &[String]) -> Result<&mut Nested, Fault> {
        let place = self.place(first)?;
        let nested = &mut self.0[place];
        match below.split_first() {
            None => Ok(nested),
            Some((first, below)) => nested.embeds.find(first, below),
        }
    }

    fn place(&self, name: &str) -> Result<usize, Fault> {
        if let Some(place) = self.0.iter().position(|nested| nested.key() == name) {
            return Ok(place);
        }
        let mut named = self.0.iter().enumerate().filter(|(_, nested)| nested.name == name);
        match (named.next(), named.next()) {
            (Some((place, _)), None) => Ok(place),
            _ => {
                let named = self.0.iter().filter(|nested| nested.name == name);
                let instead = named.map(|nested| nested.key().to_owned()).collect();
                Err(Fault::NotEmbedded { name: quoted(name), instead })
            }
        }
    }
}

impl Nested {
    /// Its key in the answer and as a prefix.
    #[must_use]
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}
