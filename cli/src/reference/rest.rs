//! rest.md: every route, from the description that the edge serves as /openapi.json.

use serde_json::Value;

use super::markdown::{code, line, link, prose, table};
use super::schema::{self, array, entries, kind, kind_present};

const HEAD: &str = "\
# REST

Every route of an edge, as [`openapi.json`](openapi.json) describes it; a running edge serves that description at
`/openapi.json`, and as a page at `/docs`. The same routes stand under `/api/v1` and at the root. A token goes into
`Authorization: Bearer`; where no right is named, a caller sees and does what is the caller's own, or a project's
of which the caller is a member. [The protocol](../PROTOCOL.md#rest) says what all routes have in common.

**Errors** are `application/problem+json` (RFC 9457), [`Problem`](#problem), with the status and code that
[the errors](../ERRORS.md) list: `invalid_argument` for a malformed request, `unauthenticated` and its kin for a
missing or bad token, `permission_denied` for a missing right, `…_not_found` for what is not there or not to be seen,
`rate_limited` and `core_unavailable` at any time.

";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// What one method of one path does.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    is: &'a Value,
}

pub(super) fn page(document: &Value) -> String {
    let operations: Vec<_> = entries(&document["paths"]).flat_map(of_path).collect();
    let tags = array(&document["tags"]);
    let contents = tags.iter().flat_map(|tag| with(&operations, tag)).map(Operation::row);
    let mut page = format!("{HEAD}{}", table(["route", "does"], contents));
    for tag in tags {
        let name = tag["name"].as_str().unwrap_or_default();
        page.push_str(&format!("## {name}\n\n{}", prose(text(tag, "description"))));
        page.extend(with(&operations, tag).map(Operation::section));
    }
    page.push_str("## Bodies\n\n");
    page.push_str(&schema::sections(document));
    format!("{}\n", page.trim_end())
}

fn of_path<'a>((path, methods): (&'a str, &'a Value)) -> impl Iterator<Item = Operation<'a>> {
    METHODS
        .iter()
        .filter_map(move |method| Some(Operation { path, method, is: methods.get(*method)? }))
}

/// Those with this tag.
fn with<'a>(all: &'a [Operation<'a>], tag: &'a Value) -> impl Iterator<Item = &'a Operation<'a>> {
    all.iter().filter(|operation| array(&operation.is["tags"]).contains(&tag["name"]))
}

impl Operation<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    fn row(&self) -> [String; 2] {
        [link(&code(&self.name()), "", &self.name()), line(text(self.is, "summary"))]
    }

    fn section(&self) -> String {
        let rows = array(&self.is["parameters"]).iter().map(parameter);
        let parameters = table(["parameter", "in", "type", "what"], rows);
        let body = match contents(&self.is["requestBody"]) {
            none if none.is_empty() => none,
            body => format!("Takes {body}.\n\n"),
        };
        let is_answer = |(status, _): &(&str, &Value)| status.starts_with('2');
        let answers: String =
            entries(&self.is["responses"]).filter(is_answer).map(answer).collect();
        format!(
            "### `{}`\n\n{}{parameters}{body}{answers}\n",
            self.name(),
            prose(&format!("{}. {}", text(self.is, "summary"), text(self.is, "description"))),
        )
    }
}

fn parameter(parameter: &Value) -> [String; 4] {
    let name = code(text(parameter, "name"));
    let (name, kind) = match parameter["required"] == true {
        true => (name, kind(&parameter["schema"])),
        false => (format!("{name} ?"), kind_present(&parameter["schema"])),
    };
    let what = line(text(parameter, "description"));
    [name, text(parameter, "in").to_owned(), kind, what]
}

fn answer((status, answer): (&str, &Value)) -> String {
    let what = line(text(answer, "description"));
    let parts = [what.trim_end_matches('.').to_owned(), contents(answer)];
    let says: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let headers = entries(&answer["headers"]).map(header).collect::<String>();
    format!("- **{status}** {}\n{headers}", says.join(": "))
}

fn header((name, header): (&str, &Value)) -> String {
    format!("  - header {}: {}\n", code(name), line(text(header, "description")))
}

/// The schemas of a body, each with its media type unless that is JSON.
fn contents(value: &Value) -> String {
    let one = |(media, content): (&str, &Value)| match media {
        "application/json" => kind(&content["schema"]),
        _ => format!("{} as {}", kind(&content["schema"]), code(media)),
    };
    entries(&value["content"]).map(one).collect::<Vec<_>>().join(", or ")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_section_and_its_bodies() {
        let document = roomcast_edge::rest::description();
        let page = page(&document);
        for (path, methods) in entries(&document["paths"]) {
            for (method, _) in entries(methods) {
                let heading = format!("\n### `{} {path}`\n", method.to_uppercase());
                assert!(page.contains(&heading), "{method} {path}");
            }
        }
        assert!(page.contains("Takes [`NewJob`](#newjob)."));
        assert!(page.contains("- **201** A job as it stands: [`Job`](#job)\n"), "{page}");
    }
}
