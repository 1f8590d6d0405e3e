//! The documents of an app's own tables and functions.

use plinth::data::openapi::{
    Described, DescribedArgument, DescribedColumn, DescribedFunction, DescribedTable, Returned, openapi, swagger,
};
use serde_json::{Value, json};

fn column(name: &str, ty: &str, rights: &str) -> DescribedColumn {
    DescribedColumn {
        name: name.to_owned(),
        ty: ty.to_owned(),
        readable: rights.contains('r'),
        insertable: rights.contains('i'),
        updatable: rights.contains('u'),
        nullable: true,
        ..DescribedColumn::default()
    }
}

fn described() -> Described {
    let with = |name: &str, rights: &str, columns: Vec<DescribedColumn>| DescribedTable {
        name: name.to_owned(),
        comment: None,
        columns,
        insertable: rights.contains('i'),
        updatable: rights.contains('u'),
        deletable: rights.contains('d'),
    };
    let tasks = vec![
        DescribedColumn { nullable: false, primary_key: true, ..column("id", "bigint", "r") },
        DescribedColumn { nullable: false, comment: Some("What to do".to_owned()), ..column("title", "text", "riu") },
        DescribedColumn { default: Some("'new'::text".to_owned()), ..column("state", "text", "ri") },
        DescribedColumn {
            default: Some("now()".to_owned()),
            nullable: false,
            ..column("made_at", "timestamp with time zone", "ri")
        },
        DescribedColumn { default: Some("false".to_owned()), ..column("done", "boolean", "riu") },
        DescribedColumn { foreign_key: Some(("users".to_owned(), "id".to_owned())), ..column("owner", "uuid", "r") },
        column("tags", "text[]", "ru"),
        column("meta", "jsonb", "r"),
        DescribedColumn {
            default: Some("'hush'::text".to_owned()),
            comment: Some("hush".to_owned()),
            ..column("secret", "text", "")
        },
        column("drop_box", "text", "i"),
    ];
    let mut tasks = with("tasks", "iud", tasks);
    tasks.comment = Some("Tasks\n\nOf everybody.".to_owned());
    let argument = |name: &str, ty: &str, required, variadic| DescribedArgument {
        name: name.to_owned(),
        ty: ty.to_owned(),
        required,
        variadic,
    };
    let function = |name: &str, volatile, returns, arguments| DescribedFunction {
        name: name.to_owned(),
        comment: None,
        arguments,
        volatile,
        returns,
    };
    let arguments = vec![
        argument("a", "integer", true, false),
        argument("b", "integer[]", false, false),
        argument("c", "text[]", false, true),
    ];
    Described {
        title: "An app".to_owned(),
        version: "1.0".to_owned(),
        url: "https://example.com:8443/rest/v1".to_owned(),
        tables: vec![
            tasks,
            with("hidden", "iud", vec![column("nothing", "text", "")]).without_rights(),
            with("a view/~1", "", vec![column("n", "numeric(10,2)", "riu")]),
        ],
        functions: vec![
            function("add", false, Returned::Scalar("integer".to_owned()), arguments),
            function("clear", true, Returned::Void, vec![]),
            function("mine", false, Returned::SetOfRow("tasks".to_owned()), vec![]),
            function("theirs", false, Returned::SetOfRow("hidden".to_owned()), vec![]),
        ],
    }
}

trait WithoutRights {
    fn without_rights(self) -> Self;
}

