//! A page that starts its own processes, as a script: its `sh` blocks in order, in one shell, and its
//! programs as the files that their first lines name. A block that says `needs: …` is for people; a
//! block that is neither, nor `text`, fails the test.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::quickstart::{root, search_path};
use crate::support::{Port, finish_within, tests_folder};

/// Processes start, drain and start again, on a machine that is busy with other tests.
const PAGE_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(20);

/// What stands for a person's browser: Chromium, which tells what its page shows. It ends with its input,
/// and so with this program.
const BROWSER: &str = "\
#!/bin/sh
mkfifo \"$0.$$\"
node \"$PAGES/page.mjs\" \"$1\" < \"$0.$$\" &
exec 3> \"$0.$$\"
wait
";

/// What a page's address begins with, before its port.
const LOOPBACK: &str = "127.0.0.1:";

/// Runs a page to its end and returns what its commands said.
pub(super) async fn follow(page: &str) -> String {
    let text = std::fs::read_to_string(root().join(page)).expect("the page");
    let ports = Ports::of(&text);
    let folder = folder(&ports);
    // `timeout` ends all that a page has started, not its shell alone.
    let mut shell = Command::new("timeout");
    shell
        .args([&PAGE_MAX.as_secs().to_string(), "bash", "-c", &ports.put(&script(&text))])
        .current_dir(folder.path())
        .env("PATH", format!("{}/bin:{}", folder.path().display(), search_path()))
        .env("PAGES", tests_folder().join("node"))
        .env("ROOMCAST_LOG_FORMAT", "json");
    finish_within(PAGE_MAX + END_MAX, &mut shell).await.ok()
}

/// A folder like that of a checkout, as far as pages speak of it.
fn folder(ports: &Ports) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, proxies) = (folder.path(), folder.path().join("deploy/proxy"));
    std::fs::create_dir_all(&proxies).expect("a folder");
    for entry in std::fs::read_dir(root().join("deploy/proxy")).expect("the recipes") {
        let recipe = entry.expect("a recipe");
        let text = std::fs::read_to_string(recipe.path()).expect("text");
        std::fs::write(proxies.join(recipe.file_name()), ports.put(&text)).expect("a copy");
    }
    symlink(tests_folder().join("node/node_modules"), path.join("node_modules")).expect("a link");
    symlink(root().join("proto"), path.join("proto")).expect("a link");
    std::fs::create_dir(path.join("bin")).expect("a folder");
    write_program(&path.join("bin/xdg-open"), BROWSER);
    folder
}

fn write_program(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a program");
    let may_run = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, may_run).expect("a program");
}

fn script(page: &str) -> String {
    let mut script =
        String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n");
    let mut parts = page.split("\n```");
    parts.next();
    // An opening with its text, then what stands after the closing.
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (opening, text) = block.split_once('\n').unwrap_or((block, ""));
        let (language, needs) = opening.split_once(' ').unwrap_or((opening, ""));
        match (language, needs) {
            (_, needs) if needs.starts_with("needs: ") => {}
            ("text", "") => {}
            ("sh", "") => script.push_str(&format!("{text}\n")),
            (_, "") => {
                let name = name_of(text);
                script.push_str(&format!("cat > {name} <<'END_OF_FILE'\n{text}\nEND_OF_FILE\n"));
            }
            _ => panic!("neither run nor said what it needs: {opening}"),
        }
    }
    script
}

/// The file that a program's first line names: `// app.mjs`, `# app.py`, `<!-- index.html -->`.
fn name_of(program: &str) -> &str {
    let mut words = program.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("//" | "#"), Some(name), None) | (Some("<!--"), Some(name), Some("-->")) => name,
        _ => panic!("no file is named by\n{program}"),
    }
}

/// Ports of the test's own for those of a page.
struct Ports(BTreeMap<String, Port>);

impl Ports {
    fn of(page: &str) -> Ports {
        let named = page.split(LOOPBACK).skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        Ports(named.map(|port| (port, Port::reserve())).collect())
    }

    /// The text with every such number replaced, also where it stands alone.
    fn put(&self, text: &str) -> String {
        let mut put = String::with_capacity(text.len());
        for part in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let number = part.trim_end_matches(|c: char| !c.is_ascii_digit());
            match self.0.get(number) {
                Some(port) => put.push_str(&port.address().port().to_string()),
                None => put.push_str(number),
            }
            put.push_str(&part[number.len()..]);
        }
        put
    }
}
