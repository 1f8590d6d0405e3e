//! The compiler's state: the text so far, its values, and what the sources of each piece are called in it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::context::{Compiled, Context, Owner, Rights};
use crate::db::{Dialect, Value};
use crate::sql::ast::{Expr, Param, Query, SourceId, Statement};
use crate::sql::catalog::{Command, Function, Name, Privilege, Relation, Security};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Type};

/// How deep expressions, queries and what is put into them may stand in each other.
const MAX_DEPTH: usize = 200;
/// Bytes of a statement's text.
const MAX_TEXT: usize = 1 << 20;
/// Parameters of a statement; SQLite takes 32,766 and PostgreSQL 65,535.
const MAX_PARAMETERS: usize = 32_000;

pub(super) type Done = Result<(), Fault>;

/// A part of a statement that can be written.
pub(super) trait Emit {
    fn emit(&self, to: &mut Compiler<'_>) -> Done;
}

/// Writes parts one after the other.
macro_rules! emit {
    ($to:expr; $($part:expr),+ $(,)?) => {{
        $( $crate::sql::compile::state::Emit::emit(&$part, $to)?; )+
        Ok::<(), $crate::sql::fault::Fault>(())
    }};
}

pub(super) use emit;

impl Emit for str {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        to.push(self);
        Ok(())
    }
}

impl Emit for String {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        to.push(self);
        Ok(())
    }
}

impl Emit for Expr {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        to.expr(self)
    }
}

impl Emit for Query {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        to.query(self)
    }
}

impl<T: Emit + ?Sized> Emit for &T {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        (**self).emit(to)
    }
}

impl<T: Emit + ?Sized> Emit for Box<T> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        (**self).emit(to)
    }
}

/// A name in double quotes.
pub(super) struct Quoted<'a>(pub &'a str);

impl Emit for Quoted<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        if self.0.contains('\0') || self.0.is_empty() {
            return Err(Fault::new("42602", "a name is empty or holds a NUL character"));
        }
        to.push("\"");
        to.push(&self.0.replace('"', "\"\""));
        to.push("\"");
        Ok(())
    }
}

/// How a source is seen.
#[derive(Clone)]
pub(super) enum Seen {
    /// Columns by their names after an alias.
    Columns {
        alias: String,
        /// The table or view that it is.
        relation: Option<Arc<Relation>>,
        /// Whether the caller's rights to the columns are asked for.
        guarded: bool,
        /// Whether a left join may leave it without a row.
        optional: bool,
    },
    /// The row of a definition: names alone.
    Bare,
    /// The elements of an array or of JSON on SQLite: one column, whose text this is.
    Value(String),
}

/// One statement, view, function's body or policy: each has source numbers of its own.
#[derive(Clone, Default)]
pub(super) struct Piece {
    /// The text of each argument of the function whose body this is.
    pub(super) arguments: Arc<[String]>,
    /// Whether it runs with the owner's rights.
    pub(super) as_owner: bool,
}

