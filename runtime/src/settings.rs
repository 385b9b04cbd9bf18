//! Every setting: flag > `ROOMCAST_…` variable > TOML file > default.
//!
//! The file's keys are the long names of flags. A key at its top counts for every command that has
//! the flag; in a table named after a command (`[core]`), for that command alone. A key that no
//! command has is an error, since it is a misspelling more often than not.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, Command, ValueHint, value_parser};
use toml::{Table, Value};

const CONFIG_ID: &str = "settings-file";
const CONFIG_VARIABLE: &str = "ROOMCAST_CONFIG";

/// Why a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("the settings file {path} cannot be read: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not TOML.
    #[error("the settings file is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// No command has such a flag.
    #[error("the settings file sets `{0}`, which is no setting")]
    UnknownKey(String),
    /// A flag cannot have this kind of value.
    #[error("the settings file sets `{0}` to something that is no text, number, truth or list")]
    UnusableValue(String),
}

/// The process's settings. Ends the process with a message when they are wrong, or when help was
/// asked for.
pub fn parse<T: clap::Parser>() -> T {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    parse_from(&arguments, std::env::var_os(CONFIG_VARIABLE)).unwrap_or_else(|error| error.exit())
}

fn parse_from<T: clap::Parser>(
    arguments: &[OsString],
    variable: Option<OsString>,
) -> Result<T, clap::Error> {
    let mut command = with_config_flag(T::command());
    if let Some(path) = config_path(arguments, variable) {
        let file = std::fs::read_to_string(&path)
            .map_err(|error| FileError::Read { path, error })
            .and_then(|text| Ok(text.parse::<Table>()?))
            .and_then(|file| with_defaults(command.clone(), &file));
        command = file.map_err(|error| clap::Error::raw(ErrorKind::Io, format!("{error}\n")))?;
    }
    let matches = command.clone().try_get_matches_from(arguments)?;
    T::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn with_config_flag(command: Command) -> Command {
    command.arg(
        Arg::new(CONFIG_ID)
            .long("config")
            .env(CONFIG_VARIABLE)
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(value_parser!(PathBuf))
            .global(true)
            .help("Settings as TOML: keys are the long names of flags"),
    )
}

/// The file must be known before parsing, since its values are the defaults of the parse.
fn config_path(arguments: &[OsString], variable: Option<OsString>) -> Option<PathBuf> {
    let mut arguments = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(PathBuf::from(path));
        }
    }
    variable.filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn with_defaults(command: Command, file: &Table) -> Result<Command, FileError> {
    let mut settings = Vec::new();
    if command.has_subcommands() {
        collect(file, &[], &mut settings)?;
    } else {
        // A program that is one command of several finds its table by the end of its name:
        // `roomcast-core` reads `[core]`, and leaves the others' tables alone.
        let own = command.get_name().rsplit('-').next().unwrap_or_default();
        let general = file.iter().filter(|(_, value)| !value.is_table());
        let own = file.get(own).and_then(Value::as_table).into_iter().flatten();
        let merged = general.chain(own).map(|(key, value)| (key.clone(), value.clone())).collect();
        collect(&merged, &[], &mut settings)?;
    }
    settings.iter().try_fold(command, |command, setting| {
        if is_known(&command, &setting.under, &setting.key) {
            Ok(apply(command, &setting.under, setting))
        } else {
            Err(FileError::UnknownKey(setting.name()))
        }
    })
}

struct Setting {
    under: Vec<String>,
    key: String,
    values: Vec<String>,
}

impl Setting {
    fn name(&self) -> String {
        self.under.iter().chain([&self.key]).map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

/// The scalars of a table before its tables, so that what is said for one command wins.
fn collect(table: &Table, under: &[String], settings: &mut Vec<Setting>) -> Result<(), FileError> {
    for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
        let mut setting = Setting { under: under.to_vec(), key: key.clone(), values: Vec::new() };
        setting.values = texts(value).ok_or_else(|| FileError::UnusableValue(setting.name()))?;
        settings.push(setting);
    }
    for (key, value) in table {
        if let Value::Table(table) = value {
            collect(table, &[under, std::slice::from_ref(key)].concat(), settings)?;
        }
    }
    Ok(())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => {
            values.iter().map(|value| texts(value)?.into_iter().next()).collect()
        }
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Float(number) => Some(vec![number.to_string()]),
        Value::Boolean(truth) => Some(vec![truth.to_string()]),
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn is_known(command: &Command, under: &[String], key: &str) -> bool {
    match under.split_first() {
        Some((name, rest)) => {
            command.find_subcommand(name).is_some_and(|command| is_known(command, rest, key))
        }
        None => {
            command.get_arguments().any(|argument| argument.get_long() == Some(key))
                || command.get_subcommands().any(|command| is_known(command, &[], key))
        }
    }
}

fn apply(command: Command, under: &[String], setting: &Setting) -> Command {
    if let Some((name, rest)) = under.split_first() {
        return command.mut_subcommand(name, |command| apply(command, rest, setting));
    }
    command
        .mut_args(|argument| {
            if argument.get_long() == Some(&setting.key) {
                // clap holds a required argument with a default to be a contradiction.
                argument.required(false).default_values(&setting.values)
            } else {
                argument
            }
        })
        .mut_subcommands(|command| apply(command, &[], setting))
}

#[cfg(test)]
mod tests;
