//! cli.md: every command with what it takes, from the definitions that parse it.

use clap::{Arg, Command};

use super::configuration::{default, flag, is_setting, section, takes, what};
use super::markdown::{code, line, link, prose, table};

const HEAD: &str = "\
# The command line

`roomcast` holds the servers and their clients. What a command says with `--help` is here as well; settings
that have a variable, too, are described in [the configuration](configuration.md). Every command takes
[`--output`](configuration.md#every-command) and `--config`.

";

pub(super) fn page(root: &Command) -> String {
    let mut page = String::from(HEAD);
    page.push_str(&table(["command", "does"], contents(root)));
    page.push_str(&text_block(root.get_after_help()));
    root.get_subcommands().for_each(|command| describe(command, &mut page));
    format!("{}\n", page.trim_end())
}

/// A row for each command that does something.
fn contents(command: &Command) -> Vec<[String; 2]> {
    let inner: Vec<_> = visible(command).collect();
    if inner.is_empty() {
        let name = full_name(command);
        return vec![[link(&code(&name), "", &name), about(command)]];
    }
    inner.into_iter().flat_map(contents).collect()
}

fn describe(command: &Command, page: &mut String) {
    if command.is_hide_set() {
        return;
    }
    if visible(command).next().is_some() {
        visible(command).for_each(|inner| describe(inner, page));
        return;
    }
    let name = full_name(command);
    let top = name.split(' ').nth(1).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let long = command.get_long_about().or(command.get_about());
    page.push_str(&format!("## `{name}`\n\n"));
    page.push_str(&prose(&long.map(ToString::to_string).unwrap_or_default()));
    page.push_str(&format!("```text\n{usage}\n```\n\n"));
    let is_plain = |argument: &&Arg| {
        !is_setting(argument, top) && !matches!(argument.get_id().as_str(), "help" | "version")
    };
    let rows = command.get_arguments().filter(is_plain).map(row);
    page.push_str(&table(["argument", "takes", "default", "what"], rows));
    page.push_str(&settings(command, top));
    page.push_str(&text_block(command.get_after_help()));
}

fn row(argument: &Arg) -> [String; 4] {
    let names = argument.get_value_names().unwrap_or_default();
    if argument.is_positional() {
        let name = code(&names.join(" "));
        return [name, String::new(), default(argument), what(argument)];
    }
    let default =
        if argument.is_required_set() { "required".to_owned() } else { default(argument) };
    [flag(argument), takes(argument), default, what(argument)]
}

/// The names of the settings that it takes, by the section that tells of them.
fn settings(command: &Command, top: &str) -> String {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    let is_own = |argument: &&Arg| is_setting(argument, top) && !argument.is_global_set();
    for argument in command.get_arguments().filter(is_own) {
        let title = section(argument, top);
        let flag = code(&format!("--{}", argument.get_long().unwrap_or_default()));
        match sections.iter_mut().find(|(other, _)| *other == title) {
            Some((_, flags)) => flags.push(flag),
            None => sections.push((title, vec![flag])),
        }
    }
    let lines = sections.iter().map(|(title, flags)| {
        format!("- {}: {}\n", link(title, "configuration.md", title), flags.join(", "))
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("Settings:\n\n{lines}\n") }
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
}

/// `roomcast job list`.
fn full_name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).to_owned()
}

fn about(command: &Command) -> String {
    line(&command.get_about().map(ToString::to_string).unwrap_or_default())
}

fn text_block(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(|text| format!("```text\n{text}\n```\n\n")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_usage_and_examples() {
        let mut command = crate::command();
        command.build();
        let page = page(&command);
        for says in [
            "| [`roomcast job list`](#roomcast-job-list) |",
            "\n## `roomcast job list`\n",
            "\nroomcast job list [OPTIONS]",
            "- [Connection](configuration.md#connection): `--core`, `--token`",
            "Example",
        ] {
            assert!(page.contains(says), "the page does not say {says}");
        }
        assert!(!page.contains("roomcast reference"), "a hidden command is shown");
    }
}
