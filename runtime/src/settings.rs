//! Every setting: flag > `ROOMCAST_…` variable > TOML file > default.
//!
//! The file's keys are the long names of flags. A key at its top counts for every command that has
//! the flag; in a table named after a command (`[core]`), for that command alone. A table named after a
//! flag that takes one (`[rooms.alerts]`, see [`TABLE`]) is the flag's value, as TOML. A key that no command has is an error, since it
//! is a misspelling more often than not.

mod unusable;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{BoolishValueParser, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueHint, value_parser};
use toml::{Table, Value};

pub use unusable::{Unusable, exit_code, unusable};

const CONFIG_ID: &str = "settings-file";
const CONFIG_VARIABLE: &str = "ROOMCAST_CONFIG";

/// The hint of a flag whose value is TOML, and may be a table in the file. Others may share their names
/// with commands, whose tables are not theirs.
pub const TABLE: ValueHint = ValueHint::Other;

/// What an error shows of a value that is secret.
const HIDDEN: &str = "…";

/// Why a settings file cannot be used. The file's name stands before it.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// No command has such a flag.
    #[error(
        "sets `{0}`, which is no setting: keys are the long names of flags, as --help lists them"
    )]
    UnknownKey(String),
    /// A flag cannot have this kind of value.
    #[error("sets `{0}` to something that is no text, number, truth or list")]
    UnusableValue(String),
}

/// The process's settings. Ends the process with a message when they are wrong, or when help was
/// asked for.
pub fn parse<T: clap::Parser>() -> T {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    parse_from(&arguments, std::env::var_os(CONFIG_VARIABLE)).unwrap_or_else(|error| error.exit())
}

/// The command as [`parse`] knows it: with the flag that names the settings file, and switches that
/// take the words that people use.
#[must_use]
pub fn command<T: clap::Parser>() -> Command {
    with_words(with_config_flag(T::command()))
}

fn parse_from<T: clap::Parser>(
    arguments: &[OsString],
    variable: Option<OsString>,
) -> Result<T, clap::Error> {
    let mut command = command::<T>();
    if let Some(path) = config_path(arguments, variable) {
        command = read(&path).and_then(|file| with_defaults(command, &file)).map_err(|error| {
            let message = format!("the settings file {} {error}\n", path.display());
            clap::Error::raw(ErrorKind::Io, message)
        })?;
    }
    let matches = command.clone().try_get_matches_from(arguments);
    let matches = matches.map_err(|error| without_secrets(error, &command))?;
    T::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn read(path: &Path) -> Result<Table, FileError> {
    Ok(std::fs::read_to_string(path)?.parse()?)
}

/// clap shows a value that it refuses. One that no help shows, such as a secret or a URL with a
/// password, must not get into a log by a slip of the hand.
fn without_secrets(mut error: clap::Error, command: &Command) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    // Such as `--jwt-secret <SECRET>...`.
    let name = flag.trim_start_matches('-').split([' ', '=']).next();
    let is_secret = |known: &Arg| known.is_hide_env_values_set() && known.get_long() == name;
    if has_flag(command, &[], &is_secret) {
        error.insert(ContextKind::InvalidValue, ContextValue::String(HIDDEN.to_owned()));
    }
    error
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

/// A switch that is a variable is `1` to one and `on` to another: each is understood.
fn with_words(command: Command) -> Command {
    let is_switch = |known: &ValueParser| known.type_id() == ValueParser::bool().type_id();
    command
        .mut_args(|argument| match is_switch(argument.get_value_parser()) {
            true => argument.value_parser(BoolishValueParser::new()),
            false => argument,
        })
        .mut_subcommands(with_words)
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
        collect(&command, file, &[], &mut settings)?;
    } else {
        // A program that is one command of several finds its table by the end of its name:
        // `roomcast-core` reads `[core]`, and leaves the others' tables alone.
        let own = command.get_name().rsplit('-').next().unwrap_or_default();
        let general =
            file.iter().filter(|(key, value)| !value.is_table() || takes_table(&command, &[], key));
        let own = file.get(own).and_then(Value::as_table).into_iter().flatten();
        let merged = general.chain(own).map(|(key, value)| (key.clone(), value.clone())).collect();
        collect(&command, &merged, &[], &mut settings)?;
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

/// The values of a table before its commands' tables, so that what is said for one command wins.
fn collect(
    command: &Command,
    table: &Table,
    under: &[String],
    settings: &mut Vec<Setting>,
) -> Result<(), FileError> {
    let mut commands = Vec::new();
    for (key, value) in table {
        let mut setting = Setting { under: under.to_vec(), key: key.clone(), values: Vec::new() };
        match value.as_table() {
            Some(own) if takes_table(command, under, key) => {
                setting.values = vec![own.to_string()];
            }
            Some(inner) => {
                commands.push(([under, std::slice::from_ref(key)].concat(), inner));
                continue;
            }
            None => {
                let values = texts(value);
                let values = values.ok_or_else(|| FileError::UnusableValue(setting.name()))?;
                // A flag that may be a table has one value: a list is its names.
                let is_one = takes_table(command, under, key);
                setting.values = if is_one { vec![values.join(",")] } else { values };
            }
        }
        settings.push(setting);
    }
    commands.iter().try_for_each(|(under, inner)| collect(command, inner, under, settings))
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
    has_flag(command, under, &|flag| flag.get_long() == Some(key))
}

fn takes_table(command: &Command, under: &[String], key: &str) -> bool {
    let takes_one = |flag: &Arg| flag.get_long() == Some(key) && flag.get_value_hint() == TABLE;
    has_flag(command, under, &takes_one)
}

/// Whether a command, or one below it, has a flag that is wanted.
fn has_flag(command: &Command, under: &[String], is_wanted: &dyn Fn(&Arg) -> bool) -> bool {
    match under.split_first() {
        Some((name, rest)) => {
            command.find_subcommand(name).is_some_and(|inner| has_flag(inner, rest, is_wanted))
        }
        None => {
            command.get_arguments().any(is_wanted)
                || command.get_subcommands().any(|inner| has_flag(inner, &[], is_wanted))
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
