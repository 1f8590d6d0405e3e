//! Text with variables of the request, such as `$scheme://$host`.

/// Text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderText(pub Vec<Piece>);

/// A piece of a [`HeaderText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Variable(Variable),
}

/// What a request has to say; the names are nginx's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `$host`: the host that was asked for.
    Host,
    /// `$remote_addr`: the client's address.
    RemoteAddr,
    /// `$scheme`: `http` or `https`.
    Scheme,
    /// `$request_id`: the request's id, as in the log.
    RequestId,
    /// `$request_method`.
    Method,
    /// `$request_uri`: the path and the query, as the client wrote them.
    RequestUri,
    /// `$http_name`: a header of the request, with `_` for `-`; empty where it is missing.
    Header(String),
}

impl HeaderText {
    /// Reads text; `None` when it names a variable that there is not. `$$` is a dollar sign.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            push_text(&mut pieces, &rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                push_text(&mut pieces, "$");
                rest = after;
                continue;
            }
            let name = match rest.strip_prefix('{') {
                Some(inner) => {
                    let (name, after) = inner.split_once('}')?;
                    rest = after;
                    name
                }
                None => {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    let name = &rest[..end];
                    rest = &rest[end..];
                    name
                }
            };
            pieces.push(Piece::Variable(variable(name)?));
        }
        push_text(&mut pieces, rest);
        Some(Self(pieces))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn variable(name: &str) -> Option<Variable> {
    Some(match name {
        "host" => Variable::Host,
        "remote_addr" => Variable::RemoteAddr,
        "scheme" => Variable::Scheme,
        "request_id" => Variable::RequestId,
        "request_method" => Variable::Method,
        "request_uri" => Variable::RequestUri,
        name => {
            Variable::Header(name.strip_prefix("http_").filter(|name| !name.is_empty())?.replace('_', "-").to_ascii_lowercase())
        }
    })
}
