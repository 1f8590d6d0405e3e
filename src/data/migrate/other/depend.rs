//! What is made of something that is dropped: it goes along where `cascade` is said, and else keeps it.

use super::super::draft::{Draft, Effect, Native, quoted, target};
use crate::sql::schema_pieces::{Piece, broken};
use crate::sql::{Fault, sqlstate};

/// Takes out of the catalogue what no longer lowers, over several steps; refuses if there is any and `cascade` was not said.
///
/// # Errors
/// 2BP01, with all that depends on `what`.
pub(in crate::data::migrate) fn settle(draft: &mut Draft, what: &str, cascade: bool, effect: &mut Effect) -> Result<(), Fault> {
    let mut found = Vec::new();
    loop {
        let pieces = broken(&draft.catalog);
        if pieces.is_empty() {
            break;
        }
        for piece in pieces {
            found.push(piece.to_string());
            effect.postgres.extend(native(&piece).map(Native::Optional));
            piece.remove(&mut draft.catalog);
        }
    }
    if found.is_empty() || cascade {
        return Ok(());
    }
    let message = format!("cannot drop {what} because other objects depend on it: {}", found.join(", "));
    Err(Fault::new(sqlstate::DEPENDENT_OBJECTS, message).hint("use drop … cascade to drop them too"))
}

fn native(piece: &Piece) -> Option<String> {
    match piece {
        Piece::View(name) => Some(format!("drop view if exists {} cascade", target(name, true))),
        Piece::Policy(table, policy) => Some(format!("drop policy if exists {} on {}", quoted(policy), target(table, true))),
        Piece::Function(_) => None,
    }
}
