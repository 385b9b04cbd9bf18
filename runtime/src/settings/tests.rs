use std::ffi::OsString;
use std::io::Write as _;

use clap::{Args, Parser, Subcommand};

use super::*;

#[derive(Debug, Parser, PartialEq)]
#[command(name = "roomcast")]
struct Tree {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand, PartialEq)]
enum Commands {
    Core(Core),
    Edge(Edge),
}

#[derive(Debug, Args, PartialEq)]
struct Core {
    #[arg(long, default_value = "default")]
    listen: String,
    #[arg(long)]
    dev: bool,
    // Set for every test by cargo, to the name of this package.
    #[arg(long, env = "CARGO_PKG_NAME")]
    from_environment: String,
}

#[derive(Debug, Args, PartialEq)]
struct Edge {
    #[arg(long, default_value = "default")]
    listen: String,
    #[arg(long, required = true)]
    core: Vec<String>,
}

#[derive(Debug, Parser, PartialEq)]
#[command(name = "roomcast-core")]
struct Alone {
    #[arg(long, default_value_t = 1)]
    count: u32,
}

fn parse_with<T: Parser>(file: &str, line: &str) -> Result<T, clap::Error> {
    let mut settings = tempfile::NamedTempFile::new().unwrap();
    settings.write_all(file.as_bytes()).unwrap();
    let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse_from(&arguments, Some(settings.path().as_os_str().to_owned()))
}

fn core(file: &str, line: &str) -> Core {
    match parse_with::<Tree>(file, line).unwrap().command {
        Commands::Core(core) => core,
        Commands::Edge(edge) => panic!("{edge:?}"),
    }
}

#[test]
fn the_default_stands_when_nobody_speaks() {
    assert_eq!(core("", "roomcast core").listen, "default");
}

#[test]
fn the_file_wins_over_the_default() {
    assert_eq!(core("listen = 'file'", "roomcast core").listen, "file");
}

#[test]
fn the_environment_wins_over_the_file() {
    let core = core("[core]\nfrom-environment = 'file'", "roomcast core");
    assert_eq!(core.from_environment, env!("CARGO_PKG_NAME"));
}

#[test]
fn the_flag_wins_over_all() {
    let core = core(
        "listen = 'file'\nfrom-environment = 'file'",
        "roomcast core --listen flag --from-environment flag",
    );
    assert_eq!((core.listen.as_str(), core.from_environment.as_str()), ("flag", "flag"));
}

#[test]
fn a_commands_table_wins_over_the_top_of_the_file() {
    let file = "listen = 'all'\n[core]\nlisten = 'core'";
    assert_eq!(core(file, "roomcast core").listen, "core");
    let edge = parse_with::<Tree>(file, "roomcast edge --core a").unwrap().command;
    assert_eq!(edge, Commands::Edge(Edge { listen: "all".into(), core: vec!["a".into()] }));
}

#[test]
fn switches_lists_and_required_flags_can_stand_in_the_file() {
    assert!(core("dev = true", "roomcast core").dev);
    let edge = parse_with::<Tree>("core = ['a', 'b']", "roomcast edge").unwrap().command;
    assert_eq!(
        edge,
        Commands::Edge(Edge { listen: "default".into(), core: vec!["a".into(), "b".into()] })
    );
}

#[derive(Debug, Parser, PartialEq)]
struct Switched {
    #[arg(long)]
    dev: bool,
    #[arg(long, action = clap::ArgAction::Set, default_value_t = true)]
    told: bool,
}

#[test]
fn a_switch_takes_the_words_that_people_use() {
    for (words, means) in [(["1", "true", "yes", "on"], true), (["0", "false", "no", "OFF"], false)]
    {
        for word in words {
            let file = format!("dev = '{word}'");
            let parsed = parse_with::<Switched>(&file, &format!("x --told {word}")).unwrap();
            assert_eq!(parsed, Switched { dev: means, told: means }, "{word}");
        }
    }
    assert!(parse_with::<Switched>("", "x --told perhaps").is_err());
    assert!(parse_with::<Switched>("dev = 'off'", "x --dev").unwrap().dev);
}

