//! Which relations go together: by foreign keys, by junctions, and through views that show a key's columns unchanged.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::sql::catalog::{Catalog, ForeignKey, Name, Relation, Table};

/// Columns that must be equal, the near side's first.
pub type Pairs = Vec<(String, String)>;

/// How a relation leads to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    pub from: Name,
    pub to: Name,
    /// A foreign key's name, or its column, names tables alone.
    pub to_is_view: bool,
    pub way: Way,
}

/// By which key, and in which direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The foreign key is here: one row or none.
    ManyToOne { constraint: String, pairs: Pairs },
    /// The foreign key is there: any number of rows.
    OneToMany { constraint: String, pairs: Pairs },
    /// On either side, where the foreign key's columns are unique: one row or none.
    OneToOne { constraint: String, pairs: Pairs },
    /// Through a table whose primary key holds both foreign keys.
    ManyToMany { junction: Name, near: String, far: String, near_pairs: Pairs, far_pairs: Pairs },
}

impl Relationship {
    /// Whether it leads to one row at the most.
    #[must_use]
    pub const fn is_to_one(&self) -> bool {
        matches!(self.way, Way::ManyToOne { .. } | Way::OneToOne { .. })
    }

    fn is_self(&self) -> bool {
        self.from == self.to
    }

    /// The one column of each side, where the key has one.
    fn single(&self) -> Option<(&str, &str)> {
        match &self.way {
            Way::ManyToOne { pairs, .. } | Way::OneToMany { pairs, .. } | Way::OneToOne { pairs, .. } => match &pairs[..] {
                [(near, far)] => Some((near, far)),
                _ => None,
            },
            Way::ManyToMany { .. } => None,
        }
    }

    fn constraint(&self) -> Option<&str> {
        match &self.way {
            Way::ManyToOne { constraint, .. } | Way::OneToMany { constraint, .. } | Way::OneToOne { constraint, .. } => {
                Some(constraint)
            }
            Way::ManyToMany { .. } => None,
        }
    }

    /// The columns that it goes by, with their relations.
    pub(super) fn ties(&self) -> Vec<(&Name, &str)> {
        match &self.way {
            Way::ManyToOne { pairs, .. } | Way::OneToMany { pairs, .. } | Way::OneToOne { pairs, .. } => {
                tied(&self.from, &self.to, pairs).collect()
            }
            Way::ManyToMany { junction, near_pairs, far_pairs, .. } => {
                tied(&self.from, junction, near_pairs).chain(tied(&self.to, junction, far_pairs)).collect()
            }
        }
    }

    /// Whether `target`, with an optional hint, means this one.
    fn is_meant(&self, target: &str, hint: Option<&str>) -> bool {
        let (near, far) = self.single().unzip();
        let by_table = target == self.to.name;
        if self.is_self() {
            // One key gives two relationships: the table's name leads down, the column's up.
            return match (&self.way, hint) {
                (Way::OneToMany { .. }, None) => by_table,
                (Way::ManyToOne { .. }, None) => near == Some(target),
                (Way::OneToMany { constraint, .. }, Some(hint)) => by_table && (far == Some(hint) || constraint == hint),
                _ => false,
            };
        }
        match hint {
            None => by_table || (!self.to_is_view && (self.constraint() == Some(target) || near == Some(target))),
            Some(hint) => {
                let by_junction = matches!(&self.way, Way::ManyToMany { junction, .. } if junction.name == hint);
                by_table && (self.constraint() == Some(hint) || near == Some(hint) || far == Some(hint) || by_junction)
            }
        }
    }

    /// What `!` would name it by.
    fn hint(&self) -> &str {
        match &self.way {
            Way::ManyToMany { junction, .. } => &junction.name,
            Way::ManyToOne { constraint, .. } | Way::OneToMany { constraint, .. } | Way::OneToOne { constraint, .. } => {
                constraint
            }
        }
    }

