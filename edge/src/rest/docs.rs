//! `/docs`: `/openapi.json` and the registry of errors as one page without scripts.

mod text;

use std::sync::Arc;

use axum::{Extension, response::Response};
use roomcast_proto::registry::Code;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::text::{code, escape, prose};
use crate::{page::html, state::AppState};

/// The finished page.
#[derive(Debug, Clone)]
pub(super) struct Page(Arc<str>);

impl Page {
    pub(super) fn of(document: &Value) -> Self {
        Self(page(document).into())
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(docs))
}

/// Read the readable description
#[utoipa::path(
    get, path = "/docs", tag = "operations",
    responses((status = 200, description = "This description as a page", body = String, content_type = "text/html"))
)]
async fn docs(Extension(Page(page)): Extension<Page>) -> Response {
    html(page.to_string())
}

/// The page of a document.
fn page(document: &Value) -> String {
    let tags = array(&document["tags"]);
    let operations: String = tags.iter().map(|tag| section(tag, document)).collect();
    let schemas: String = entries(&document["components"]["schemas"])
        .map(|(name, schema)| self::schema(name, schema))
        .collect();
    let errors: String = Code::ALL.iter().copied().map(error).collect();
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Roomcast API</title>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <link rel=stylesheet href=/page.css>\
         <body><header><h1>Roomcast API</h1><nav><a href=/console/>Console</a> \
         <a href=#schemas>Schemas</a> <a href=#errors>Errors</a> \
         <a href=/openapi.json>openapi.json</a></nav></header><main><p>{description}</p>\
         <p>Every path stands under <code>/api/v1</code> and at the root.</p>{operations}\
         <h2 id=schemas>Schemas</h2>{schemas}\
         <h2 id=errors>Errors</h2><div class=scroll><table><tr><th>code<th>HTTP<th>again?<th>why<th>what to do\
         {errors}</table></div></main></html>",
        description = prose(&document["info"]["description"]),
    )
}

fn section(tag: &Value, document: &Value) -> String {
    let name = tag["name"].as_str().unwrap_or_default();
    let operations: String = entries(&document["paths"])
        .flat_map(|(path, methods)| {
            entries(methods).map(move |(method, operation)| (path, method, operation))
        })
        .filter(|(.., operation)| array(&operation["tags"]).iter().any(|tag| tag == name))
        .map(|(path, method, operation)| self::operation(path, method, operation))
        .collect();
    format!("<h2>{}</h2><p>{}</p>{operations}", escape(name), prose(&tag["description"]))
}

fn operation(path: &str, method: &str, operation: &Value) -> String {
    let parameters: String = array(&operation["parameters"])
        .iter()
        .map(|parameter| {
            format!(
                "<tr><td>{}<td>{}<td>{}",
                code(parameter["name"].as_str().unwrap_or_default()),
                escape(parameter["in"].as_str().unwrap_or_default()),
                prose(&parameter["description"])
            )
        })
        .collect();
    let body = contents(&operation["requestBody"]);
    let answers: String = entries(&operation["responses"])
        .filter(|(status, _)| status.starts_with('2'))
        .map(|(status, response)| {
            format!("<li>{status} {} {}</li>", prose(&response["description"]), contents(response))
        })
        .collect();
    let table = if parameters.is_empty() {
        String::new()
    } else {
        format!("<div class=scroll><table>{parameters}</table></div>")
    };
    let takes = if body.is_empty() { String::new() } else { format!("<p>Takes {body}</p>") };
    format!(
        "<details><summary><code>{} {}</code> {}</summary><p>{}</p>{table}{takes}<p>Answers</p><ul>{answers}</ul></details>",
        escape(&method.to_uppercase()),
        escape(path),
        prose(&operation["summary"]),
        prose(&operation["description"]),
    )
}

fn schema(name: &str, schema: &Value) -> String {
    let parts: String = array(&schema["allOf"]).iter().map(part).collect();
    format!(
        "<details id='{id}'><summary>{id}</summary><p>{}</p><div class=scroll><table>{}{parts}</table></div></details>",
        prose(&schema["description"]),
        fields(schema),
        id = escape(name),
    )
}

/// A part of what a schema is made of: fields of its own, or all those of another.
fn part(part: &Value) -> String {
    if part["$ref"].is_string() {
        return format!("<tr><td>…<td>{}<td>its fields", kind(part));
    }
    fields(part)
}

fn fields(schema: &Value) -> String {
    let required = array(&schema["required"]);
    entries(&schema["properties"])
        .map(|(field, property)| {
            let mark = if required.iter().any(|name| name == field) { "" } else { "?" };
            format!(
                "<tr><td>{}{mark}<td>{}<td>{}",
                code(field),
                kind(property),
                prose(&property["description"])
            )
        })
        .collect()
}

/// The media types of a body or an answer, each with its schema.
fn contents(value: &Value) -> String {
    entries(&value["content"])
        .map(|(media, content)| format!("{} {}", code(media), kind(&content["schema"])))
        .collect::<Vec<_>>()
        .join(" or ")
}

/// A type in words, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href='#{0}'>{0}</a>", escape(name));
    }
    let choices: Vec<_> =
        ["oneOf", "anyOf"].iter().flat_map(|key| array(&schema[*key])).map(kind).collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    match &schema["type"] {
        Value::String(word) if word == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(word) => escape(word),
        Value::Array(words) => {
            words.iter().filter_map(Value::as_str).map(escape).collect::<Vec<_>>().join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any JSON".to_owned(),
    }
}

fn error(code: Code) -> String {
    let entry = code.entry();
    format!(
        "<tr id='{0}'><td><code>{0}</code><td>{1}<td>{2}<td>{3}<td>{4}",
        entry.code,
        entry.http,
        if entry.retryable { "yes" } else { "no" },
        escape(entry.cause),
        escape(entry.mend)
    )
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}
