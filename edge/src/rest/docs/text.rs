//! Text inside of HTML.

use serde_json::Value;

/// Text that stays text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A word of code.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A description: what stands between backticks is code.
pub(super) fn prose(text: &Value) -> String {
    text.as_str()
        .unwrap_or_default()
        .split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { code(part) } else { escape(part) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(prose(&Value::from("see `a<b`.")), "see <code>a&lt;b</code>.");
    }
}
