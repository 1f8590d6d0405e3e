//! OpenAPI 3.1, for the browser at `/docs`.

use serde_json::{Map, Value, json};

use super::described::{Described, DescribedArgument, DescribedColumn, DescribedFunction, DescribedTable, Returned};
use super::kind::{Kind, schema};
use super::{segment, summary};

/// Query parameters of reads, with what they are.
const READ: [(&str, &str); 4] = [
    ("select", "Columns, JSON paths, aggregates and embedded tables: `id,name,author:users(name)`."),
    ("order", "`created_at.desc.nullslast,id`."),
    ("limit", "The most rows."),
    ("offset", "Rows to leave out at the beginning."),
];

/// The document of OpenAPI 3.1.
#[must_use]
pub fn openapi(described: &Described) -> Value {
    let tables: Vec<_> = described.tables.iter().filter(|table| table.is_usable()).collect();
    let mut paths = Map::new();
    paths.extend(tables.iter().map(|table| (format!("/{}", segment(&table.name)), table_path(table))));
    for function in &described.functions {
        // Of functions that share a name, the first is shown: a document has a path once.
        paths.entry(format!("/rpc/{}", segment(&function.name))).or_insert_with(|| function_path(function, &tables));
    }
    let mut schemas = Map::new();
    schemas.insert("Error".to_owned(), error_schema());
    for table in &tables {
        let mut put = |what: What, columns: Vec<&DescribedColumn>| {
            schemas.insert(component(&table.name, what), object(what, table, &columns));
        };
        put(What::Row, table.readable().collect());
        put(What::Insert, table.columns.iter().filter(|column| table.takes(column)).collect());
        put(What::Update, table.columns.iter().filter(|column| table.changes(column)).collect());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": described.title,
            "description": "The tables, views and functions that the caller may use.",
            "version": described.version,
        },
        "servers": [{ "url": described.url }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apikey": { "type": "apiKey", "name": "apikey", "in": "header" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
        "security": [{ "apikey": [] }, { "apikey": [], "bearer": [] }],
    })
}

/// What a schema of a table is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Row,
    Insert,
    Update,
}

/// A table's key among the components, which may have letters, digits, `.`, `-` and `_` alone; others are their numbers between dots.
fn component(table: &str, what: What) -> String {
    let mut key = String::from(match what {
        What::Row => "row.",
        What::Insert => "insert.",
        What::Update => "update.",
    });
    for c in table.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => key.push(c),
            other => key.push_str(&format!(".{:x}.", u32::from(other))),
        }
    }
    key
}

fn reference(table: &DescribedTable, what: What) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", component(&table.name, what)) })
}

