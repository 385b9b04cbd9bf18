//! JSON as YAML that is pleasant to read: in blocks, with quotes only where they are needed.

use serde_json::Value;

/// A whole document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::from("# Made by `make docs`.\n");
    block(value, 0, &mut text);
    text
}

/// A value that begins on a line of its own.
fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                text.push_str(&format!("{indent}{}:", scalar(key)));
                inner(value, depth + 1, text);
            }
        }
        Value::Array(values) => {
            for value in values {
                let mut item = String::new();
                inner(value, depth + 1, &mut item);
                // What begins a line of its own begins it with the dash.
                text.push_str(&format!("{indent}- {}", item.trim_start()));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A value after a key or a dash.
fn inner(value: &Value, depth: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_block {
        text.push('\n');
        block(value, depth, text);
    } else if let Some(word) = value.as_str() {
        text.push_str(&format!(" {}\n", scalar(word)));
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}

/// A word as it is, any other text in quotes: a string of JSON is one of YAML.
fn scalar(text: &str) -> String {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-/$.".contains(c));
    let is_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&&*text.to_ascii_lowercase());
    if is_name && !is_other { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_blocks_of_plain_words() {
        let value =
            json!({"asyncapi": "3.0.0", "list": [{"$ref": "#/a"}, "b c"], "none": [], "on": true});
        let text = "# Made by `make docs`.\nasyncapi: \"3.0.0\"\nlist:\n  - $ref: \"#/a\"\n  - \"b c\"\nnone: []\n\"on\": true\n";
        assert_eq!(document(&value), text);
    }
}
