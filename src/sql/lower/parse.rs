//! Text to sqlparser's tree, within limits that keep every later walk of the tree off the end of the stack.

use sqlparser::ast::{Expr, Ident, Query, Spanned, Statement, Value};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::sql::fault::{Fault, Place, sqlstate};

/// Bytes of one statement.
pub const MAX_STATEMENT_BYTES: usize = 256 << 10;
/// Brackets inside brackets.
const MAX_BRACKETS: usize = 64;
/// Operators one after the other without a bracket or comma between: the parser makes a tree as deep as their number.
const MAX_OPERATORS: usize = 256;
/// The parser's own limit on how deep it descends.
const PARSER_DEPTH: usize = 128;
/// Bytes of a name, as in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

/// A statement and where its text begins.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub statement: Statement,
    pub place: Place,
}

/// The statements of a text, one after the other.
///
/// # Errors
///
/// A text that is not PostgreSQL's grammar (42601), or one that is too long or too deep (54000, 54001).
pub fn statements(sql: &str) -> Result<Vec<Parsed>, Fault> {
    let mut parsed = Vec::new();
    for mut tokens in split(tokens(sql)?) {
        cut_extension(&mut tokens);
        let Some(first) = tokens.iter().find(|token| !matches!(token.token, Token::Whitespace(_))) else { continue };
        let place = place_of(first.span.start);
        check_words(&tokens).map_err(|fault| fault.at(place))?;
        let statement = whole(tokens, place, |parser| parser.parse_statement())?;
        parsed.push(Parsed { statement, place });
    }
    Ok(parsed)
}

/// One statement.
///
/// # Errors
///
/// Those of [`statements`], and when there is none or more than one (42601).
pub fn statement(sql: &str) -> Result<Statement, Fault> {
    let mut all = statements(sql)?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only.statement),
        _ => Err(Fault::new(sqlstate::SYNTAX_ERROR, "one statement is expected here").at(Place { line: 1, column: 1 })),
    }
}

/// One expression.
///
/// # Errors
///
/// Those of [`statements`].
pub fn expression(sql: &str) -> Result<Expr, Fault> {
    whole(tokens(sql)?, Place { line: 1, column: 1 }, |parser| parser.parse_expr())
}

/// One query.
///
/// # Errors
///
/// Those of [`statements`].
pub fn query(sql: &str) -> Result<Box<Query>, Fault> {
    let mut tokens = tokens(sql)?;
    while matches!(tokens.last().map(|token| &token.token), Some(Token::SemiColon | Token::Whitespace(_))) {
        tokens.pop();
    }
    whole(tokens, Place { line: 1, column: 1 }, |parser| parser.parse_query())
}

/// A name as PostgreSQL folds it: lower case unless it is quoted.
///
/// # Errors
///
/// A name that is empty or longer than 63 bytes.
pub fn name(ident: &Ident) -> Result<String, Fault> {
    let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
    if name.is_empty() || name.contains('\0') {
        return Err(Fault::new(sqlstate::INVALID_NAME, "a name cannot be empty").at(place_of(ident.span.start)));
    }
    if name.len() > MAX_NAME_BYTES {
        let message = format!("the name {name} is longer than {MAX_NAME_BYTES} bytes");
        return Err(Fault::new(sqlstate::NAME_TOO_LONG, message).at(place_of(ident.span.start)));
    }
    Ok(name)
}

/// Where an expression begins. Goes down to the left without recursion, since the tree leans there.
#[must_use]
pub fn place(expr: &Expr) -> Place {
    let mut at = expr;
    loop {
        at = match at {
            Expr::BinaryOp { left, .. } | Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => left,
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::InList { expr: inner, .. }
            | Expr::Between { expr: inner, .. }
            | Expr::IsDistinctFrom(inner, _)
            | Expr::IsNotDistinctFrom(inner, _) => inner,
            Expr::Identifier(ident) => return place_of(ident.span.start),
            Expr::CompoundIdentifier(parts) => {
                return parts.first().map_or_else(Place::default, |part| place_of(part.span.start));
            }
            Expr::Value(value) => return place_of(value.span.start),
            Expr::Function(function) => return place_of(function.name.span().start),
            _ => return Place::default(),
        };
    }
}

/// A place as the parser counts it.
#[must_use]
pub const fn place_of(location: Location) -> Place {
    Place { line: location.line, column: location.column }
}

/// A quoted string's text; `None` for every other kind of constant.
#[must_use]
pub fn quoted(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) | Value::UnicodeStringLiteral(text) => Some(text),
        Value::DollarQuotedString(text) => Some(&text.value),
        _ => None,
    }
}

fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Fault> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location();
    let tokens =
        tokens.map_err(|err| Fault::new(sqlstate::SYNTAX_ERROR, err.message.to_lowercase()).at(place_of(err.location)))?;
    if sql.contains('\0') {
        return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a NUL character cannot be in SQL").at(Place { line: 1, column: 1 }));
    }
    check(sql, &tokens)?;
    Ok(tokens)
}

/// The tokens of each statement, without the semicolons.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut all = vec![Vec::new()];
    for token in tokens {
        if token.token == Token::SemiColon {
            all.push(Vec::new());
        } else if let Some(last) = all.last_mut() {
            last.push(token);
        }
    }
    all
}