fn object(what: What, table: &DescribedTable, columns: &[&DescribedColumn]) -> Value {
    let is_required = |column: &&&DescribedColumn| match what {
        What::Row => !column.nullable,
        What::Insert => !column.nullable && column.default.is_none(),
        What::Update => false,
    };
    let required: Vec<_> = columns.iter().filter(is_required).map(|column| column.name.as_str()).collect();
    let properties: Map<_, _> = columns.iter().map(|column| (column.name.clone(), property(what, column))).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if let Some(comment) = &table.comment {
        object["description"] = Value::from(comment.as_str());
    }
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(what: What, column: &DescribedColumn) -> Value {
    let mut property = schema(&column.ty, column.nullable);
    if !column.labels.is_empty() {
        let null = column.nullable.then_some(Value::Null);
        property.insert("enum".to_owned(), column.labels.iter().map(|label| Value::from(label.as_str())).chain(null).collect());
    }
    if let Some(description) = column.description() {
        property.insert("description".to_owned(), Value::from(description));
    }
    let constant = column.default.as_ref().and_then(|sql| match Kind::of(&column.ty) {
        // An expression is no value: `now()`.
        Kind::String if !sql.starts_with('\'') => None,
        kind => kind.default(&column.ty, sql),
    });
    property.extend(constant.filter(|_| what == What::Insert).map(|constant| ("default".to_owned(), constant)));
    Value::Object(property)
}

fn table_path(table: &DescribedTable) -> Value {
    let filters: Vec<_> = table.readable().map(filter).collect();
    let rows = json!({ "type": "array", "items": reference(table, What::Row) });
    let mut path = Map::new();
    let mut put = |method: &str, operation: Operation| path.insert(method.to_owned(), operation.json(table));
    if table.is_readable() {
        let parameters = [READ.map(in_query).as_slice(), &filters, &[prefer(&["count=exact"])]].concat();
        let answer = json!({ "description": "Rows", "content": json_content(&rows) });
        let partial = json!({ "description": "A part of the rows that were counted", "content": json_content(&rows) });
        put("get", Operation { parameters, body: None, answers: json!({ "200": answer, "206": partial }) });
    }
    if table.is_insertable() {
        let one = reference(table, What::Insert);
        let body = json!({ "oneOf": [one, { "type": "array", "items": one }] });
        let parameters = [
            in_query(("on_conflict", "The columns of the unique key that an upsert goes by.")),
            in_query(("columns", "The columns that are written; others of the body are ignored.")),
            prefer(&["return=representation", "resolution=merge-duplicates", "resolution=ignore-duplicates", "missing=default"]),
        ];
        let answers = json!({ "201": { "description": "Inserted", "content": json_content(&rows) } });
        put("post", Operation { parameters: parameters.to_vec(), body: Some(body), answers });
    }
    let changed = json!({
        "200": { "description": "The rows, with return=representation", "content": json_content(&rows) },
        "204": { "description": "Done" },
    });
    let parameters = [filters.as_slice(), &[prefer(&["return=representation", "count=exact"])]].concat();
    if table.is_updatable() {
        let body = Some(reference(table, What::Update));
        put("patch", Operation { parameters: parameters.clone(), body, answers: changed.clone() });
    }
    if table.deletable {
        put("delete", Operation { parameters, body: None, answers: changed });
    }
    Value::Object(path)
}

/// What differs from one operation on a table to the next.
struct Operation {
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Value,
}

impl Operation {
    fn json(self, table: &DescribedTable) -> Value {
        let mut operation = json!({ "tags": [table.name], "parameters": self.parameters });
        finish(&mut operation, table.comment.as_deref(), self.body, self.answers);
        operation
    }
}

fn function_path(function: &DescribedFunction, tables: &[&DescribedTable]) -> Value {
    let mut path = Map::new();
    let answers = match returned(&function.returns, tables) {
        None => json!({ "204": { "description": "Done" } }),
        Some(schema) => json!({ "200": { "description": "What it gives", "content": json_content(&schema) } }),
    };
    if !function.volatile {
        let parameters: Vec<_> = function.arguments.iter().map(query_parameter).collect();
        let mut get = json!({ "tags": ["rpc"], "parameters": parameters });
        finish(&mut get, function.comment.as_deref(), None, answers.clone());
        path.insert("get".to_owned(), get);
    }
    let arguments = function.arguments.iter();
    let properties: Map<_, _> =
        arguments.map(|argument| (argument.name.clone(), Value::Object(schema(&argument.ty, true)))).collect();
    let required: Vec<_> =
        function.arguments.iter().filter(|argument| argument.required).map(|argument| &argument.name).collect();
    let body = json!({ "type": "object", "properties": properties, "required": required });
    let mut post = json!({ "tags": ["rpc"] });
    finish(&mut post, function.comment.as_deref(), Some(body), answers);
    path.insert("post".to_owned(), post);
    Value::Object(path)
}

/// An argument in the query, where an array is text: `{1,2}`. A variadic one is given once for each element.
fn query_parameter(argument: &DescribedArgument) -> Value {
    let schema = match Kind::of(&argument.ty) {
        Kind::Array(_) if !argument.variadic => json!({ "type": "string" }),
        _ => Value::Object(schema(&argument.ty, false)),
    };
    json!({ "name": argument.name, "in": "query", "required": argument.required, "schema": schema })
}

/// The schema of what a function gives; `None` for nothing. Rows of a table that the role cannot read are shown as objects alone.
fn returned(returns: &Returned, tables: &[&DescribedTable]) -> Option<Value> {
    let row = |name: &str| {
        let table = tables.iter().find(|table| table.name == name && table.is_readable());
        table.map_or_else(|| json!({ "type": "object" }), |table| reference(table, What::Row))
    };
    Some(match returns {
        Returned::Void => return None,
        Returned::Scalar(ty) => Value::Object(schema(ty, true)),
        Returned::SetOfScalar(ty) => json!({ "type": "array", "items": schema(ty, true) }),
        Returned::Row(name) => row(name),
        Returned::SetOfRow(name) => json!({ "type": "array", "items": row(name) }),
        Returned::Table(columns) => {
            let properties: Map<_, _> =
                columns.iter().map(|(name, ty)| (name.clone(), Value::Object(schema(ty, true)))).collect();
            json!({ "type": "array", "items": { "type": "object", "properties": properties } })
        }
    })
}

/// Adds what every operation has.
fn finish(operation: &mut Value, comment: Option<&str>, body: Option<Value>, mut answers: Value) {
    let (first, rest) = summary(comment);
    for (key, text) in [("summary", first), ("description", rest)] {
        if let Some(text) = text {
            operation[key] = Value::from(text);
        }
    }
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "required": true, "content": json_content(&schema) });
    }
    let error = json!({ "$ref": "#/components/schemas/Error" });
    answers["default"] = json!({ "description": "Refused", "content": json_content(&error) });
    operation["responses"] = answers;
}

fn filter(column: &DescribedColumn) -> Value {
    let description = format!("An operator and a value of type {}: `eq.…`, `gt.…`, `in.(…)`, `is.null`.", column.ty);
    in_query((column.name.as_str(), description.as_str()))
}

fn in_query((name, description): (&str, &str)) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": { "type": "string" } })
}

fn prefer(values: &[&str]) -> Value {
    let description = format!("Any of {}, with commas between.", values.join(", "));
    json!({ "name": "Prefer", "in": "header", "description": description, "schema": { "type": "string" } })
}

fn json_content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn error_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["code", "message", "details", "hint"],
        "properties": {
            "code": { "type": "string", "description": "`PGRST…` or a SQLSTATE." },
            "message": text,
            "details": {},
            "hint": { "type": ["string", "null"] },
        },
    })
}
