//! Text and full text.

use std::fmt::Write;

use md5::{Digest, Md5};

use super::{Answer, boolean, int, lenient, optional, strict, text};
use crate::sys::sqlite_functions::{Argument, Arguments, Fault, Function, Output};
use crate::values::{fts, text as texts};

pub(super) static TABLE: &[Function] = &[
    strict("plinth_like", 2, |args| Ok(boolean(texts::like(&text(args, 0)?, &text(args, 1)?, false)?))),
    strict("plinth_ilike", 2, |args| Ok(boolean(texts::like(&text(args, 0)?, &text(args, 1)?, true)?))),
    strict("plinth_regex", 2, |args| Ok(boolean(texts::matches_regex(&text(args, 0)?, &text(args, 1)?, false)?))),
    strict("plinth_iregex", 2, |args| Ok(boolean(texts::matches_regex(&text(args, 0)?, &text(args, 1)?, true)?))),
    strict("plinth_regexp_replace", -1, |args| {
        let flags = if args.len() > 3 { text(args, 3)? } else { "".into() };
        Ok(Output::Text(texts::replace_regex(&text(args, 0)?, &text(args, 1)?, &text(args, 2)?, &flags)?))
    }),
    strict("plinth_lower", 1, |args| Ok(Output::Text(texts::lower(&text(args, 0)?)))),
    strict("plinth_upper", 1, |args| Ok(Output::Text(texts::upper(&text(args, 0)?)))),
    strict("plinth_initcap", 1, |args| Ok(Output::Text(texts::initcap(&text(args, 0)?)))),
    strict("plinth_btrim", -1, |args| trimmed(args, true, true)),
    strict("plinth_ltrim", -1, |args| trimmed(args, true, false)),
    strict("plinth_rtrim", -1, |args| trimmed(args, false, true)),
    strict("plinth_lpad", -1, |args| padded(args, true)),
    strict("plinth_rpad", -1, |args| padded(args, false)),
    strict("plinth_left", 2, |args| Ok(Output::Text(texts::left(&text(args, 0)?, int(args, 1)?)))),
    strict("plinth_right", 2, |args| Ok(Output::Text(texts::right(&text(args, 0)?, int(args, 1)?)))),
    strict("plinth_split_part", 3, |args| {
        Ok(Output::Text(texts::split_part(&text(args, 0)?, &text(args, 1)?, int(args, 2)?)?.to_owned()))
    }),
    strict("plinth_repeat", 2, |args| Ok(Output::Text(texts::repeat(&text(args, 0)?, int(args, 1)?)?))),
    strict("plinth_reverse", 1, |args| Ok(Output::Text(text(args, 0)?.chars().rev().collect()))),
    strict("plinth_strpos", 2, |args| Ok(Output::Int(texts::strpos(&text(args, 0)?, &text(args, 1)?)))),
    strict("plinth_md5", 1, md5),
    lenient("plinth_concat", -1, |args| joined(args, 0, "")),
    lenient("plinth_concat_ws", -1, |args| match args.get(0)? {
        Argument::Null => Ok(Output::Null),
        _ => joined(args, 1, &text(args, 0)?),
    }),
    strict("plinth_fts", 3, |args| Ok(boolean(fts::matches(&text(args, 0)?, &text(args, 1)?, kind(args, 2)?)?))),
    strict("plinth_fts_vector", 3, |args| Ok(boolean(fts::vector_matches(&text(args, 0)?, &text(args, 1)?, kind(args, 2)?)?))),
    strict("plinth_tsvector", 1, |args| Ok(Output::Text(fts::vector(&text(args, 0)?)))),
    strict("plinth_tsvector_words", 1, |args| Ok(Output::Text(fts::words_of_vector(&text(args, 0)?)))),
    // What a full-text table is asked for a query; null when it cannot narrow the rows.
    strict("plinth_fts_needed", 2, |args| Ok(optional(fts::needed(&text(args, 0)?, kind(args, 1)?)))),
];

fn trimmed(args: &Arguments<'_>, start: bool, end: bool) -> Answer {
    let chars = if args.len() > 1 { text(args, 1)? } else { " ".into() };
    Ok(Output::Text(texts::trim(&text(args, 0)?, &chars, start, end).to_owned()))
}

fn padded(args: &Arguments<'_>, left: bool) -> Answer {
    let fill = if args.len() > 2 { text(args, 2)? } else { " ".into() };
    Ok(Output::Text(texts::pad(&text(args, 0)?, int(args, 1)?, &fill, left)?))
}

fn md5(args: &Arguments<'_>) -> Answer {
    let digest = Md5::digest(text(args, 0)?.as_bytes());
    let mut out = String::with_capacity(32);
    for byte in digest {
        // Writing into a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    Ok(Output::Text(out))
}

/// Every argument from a place on that is not null.
fn joined(args: &Arguments<'_>, from: usize, separator: &str) -> Answer {
    let mut parts = Vec::new();
    for place in from..args.len() {
        if args.get(place)? != Argument::Null {
            parts.push(text(args, place)?);
        }
    }
    Ok(Output::Text(parts.join(separator)))
}

/// How a query is written: `fts`, `plfts`, `phfts` or `wfts`.
fn kind(args: &Arguments<'_>, place: usize) -> Result<fts::Kind, Fault> {
    Ok(match &*text(args, place)? {
        "fts" => fts::Kind::Query,
        "plfts" => fts::Kind::Plain,
        "phfts" => fts::Kind::Phrase,
        "wfts" => fts::Kind::Web,
        other => return Err(Fault { code: "22023", message: format!("full text has no kind of query \"{other}\"") }),
    })
}
