//! The rules, each from files to complaints.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::lex;

/// A file by its path from the root.
#[derive(Clone)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Who may import what: each part of the crate with the parts (or modules of parts) it may name. No cycles. When an edge is
/// wrong, change it here and say why in the same commit.
pub const TABLE: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("tasks", &[]),
    ("sys", &[]),
    ("config", &["types", "tasks", "sys"]),
    ("telemetry", &["types", "tasks", "sys", "config"]),
    ("tls", &["types", "tasks", "config"]),
    ("values", &["types"]),
    ("db", &["types", "tasks", "sys", "config", "values"]),
    ("sql", &["types", "values", "db"]),
    ("policy", &["types", "values", "db", "sql"]),
    ("blob", &["types", "tasks", "sys", "config", "db"]),
    ("aws", &["types"]),
    ("api", &["types", "tasks", "telemetry", "aws"]),
    ("auth", &["types", "tasks", "config", "telemetry", "db", "api"]),
    ("data", &["types", "tasks", "config", "telemetry", "values", "db", "sql", "policy", "api", "auth"]),
    ("storage", &["types", "tasks", "config", "telemetry", "values", "db", "sql", "policy", "blob", "api", "auth", "aws"]),
    ("isolate", &["types", "sys"]),
    ("kv", &["types", "tasks", "db"]),
    ("queues", &["types", "tasks", "db"]),
    ("secrets", &["types", "tasks", "db", "api", "auth"]),
    (
        "functions",
        &[
            "types",
            "tasks",
            "sys",
            "config",
            "telemetry",
            "db",
            "blob",
            "api",
            "auth",
            "kv",
            "queues",
            "secrets",
            "isolate::protocol",
        ],
    ),
    ("front", &["types", "tasks", "config", "telemetry", "api"]),
    ("lambda", &["types", "tasks", "config", "telemetry", "api", "auth", "aws", "functions", "queues", "isolate::protocol"]),
    ("sqs", &["types", "tasks", "telemetry", "api", "auth", "aws", "queues"]),
    (
        "openapi",
        &["api", "auth::api", "data::api", "functions::api", "lambda", "secrets::api", "sqs", "storage::api", "storage::s3"],
    ),
    (
        "server",
        &[
            "types",
            "tasks",
            "sys",
            "config",
            "telemetry",
            "tls",
            "db",
            "blob",
            "api",
            "auth",
            "sql",
            "data",
            "functions",
            "secrets",
            "storage",
            "lambda",
            "queues",
            "sqs",
            "front",
            "openapi",
        ],
    ),
    (
        "cli",
        &[
            "types",
            "tasks",
            "sys",
            "config",
            "telemetry",
            "tls",
            "db",
            "sql",
            "blob",
            "auth",
            "data",
            "storage",
            "server",
            "isolate",
        ],
    ),
];

/// A word that stays absent outside its home.
struct Kept {
    word: &'static str,
    homes: &'static [&'static str],
}

/// What is looked for in code. A home is a folder or a file below `src`; `*/x` is folder `x` of any part.
const KEPT: &[Kept] = &[
    Kept { word: "actix_web", homes: &["api/", "*/api/", "server/", "front/", "openapi/", "lambda/", "sqs/", "storage/s3/"] },
    // The handle of a locked connection is a type of sqlx.
    Kept { word: "sqlx", homes: &["db/", "sys/sqlite_functions.rs", "sys/sqlite_here.rs", "sys/sqlite_tokenizer.rs"] },
    Kept { word: "deno_core", homes: &["isolate/"] },
    Kept { word: "v8::", homes: &["isolate/"] },
    Kept { word: "unsafe", homes: &["sys/"] },
    Kept { word: "std::env", homes: &["config/", "cli/"] },
    Kept { word: "tokio::spawn", homes: &["tasks.rs", "isolate/"] },
];

/// Where SQL text may be.
const SQL_HOMES: &[&str] =
    &["db/", "sql/", "policy/", "data/migrate/", "data/api/sql.rs", "data/api/migrations.rs", "*/queries/", "*/queries.rs"];

/// Where tests may sleep: between two looks at what they wait for. The driver's tests are threads without a runtime.
const SLEEPERS: &[&str] = &["tests/support/", "tests/isolate/driver.rs"];

/// Lines of a file, and of one that only gathers others (`mod.rs`, `lib.rs`, `main.rs`).
const MAX_LINES: usize = 500;
const MAX_LINES_OF_A_MOD: usize = 120;

/// Files and folders in a folder. The crate's own root holds the parts and is not counted.
const MAX_ENTRIES: usize = 14;

