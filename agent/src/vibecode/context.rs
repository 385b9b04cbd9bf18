//! What the model is shown of a project: the names of its files, and the content of as many as fit,
//! those that the message names first. Hidden files, and what git ignores, are never shown: that is
//! where people keep secrets. Where git does not say what it ignores, nothing is shown.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use roomcast_client::worker::Failure;
use tokio::process::Command;
use tokio::time::timeout;

use super::patch::{COMPLAINT_CHARS_MAX, GIT_TIMEOUT};

/// Names of files: a model that needs more needs another way to look at a project.
const NAMES_MAX: usize = 2000;
/// One file: of a larger one a model makes no use.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Folders below each other, where no git says what is there.
const DEPTH_MAX: usize = 16;
/// What builds and package managers leave.
const LEFT_OUT: [&str; 5] = ["target", "node_modules", "dist", "build", "__pycache__"];

/// A project's files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// Relative to the project's root, in order.
    pub(super) names: Vec<String>,
    /// Name and content of those that are shown.
    pub(super) shown: Vec<(String, String)>,
}

pub(super) async fn read(folder: &Path, prompt: &str, bytes: usize) -> Result<Files, Failure> {
    let known = if is_in_repository(folder) { Some(known_to_git(folder).await?) } else { None };
    let (folder, prompt) = (folder.to_owned(), prompt.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let names = known.unwrap_or_else(|| found_in(&folder));
        show(&folder, names, &prompt, bytes)
    });
    read.await.map_err(|_| Failure::new("workspace_unreadable", "the project cannot be read"))
}

fn is_in_repository(folder: &Path) -> bool {
    folder.ancestors().any(|above| std::fs::symlink_metadata(above.join(".git")).is_ok())
}

/// The files of a folder that is in a git repository. Git refuses to say when the repository is broken,
/// or another user's.
async fn known_to_git(folder: &Path) -> Result<Vec<String>, Failure> {
    let failed = |why: &str| {
        let message = format!("git does not say which files are the project's: {why}");
        Failure::new("workspace_unreadable", message)
    };
    let listed = Command::new("git")
        // A repository may name programs to run for this.
        .args(["-c", "core.fsmonitor=false"])
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        // Whatever repository the agent was started from, this is about the project's.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .current_dir(folder)
        .kill_on_drop(true)
        .output();
    let listed = timeout(GIT_TIMEOUT, listed).await.map_err(|_| failed("no answer in time"))?;
    let listed = listed.map_err(|error| failed(&error.to_string()))?;
    if !listed.status.success() {
        let complaint = String::from_utf8_lossy(&listed.stderr);
        let complaint: String = complaint.trim().chars().take(COMPLAINT_CHARS_MAX).collect();
        return Err(failed(&complaint));
    }
    let names = String::from_utf8_lossy(&listed.stdout);
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The files of any other folder.
fn found_in(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((at, depth)) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            // However many there are, the others are found.
            if is_hidden(Path::new(&name)) {
                continue;
            }
            let is_left_out = LEFT_OUT.iter().any(|left_out| name == *left_out);
            if kind.is_dir() && !is_left_out && depth < DEPTH_MAX {
                open.push((path, depth + 1));
            } else if kind.is_file() {
                let relative = path.strip_prefix(folder).ok().and_then(Path::to_str);
                names.extend(relative.map(str::to_owned));
            }
            if names.len() >= NAMES_MAX {
                return names;
            }
        }
    }
    names
}

fn show(folder: &Path, mut names: Vec<String>, prompt: &str, bytes: usize) -> Files {
    names.retain(|name| !is_hidden(Path::new(name)));
    names.sort_unstable();
    names.truncate(NAMES_MAX);
    let (mut first, rest): (Vec<_>, Vec<_>) =
        names.iter().partition(|name| prompt.contains(name.as_str()));
    first.extend(rest);
    let (mut shown, mut left) = (Vec::new(), bytes);
    for name in first {
        let Some(text) = text_of(&folder.join(name)) else { continue };
        if let Some(after) = left.checked_sub(text.len()) {
            left = after;
            shown.push((name.clone(), text));
        }
    }
    Files { names, shown }
}

fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            true
        }
    })
}

/// The content of a plain file of text. A link may lead out of the project.
fn text_of(path: &PathBuf) -> Option<String> {
    let plain = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    if plain.len() > FILE_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let mut text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("a.txt", "a\n"),
            ("src/b.rs", "b"),
            ("src/large.rs", &"x".repeat(70_000)),
            (".env", "SECRET=1\n"),
            ("node_modules/m.js", "m\n"),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::write(folder.path().join("image"), [0, 159]).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        folder
    }

    fn shown(files: &Files) -> Vec<&str> {
        files.shown.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[tokio::test]
    async fn files_of_text_are_shown_and_secrets_are_not() {
        let folder = project();
        let files = read(folder.path(), "see src/b.rs", 1000).await.unwrap();
        assert_eq!(files.names, ["a.txt", "image", "src/b.rs", "src/large.rs"]);
        assert_eq!(shown(&files), ["src/b.rs", "a.txt"], "what the message names comes first");
        assert_eq!(files.shown[0].1, "b\n");
    }

    #[tokio::test]
    async fn no_more_is_shown_than_fits() {
        let folder = project();
        assert_eq!(shown(&read(folder.path(), "", 3).await.unwrap()), ["a.txt"]);
        assert!(read(folder.path(), "", 0).await.unwrap().shown.is_empty());
    }

    #[tokio::test]
    async fn what_git_ignores_is_neither_named_nor_shown() {
        let folder = project();
        let git = async |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(arguments).current_dir(folder.path()).output().await.unwrap()
        };
        git(&["init", "-q"]).await;
        std::fs::write(folder.path().join(".gitignore"), "a.txt\nnode_modules\nimage\n").unwrap();
        let files = read(folder.path(), "", 1000).await.unwrap();
        assert_eq!(files.names, ["passwd", "src/b.rs", "src/large.rs"]);
        assert_eq!(shown(&files), ["src/b.rs"]);
    }

    #[tokio::test]
    async fn nothing_is_shown_where_git_does_not_say_what_it_ignores() {
        let folder = project();
        std::fs::write(folder.path().join(".git"), "gitdir: /nowhere").unwrap();
        let refused = read(folder.path(), "", 1000).await.unwrap_err();
        assert_eq!(refused.code(), "workspace_unreadable");
        assert!(refused.message().contains("/nowhere"), "{refused}");
        assert!(read(&folder.path().join("src"), "", 1000).await.is_err(), "nor below it");
    }

    #[tokio::test]
    async fn hidden_files_are_in_nobodys_way() {
        let folder = project();
        for number in 0..NAMES_MAX {
            std::fs::write(folder.path().join(format!(".{number}")), "").unwrap();
        }
        let files = read(folder.path(), "", 1000).await.unwrap();
        assert_eq!(files.names, ["a.txt", "image", "src/b.rs", "src/large.rs"]);
    }
}
