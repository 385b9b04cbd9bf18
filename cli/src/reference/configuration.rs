//! configuration.md: every setting of every process, from the definitions that parse them.

use clap::{Arg, ArgAction, Command};

use super::markdown::{code, line, table};

const HEAD: &str = "\
# Configuration

Every setting of every process. A setting is said by its flag, else by its variable, else in the settings
file, else it has its default: flag > variable > file > default. `roomcast-core`, `roomcast-edge` and
`roomcast-agent` take the same settings as the commands `core`, `edge` and `agent`. [Operating](../OPERATING.md)
says how they work together; [the command line](cli.md) has what else each command takes.

The settings file is TOML, named by `--config FILE` or `ROOMCAST_CONFIG`. Its keys are the long names of
flags. A key at its top counts for every command that has the flag; in a table named after a command
(`[core]`, `[edge]`) for that command alone. A key that no command has is an error.

Where a value may be a list, its parts are separated by the sign that is shown, or the flag is given several
times; in the file it may be a TOML list. A switch is on when its flag is given; as a variable it is `true` or
`false`, for which `1`, `yes`, `on` and `0`, `no`, `off` are taken as well. **Secret** values are best given as
variables: a command line is seen by others.

";
/// How a help tells a default that is no fixed value.
const DEFAULT: &str = " [default: ";
/// What all commands have.
const GLOBAL: &str = "Every command";
/// Processes: all that they take is a setting, whether it has a variable or not.
const SERVERS: [&str; 4] = ["core", "edge", "agent", "dev"];

/// Settings that belong together.
struct Section<'a> {
    title: String,
    settings: Vec<Setting<'a>>,
}

/// A setting, and the commands that take it.
struct Setting<'a> {
    argument: &'a Arg,
    commands: Vec<&'a str>,
}

pub(super) fn page(command: &Command) -> String {
    let sections = sections(command);
    let contents: Vec<_> = sections
        .iter()
        .map(|section| super::markdown::link(&section.title, "", &section.title))
        .collect();
    let sections: String = sections.iter().map(Section::text).collect();
    format!("{HEAD}{}\n\n{}\n", contents.join(" · "), sections.trim_end())
}

/// Whether an argument is described here, and only named by the page of commands.
pub(super) fn is_setting(argument: &Arg, command: &str) -> bool {
    let is_own = matches!(argument.get_id().as_str(), "help" | "version");
    let is_told = argument.get_env().is_some() || SERVERS.contains(&command);
    is_told && argument.get_long().is_some() && !is_own
}

/// The section that tells of a setting of this command.
pub(super) fn section(argument: &Arg, command: &str) -> String {
    match argument.get_help_heading() {
        _ if argument.is_global_set() => GLOBAL.to_owned(),
        Some(heading) => heading.to_owned(),
        None => format!("roomcast {command}"),
    }
}

fn sections(root: &Command) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let servers = SERVERS.iter().filter_map(|name| root.find_subcommand(name));
    let others = root.get_subcommands().filter(|command| !SERVERS.contains(&command.get_name()));
    for command in servers.chain(others).filter(|command| !command.is_hide_set()) {
        collect(command, command.get_name(), &mut sections);
    }
    // What many have comes after what is one's own, and what all have comes last.
    sections.sort_by_key(|section| match section.widest().len() {
        _ if section.title == GLOBAL => 2,
        0..=2 => 0,
        _ => 1,
    });
    sections
}

/// The settings of a command and of those below it.
fn collect<'a>(command: &'a Command, top: &'a str, sections: &mut Vec<Section<'a>>) {
    for argument in command.get_arguments().filter(|argument| is_setting(argument, top)) {
        let title = section(argument, top);
        let at = sections.iter().position(|section| section.title == title);
        let at = at.unwrap_or_else(|| {
            sections.push(Section { title, settings: Vec::new() });
            sections.len() - 1
        });
        sections[at].add(argument, top);
    }
    command.get_subcommands().for_each(|inner| collect(inner, top, sections));
}

impl<'a> Section<'a> {
    fn add(&mut self, argument: &'a Arg, command: &'a str) {
        let is_same = |setting: &&mut Setting<'_>| {
            setting.argument.get_long() == argument.get_long()
                && setting.argument.get_env() == argument.get_env()
        };
        match self.settings.iter_mut().find(is_same) {
            Some(setting) if setting.commands.contains(&command) => {}
            Some(setting) => setting.commands.push(command),
            None => self.settings.push(Setting { argument, commands: vec![command] }),
        }
    }

    /// The commands that take the setting of which most do.
    fn widest(&self) -> &[&'a str] {
        let commands = self.settings.iter().map(|setting| &*setting.commands);
        commands.max_by_key(|commands| commands.len()).unwrap_or_default()
    }

    fn text(&self) -> String {
        let all = self.widest();
        let taken_by = match &*self.title {
            GLOBAL => String::new(),
            title if title == format!("roomcast {}", all.join(" ")) => String::new(),
            _ => format!("Taken by {}.\n\n", names(all)),
        };
        let rows = self.settings.iter().map(|setting| setting.row(all));
        let table = table(["flag", "variable", "takes", "default", "what"], rows);
        format!("## {}\n\n{taken_by}{table}", self.title)
    }
}

