//! One reader for what all tools write of their tests. Pure: bytes in, cases out.

use super::case::Found;
use super::{cargo, nextest, pytest, tap};
use crate::lines::Lines;
use crate::workspace::Format;

/// Reads what a command writes, in pieces of any length, in bounded memory.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    parser: Parser,
}

#[derive(Debug)]
enum Parser {
    Pytest(pytest::Parser),
    Cargo(cargo::Parser),
    Nextest(nextest::Parser),
    Tap(tap::Parser),
    /// The cases are elsewhere.
    None,
}

impl Reader {
    /// Of what a command of this format writes.
    #[must_use]
    pub fn of(format: Format) -> Self {
        let parser = match format {
            Format::Pytest => Parser::Pytest(pytest::Parser::default()),
            Format::Cargo => Parser::Cargo(cargo::Parser::default()),
            Format::Nextest => Parser::Nextest(nextest::Parser::default()),
            Format::Tap => Parser::Tap(tap::Parser),
            Format::Junit => Parser::None,
        };
        Self { lines: Lines::default(), parser }
    }

    /// What ends in these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Found> {
        let lines = self.lines.push(bytes);
        lines.iter().flat_map(|line| self.parser.line(line)).collect()
    }

    /// What only the end of the output settles.
    pub fn finish(&mut self) -> Vec<Found> {
        let last = self.lines.finish();
        let mut found: Vec<_> = last.iter().flat_map(|line| self.parser.line(line)).collect();
        if let Parser::Nextest(parser) = &mut self.parser {
            found.extend(parser.finish());
        }
        found
    }
}

impl Parser {
    fn line(&mut self, line: &str) -> Vec<Found> {
        let line = plain(line);
        match self {
            Parser::Pytest(parser) => parser.line(&line),
            Parser::Cargo(parser) => parser.line(&line),
            Parser::Nextest(parser) => parser.line(&line),
            Parser::Tap(parser) => parser.line(&line),
            Parser::None => Vec::new(),
        }
    }
}

/// The line without its colours: `ESC [ … letter`.
fn plain(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |mut plain, piece| {
        let end = piece.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &piece[end + 1..]));
        plain
    })
}

#[cfg(test)]
mod tests;
