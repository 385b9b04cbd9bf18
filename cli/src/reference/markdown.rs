//! Pieces of Markdown.

/// A text as a cell of a table or a line of prose: on one line, and nothing of it is markup but what
/// stands in backticks.
pub(super) fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let pieces = text.split('`').enumerate();
    let pieces = pieces.map(|(at, piece)| match at % 2 {
        0 => piece.replace('<', "&lt;"),
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// Prose in paragraphs, which empty lines divide.
pub(super) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(line).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("{paragraph}\n\n")).collect()
}

/// A text that is no prose.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// A table, with an empty line after it; nothing where it has no rows.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: String = rows.into_iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| {} |\n|{}\n{rows}\n", head.join(" | "), "---|".repeat(N))
}

/// A link to a heading of a page; of this one, where `page` is empty.
pub(super) fn link(text: &str, page: &str, heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
    format!("[{text}]({page}#{anchor})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_one_line_and_no_markup() {
        assert_eq!(line("a <b>\n c | `x|<y>` d"), "a &lt;b> c \\| `x\\|<y>` d");
        assert_eq!(prose("one\ntwo\n\nthree"), "one two\n\nthree\n\n");
    }

    #[test]
    fn a_table_has_rows_or_is_not_there() {
        assert_eq!(table(["a", "b"], []), "");
        let rows = [[code("x|y"), "z".to_owned()]];
        assert_eq!(table(["a", "b"], rows), "| a | b |\n|---|---|\n| `x\\|y` | z |\n\n");
    }

    #[test]
    fn a_link_names_its_heading() {
        assert_eq!(
            link("list", "cli.md", "`roomcast job list`"),
            "[list](cli.md#roomcast-job-list)"
        );
    }
}