    /// As an entry of PGRST201's details.
    fn described(&self) -> Value {
        let list = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join(", ");
        let (cardinality, relationship) = match &self.way {
            Way::ManyToMany { junction, near, far, near_pairs, far_pairs } => {
                let (near_columns, far_columns) =
                    (list(&mut near_pairs.iter().map(|pair| &pair.1)), list(&mut far_pairs.iter().map(|pair| &pair.1)));
                ("many-to-many", format!("{} using {near}({near_columns}) and {far}({far_columns})", junction.name))
            }
            Way::ManyToOne { constraint, pairs } | Way::OneToMany { constraint, pairs } | Way::OneToOne { constraint, pairs } => {
                let cardinality = match self.way {
                    Way::ManyToOne { .. } => "many-to-one",
                    Way::OneToMany { .. } => "one-to-many",
                    _ => "one-to-one",
                };
                let (near, far) = (list(&mut pairs.iter().map(|pair| &pair.0)), list(&mut pairs.iter().map(|pair| &pair.1)));
                (cardinality, format!("{constraint} using {}({near}) and {}({far})", self.from.name, self.to.name))
            }
        };
        json!({
            "cardinality": cardinality,
            "embedding": format!("{} with {}", self.from.name, self.to.name),
            "relationship": relationship,
        })
    }
}

/// Every relationship of a catalogue, by where it begins.
#[derive(Clone, Debug, Default)]
pub struct Relationships {
    by_origin: HashMap<Name, Vec<Relationship>>,
}

/// What looking for a relationship came to.
#[derive(Debug)]
pub enum Found<'a> {
    One(&'a Relationship),
    None,
    /// For PGRST201: its details and its hint.
    Several {
        details: Value,
        hint: String,
    },
}

impl Relationships {
    /// Works out a catalogue's relationships.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        let mut all = Vec::new();
        for relation in catalog.relations() {
            let Some(table) = relation.table() else { continue };
            let from = views_and(catalog, relation);
            let mut up = Vec::new();
            for key in &table.foreign_keys {
                let Some(referenced) = catalog.relation(&key.references) else { continue };
                let to = views_and(catalog, referenced);
                up.extend(of_key(table, key, &from, &to, &mut all));
            }
            all.extend(through_junction(relation, table, &up));
        }
        let mut by_origin: HashMap<Name, Vec<Relationship>> = HashMap::new();
        for relationship in all {
            if relationship.from.is_public() && relationship.to.is_public() {
                by_origin.entry(relationship.from.clone()).or_default().push(relationship);
            }
        }
        Self { by_origin }
    }

    /// Finds what a request means by `target!hint` on `origin`, among those that `may` be known of.
    #[must_use]
    pub fn find(&self, origin: &Name, target: &str, hint: Option<&str>, may: impl Fn(&Relationship) -> bool) -> Found<'_> {
        let meant: Vec<_> = self.from(origin).iter().filter(|one| one.is_meant(target, hint) && may(one)).collect();
        match &meant[..] {
            [] => Found::None,
            [one] => Found::One(one),
            several => {
                let hints: Vec<_> = several.iter().map(|one| format!("'{}!{}'", one.to.name, one.hint())).collect();
                Found::Several {
                    details: several.iter().map(|one| one.described()).collect(),
                    hint: format!(
                        "Try changing '{target}' to one of the following: {}. Find the desired relationship in the 'details' key.",
                        hints.join(", ")
                    ),
                }
            }
        }
    }

    /// Those that begin at a relation.
    #[must_use]
    pub fn from(&self, origin: &Name) -> &[Relationship] {
        self.by_origin.get(origin).map_or(&[], Vec::as_slice)
    }
}

/// A relation that shows a table's columns: itself, or a view with some of them unchanged.
struct Seen<'a> {
    relation: &'a Relation,
    table: &'a Name,
}

impl Seen<'_> {
    /// What the table's columns are called here; `None` unless all are shown.
    fn names(&self, columns: &[String]) -> Option<Vec<String>> {
        let Some(view) = self.relation.view() else { return Some(columns.to_vec()) };
        let name_of = |column: &String| {
            let shows = |origin: &&_| matches!(origin, Some(origin) if is_of(origin, self.table, column));
            let (place, _) = view.origins.iter().enumerate().find(|(_, origin)| shows(origin))?;
            Some(self.relation.columns.get(place)?.name.clone())
        };
        columns.iter().map(name_of).collect()
    }
}

fn is_of(origin: &crate::sql::catalog::ViewColumn, table: &Name, column: &str) -> bool {
    origin.relation == *table && origin.column == column
}