/// Writes one statement.
pub(super) struct Compiler<'a> {
    pub(super) context: &'a Context<'a>,
    sql: String,
    values: Vec<Value>,
    /// The number of each request's value that was bound.
    bound: HashMap<Param, usize>,
    /// Where text must be equal where expressions are (`group by`): literals and their numbers.
    pub(super) repeated: Option<Vec<(Datum, Type, usize)>>,
    seen: HashMap<(usize, SourceId), Seen>,
    pieces: Vec<Piece>,
    current: usize,
    aliases: u32,
    depth: usize,
    /// The tables whose policies are being written.
    pub(super) guarding: Vec<Name>,
    /// Whether this is a definition, which takes no parameters.
    pub(super) is_definition: bool,
    /// Whether columns are taken without asking, as in what the server itself has returned.
    pub(super) unguarded: bool,
    /// Whether the next expression only decides which rows there are: false and null are the same then.
    pub(super) is_filter: bool,
    /// Whether it is a statement of the server itself, which writes to the tables that apps only see.
    pub(super) is_servers: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            sql: String::with_capacity(512),
            values: Vec::new(),
            bound: HashMap::new(),
            repeated: None,
            seen: HashMap::new(),
            pieces: vec![Piece::default()],
            current: 0,
            aliases: 0,
            depth: 0,
            guarding: Vec::new(),
            is_definition: false,
            unguarded: false,
            is_filter: false,
            is_servers: false,
        }
    }

    /// The statement, unless it is too large.
    pub(super) fn finish(self) -> Result<Compiled, Fault> {
        if self.sql.len() > MAX_TEXT {
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("the statement is longer than {MAX_TEXT} bytes"))
                .hint("select fewer columns, or split it"));
        }
        if self.values.len() > MAX_PARAMETERS {
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("the statement has more than {MAX_PARAMETERS} values"))
                .hint("give long lists as an array: column = any(array)"));
        }
        let bound = self.bound.into_iter().map(|(param, number)| (number - 1, param)).collect();
        Ok(Compiled { sql: self.sql, values: self.values, bound })
    }

    pub(super) const fn is_sqlite(&self) -> bool {
        matches!(self.context.dialect, Dialect::Sqlite)
    }

    pub(super) fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// What `write` writes, taken out of the statement.
    pub(super) fn captured(&mut self, write: impl FnOnce(&mut Self) -> Done) -> Result<String, Fault> {
        let before = std::mem::take(&mut self.sql);
        let done = write(self);
        let text = std::mem::replace(&mut self.sql, before);
        done.map(|()| text)
    }

    /// An expression's text, for where it is needed twice.
    pub(super) fn text_of(&mut self, expr: &Expr) -> Result<String, Fault> {
        self.captured(|this| this.expr(expr))
    }

    /// Parts with `between` between them.
    pub(super) fn separated<T>(&mut self, parts: &[T], between: &str, mut each: impl FnMut(&mut Self, &T) -> Done) -> Done {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            each(self, part)?;
        }
        Ok(())
    }

    /// Writes one level deeper.
    pub(super) fn deeper(&mut self, write: impl FnOnce(&mut Self) -> Done) -> Done {
        if self.depth >= MAX_DEPTH || self.sql.len() > MAX_TEXT {
            return Err(Fault::new(sqlstate::TOO_COMPLEX, "the statement is too deep or too long")
                .hint("functions, views and policies count with all they stand for"));
        }
        self.depth += 1;
        let done = write(self);
        self.depth -= 1;
        done
    }

    /// Binds a value and writes its number.
    pub(super) fn bind(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.number(self.values.len());
        self.values.len()
    }

    /// Writes a parameter's number.
    pub(super) fn number(&mut self, number: usize) {
        // Writing to a string does not fail.
        let _ = write!(self.sql, "${number}");
    }

    /// Binds a value of the request once, and writes its number.
    pub(super) fn bind_once(&mut self, param: &Param, value: impl FnOnce() -> Value) {
        if let Some(number) = self.bound.get(param) {
            self.number(*number);
        } else {
            let number = self.bind(value());
            self.bound.insert(param.clone(), number);
        }
    }

    /// A new alias.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("s{}", self.aliases)
    }

    /// A source's number that no piece has.
    pub(super) fn fresh_id(&mut self) -> SourceId {
        self.aliases += 1;
        SourceId(u32::MAX - self.aliases)
    }

    /// Says how a source of the current piece is seen.
    pub(super) fn see(&mut self, id: SourceId, seen: Seen) {
        self.seen.insert((self.current, id), seen);
    }

    /// How a source of the current piece is seen.
    pub(super) fn seen(&self, id: SourceId) -> Result<Seen, Fault> {
        self.seen
            .get(&(self.current, id))
            .cloned()
            .ok_or_else(|| Fault::new(sqlstate::UNDEFINED_TABLE, format!("the source s{} is not in scope here", id.0)))
    }

    /// The row of a definition.
    pub(super) fn define(&mut self, row: SourceId) {
        self.is_definition = true;
        self.see(row, Seen::Bare);
    }

    /// The row of a definition, by a name.
    pub(super) fn define_of(&mut self, row: SourceId, alias: &str) {
        self.is_definition = true;
        self.see(row, Seen::Columns { alias: alias.to_owned(), relation: None, guarded: false, optional: false });
    }

    /// The current piece.
    pub(super) fn piece(&self) -> &Piece {
        &self.pieces[self.current]
    }

    /// Writes in a piece of its own.
    pub(super) fn within(&mut self, piece: Piece, write: impl FnOnce(&mut Self) -> Done) -> Done {
        self.pieces.push(piece);
        let before = std::mem::replace(&mut self.current, self.pieces.len() - 1);
        let unguarded = std::mem::replace(&mut self.unguarded, false);
        let done = self.deeper(write);
        self.current = before;
        self.unguarded = unguarded;
        done
    }

    /// The rights that the current piece runs with.
    pub(super) fn rights(&self) -> &'a dyn Rights {
        if self.piece().as_owner { &Owner } else { self.context.rights }
    }

    /// Refuses unless a column may be used so.
    pub(super) fn ask(&self, relation: &Relation, privilege: Privilege, column: &str) -> Done {
        if relation.column(column).is_none() {
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
            return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message));
        }
        if self.unguarded || self.rights().may(relation, privilege, column) {
            return Ok(());
        }
        let kind = if relation.view().is_some() { "view" } else { "table" };
        Err(Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, format!("permission denied for {kind} {}", relation.name.name)))
    }

    /// A function's statements, if the caller may call it.
    pub(super) fn body_of(&self, function: &Function) -> Result<&'a [Statement], Fault> {
        if !self.rights().may_call(function) {
            let message = format!("permission denied for function {}", function.name.name);
            return Err(Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, message));
        }
        self.context
            .schema
            .body(function)
            .ok_or_else(|| Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function {} does not exist", function.name)))
    }

    /// The piece that a function's body is, its arguments written in the current one.
    pub(super) fn piece_of(&mut self, function: &Function, arguments: &[Expr]) -> Result<Piece, Fault> {
        let mut texts = Vec::with_capacity(arguments.len());
        for argument in arguments {
            texts.push(self.text_of(argument)?);
        }
        let as_owner = self.piece().as_owner || function.security == Security::Definer;
        Ok(Piece { arguments: texts.into(), as_owner })
    }

    /// Goes on in a function's body.
    pub(super) fn enter_function(&mut self, function: &Function, arguments: &[Expr]) -> Done {
        let piece = self.piece_of(function, arguments)?;
        self.pieces.push(piece);
        self.current = self.pieces.len() - 1;
        Ok(())
    }

    /// Goes on in a statement of the server itself, its arguments put in.
    pub(super) fn enter_servers(&mut self, arguments: &[Expr]) -> Done {
        let texts: Vec<String> = arguments.iter().map(|argument| self.text_of(argument)).collect::<Result<_, _>>()?;
        self.is_servers = true;
        self.pieces.push(Piece { arguments: texts.into(), as_owner: false });
        self.current = self.pieces.len() - 1;
        Ok(())
    }

    /// Writes a table's policies, refusing to go round in a circle.
    pub(super) fn guarded(&mut self, name: &Name, write: impl FnOnce(&mut Self) -> Done) -> Done {
        if self.guarding.contains(name) {
            let message = format!("infinite recursion detected in policy for relation \"{}\"", name.name);
            return Err(Fault::new(sqlstate::INVALID_OBJECT_DEFINITION, message)
                .hint("let a function that is `security definer` look at the table"));
        }
        self.guarding.push(name.clone());
        let done = write(self);
        self.guarding.pop();
        done
    }

    /// The condition that makes rows of a relation, seen as `alias`, those that a command reaches; nothing when that is all of them.
    pub(super) fn reach(&mut self, relation: &Arc<Relation>, command: Command, alias: &Seen) -> Result<Option<String>, Fault> {
        let reach = self.rights().rows(self.context.schema, relation, command);
        self.policy(relation, reach, alias)
    }

    /// The condition on rows that a write makes.
    pub(super) fn check(&mut self, relation: &Arc<Relation>, command: Command, alias: &Seen) -> Result<Option<String>, Fault> {
        let reach = self.rights().check(self.context.schema, relation, command);
        self.policy(relation, reach, alias)
    }

    fn policy(&mut self, relation: &Arc<Relation>, reach: super::Reach, row: &Seen) -> Result<Option<String>, Fault> {
        let condition = match reach {
            super::Reach::Everything => return Ok(None),
            super::Reach::Denied(fault) => return Err(fault),
            super::Reach::Where(condition) => condition,
        };
        let row = match row {
            Seen::Columns { alias, relation, .. } => {
                Seen::Columns { alias: alias.clone(), relation: relation.clone(), guarded: false, optional: false }
            }
            other => other.clone(),
        };
        let text = self.captured(|this| {
            this.guarded(&relation.name, |this| {
                this.within(Piece::default(), |this| {
                    this.see(SourceId(0), row);
                    this.expr(&condition)
                })
            })
        })?;
        Ok(Some(text))
    }
}
