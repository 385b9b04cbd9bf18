//! `roomcast errors`: the registry of error codes as a page.

use std::fmt::Write as _;

use roomcast_proto::registry::Code;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

const HEAD: &str = "\
# Errors

A code means the same on every surface. Retry: the same request may succeed later.

| surface | how an error comes |
|---|---|
| gRPC | the status of the table, with `google.rpc.ErrorInfo` whose `reason` is the code and whose `domain` is `roomcast`; `BadRequest` names the fields that are wrong; `RetryInfo` comes with what may be retried |
| REST | the HTTP status of the table and `application/problem+json`: `{type, title, status, detail, mend, code, retryable, trace_id, errors?}`; `Retry-After` where it is known when |
| Socket.IO, to an event with an acknowledgement | the acknowledgement `{ok: false, error: {code, message, retryable, retry_after_ms?}}` |
| Socket.IO, to any other event, and of what is joined | the event `error {code, message, retry_after_ms?, topic?}` |
| Socket.IO, to a connect | `connect_error`, whose message begins with the code |
| the command line | a line on standard error with code and mend; with `-o json`, `{error: {code, message, retryable, mend?}}` |
| a job that failed | `error_code` of its events: one of these, or the worker's own |

| code | gRPC | HTTP | retry | why | what to do |
|---|---|---|---|---|---|
";

/// Print the registry of error codes, as Markdown
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast errors -o json")]
pub(crate) struct Arguments {}

#[derive(Debug, Serialize)]
struct Line {
    code: &'static str,
    grpc: String,
    http: u16,
    retryable: bool,
    cause: &'static str,
    mend: &'static str,
}

pub(crate) fn run(output: Output) -> Result<Exit, Failure> {
    if output.is_json() {
        for code in Code::ALL {
            output.json(&Line::of(*code))?;
        }
    } else {
        output.line(page().trim_end())?;
    }
    Ok(Exit::OK)
}

impl Line {
    fn of(code: Code) -> Self {
        let entry = code.entry();
        Self {
            code: entry.code,
            grpc: grpc_name(entry.grpc),
            http: entry.http,
            retryable: entry.retryable,
            cause: entry.cause,
            mend: entry.mend,
        }
    }
}

/// docs/ERRORS.md.
pub(crate) fn page() -> String {
    let mut page = String::from(HEAD);
    for line in Code::ALL.iter().map(|code| Line::of(*code)) {
        let Line { code, grpc, http, retryable, cause, mend } = line;
        let retry = if retryable { "yes" } else { "no" };
        let _ = writeln!(page, "| `{code}` | `{grpc}` | {http} | {retry} | {cause} | {mend} |");
    }
    page
}

/// `NotFound` as the specification writes it: `NOT_FOUND`.
fn grpc_name(code: tonic::Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_line() {
        let page = page();
        for code in Code::ALL {
            assert!(page.contains(&format!("| `{code}` |")), "{code}");
        }
        let first = "| `job_not_found` | `NOT_FOUND` | 404 | no | no such job, or no right to it |";
        assert!(page.contains(first), "{page}");
    }
}
