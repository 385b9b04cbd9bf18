//! Which media type a caller would rather have.

use http::{HeaderMap, header};

/// The media type of server-sent events.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

const JSON: &str = "application/json";

/// Whether `Accept` names this media type and does not rather have JSON. A wildcard names nothing: what
/// says `*/*` is a program.
pub(super) fn wants(headers: &HeaderMap, media: &str) -> bool {
    let Some(wanted) = named(headers, media) else { return false };
    let json = named(headers, JSON).or_else(|| named(headers, "application/*"));
    wanted > 0.0 && json.or_else(|| named(headers, "*/*")).is_none_or(|json| wanted >= json)
}

/// The quality a header gives to exactly this media range.
fn named(headers: &HeaderMap, media: &str) -> Option<f32> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            if !parts.next()?.eq_ignore_ascii_case(media) {
                return None;
            }
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            Some(quality.map_or(1.0, |text| text.parse().unwrap_or(0.0)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str, media: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, text.parse().unwrap());
        wants(&headers, media)
    }

    #[test]
    fn a_browser_gets_the_page_and_a_program_gets_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        assert!(accepts(browser, "text/html"));
        for program in ["*/*", "application/json", "application/json, text/plain, */*"] {
            assert!(!accepts(program, "text/html"), "{program}");
        }
        assert!(!wants(&HeaderMap::new(), "text/html"));
    }

    #[test]
    fn qualities_decide() {
        assert!(!accepts("text/html;q=0.1, application/json", "text/html"));
        assert!(!accepts("text/html;q=0", "text/html"));
        assert!(accepts("Text/Event-Stream", "text/event-stream"));
    }
}