/// Counts what makes trees deep, and each statement's bytes.
fn check(sql: &str, tokens: &[TokenWithSpan]) -> Result<(), Fault> {
    // Operators seen since the last separator, one count for each bracket that is open.
    let mut runs = vec![0_usize];
    // Unions and joins, which a comma does not end.
    let mut chained = 0;
    let lines: Vec<usize> = std::iter::once(0).chain(sql.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let offset = |location: Location| -> usize {
        let line = usize::try_from(location.line.saturating_sub(1)).unwrap_or(usize::MAX);
        lines.get(line).copied().unwrap_or(sql.len())
    };
    let mut began = 0;
    for token in tokens {
        let place = place_of(token.span.start);
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => runs.push(0),
            Token::RParen | Token::RBracket | Token::RBrace if runs.len() > 1 => {
                runs.pop();
            }
            Token::Comma => runs.last_mut().map_or((), |run| *run = 0),
            Token::SemiColon => {
                runs = vec![0];
                chained = 0;
                began = offset(token.span.start);
            }
            Token::Word(word)
                if matches!(word.keyword, Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN) =>
            {
                chained += 1;
            }
            other if is_operator(other) => runs.last_mut().map_or((), |run| *run += 1),
            _ => {}
        }
        if runs.len() > MAX_BRACKETS {
            let message = format!("brackets are nested more than {MAX_BRACKETS} deep");
            return Err(Fault::new(sqlstate::TOO_COMPLEX, message).at(place));
        }
        if chained.max(runs.last().copied().unwrap_or(0)) > MAX_OPERATORS {
            let message = format!("more than {MAX_OPERATORS} operators stand one after the other");
            return Err(Fault::new(sqlstate::TOO_COMPLEX, message).at(place).hint("use in (…), or brackets around parts"));
        }
        if offset(token.span.end).saturating_sub(began) > MAX_STATEMENT_BYTES {
            let message = format!("the statement is longer than {MAX_STATEMENT_BYTES} bytes");
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).at(place));
        }
    }
    if sql.len() > MAX_STATEMENT_BYTES && began == 0 && lines.len() == 1 {
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("the text is longer than {MAX_STATEMENT_BYTES} bytes")));
    }
    Ok(())
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::SELECT
                | Keyword::CASE
                | Keyword::INTERVAL
                | Keyword::OPERATOR
                | Keyword::OVERLAPS
                | Keyword::PRIOR
                | Keyword::EXPLAIN
                | Keyword::BEGIN
        ),
        Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab) => false,
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}

/// Leaves out where an extension is to be put, which the parser knows in one of PostgreSQL's two spellings.
fn cut_extension(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: &TokenWithSpan, wanted: &[&str]| matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && wanted.contains(&&*word.value.to_lowercase()));
    let mut words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    if words.next().is_some_and(|first| is(first, &["create"])) && words.next().is_some_and(|second| is(second, &["extension"])) {
        let end = tokens.iter().position(|token| is(token, &["with", "schema", "version", "cascade"]));
        tokens.truncate(end.unwrap_or(tokens.len()));
    }
}

/// Refuses statements that the parser does not know, by their first words.
fn check_words(tokens: &[TokenWithSpan]) -> Result<(), Fault> {
    let words = tokens.iter().filter_map(|token| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        _ => None,
    });
    let words = words.take(3).collect::<Vec<_>>();
    match &*words.iter().map(String::as_str).collect::<Vec<_>>() {
        ["do", ..] => Err(Fault::unsupported(
            "a do block",
            "write its statements by themselves: if not exists, or replace and drop … if exists say what a block asks",
        )),
        ["alter", "default", "privileges"] => Err(Fault::unsupported(
            "alter default privileges",
            "grant when the tables are there: grant … on all tables in schema public to …",
        )),
        ["alter", "publication", ..] | ["create", "publication", ..] => Err(Fault::unsupported("a publication", "leave it out")),
        _ => Ok(()),
    }
}

/// Parses all of the tokens as one thing.
fn whole<T>(
    tokens: Vec<TokenWithSpan>,
    place: Place,
    parse: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, Fault> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(PARSER_DEPTH).with_tokens_with_locations(tokens);
    let parsed = parse(&mut parser).map_err(|err| refused(err, place))?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(parsed);
    }
    let message = format!("syntax error at or near \"{}\"", next.token);
    Err(Fault::new(sqlstate::SYNTAX_ERROR, message).at(place_of(next.span.start)))
}

/// The parser says the place at the end of its message: `… at Line: 1, Column: 8`.
fn refused(err: ParserError, fallback: Place) -> Fault {
    let message = match err {
        ParserError::RecursionLimitExceeded => {
            return Fault::new(sqlstate::TOO_COMPLEX, "the statement is nested too deep").at(fallback);
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let Some((said, place)) = message.rsplit_once(" at Line: ") else {
        return Fault::new(sqlstate::SYNTAX_ERROR, format!("syntax error: {message}")).at(fallback);
    };
    let mut numbers = place.split(", Column: ").map(|number| number.trim().parse::<u64>().unwrap_or(0));
    let place = Place { line: numbers.next().unwrap_or(0), column: numbers.next().unwrap_or(0) };
    let place = if place.line == 0 { fallback } else { place };
    Fault::new(sqlstate::SYNTAX_ERROR, format!("syntax error: {}", said.trim_end())).at(place)
}
