//! JUnit XML: what many tools write at their end.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::case::{Case, Found, Status};

/// Of the text of a failure, which may be megabytes, the beginning is told.
const TEXT_BYTES_MAX: usize = 1024;

/// The cases of a report. One that breaks off gives those before.
#[must_use]
pub fn cases(xml: &[u8]) -> Vec<Found> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().check_end_names = false;
    let mut report = Report::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => report.begin(&tag),
            Ok(Event::Empty(tag)) => {
                report.begin(&tag);
                report.end(tag.local_name().as_ref());
            }
            Ok(Event::End(tag)) => report.end(tag.local_name().as_ref()),
            Ok(Event::Text(text)) => report.text(&text),
            Ok(Event::CData(text)) => report.text(&text),
            Ok(Event::GeneralRef(character)) => report.text(&written(&character)),
            Ok(Event::Eof) | Err(_) => return report.found,
            Ok(_) => {}
        }
    }
}

#[derive(Debug, Default)]
struct Report {
    found: Vec<Found>,
    suite: Option<String>,
    case: Option<Case>,
    /// Of the failure under way: what its tag says.
    told: Option<String>,
    /// What stands inside of it; None outside of failures.
    text: Option<String>,
}

impl Report {
    fn begin(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "testsuite" => self.suite = attribute(tag, "name"),
            "testcase" => {
                let suite = attribute(tag, "classname").or_else(|| self.suite.clone());
                let name = attribute(tag, "name").unwrap_or_default();
                let time = attribute(tag, "time").unwrap_or_default();
                let case = Case::new(&name, Status::Passed).of(suite.as_deref()).taking(&time);
                self.case = Some(case);
            }
            "failure" => self.went(tag, Status::Failed),
            "error" => self.went(tag, Status::Error),
            "skipped" => self.went(tag, Status::Skipped),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "testcase" => self.found.extend(self.case.take().map(Found::from)),
            "failure" | "error" | "skipped" => {
                let inside = self.text.take();
                let text = self.told.take().or(inside).unwrap_or_default();
                self.case = self.case.take().map(|case| case.because(&text));
            }
            _ => {}
        }
    }

    fn went(&mut self, tag: &BytesStart<'_>, status: Status) {
        let Some(case) = &mut self.case else { return };
        case.status = status;
        self.told = attribute(tag, "message");
        self.text = Some(String::new());
    }

    fn text(&mut self, piece: &str) {
        let Some(text) = &mut self.text else { return };
        let room = TEXT_BYTES_MAX.saturating_sub(text.len());
        text.push_str(&piece[..piece.floor_char_boundary(room)]);
    }
}

/// What `&lt;` and `&#10;` stand for; of an entity that the report itself declares, nothing.
fn written(character: &BytesRef<'_>) -> String {
    let by_number = character.resolve_char_ref().ok().flatten().map(String::from);
    let by_name = || resolve_predefined_entity(character).map(str::to_owned);
    by_number.or_else(by_name).unwrap_or_default()
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::default()).ok()?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}
