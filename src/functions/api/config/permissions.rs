//! `permissions` of `x-plinth-config`, checked field by field.

use serde_json::{Map, Value};

use crate::api::FieldError;
use crate::functions::model::{Access, PERMISSION_CHARS, PERMISSIONS, Permissions};
use crate::secrets::SecretName;

/// The fields there are.
const FIELDS: &str = "kv, queues, functions, secrets";

/// Reads the permissions.
///
/// # Errors
/// Everything that is wrong, each with its field and what is allowed.
pub(super) fn read(value: Value) -> Result<Permissions, Vec<FieldError>> {
    let Value::Object(fields) = value else {
        return Err(vec![FieldError::new("permissions", r#"must be an object, such as {"kv": {"carts": "write"}}"#)]);
    };
    let mut reader = Reader { fields, errors: Vec::new() };
    let permissions = Permissions {
        kv: reader.stores(),
        queues: reader.names("queues", pattern),
        functions: reader.names("functions", pattern),
        secrets: reader.names("secrets", |name| SecretName::new(name).map(drop).map_err(|err| err.to_string())),
    };
    let Reader { fields, mut errors } = reader;
    let unknown = |field: &String| FieldError::new(format!("permissions.{field}"), format!("is not a field; there are {FIELDS}"));
    errors.extend(fields.keys().map(unknown));
    if errors.is_empty() { Ok(permissions) } else { Err(errors) }
}

struct Reader {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Reader {
    fn stores(&mut self) -> std::collections::BTreeMap<String, Access> {
        let field = "permissions.kv";
        let stores = match self.fields.remove("kv") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(stores)) => stores,
            Some(_) => {
                let message = r#"must be an object of stores and "read" or "write", such as {"carts": "write"}"#;
                self.errors.push(FieldError::new(field, message));
                Map::new()
            }
        };
        self.check_count(field, stores.len());
        let mut read = std::collections::BTreeMap::new();
        for (store, access) in stores {
            let access = match access.as_str() {
                Some("read") => Ok(Access::Read),
                Some("write") => Ok(Access::Write),
                _ => Err(r#"must be "read" or "write""#.to_owned()),
            };
            match pattern(&store).and(access) {
                Ok(access) => drop(read.insert(store, access)),
                Err(message) => self.errors.push(FieldError::new(format!("{field}.{}", shown(&store)), message)),
            }
        }
        read
    }

    fn names(&mut self, kind: &str, check: impl Fn(&str) -> Result<(), String>) -> Vec<String> {
        let field = format!("permissions.{kind}");
        let listed = match self.fields.remove(kind) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(listed)) => listed,
            Some(_) => {
                self.errors.push(FieldError::new(&field, r#"must be a list of names, such as ["orders"]"#));
                Vec::new()
            }
        };
        self.check_count(&field, listed.len());
        let mut read = Vec::new();
        for (at, name) in listed.into_iter().enumerate() {
            let checked = match &name {
                Value::String(name) => check(name).map(|()| name.clone()),
                _ => Err("must be a name".to_owned()),
            };
            match checked {
                Ok(name) if !read.contains(&name) => read.push(name),
                Ok(_) => {}
                Err(message) => self.errors.push(FieldError::new(format!("{field}.{at}"), message)),
            }
        }
        read
    }

    fn check_count(&mut self, field: &str, count: usize) {
        if count > PERMISSIONS {
            let message =
                format!("has {count} entries; {PERMISSIONS} are allowed (a name may end with *, for all that begin so)");
            self.errors.push(FieldError::new(field, message));
        }
    }
}

/// Checks a name that may stand for several.
fn pattern(text: &str) -> Result<(), String> {
    let name = text.strip_suffix('*').unwrap_or(text);
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=PERMISSION_CHARS).contains(&text.len()) && name.chars().all(is_allowed) {
        return Ok(());
    }
    Err(format!("must have 1 to {PERMISSION_CHARS} letters, digits, -, _ or ., and may end with *"))
}

/// The front of a name, for a message.
fn shown(name: &str) -> &str {
    &name[..name.floor_char_boundary(PERMISSION_CHARS)]
}