/// A table, and every view that shows some column of it.
fn views_and<'a>(catalog: &'a Catalog, table: &'a Relation) -> Vec<Seen<'a>> {
    let shows = |relation: &&std::sync::Arc<Relation>| {
        relation.view().is_some_and(|view| view.origins.iter().flatten().any(|origin| origin.relation == table.name))
    };
    let views = catalog.relations().filter(shows).map(|view| Seen { relation: view, table: &table.name });
    std::iter::once(Seen { relation: table, table: &table.name }).chain(views).collect()
}

/// Both directions of a foreign key, for the tables and the views over them. Gives those that lead up from the table itself.
fn of_key(table: &Table, key: &ForeignKey, from: &[Seen<'_>], to: &[Seen<'_>], all: &mut Vec<Relationship>) -> Vec<Relationship> {
    let is_unique = is_key_of(table, &key.columns);
    let mut up = Vec::new();
    for near in from {
        let Some(near_names) = near.names(&key.columns) else { continue };
        for far in to {
            let Some(far_names) = far.names(&key.referenced_columns) else { continue };
            let pairs: Pairs = near_names.iter().cloned().zip(far_names.iter().cloned()).collect();
            let turned: Pairs = far_names.into_iter().zip(near_names.iter().cloned()).collect();
            let constraint = key.name.clone();
            let (there, back) = if is_unique {
                (Way::OneToOne { constraint: constraint.clone(), pairs }, Way::OneToOne { constraint, pairs: turned })
            } else {
                (Way::ManyToOne { constraint: constraint.clone(), pairs }, Way::OneToMany { constraint, pairs: turned })
            };
            let leads = |from: &Seen<'_>, to: &Seen<'_>, way| Relationship {
                from: from.relation.name.clone(),
                to: to.relation.name.clone(),
                to_is_view: to.relation.view().is_some(),
                way,
            };
            let there = leads(near, far, there);
            if near.relation.view().is_none() {
                up.push(there.clone());
            }
            all.push(there);
            all.push(leads(far, near, back));
        }
    }
    up
}

fn tied<'r>(near: &'r Name, far: &'r Name, pairs: &'r Pairs) -> impl Iterator<Item = (&'r Name, &'r str)> {
    pairs.iter().flat_map(move |(own, other)| [(near, own.as_str()), (far, other.as_str())])
}

/// Whether these are exactly the columns of a key.
fn is_key_of(table: &Table, columns: &[String]) -> bool {
    let wanted: BTreeSet<_> = columns.iter().collect();
    table.primary_key.iter().chain(&table.uniques).any(|key| key.columns.iter().collect::<BTreeSet<_>>() == wanted)
}

/// The ways through a table from each of its foreign keys to each other one, where its primary key holds both.
fn through_junction(junction: &Relation, table: &Table, up: &[Relationship]) -> Vec<Relationship> {
    let Some(primary) = &table.primary_key else { return Vec::new() };
    let held = |relationship: &&Relationship| match &relationship.way {
        Way::ManyToOne { pairs, .. } | Way::OneToOne { pairs, .. } => {
            pairs.iter().all(|(near, _)| primary.columns.contains(near))
        }
        _ => false,
    };
    let turned = |pairs: &Pairs| pairs.iter().map(|(near, far)| (far.clone(), near.clone())).collect::<Pairs>();
    let mut found = Vec::new();
    for first in up.iter().filter(held) {
        for second in up.iter().filter(held).filter(|second| second.constraint() != first.constraint()) {
            let (Some(near), Some(far)) = (first.constraint(), second.constraint()) else { continue };
            let pairs_of = |relationship: &Relationship| match &relationship.way {
                Way::ManyToOne { pairs, .. } | Way::OneToOne { pairs, .. } => turned(pairs),
                _ => Vec::new(),
            };
            found.push(Relationship {
                from: first.to.clone(),
                to: second.to.clone(),
                to_is_view: second.to_is_view,
                way: Way::ManyToMany {
                    junction: junction.name.clone(),
                    near: near.to_owned(),
                    far: far.to_owned(),
                    near_pairs: pairs_of(first),
                    far_pairs: pairs_of(second),
                },
            });
        }
    }
    found
}