impl WithoutRights for DescribedTable {
    fn without_rights(mut self) -> Self {
        (self.insertable, self.updatable, self.deletable) = (false, false, false);
        self
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn what_the_role_may_not_use_is_in_no_document() {
    for document in [swagger(&described()), openapi(&described())] {
        let text = document.to_string();
        assert!(
            !text.contains("hush") && !text.contains("secret") && !text.contains("nothing") && !text.contains("hidden"),
            "{text}"
        );
        assert_eq!(keys(&document["paths"]["/tasks"]), ["get", "post", "patch", "delete"]);
        // The columns' rights do not count where the table has none.
        assert_eq!(keys(&document["paths"]["/a%20view%2F~1"]), ["get"]);
        assert_eq!(keys(&document["paths"]["/rpc/add"]), ["get", "post"]);
        assert_eq!(keys(&document["paths"]["/rpc/clear"]), ["post"]);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().unwrap();
                    assert!(document.pointer(&pointer).is_some(), "{reference}");
                }
                object.values().for_each(|value| check(value, document));
            }
            Value::Array(values) => values.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    for document in [swagger(&described()), openapi(&described())] {
        check(&document, &document);
    }
}

#[test]
fn the_second_version_has_the_shape_that_generators_read() {
    let document = swagger(&described());
    assert_eq!(
        (&document["swagger"], &document["host"], &document["basePath"], &document["schemes"]),
        (&json!("2.0"), &json!("example.com:8443"), &json!("/rest/v1"), &json!(["https"]))
    );
    let tasks = &document["definitions"]["tasks"];
    assert_eq!(tasks["required"], json!(["id", "title", "made_at"]));
    let expected = json!({
        "id": { "format": "int64", "type": "integer", "description": "Note:\nThis is a Primary Key.<pk/>", "readOnly": true },
        "title": { "format": "text", "type": "string", "description": "What to do" },
        "state": { "format": "text", "type": "string", "default": "new" },
        "made_at": { "format": "timestamp with time zone", "type": "string", "default": "now()" },
        "done": { "format": "boolean", "type": "boolean", "default": false },
        "owner": {
            "format": "uuid",
            "type": "string",
            "description": "Note:\nThis is a Foreign Key to `users.id`.<fk table='users' column='id'/>",
            "readOnly": true,
        },
        "tags": { "format": "text[]", "type": "array", "items": { "type": "string" } },
        "meta": { "format": "jsonb", "readOnly": true },
        "drop_box": { "format": "text", "type": "string" },
    });
    assert_eq!(tasks["properties"], expected);
    let get = &document["paths"]["/tasks"]["get"];
    assert_eq!((&get["summary"], &get["description"]), (&json!("Tasks"), &json!("Of everybody.")));
    assert_eq!(get["parameters"][0], json!({ "$ref": "#/parameters/rowFilter.tasks.id" }));
    assert!(document["parameters"].get("rowFilter.tasks.drop_box").is_none());
    let call = &document["paths"]["/rpc/add"]["get"]["parameters"];
    assert_eq!(call[0], json!({ "name": "a", "in": "query", "required": true, "format": "integer", "type": "integer" }));
    assert_eq!(call[1]["type"], "string");
    assert_eq!((&call[2]["type"], &call[2]["collectionFormat"]), (&json!("array"), &json!("multi")));
}

#[test]
fn the_third_version_tells_rows_inserts_and_updates_apart() {
    let document = openapi(&described());
    let schemas = &document["components"]["schemas"];
    assert_eq!(keys(&schemas["row.tasks"]["properties"]), ["id", "title", "state", "made_at", "done", "owner", "tags", "meta"]);
    assert_eq!(keys(&schemas["insert.tasks"]["properties"]), ["title", "state", "made_at", "done", "drop_box"]);
    assert_eq!(keys(&schemas["update.tasks"]["properties"]), ["title", "done", "tags"]);
    assert_eq!(schemas["insert.tasks"]["required"], json!(["title"]));
    assert_eq!(schemas["insert.tasks"]["properties"]["state"], json!({ "type": ["string", "null"], "default": "new" }));
    assert_eq!(schemas["insert.tasks"]["properties"]["made_at"], json!({ "type": "string", "format": "date-time" }));
    assert_eq!(schemas["row.a.20.view.2f..7e.1"]["properties"]["n"], json!({ "type": ["number", "null"] }));
    let gives = |name: &str| document["paths"][format!("/rpc/{name}")]["post"]["responses"].clone();
    assert_eq!(
        gives("mine")["200"]["content"]["application/json"]["schema"],
        json!({ "type": "array", "items": { "$ref": "#/components/schemas/row.tasks" } })
    );
    assert_eq!(
        gives("theirs")["200"]["content"]["application/json"]["schema"],
        json!({ "type": "array", "items": { "type": "object" } })
    );
    assert_eq!(keys(&gives("clear")), ["204", "default"]);
}