/// Imports that the table does not have.
pub fn imports(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let Some(part) = part_of(&file.path) else { continue };
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == part) else {
            complaints.push(format!("{}: the part {part} is not in the import table", file.path));
            continue;
        };
        let code = lex(&file.text).code;
        let named = paths_from_the_root(&code, depth_of(&file.path));
        let named = named.into_iter().flat_map(|path| opened_up(path, &code, allowed)).collect::<BTreeSet<_>>();
        for path in named.into_iter().filter(|path| !is_allowed(path, &part, allowed)) {
            complaints.push(format!("{}: {part} may not import crate::{path}", file.path));
        }
    }
    complaints
}

/// What is wrong with an import table: parts that it does not have, and cycles.
pub fn table_faults(table: &[(&str, &[&str])]) -> Vec<String> {
    let edges: BTreeMap<&str, Vec<&str>> =
        table.iter().map(|(part, allowed)| (*part, allowed.iter().map(|path| first_of(path)).collect())).collect();
    let mut faults = Vec::new();
    for (part, allowed) in &edges {
        faults.extend(allowed.iter().filter(|to| !edges.contains_key(*to)).map(|to| format!("{part} names the unknown {to}")));
        let (mut reached, mut next) = (BTreeSet::new(), allowed.clone());
        while let Some(to) = next.pop() {
            if reached.insert(to) {
                next.extend(edges.get(to).into_iter().flatten());
            }
        }
        if reached.contains(part) {
            faults.push(format!("{part} is in a cycle"));
        }
    }
    faults
}

/// Words, and SQL text, outside their homes.
pub fn strays(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let mut lexed = lex(&file.text);
        // Constants of the target, not the environment.
        lexed.code = lexed.code.replace("std::env::consts", "");
        for kept in KEPT.iter().filter(|kept| !is_home(&file.path, kept.homes)) {
            if has_word(&lexed.code, kept.word) {
                complaints.push(format!("{}: `{}` belongs in {}", file.path, kept.word, kept.homes.join(", ")));
            }
        }
        if let Some(sql) = lexed.strings.iter().find(|text| is_sql(text)).filter(|_| !is_home(&file.path, SQL_HOMES)) {
            complaints.push(format!("{}: SQL text belongs in {}: {sql:?}", file.path, SQL_HOMES.join(", ")));
        }
    }
    complaints
}

/// Files that do not begin with `//!`.
pub fn undocumented(files: &[SourceFile]) -> Vec<String> {
    let bare = files.iter().filter(|file| !file.text.starts_with("//!"));
    bare.map(|file| format!("{}: does not begin with //!", file.path)).collect()
}

/// Files with too many lines.
pub fn sizes(files: &[SourceFile]) -> Vec<String> {
    let limit = |path: &str| match path.rsplit('/').next() {
        Some("mod.rs" | "lib.rs" | "main.rs") => MAX_LINES_OF_A_MOD,
        _ => MAX_LINES,
    };
    let long = files.iter().filter(|file| file.text.lines().count() > limit(&file.path));
    long.map(|file| format!("{}: {} lines, {} at the most", file.path, file.text.lines().count(), limit(&file.path))).collect()
}

/// Folders with too many entries.
pub fn crowded(files: &[SourceFile]) -> Vec<String> {
    let mut entries: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        for (at, _) in file.path.match_indices('/') {
            let entry = file.path[at + 1..].split('/').next().unwrap_or_default();
            entries.entry(&file.path[..at]).or_default().insert(entry);
        }
    }
    let crowded = entries.iter().filter(|(folder, entries)| **folder != "src" && entries.len() > MAX_ENTRIES);
    crowded.map(|(folder, entries)| format!("{folder} has {} entries, {MAX_ENTRIES} at the most", entries.len())).collect()
}

/// Migrations that only one database has, or whose numbers have gaps.
pub fn migrations(files: &[SourceFile]) -> Vec<String> {
    let of = |folder: &str| -> BTreeSet<&str> { files.iter().filter_map(|file| file.path.strip_prefix(folder)).collect() };
    let (sqlite, postgres) = (of("migrations/sqlite/"), of("migrations/postgres/"));
    let mut complaints: Vec<_> =
        sqlite.symmetric_difference(&postgres).map(|name| format!("migration {name} is there for one database only")).collect();
    for (index, name) in sqlite.iter().enumerate() {
        let number = format!("{:04}", index + 1);
        if !name.starts_with(&format!("{number}_")) {
            complaints.push(format!("migration {name} stands where number {number} is expected"));
        }
    }
    complaints
}

/// Work left undone, tests switched off, and paths of one machine.
pub fn leftovers(files: &[SourceFile]) -> Vec<String> {
    // In two halves each, so that this file does not complain about itself.
    let everywhere =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];
    let mut complaints = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, index + 1);
            complaints.extend(everywhere.iter().filter(|text| line.contains(*text)).map(|text| format!("{place}: has {text}")));
            if file.path.ends_with(".rs") && line.trim_start().starts_with(concat!("#[ign", "ore")) {
                complaints.push(format!("{place}: a test is switched off"));
            }
        }
    }
    complaints
}

