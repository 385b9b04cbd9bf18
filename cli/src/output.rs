//! The only place that writes to standard output and error.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use serde::Serialize;
use tokio::io::AsyncWriteExt as _;

use crate::failure::Failure;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// One of the two standard streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether somebody looks at bars: they go to standard error.
    pub(crate) fn is_interactive(self) -> bool {
        !self.is_json() && io::stderr().is_terminal()
    }

    /// A result, in the format asked for.
    pub(crate) fn show<T: Serialize + Display>(self, result: &T) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.line(result),
            Format::Json => self.json(result),
        }
    }

    /// A line for people, or a text that is asked for as such.
    pub(crate) fn line(self, line: impl Display) -> Result<(), Failure> {
        write_line(&plain(&line.to_string())).map_err(Failure::Output)
    }

    /// The heading of a list, once there is one: for people alone.
    pub(crate) fn heading(self, heading: Option<String>) -> Result<(), Failure> {
        match heading {
            Some(heading) if !self.is_json() => self.line(heading),
            Some(_) | None => Ok(()),
        }
    }

    /// A line for programs.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(anyhow::Error::from)?;
        write_line(&text).map_err(Failure::Output)
    }

    /// Something that belongs to the results for programs, and beside them for people.
    pub(crate) fn remark<T: Serialize + Display>(self, remark: &T) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(remark);
        }
        self.note(remark);
        Ok(())
    }

    /// A remark beside the results.
    pub(crate) fn note(self, note: impl Display) {
        // Whoever closed standard error wants no remarks.
        let _ = writeln!(io::stderr().lock(), "roomcast: {}", plain(&note.to_string()));
    }

    /// The end of a command that failed.
    pub(crate) fn failure(self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        let _ = if self.is_json() {
            writeln!(io::stderr().lock(), "{}", failure.as_json())
        } else {
            writeln!(io::stderr().lock(), "roomcast: {}", plain(&failure.to_string()))
        };
    }
}

/// A text that may be somebody else's, such as a job's message: what it holds must not steer the terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Passes a command's own output on. Asynchronous, since a paused terminal must not hold up beats.
pub(crate) async fn echo(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Out => {
            let mut out = tokio::io::stdout();
            out.write_all(bytes).await?;
            out.flush().await
        }
        Stream::Err => {
            let mut err = tokio::io::stderr();
            err.write_all(bytes).await?;
            err.flush().await
        }
    }
}

/// Bytes of a job's output, as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Output)
}

fn write_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_not_steer_the_terminal() {
        assert_eq!(plain("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(plain("\u{1b}]0;gone\u{7}\r\u{9b}2J"), r"\u{1b}]0;gone\u{7}\r\u{9b}2J");
    }
}