impl Setting<'_> {
    /// As a row of a section whose settings these commands take.
    fn row(&self, all: &[&str]) -> [String; 5] {
        let Setting { argument, commands } = self;
        let mut what = what(argument);
        if commands != all {
            what.push_str(&format!(" Taken by {} alone.", names(commands)));
        }
        if argument.is_hide_env_values_set() {
            what.insert_str(0, "**Secret.** ");
        }
        let variable = argument.get_env().and_then(|name| name.to_str()).map(code);
        [flag(argument), variable.unwrap_or_default(), takes(argument), default(argument), what]
    }
}

/// A flag by all its names.
pub(super) fn flag(argument: &Arg) -> String {
    let short = argument.get_short().map(|letter| format!("-{letter}"));
    let long = argument.get_long().map(|name| format!("--{name}"));
    let aliases = argument.get_visible_aliases().unwrap_or_default();
    let aliases = aliases.into_iter().map(|name| format!("--{name}"));
    short
        .into_iter()
        .chain(long)
        .chain(aliases)
        .map(|name| code(&name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the flag is for, and what each of its words means.
pub(super) fn what(argument: &Arg) -> String {
    let help = help(argument);
    let mut text = line(help.split(DEFAULT).next().unwrap_or_default());
    if !text.ends_with('.') {
        text.push('.');
    }
    let words = argument.get_possible_values().into_iter().filter_map(|word| {
        let meaning = word.get_help()?.to_string();
        let meaning = meaning.trim_end_matches('.');
        let is_told = !meaning.eq_ignore_ascii_case(word.get_name());
        is_told.then(|| format!(" {}: {}.", code(word.get_name()), line(meaning)))
    });
    text.extend(words);
    text
}

/// The form of its value.
pub(super) fn takes(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let words = argument.get_possible_values();
    let shown = words.iter().filter(|word| !word.is_hide_set());
    let words: Vec<_> = shown.map(|word| word.get_name().to_owned()).collect();
    let names = argument.get_value_names().unwrap_or_default();
    let form = if words.is_empty() { names.join(" ") } else { words.join("|") };
    let form = match argument.get_value_delimiter() {
        Some(sign) => format!("{form}{sign}…"),
        None => form,
    };
    let range = range(argument).map(|range| format!(", {range}"));
    code(&form) + &range.unwrap_or_default()
}

pub(super) fn default(argument: &Arg) -> String {
    let values: Vec<_> =
        argument.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    let is_switch = matches!(argument.get_action(), ArgAction::SetTrue);
    match values.join(",") {
        _ if is_switch => "off".to_owned(),
        value if !value.is_empty() && !argument.is_hide_default_value_set() => code(&value),
        _ => match help(argument).split_once(DEFAULT) {
            Some((_, told)) => line(told.trim_end_matches(']')),
            None => "none".to_owned(),
        },
    }
}

fn help(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    help.map(ToString::to_string).unwrap_or_default()
}

/// The bounds that its own parser names when it refuses a number: clap tells them in no other way.
fn range(argument: &Arg) -> Option<String> {
    let probe = Command::new("probe")
        .arg(Arg::new("it").long("it").value_parser(argument.get_value_parser().clone()));
    let refusal = |number: u32| {
        let parsed = probe.clone().try_get_matches_from(["probe", &format!("--it={number}")]);
        let refusal = parsed.err()?.to_string();
        Some(refusal.split_once(" is not in ")?.1.split_whitespace().next()?.to_owned())
    };
    let bounds = refusal(0).or_else(|| refusal(u32::MAX))?;
    let (least, most) = bounds.split_once("..")?;
    match most.trim_start_matches('=').parse::<u64>() {
        Ok(most) if most < u64::from(u32::MAX) => Some(format!("{least} to {most}")),
        _ => Some(format!("at least {least}")),
    }
}

fn names(commands: &[&str]) -> String {
    commands.iter().map(|name| format!("`roomcast {name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let mut command = crate::command();
        command.build();
        command
    }

    fn row(page: &str, section: &str, flag: &str) -> String {
        let section = page.split(&format!("\n## {section}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let row = section.lines().find(|line| line.starts_with(&format!("| `{flag}`")));
        row.unwrap_or_else(|| panic!("{flag} is not in {section}")).to_owned()
    }

    #[test]
    fn a_setting_has_its_variable_form_bounds_and_default() {
        let page = page(&command());
        for (section, flag, says) in [
            ("Core", "--listen", "| `ROOMCAST_CORE_LISTEN` | `ADDR` | `127.0.0.1:50051` |"),
            ("Core", "--requests-burst", "| `COUNT`, at least 1 | `20000` |"),
            ("Core", "--users", "| `any\\|registered` | `any` |"),
            ("Core", "--users", "`registered`: Only those who are registered."),
            ("Core", "--audit", "| `ROOMCAST_AUDIT` |  | off |"),
            ("Edge", "--allowed-origins", "| `ORIGIN,…` | none |"),
            ("Agent", "--agent-slots", "| `COUNT`, 1 to 1024 | `16` |"),
            ("Every command", "--config", "| `ROOMCAST_CONFIG` |"),
        ] {
            let row = row(&page, section, flag);
            assert!(row.contains(says), "{row} does not say {says}");
        }
    }

    #[test]
    fn no_secret_is_without_its_mark() {
        let page = page(&command());
        for row in page.lines().filter(|row| row.contains("SECRET`") || row.contains("`TOKEN`")) {
            assert!(row.contains("**Secret.**"), "{row}");
        }
    }
}
