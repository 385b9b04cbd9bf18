//! `roomcast errors`: the registry of error codes as a page.

use std::fmt::Write as _;

use roomcast_proto::registry::Code;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Print the registry of error codes, as Markdown
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast errors > docs/ERRORS.md")]
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

fn page() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         A code means the same on every surface: in gRPC it is `google.rpc.ErrorInfo.reason`, in REST \
         the `code` of the problem, in Socket.IO the `code` of the `error` event or of an ack's error. \
         Retry: the same request may succeed later.\n\n\
         | code | gRPC | HTTP | retry | why | what to do |\n\
         |---|---|---|---|---|---|\n",
    );
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