/// Tests that wait for a time to pass instead of for what they wait for. Waiting is `support`'s, and is told what for.
pub fn sleeps(files: &[SourceFile]) -> Vec<String> {
    let sleeping = files.iter().filter(|file| !SLEEPERS.iter().any(|home| file.path.starts_with(home)));
    let sleeping = sleeping.filter(|file| has_word(&lex(&file.text).code.replace("sleep (", "sleep("), "sleep"));
    sleeping.map(|file| format!("{}: sleeps; wait for what must happen (tests/support/wait.rs)", file.path)).collect()
}

/// The part of the crate a file is of; `None` for the crate's own `lib.rs` and `main.rs`.
fn part_of(path: &str) -> Option<String> {
    let inner = path.strip_prefix("src/")?;
    let part = inner.split('/').next()?.trim_end_matches(".rs");
    (!matches!(part, "lib" | "main")).then(|| part.to_owned())
}

/// How many modules deep a file is: 1 for a part's own `mod.rs`.
fn depth_of(path: &str) -> usize {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.split('/').filter(|name| *name != "mod").count()
}

fn is_allowed(path: &str, part: &str, allowed: &[&str]) -> bool {
    let is_below = |prefix: &str| path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"));
    is_below(part) || allowed.iter().any(|prefix| is_below(prefix))
}

/// Where only some modules of a part are allowed and the part itself is imported, what is named through that import.
fn opened_up(path: String, code: &str, allowed: &[&str]) -> Vec<String> {
    let has_modules = allowed.iter().any(|allowed| allowed.starts_with(&format!("{path}::")));
    if !has_modules || allowed.contains(&path.as_str()) {
        return vec![path];
    }
    let mut named = Vec::new();
    for (at, root) in code.match_indices(&format!("{path}::")) {
        if !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c)) {
            leaves(&code[at + root.len()..], &path, &mut named);
        }
    }
    named
}

/// Every path that code names from the crate's root, by `crate::` or by as many `super::` as lead there.
fn paths_from_the_root(code: &str, depth: usize) -> Vec<String> {
    let compact: String = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(":: ", "::").replace(" ::", "::");
    let mut paths = Vec::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in compact.match_indices(&root) {
            let before = compact[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && !"_:$".contains(c)) {
                leaves(&compact[at + root.len()..], "", &mut paths);
            }
        }
    }
    paths
}

/// Expands a use tree such as `a::{b, c::d}` to its paths; gives what follows it.
fn leaves<'a>(tree: &'a str, prefix: &str, paths: &mut Vec<String>) -> &'a str {
    let tree = tree.trim_start();
    if let Some(mut rest) = tree.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') && !rest.trim_start().is_empty() {
            rest = leaves(rest, prefix, paths);
            rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return rest.trim_start().strip_prefix('}').unwrap_or_default();
    }
    let end = tree.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tree.len());
    let name = &tree[..end];
    let path = match (prefix, name) {
        (_, "self" | "") => prefix.to_owned(),
        ("", _) => name.to_owned(),
        _ => format!("{prefix}::{name}"),
    };
    match tree[end..].strip_prefix("::") {
        Some(rest) => leaves(rest, &path, paths),
        None => {
            paths.push(path);
            &tree[end..]
        }
    }
}

fn first_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

fn is_home(path: &str, homes: &[&str]) -> bool {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    homes.iter().any(|home| match home.strip_prefix("*/") {
        Some(folder) => {
            inner.split_once('/').is_some_and(|(_, rest)| rest.starts_with(folder) || rest.contains(&format!("/{folder}")))
        }
        None => inner.starts_with(home),
    })
}

/// Whether code has a word, not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let after = code[at + word.len()..].chars().next();
        !is_name(code[..at].chars().next_back()) && (word.ends_with("::") || !is_name(after))
    })
}

/// Whether a string is a statement: its first words, and a word that must follow.
fn is_sql(text: &str) -> bool {
    const STATEMENTS: [(&str, &str); 8] = [
        ("select", "from"),
        ("insert into", "values"),
        ("insert into", "select"),
        ("update", "set"),
        ("delete from", ""),
        ("create table", ""),
        ("alter table", ""),
        ("drop table", ""),
    ];
    let words = format!("{} ", text.to_lowercase().replace("\\n", " ").split_whitespace().collect::<Vec<_>>().join(" "));
    let is_name = |word: &str| word.contains(['.', '_', '(', '*', '"', '$']);
    STATEMENTS.iter().any(|(first, then)| {
        let Some(rest) = words.strip_prefix(&format!("{first} ")) else { return false };
        let follows = then.is_empty() || rest.contains(&format!(" {then} ")) || rest.starts_with(&format!("{then} "));
        // Prose may begin with the same words; a statement names a table or a column.
        follows && rest.split(' ').any(is_name)
    })
}
