//! The OpenAPI document: what the handlers say of themselves, completed by what holds for all of them and is therefore
//! said here once: the shape of a problem, the headers, how lists are paged.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The finished document.
#[derive(Debug)]
pub struct Description {
    document: Value,
    text: String,
}

/// One described call.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// In capitals.
    pub method: &'static str,
    pub path: &'a str,
    pub told: &'a Value,
}

const METHODS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("head", "HEAD"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
];

impl Description {
    pub fn of(openapi: &OpenApi) -> Description {
        let mut document = serde_json::to_value(openapi).unwrap_or_default();
        let paths = document["paths"].as_object_mut();
        for item in paths.into_iter().flat_map(Map::values_mut) {
            for (method, _) in METHODS {
                if let Some(told) = item.get_mut(method) {
                    complete(told);
                }
            }
        }
        close_requests(&mut document);
        let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
        Description { document, text }
    }

    /// As it is served and committed.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every call, in the order of the paths.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            METHODS.into_iter().filter_map(move |(key, method)| Some(Operation { method, path, told: item.get(key)? }))
        })
    }
}

impl Operation<'_> {
    /// Whether somebody may call it who does not say who they are.
    pub fn is_public(&self) -> bool {
        let ways = self.told["security"].as_array();
        ways.is_some_and(|ways| ways.iter().any(|way| way.as_object().is_some_and(Map::is_empty)))
    }

    pub fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        self.told["parameters"].as_array().into_iter().flatten().filter(move |one| one["in"] == place)
    }
}

fn complete(told: &mut Value) {
    complete_parameters(told);
    if let Some(body) = told.get_mut("requestBody") {
        bytes_as_bytes(body);
    }
    let Some(responses) = told["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut().filter(|(status, _)| !status.ends_with("XX")) {
        let is_silent = response["description"].as_str().is_none_or(str::is_empty);
        if is_silent {
            response["description"] = meaning(status).into();
        }
        bytes_as_bytes(response);
    }
    for (status, what) in [
        ("4XX", "What is wrong with the request and what to do; `type` is a stable slug."),
        (
            "5XX",
            "A fault of the server, or something that it needs does not answer (503): the same request may succeed later.",
        ),
    ] {
        responses.insert(status.to_owned(), problem(what));
    }
}

/// A body that is no text is described as bytes, not as a list of numbers.
fn bytes_as_bytes(holder: &mut Value) {
    let contents = holder.get_mut("content").and_then(Value::as_object_mut);
    for (media, content) in contents.into_iter().flatten() {
        let is_written = ["json", "multipart/", "text/"].iter().any(|kind| media.contains(kind));
        if !is_written {
            content["schema"] = json!({ "type": "string", "format": "binary" });
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "Done",
        "201" => "Made",
        "202" => "Accepted; it goes on in the background",
        "204" => "Done; there is nothing to tell",
        _ => "As asked",
    }
}

fn problem(what: &str) -> Value {
    json!({
        "description": what,
        "headers": {
            "Retry-After": {
                "description": "Seconds to wait, with 409, 429 and 503",
                "schema": { "type": "integer", "minimum": 0 }
            }
        },
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

/// What a parameter means wherever it stands.
const MEANINGS: &[(&str, &str)] = &[
    (
        "Idempotency-Key",
        "1 to `limits.idempotency_key_bytes` visible characters; the same key with the same content answers the first answer again for 24 hours",
    ),
    ("If-Match", "The ETag of the state that is changed; 412 when it is stale"),
    ("Content-Digest", "`sha-256=:…:` or `sha-512=:…:` of the body as sent (RFC 9530)"),
    ("Range", "`bytes=0-4095`"),
    ("Lumbung-Secret", "The part of the link's address after `#`"),
    ("Lumbung-Password", "If the link has one"),
    ("Lumbung-Office", "The id of the office that acts, for a person with posts in several"),
    ("Tus-Resumable", "`1.0.0`"),
    ("Upload-Length", "Bytes of the whole file"),
    ("Upload-Offset", "Bytes that the server has already"),
    (
        "Upload-Metadata",
        "`filename`, `metadata` (JSON) and `hold`: pairs of a name and a base64 value, separated by commas",
    ),
    ("Upload-Checksum", "`sha1`, `sha256` or `sha512`, a space, and the base64 digest of this part"),
    ("limit", "At most so many items; `limits.list_max` is the most"),
    ("cursor", "`next_cursor` of the page before"),
];

fn complete_parameters(told: &mut Value) {
    let is_open = told.get("security").is_some();
    let mut all: Vec<Value> = told["parameters"].as_array().cloned().unwrap_or_default();
    if !is_open {
        all.push(json!({
            "name": "Lumbung-Office", "in": "header", "required": false,
            "schema": { "type": "string", "pattern": "^ofc_[0-9a-v]{26}$" }
        }));
    }
    for one in &mut all {
        let name = one["name"].as_str().unwrap_or_default();
        let known = MEANINGS.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning);
        if name == "limit" {
            one["schema"] = json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": 200 });
        }
        if let (Some(meaning), None) = (known, one.get("description")) {
            one["description"] = meaning.into();
        }
    }
    if !all.is_empty() {
        told["parameters"] = all.into();
    }
}

/// Objects that a request carries take no field that is not listed, and the document says so.
fn close_requests(document: &mut Value) {
    let mut waiting = Vec::new();
    if let Some(paths) = document["paths"].as_object() {
        for body in paths.values().filter_map(Value::as_object).flat_map(Map::values).map(|told| &told["requestBody"]) {
            references(body, &mut waiting);
        }
    }
    let mut closed = Vec::new();
    while let Some(name) = waiting.pop() {
        if !closed.contains(&name) {
            references(&document["components"]["schemas"][&name], &mut waiting);
            closed.push(name);
        }
    }
    for name in closed {
        let schema = &mut document["components"]["schemas"][&name];
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = false.into();
        }
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next()) {
                found.push(name.to_owned());
            }
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
