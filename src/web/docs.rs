//! The API's description as a page: made from the same document that `/api/v1/openapi.json` serves, without a script and
//! without asking any other server for anything.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, response::Response};
use serde_json::Value;

use super::{
    frame::{Frame, Visit},
    page::show,
};
use crate::{
    error::Result,
    http::{Description, Operation},
};

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    f: Frame,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

struct Group {
    name: String,
    ways: Vec<Way>,
}

struct Way {
    method: &'static str,
    path: String,
    summary: String,
    needs_login: bool,
    parameters: Vec<Field>,
    /// Media type and what it holds.
    bodies: Vec<(String, String)>,
    /// Status, meaning, and what it holds.
    answers: Vec<(String, String, String)>,
}

/// A named object or choice of the document.
struct Shape {
    name: String,
    about: String,
    /// What it is where it has no fields.
    what: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    place: String,
    kind: String,
    is_required: bool,
    about: String,
}

pub async fn page(visit: Visit, Extension(description): Extension<Arc<Description>>) -> Result<Response> {
    show(&DocsPage { f: visit.frame, groups: groups(&description), shapes: shapes(description.document()) })
}

fn groups(description: &Description) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for operation in description.operations() {
        let name = text(&operation.told["tags"][0]);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.ways.push(way(operation)),
            None => groups.push(Group { name, ways: vec![way(operation)] }),
        }
    }
    groups
}

fn way(operation: Operation<'_>) -> Way {
    let told = operation.told;
    let parameters = told["parameters"].as_array().into_iter().flatten().map(|one| Field {
        name: text(&one["name"]),
        place: text(&one["in"]),
        kind: kind(&one["schema"]),
        is_required: one["required"] == true,
        about: text(&one["description"]),
    });
    let answers = told["responses"].as_object().into_iter().flatten();
    Way {
        method: operation.method,
        path: operation.path.to_owned(),
        summary: [&told["summary"], &told["description"]].map(text).join(" ").trim().to_owned(),
        needs_login: !operation.is_public(),
        parameters: parameters.collect(),
        bodies: contents(&told["requestBody"]),
        answers: answers
            .map(|(status, answer)| {
                let holds = contents(answer).into_iter().map(|(media, what)| format!("{media}: {what}"));
                (status.clone(), text(&answer["description"]), holds.collect::<Vec<_>>().join(", "))
            })
            .collect(),
    }
}

fn contents(holder: &Value) -> Vec<(String, String)> {
    let contents = holder["content"].as_object().into_iter().flatten();
    contents.map(|(media, content)| (media.clone(), kind(&content["schema"]))).collect()
}

fn shapes(document: &Value) -> Vec<Shape> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    schemas
        .map(|(name, schema)| {
            let fields = fields(schema);
            let what = if fields.is_empty() { kind(schema) } else { String::new() };
            Shape { name: name.clone(), about: text(&schema["description"]), what, fields }
        })
        .collect()
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| Field {
            name: name.clone(),
            place: String::new(),
            kind: kind(property),
            is_required: required.is_some_and(|names| names.iter().any(|one| one == name.as_str())),
            about: text(&property["description"]),
        })
        .collect()
}

/// What a value may be, in a few words: `[Link]`, `string | null`, `"view" | "download"`.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return name.to_owned();
    }
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|key| schema[key].as_array());
    if let Some(choices) = choices {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" | ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(name) => vec![name],
        _ => return "…".to_owned(),
    };
    let one = |name: &str| match (name, schema["format"].as_str()) {
        ("array", _) => format!("[{}]", kind(&schema["items"])),
        ("object", _) if schema["properties"].is_object() => {
            let fields = fields(schema).into_iter().map(|field| format!("{}: {}", field.name, field.kind));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        (name, Some(format)) => format!("{name} ({format})"),
        (name, None) => name.to_owned(),
    };
    names.into_iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
