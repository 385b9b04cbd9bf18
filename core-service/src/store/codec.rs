//! The stored form of event bodies and of records, the same for every engine.
//!
//! A body is bytes and a [`Form`] that says how to read them. Published JSON and output lie there as
//! they came, so that neither is copied through an encoder on its way in or out.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::event::Body;
use crate::domain::job::{self, State};
use crate::domain::payload::{JSON, Payload};
use crate::store::Error;

/// How to read a stored body. The numbers are stored: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Published JSON, untouched.
    Json = 0,
    /// The content type as a JSON string, a line feed, published bytes.
    Typed = 1,
    /// A job's entry as JSON.
    Entry = 2,
    /// A job's output entry as JSON, a line feed, the output's bytes.
    Output = 3,
    /// A line of a job list as JSON.
    Summary = 4,
    /// A session's event as JSON.
    Session = 5,
}

impl Form {
    fn from_stored(number: i64) -> Result<Form, Error> {
        Ok(match number {
            0 => Form::Json,
            1 => Form::Typed,
            2 => Form::Entry,
            3 => Form::Output,
            4 => Form::Summary,
            5 => Form::Session,
            _ => return Err(Error::Damaged(format!("no body has form {number}"))),
        })
    }
}

/// A body's stored form.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn encode(body: &Body) -> Result<(Form, Bytes), Error> {
    Ok(match body {
        Body::Payload(payload) if payload.is_json() => (Form::Json, payload.data.clone()),
        Body::Payload(payload) => {
            (Form::Typed, headed(&payload.content_type, &payload.data)?.into())
        }
        Body::Job(entry) => match &entry.event {
            job::Event::Output { data, .. } => (Form::Output, headed(&**entry, data)?.into()),
            job::Event::Created(_)
            | job::Event::Queued { .. }
            | job::Event::Started { .. }
            | job::Event::Progressed(_)
            | job::Event::Used(_)
            | job::Event::Reported(_)
            | job::Event::CancelRequested(_)
            | job::Event::Completed { .. }
            | job::Event::Failed { .. }
            | job::Event::Cancelled { .. } => (Form::Entry, to_json(&**entry)?.into()),
        },
        Body::Summary(summary) => (Form::Summary, to_json(&**summary)?.into()),
        Body::Session(event) => (Form::Session, to_json(&**event)?.into()),
    })
}

/// Reads a stored body.
///
/// # Errors
/// [`Error::Damaged`] when it does not parse.
pub(crate) fn decode(form: i64, stored: &[u8]) -> Result<Body, Error> {
    Ok(match Form::from_stored(form)? {
        Form::Json => Body::Payload(Payload::json(Bytes::copy_from_slice(stored))),
        Form::Typed => {
            let (content_type, data) = split::<String>(stored)?;
            if content_type == JSON {
                return Err(Error::Damaged("JSON is stored without its type".into()));
            }
            Body::Payload(Payload { content_type: content_type.into(), data })
        }
        Form::Entry => Body::Job(Arc::new(from_json(stored)?)),
        Form::Output => {
            let (mut entry, bytes) = split::<job::Entry>(stored)?;
            let job::Event::Output { data, .. } = &mut entry.event else {
                let kind = entry.event.kind();
                return Err(Error::Damaged(format!("{kind} is stored as output")));
            };
            *data = bytes;
            Body::Job(Arc::new(entry))
        }
        Form::Summary => Body::Summary(Arc::new(from_json(stored)?)),
        Form::Session => Body::Session(Arc::new(from_json(stored)?)),
    })
}

/// JSON for a document of ours.
///
/// # Errors
/// When the value cannot be written as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Damaged(format!("cannot be stored: {error}")))
}

/// Reads a document of ours.
///
/// # Errors
/// [`Error::Damaged`] when it does not parse.
pub(crate) fn from_json<T: DeserializeOwned>(stored: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(stored).map_err(|error| Error::Damaged(error.to_string()))
}

/// A state's stored number, which is also the order in which jobs live. Never change one.
pub(crate) const fn state_number(state: State) -> i64 {
    match state {
        State::Scheduled => 1,
        State::Queued => 2,
        State::Running => 3,
        State::Cancelling => 4,
        State::Completed => 5,
        State::Failed => 6,
        State::Cancelled => 7,
    }
}

/// All states.
pub(crate) const STATES: [State; 7] = [
    State::Scheduled,
    State::Queued,
    State::Running,
    State::Cancelling,
    State::Completed,
    State::Failed,
    State::Cancelled,
];

/// One line of JSON (serde writes no raw line feed), then the bytes as they are.
fn headed<T: Serialize + ?Sized>(header: &T, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut stored = to_json(&header)?;
    stored.reserve_exact(1 + data.len());
    stored.push(b'\n');
    stored.extend_from_slice(data);
    Ok(stored)
}

fn split<T: DeserializeOwned>(stored: &[u8]) -> Result<(T, Bytes), Error> {
    let end = stored.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or_else(|| Error::Damaged("a body has no header line".into()))?;
    Ok((from_json(&stored[..end])?, Bytes::copy_from_slice(&stored[end + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_back(body: Body, form: Form) {
        let (stored_form, stored) = encode(&body).expect("encodes");
        assert_eq!(stored_form, form);
        assert_eq!(decode(stored_form as i64, &stored), Ok(body));
    }

    fn payload(content_type: &'static str, data: &'static [u8]) -> Body {
        Body::Payload(Payload { content_type: content_type.into(), data: Bytes::from_static(data) })
    }

    fn entry(event: job::Event) -> Body {
        let (job_id, state) = ("j".to_owned(), State::Running);
        Body::Job(Arc::new(job::Entry { job_id, state, attempt: 2, percent: 12.5, event }))
    }

    #[test]
    fn every_body_reads_back_byte_for_byte() {
        reads_back(payload(JSON, b"{\"a\": 1.0}\n"), Form::Json);
        reads_back(payload("image/png", &[0, 0xff, b'\n', 7]), Form::Typed);
        reads_back(payload("odd\ntype", b"\n\n"), Form::Typed);
        reads_back(entry(job::Event::Started { worker: "w\n1".into() }), Form::Entry);
        for (content_type, data) in [(JSON, &b"{\"a\": 1.0}\n"[..]), ("image/png", &[0, 0xff])] {
            let data = Bytes::from_static(data);
            let payload = Payload { content_type: content_type.into(), data };
            let reported = job::Reported { kind: "test_result".into(), payload };
            reads_back(entry(job::Event::Reported(reported)), Form::Entry);
        }
        let data = Bytes::from_static(b"one\ntwo\xff");
        let output = job::Event::Output { channel: "stdout".into(), offset: 7, data };
        reads_back(entry(output), Form::Output);
    }

    #[test]
    fn a_body_that_does_not_parse_is_damaged_and_never_an_event() {
        let damaged: [(i64, &[u8]); 6] = [
            (9, b"{}"),
            (Form::Typed as i64, b"no header"),
            (Form::Entry as i64, b"{\"job_id\":"),
            (Form::Output as i64, b"{}\nbytes"),
            (Form::Summary as i64, b"\xff"),
            (Form::Typed as i64, b"\"application/json\"\n{}"),
        ];
        for (form, stored) in damaged {
            assert!(matches!(decode(form, stored), Err(Error::Damaged(_))), "{form} {stored:?}");
        }
    }
}
