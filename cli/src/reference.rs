//! `roomcast reference`: docs/ERRORS.md and the pages of docs/reference, each made from what the code itself goes by: the
//! definitions of commands and settings, the registry of codes, the contract's descriptors, and what the
//! edge describes of its routes and events.

mod commands;
mod configuration;
mod grpc;
mod markdown;
mod rest;
mod schema;
mod socketio;
mod yaml;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::errors;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Write the pages of docs that are made from the code
#[derive(Debug, clap::Args)]
#[command(hide = true, after_help = "Example:\n  roomcast reference docs")]
pub(crate) struct Arguments {
    /// The folder of the docs
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(
    arguments: &Arguments,
    command: clap::Command,
    output: Output,
) -> Result<Exit, Failure> {
    for (name, text) in pages(command) {
        write(&arguments.folder.join(name), &text)?;
        output.note(name);
    }
    Ok(Exit::OK)
}

/// Every page by its name.
fn pages(mut command: clap::Command) -> Vec<(&'static str, String)> {
    // Only then every command has the flags that are for all of them.
    command.build();
    let routes = roomcast_edge::rest::description();
    let events = roomcast_edge::socket::description();
    vec![
        ("reference/cli.md", commands::page(&command)),
        ("reference/configuration.md", configuration::page(&command)),
        ("ERRORS.md", errors::page()),
        ("reference/rest.md", rest::page(&routes)),
        ("reference/openapi.json", json(&routes)),
        ("reference/grpc.md", grpc::page()),
        ("reference/socketio.md", socketio::page(&events)),
        ("reference/asyncapi.yaml", yaml::document(&events)),
    ]
}

fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_say_what_the_code_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        for (name, text) in pages(crate::command()) {
            let page = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            let differs = page.lines().zip(text.lines()).find(|(old, new)| old != new);
            assert!(page == text, "{name} is old, run `make docs`: {differs:?}");
        }
    }
}
