//! The text of one server-sent event.

use bytes::Bytes;

/// A frame being written. Field values are cut at line breaks, for a line break ends a field.
#[derive(Debug, Default)]
pub(super) struct Frame(String);

impl Frame {
    /// How long a browser waits before it comes back.
    pub(super) fn retry(milliseconds: u64) -> Self {
        Self(format!("retry: {milliseconds}\n"))
    }

    /// What browsers skip.
    pub(super) fn comment(self, text: &str) -> Self {
        self.line("", text)
    }

    /// What a browser hands back to resume.
    pub(super) fn id(self, cursor: &str) -> Self {
        self.line("id", cursor)
    }

    /// A named event. A line break in `data`, which JSON allows between its tokens only, becomes a
    /// line of its own and reaches the listener as a line feed.
    pub(super) fn event(self, name: &str, data: &str) -> Self {
        let frame = self.line("event", name);
        lines(data).fold(frame, |frame, line| frame.line("data", line))
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.0.push('\n');
        Bytes::from(self.0)
    }

    fn line(mut self, field: &str, value: &str) -> Self {
        self.0.push_str(field);
        self.0.push_str(": ");
        self.0.push_str(lines(value).next().unwrap_or_default());
        self.0.push('\n');
        self
    }
}

/// Lines as the format ends them: at a carriage return, a line feed, or both.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_name_its_payload_and_its_cursor() {
        let frame = Frame::default().event("job_update", r#"{"a":1}"#).id("c-1").finish();
        assert_eq!(frame, "event: job_update\ndata: {\"a\":1}\nid: c-1\n\n");
    }

    #[test]
    fn line_breaks_of_every_kind_stay_inside_the_data() {
        let frame = Frame::default().event("e", "{\r\n\"a\":\r1,\n\"b\":2}").finish();
        assert_eq!(frame, "event: e\ndata: {\ndata: \"a\":\ndata: 1,\ndata: \"b\":2}\n\n");
    }

    #[test]
    fn a_name_cannot_smuggle_in_a_field() {
        let frame = Frame::default().event("e\ndata: x", "{}").id("c\n\ndata: y").finish();
        assert_eq!(frame, "event: e\ndata: {}\nid: c\n\n");
    }

    #[test]
    fn a_comment_is_no_event() {
        assert_eq!(Frame::default().comment("keep-alive").finish(), ": keep-alive\n\n");
        assert_eq!(Frame::retry(1000).comment("resumed").finish(), "retry: 1000\n: resumed\n\n");
    }
}
