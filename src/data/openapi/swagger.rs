//! OpenAPI 2.0, in PostgREST's shape.

use serde_json::{Map, Value, json};

use super::described::{Described, DescribedArgument, DescribedColumn, DescribedFunction, DescribedTable};
use super::kind::{Kind, swagger_schema};
use super::{pointer, segment, summary};

const JSON: [&str; 3] =
    ["application/json", "application/vnd.pgrst.object+json;nulls=stripped", "application/vnd.pgrst.object+json"];

/// The document of OpenAPI 2.0.
#[must_use]
pub fn swagger(described: &Described) -> Value {
    let (scheme, rest) = described.url.split_once("://").unwrap_or(("http", &described.url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let tables: Vec<_> = described.tables.iter().filter(|table| table.is_usable()).collect();
    let mut paths = Map::new();
    paths.insert("/".to_owned(), root());
    paths.extend(tables.iter().map(|table| (format!("/{}", segment(&table.name)), table_path(table))));
    for function in &described.functions {
        // Of functions that share a name, the first is shown: a document has a path once.
        paths.entry(format!("/rpc/{}", segment(&function.name))).or_insert_with(|| function_path(function));
    }
    let media = [JSON.as_slice(), &["text/csv"]].concat();
    json!({
        "swagger": "2.0",
        "info": {
            "title": described.title,
            "description": "Generated from the tables, views and functions that the caller may use.",
            "version": described.version,
        },
        "host": host,
        "basePath": format!("/{path}"),
        "schemes": [scheme],
        "consumes": media,
        "produces": media,
        "paths": paths,
        "definitions": tables.iter().map(|table| (table.name.clone(), definition(table))).collect::<Map<_, _>>(),
        "parameters": parameters(&tables),
        "securityDefinitions": {
            "JWT": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "description": "Add the token prepending \"Bearer \" (without quotes) to it",
            },
            "apikey": { "type": "apiKey", "name": "apikey", "in": "header" },
        },
        "security": [{ "apikey": [] }, { "JWT": [], "apikey": [] }],
    })
}

fn root() -> Value {
    json!({ "get": {
        "tags": ["Introspection"],
        "summary": "OpenAPI description (this document)",
        "produces": ["application/openapi+json", "application/json"],
        "responses": { "200": { "description": "OK" } },
    } })
}

fn definition(table: &DescribedTable) -> Value {
    let required: Vec<_> = table.visible().filter(|column| !column.nullable).map(|column| column.name.as_str()).collect();
    let properties: Map<_, _> = table.visible().map(|column| (column.name.clone(), property(table, column))).collect();
    let mut definition = Map::new();
    described(&mut definition, "description", table.comment.as_deref());
    if !required.is_empty() {
        definition.insert("required".to_owned(), json!(required));
    }
    definition.insert("properties".to_owned(), Value::Object(properties));
    definition.insert("type".to_owned(), Value::from("object"));
    Value::Object(definition)
}

fn property(table: &DescribedTable, column: &DescribedColumn) -> Value {
    let mut property = swagger_schema(&column.ty);
    if !column.labels.is_empty() {
        property.insert("enum".to_owned(), Value::from(column.labels.clone()));
    }
    if let Some(default) = column.default.as_ref().and_then(|sql| Kind::of(&column.ty).default(&column.ty, sql)) {
        property.insert("default".to_owned(), default);
    }
    described(&mut property, "description", column.description().as_deref());
    if !table.takes(column) && !table.changes(column) {
        property.insert("readOnly".to_owned(), Value::Bool(true));
    }
    Value::Object(property)
}

fn table_path(table: &DescribedTable) -> Value {
    let filters: Vec<_> = table.readable().map(|column| filter_key(table, column)).collect();
    let body = format!("body.{}", table.name);
    let with_filters = |more: &[&str]| references(filters.iter().map(String::as_str).chain(more.iter().copied()));
    let mut path = Map::new();
    if table.is_readable() {
        let parameters = with_filters(&["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"]);
        let rows = json!({ "type": "array", "items": { "$ref": format!("#/definitions/{}", pointer(&table.name)) } });
        let responses = json!({ "200": { "description": "OK", "schema": rows }, "206": { "description": "Partial Content" } });
        path.insert("get".to_owned(), operation(table, &parameters, &responses));
    }
    if table.is_insertable() {
        let parameters = references([body.as_str(), "select", "columns", "on_conflict", "preferPost"]);
        path.insert("post".to_owned(), operation(table, &parameters, &json!({ "201": { "description": "Created" } })));
    }
    let changed = json!({ "204": { "description": "No Content" } });
    if table.is_updatable() {
        path.insert("patch".to_owned(), operation(table, &with_filters(&[&body, "preferReturn"]), &changed));
    }
    if table.deletable {
        path.insert("delete".to_owned(), operation(table, &with_filters(&["preferReturn"]), &changed));
    }
    Value::Object(path)
}

fn operation(table: &DescribedTable, parameters: &[Value], responses: &Value) -> Value {
    let mut operation = Map::new();
    operation.insert("tags".to_owned(), json!([table.name]));
    let (first, rest) = summary(table.comment.as_deref());
    described(&mut operation, "summary", first);
    described(&mut operation, "description", rest);
    operation.insert("parameters".to_owned(), json!(parameters));
    operation.insert("responses".to_owned(), responses.clone());
    Value::Object(operation)
}

fn function_path(function: &DescribedFunction) -> Value {
    let required: Vec<_> =
        function.arguments.iter().filter(|argument| argument.required).map(|argument| &argument.name).collect();
    let properties: Map<_, _> =
        function.arguments.iter().map(|argument| (argument.name.clone(), Value::Object(swagger_schema(&argument.ty)))).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let body = json!({ "name": "args", "in": "body", "required": true, "schema": schema });
    let mut path = Map::new();
    if !function.volatile {
        let parameters: Vec<_> = function.arguments.iter().map(query_parameter).collect();
        path.insert("get".to_owned(), call(function, &parameters));
    }
    path.insert("post".to_owned(), call(function, &[body, reference("preferParams")]));
    Value::Object(path)
}

fn call(function: &DescribedFunction, parameters: &[Value]) -> Value {
    let mut operation = Map::new();
    operation.insert("tags".to_owned(), json!([format!("(rpc) {}", function.name)]));
    let (first, rest) = summary(function.comment.as_deref());
    described(&mut operation, "summary", first);
    described(&mut operation, "description", rest);
    operation.insert("produces".to_owned(), json!(JSON));
    operation.insert("parameters".to_owned(), json!(parameters));
    operation.insert("responses".to_owned(), json!({ "200": { "description": "OK" } }));
    Value::Object(operation)
}

/// An argument in the query, where an array is text: `{1,2}`. A variadic one is given once for each element.
fn query_parameter(argument: &DescribedArgument) -> Value {
    let mut parameter = json!({ "name": argument.name, "in": "query", "required": argument.required, "format": argument.ty });
    match Kind::of(&argument.ty) {
        Kind::Array(element) if argument.variadic => {
            parameter["type"] = Value::from("array");
            parameter["collectionFormat"] = Value::from("multi");
            parameter["items"] = json!({ "type": Kind::of(element).name().unwrap_or("string"), "format": element });
        }
        Kind::Array(_) | Kind::Any => parameter["type"] = Value::from("string"),
        kind => parameter["type"] = Value::from(kind.name().unwrap_or("string")),
    }
    parameter
}

fn parameters(tables: &[&DescribedTable]) -> Map<String, Value> {
    let in_query = |name: &str, description: &str| json!({ "name": name, "description": description, "required": false, "in": "query", "type": "string" });
    let returns = ["return=representation", "return=minimal", "return=headers-only"];
    let resolutions = ["resolution=ignore-duplicates", "resolution=merge-duplicates"];
    let mut parameters = Map::new();
    let mut put = |key: &str, parameter: Value| parameters.insert(key.to_owned(), parameter);
    put("preferParams", prefer(&[]));
    put("preferReturn", prefer(&returns));
    put("preferCount", prefer(&["count=exact", "count=planned", "count=estimated"]));
    put("preferPost", prefer(&[returns.as_slice(), &resolutions].concat()));
    put("select", in_query("select", "Filtering Columns"));
    put("columns", in_query("columns", "Columns of the body"));
    put("on_conflict", in_query("on_conflict", "On Conflict"));
    put("order", in_query("order", "Ordering"));
    put("range", header("Range", None));
    put("rangeUnit", header("Range-Unit", Some("items")));
    put("offset", in_query("offset", "Limiting and Pagination"));
    put("limit", in_query("limit", "Limiting and Pagination"));
    for table in tables {
        let schema = json!({ "$ref": format!("#/definitions/{}", pointer(&table.name)) });
        let body = json!({ "name": table.name, "description": table.name, "required": false, "in": "body", "schema": schema });
        put(&format!("body.{}", table.name), body);
        for column in table.readable() {
            let mut filter = json!({ "name": column.name, "required": false, "in": "query", "type": "string" });
            if let Some(comment) = &column.comment {
                filter["description"] = Value::from(comment.as_str());
            }
            put(&filter_key(table, column), filter);
        }
    }
    parameters
}

fn prefer(values: &[&str]) -> Value {
    let mut parameter = header("Prefer", None);
    parameter["description"] = Value::from("Preference");
    if !values.is_empty() {
        parameter["enum"] = json!(values);
    }
    parameter
}

fn header(name: &str, default: Option<&str>) -> Value {
    let mut parameter =
        json!({ "name": name, "description": "Limiting and Pagination", "required": false, "in": "header", "type": "string" });
    if let Some(default) = default {
        parameter["default"] = Value::from(default);
    }
    parameter
}

fn filter_key(table: &DescribedTable, column: &DescribedColumn) -> String {
    format!("rowFilter.{}.{}", table.name, column.name)
}

fn references<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    keys.into_iter().map(reference).collect()
}

fn reference(key: &str) -> Value {
    json!({ "$ref": format!("#/parameters/{}", pointer(key)) })
}

fn described(object: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    object.extend(text.map(|text| (key.to_owned(), Value::from(text))));
}