#[test]
fn a_program_of_one_command_reads_its_own_table() {
    let file = "count = 2\n[core]\ncount = 3\n[edge]\nlisten = 'elsewhere'";
    assert_eq!(parse_with::<Alone>(file, "roomcast-core").unwrap().count, 3);
}

#[test]
fn the_file_is_found_by_its_flag_too() {
    let mut settings = tempfile::NamedTempFile::new().unwrap();
    settings.write_all(b"count = 7").unwrap();
    let path = settings.path().display();
    for line in [format!("x --config {path}"), format!("x --config={path}")] {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        assert_eq!(parse_from::<Alone>(&arguments, None).unwrap().count, 7);
    }
}

#[test]
fn a_misspelt_key_is_an_error_that_names_it() {
    for (file, named) in [
        ("lisen = 'x'", "lisen"),
        ("[core]\nlisen = 'x'", "core.lisen"),
        ("[kore]\nlisten = 'x'", "kore.listen"),
        ("listen = 1979-05-27", "listen"),
    ] {
        let error = parse_with::<Tree>(file, "roomcast core").unwrap_err().to_string();
        assert!(error.contains(&format!("`{named}`")), "{error}");
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let arguments = ["x", "--config", "/nowhere/at/all.toml"].map(OsString::from);
    let error = parse_from::<Alone>(&arguments, None).unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.toml"), "{error}");
}

#[derive(Debug, Parser, PartialEq)]
#[command(name = "roomcast-core")]
struct Declaring {
    #[arg(long, default_value = "", value_hint = TABLE)]
    rooms: String,
    #[arg(long, default_value = "")]
    edge: String,
}

#[test]
fn a_table_named_after_a_flag_is_the_flags_value() {
    for file in [
        "[rooms.a]\nread = ['role:x']\n[rooms.b]",
        "[core.rooms.a]\nread = ['role:x']\n[core.rooms.b]",
        "rooms = { a = { read = ['role:x'] }, b = {} }",
    ] {
        let found = parse_with::<Declaring>(file, "roomcast-core").unwrap().rooms;
        let table: Table = found.parse().unwrap();
        assert_eq!(table["a"]["read"][0].as_str(), Some("role:x"), "{file}");
        assert!(table.contains_key("b"), "{file}");
        let flag = parse_with::<Declaring>(file, "roomcast-core --rooms c").unwrap();
        assert_eq!(flag.rooms, "c");
    }
    let names = parse_with::<Declaring>("rooms = ['a', 'b']", "roomcast-core").unwrap();
    assert_eq!(names.rooms, "a,b", "a list is its names");
    let another_commands = parse_with::<Declaring>("[edge]\nlisten = 'x'", "roomcast-core");
    assert_eq!(another_commands.unwrap().edge, "");
}

#[derive(Debug, Parser, PartialEq)]
struct Keeping {
    #[arg(long, env = "ROOMCAST_TEST_NO_SUCH_SECRET", hide_env_values = true)]
    secret: Option<u32>,
    #[arg(long)]
    count: Option<u32>,
}

#[test]
fn a_refused_secret_is_not_shown() {
    for line in ["x --secret hunter2", "x --secret=hunter2"] {
        let error = parse_with::<Keeping>("", line).unwrap_err().to_string();
        assert!(error.contains("--secret") && !error.contains("hunter2"), "{error}");
    }
    let error = parse_with::<Keeping>("secret = 'hunter2'", "x").unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    let error = parse_with::<Keeping>("", "x --count many").unwrap_err().to_string();
    assert!(error.contains("many"), "{error}");
}

#[test]
fn a_file_that_is_wrong_is_named() {
    for content in ["count =", "colour = 'red'", "count = 1979-05-27"] {
        let mut settings = tempfile::NamedTempFile::new().unwrap();
        settings.write_all(content.as_bytes()).unwrap();
        let path = settings.path().display().to_string();
        let arguments = ["x", "--config", &path].map(OsString::from);
        let error = parse_from::<Alone>(&arguments, None).unwrap_err().to_string();
        assert!(error.contains(&path), "{error}");
    }
}
