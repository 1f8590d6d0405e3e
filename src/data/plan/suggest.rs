//! What a name that is not there may have been meant to be: only what the caller may use is ever suggested.

use super::Planner;
use crate::data::Error;
use crate::sql::catalog::{Privilege, Relation};

/// How alike two names must be, from 0 to 1.
const ALIKE: f64 = 0.6;

/// PGRST205.
pub(super) fn no_table(planner: &Planner<'_>, name: &str) -> Error {
    let error = Error::new("PGRST205", format!("Could not find the table 'public.{name}' in the schema cache"));
    let names = planner
        .catalog
        .relations()
        .filter(|relation| relation.name.is_public() && is_usable(planner, relation))
        .map(|relation| relation.name.name.as_str());
    match nearest(name, names) {
        Some(near) => error.hint(format!("Perhaps you meant the table 'public.{near}'")),
        None => error,
    }
}

/// PGRST200.
pub(super) fn no_relationship(planner: &Planner<'_>, origin: &str, target: &str, hint: Option<&str>) -> Error {
    let by = hint.map(|hint| format!("' using the hint '{hint}")).unwrap_or_default();
    let error = Error::new(
        "PGRST200",
        format!("Could not find a relationship between '{origin}' and '{target}' in the schema cache"),
    )
    .details(format!(
        "Searched for a foreign key relationship between '{origin}' and '{target}{by}' in the schema 'public', but no matches were found."
    ));
    let from = crate::sql::catalog::Name::public(origin);
    let near = planner.relationships.from(&from).iter().filter_map(|one| planner.catalog.relation(&one.to));
    let near = near.filter(|relation| is_usable(planner, relation)).map(|relation| relation.name.name.as_str());
    match nearest(target, near).filter(|near| *near != target) {
        Some(near) => error.hint(format!("Perhaps you meant '{near}' instead of '{target}'.")),
        None => error,
    }
}

fn is_usable(planner: &Planner<'_>, relation: &Relation) -> bool {
    relation.name.is_public()
        && relation.columns.iter().any(|column| planner.rights.may(relation, Privilege::Select, &column.name))
}

/// The name most like another, when one is enough so.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = names.map(|other| (likeness(name, other), other)).filter(|(score, _)| *score >= ALIKE);
    scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// Twice the pairs of neighbouring characters that both have, by the pairs they have together.
fn likeness(one: &str, other: &str) -> f64 {
    let pairs = |text: &str| {
        let framed: Vec<char> = format!("-{}-", text.to_lowercase()).chars().take(66).collect();
        framed.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    };
    let (one, mut other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    let mut common = 0_u32;
    for pair in one {
        if let Some(place) = other.iter().position(|candidate| *candidate == pair) {
            other.swap_remove(place);
            common += 1;
        }
    }
    f64::from(2 * common) / f64::from(u32::try_from(all).unwrap_or(u32::MAX))
}
