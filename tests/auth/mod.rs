//! Auth: its parts by themselves (`parsers`, `vault`, `tokens`, `passwords`), its service over a database with a clock that the
//! test moves (`keys`, `refresh`, `sessions`), and `/auth/v1` as clients see it (`http`).

mod fixture;
mod http;
mod keys;
mod parsers;
mod passwords;
mod refresh;
mod sessions;
mod tokens;
mod vault;
