//! JSON schemas in words, and as tables of their fields.

use serde_json::Value;

use super::markdown::{code, line, link, prose, table};

/// The schemas of a document, one section each.
pub(super) fn sections(document: &Value) -> String {
    let sections: String = entries(&document["components"]["schemas"])
        .map(|(name, schema)| format!("### {name}\n\n{}", section(schema)))
        .collect();
    format!("A field with `?` may be left out, or null.\n\n{sections}")
}

fn section(schema: &Value) -> String {
    let mut text = prose(schema["description"].as_str().unwrap_or_default());
    let words = words(schema);
    if !words.is_empty() {
        text.push_str(&format!("One of {words}.\n\n"));
    }
    if fields(schema).is_empty() && words.is_empty() {
        text.push_str(&format!("{}\n\n", capital(&kind(schema))));
    }
    text.push_str(&table(["field", "type", "what"], fields(schema)));
    text
}

/// A type in words, with a link where it has a name.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return link(&code(name), "", name);
    }
    let choices: Vec<_> = ["oneOf", "anyOf"].iter().flat_map(|key| array(&schema[*key])).collect();
    if !choices.is_empty() {
        return choices.into_iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let parts = array(&schema["allOf"]);
    if !parts.is_empty() {
        return parts.iter().map(kind).collect::<Vec<_>>().join(", ");
    }
    if let Some(value) = schema.get("const") {
        return code(&value.to_string());
    }
    match &schema["type"] {
        Value::String(word) => plain(word, schema),
        Value::Array(words) => {
            let words = words.iter().filter_map(Value::as_str).map(|word| plain(word, schema));
            words.collect::<Vec<_>>().join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any JSON".to_owned(),
    }
}

/// The type of what may be left out, where it is there: a `?` says the rest.
pub(super) fn kind_present(schema: &Value) -> String {
    let mut present = schema.clone();
    for key in ["type", "oneOf", "anyOf"] {
        if let Some(Value::Array(choices)) = present.get_mut(key) {
            choices.retain(|choice| choice != "null" && choice["type"] != "null");
        }
    }
    kind(&present)
}

fn plain(word: &str, schema: &Value) -> String {
    match word {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" => object(schema),
        "string" if schema["format"] == "binary" => "bytes".to_owned(),
        word => word.to_owned(),
    }
}

/// An object by its fields, or by what its values are.
fn object(schema: &Value) -> String {
    let fields = properties(schema).into_iter().map(|Property { name, is_required, .. }| {
        let mark = if is_required { "" } else { "?" };
        format!("{name}{mark}")
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    match schema.get("additionalProperties").filter(|values| values.is_object()) {
        _ if !fields.is_empty() => code(&format!("{{{fields}}}")),
        Some(values) => format!("object of {}", kind(values)),
        None => "object".to_owned(),
    }
}

struct Property<'a> {
    name: &'a str,
    is: &'a Value,
    is_required: bool,
}

/// An object's properties: the required ones as they were declared, then the others by name.
fn properties(schema: &Value) -> Vec<Property<'_>> {
    let required = array(&schema["required"]);
    let place = |name: &str| required.iter().position(|field| field == name);
    let mut all: Vec<_> = entries(&schema["properties"])
        .map(|(name, is)| Property { name, is, is_required: place(name).is_some() })
        .collect();
    all.sort_by_key(|property| place(property.name).unwrap_or(required.len()));
    all
}

/// The fields of an object and of the parts that it is made of.
fn fields(schema: &Value) -> Vec<[String; 3]> {
    let own = properties(schema).into_iter().map(|Property { name, is, is_required }| {
        if is_required {
            [code(name), kind(is), described(is)]
        } else {
            [format!("{} ?", code(name)), kind_present(is), described(is)]
        }
    });
    let parts = array(&schema["allOf"]).iter().flat_map(|part| match part["$ref"].is_string() {
        true => vec![["…".to_owned(), kind(part), "its fields".to_owned()]],
        false => fields(part),
    });
    parts.chain(own).collect()
}

fn described(field: &Value) -> String {
    let mut text = line(field["description"].as_str().unwrap_or_default());
    let words = words(field);
    if !words.is_empty() {
        text.push_str(&format!(" One of {words}."));
    }
    for (key, says) in [("minimum", "at least"), ("maximum", "at most"), ("default", "default")] {
        // That a count is not negative goes without saying.
        if let Some(value) = field.get(key).filter(|value| **value != 0) {
            text.push_str(&format!(" ({says} {})", code(&value.to_string())));
        }
    }
    if let Some(example) = field.get("example") {
        text.push_str(&format!(" For example {}.", code(&example.to_string())));
    }
    text.trim().to_owned()
}

fn words(schema: &Value) -> String {
    array(&schema["enum"]).iter().map(|word| code(&word.to_string())).collect::<Vec<_>>().join(", ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_told_in_words() {
        for (schema, words) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": ["string", "null"]}), "string or null"),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Job"}}),
                "list of [`Job`](#job)",
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Job"}]}),
                "null or [`Job`](#job)",
            ),
            (
                json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}),
                "`{a, b?}`",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}}),
                "object of integer",
            ),
            (
                json!({"type": ["array", "null"], "items": {"type": "string"}}),
                "list of string or null",
            ),
            (json!({"type": "string", "format": "binary"}), "bytes"),
            (json!({}), "any JSON"),
        ] {
            assert_eq!(kind(&schema), words);
        }
    }

    #[test]
    fn what_may_be_left_out_is_told_as_it_is_where_it_is_there() {
        let job = json!({"$ref": "#/components/schemas/Job"});
        for (schema, words) in [
            (json!({"type": ["string", "null"]}), "string"),
            (json!({"oneOf": [{"type": "null"}, job]}), "[`Job`](#job)"),
            (json!({"type": "integer"}), "integer"),
        ] {
            assert_eq!(kind_present(&schema), words);
        }
    }

    #[test]
    fn fields_are_told_with_those_of_the_parts() {
        let field = json!({"type": "integer", "minimum": 1, "description": "How many."});
        let own = json!({"type": "object", "properties": {"n": field}});
        let schema = json!({"allOf": [{"$ref": "#/components/schemas/Job"}, own]});
        let rows = fields(&schema);
        assert_eq!(rows[0], ["…", "[`Job`](#job)", "its fields"]);
        assert_eq!(rows[1], ["`n` ?", "integer", "How many. (at least `1`)"]);
    }

    #[test]
    fn required_fields_come_first_as_they_were_declared() {
        let properties = json!({"a": {}, "b": {}, "c": {}, "d": {}});
        let schema = json!({"type": "object", "properties": properties, "required": ["d", "b"]});
        assert_eq!(kind(&schema), "`{d, b, a?, c?}`");
        let names: Vec<_> = fields(&schema).into_iter().map(|[name, ..]| name).collect();
        assert_eq!(names, ["`d`", "`b`", "`a` ?", "`c` ?"]);
    }
}
