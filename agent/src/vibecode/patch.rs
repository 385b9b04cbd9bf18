//! The patch in a model's answer: taken out of its text, and tried on a copy of the files.

use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use roomcast_client::worker::Failure;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Files that one patch touches: what one answer can hold, many times over.
const FILES_MAX: usize = 500;
/// Bytes of the files that a patch touches: they are copied to try it.
const COPY_BYTES_MAX: u64 = 64 << 20;
/// Git answers in milliseconds, or is stuck.
pub(super) const GIT_TIMEOUT: Duration = Duration::from_secs(30);
/// The part of git's complaint that is told.
pub(super) const COMPLAINT_CHARS_MAX: usize = 1000;

/// A unified diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) text: String,
    /// The files that it touches, from the project's root.
    pub(super) files: Vec<String>,
    /// The answer without it.
    pub(super) message: String,
}

/// The patch of an answer: the fenced blocks that are diffs, all together.
pub(super) fn take(answer: &str) -> Result<Patch, Failure> {
    let (mut text, mut message) = (String::new(), String::new());
    let mut lines = answer.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(fence) = fence(line) else {
            message.push_str(line);
            message.push('\n');
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| !closes(line, fence)).collect();
        let target = if is_diff(&block) { &mut text } else { &mut message };
        for line in block {
            target.push_str(line);
            target.push('\n');
        }
    }
    // A model that forgets the fence.
    if text.is_empty() && is_diff(&message.lines().collect::<Vec<_>>()) {
        text = std::mem::take(&mut message);
    }
    let files = touched(&text)?;
    if files.is_empty() {
        let problem = "the model's answer holds no patch; its text is in the output";
        return Err(Failure::new("no_patch", problem));
    }
    Ok(Patch { text, files, message: message.trim().to_owned() })
}

fn fence(line: &str) -> Option<&str> {
    let length = line.len() - line.trim_start_matches('`').len();
    (length >= 3).then(|| &line[..length])
}

/// A fence that a diff is about has a sign before it.
fn closes(line: &str, fence: &str) -> bool {
    let line = line.trim_end();
    line.starts_with(fence) && line.bytes().all(|byte| byte == b'`')
}

/// Whether lines tell of a change: a file before, a file after, and where.
fn is_diff(lines: &[&str]) -> bool {
    let has = |start| lines.iter().any(|line| line.starts_with(start));
    (has("--- ") && has("+++ ") && has("@@ ")) || has("diff --git ")
}

/// The files that a patch names.
fn touched(patch: &str) -> Result<Vec<String>, Failure> {
    let mut files = Vec::new();
    let mut lines = patch.lines().peekable();
    while let Some(line) = lines.next() {
        let named = if let Some(old) = line.strip_prefix("--- ") {
            // Elsewhere it is a line that goes away.
            let new = lines.next_if(|next| next.starts_with("+++ "));
            let new = new.and_then(|new| new.strip_prefix("+++ "));
            new.map_or(vec![], |new| vec![stripped(old), stripped(new)])
        } else {
            let names = ["rename from ", "rename to ", "copy from ", "copy to "];
            names.iter().filter_map(|start| Some(line.strip_prefix(start)?.to_owned())).collect()
        };
        files.extend(named.into_iter().filter(|name| name != "/dev/null"));
    }
    files.sort_unstable();
    files.dedup();
    if files.len() > FILES_MAX {
        return Err(Failure::new("patch_too_large", "the patch touches more than 500 files"));
    }
    match files.iter().find(|name| !stays_inside(Path::new(name))) {
        Some(_) => Err(Failure::new("patch_unsafe", "the patch leads out of the project")),
        None => Ok(files),
    }
}

/// A name of a header, without the prefix and what some put behind it.
fn stripped(name: &str) -> String {
    let name = name.split('\t').next().unwrap_or_default().trim_end();
    let plain = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/"));
    plain.unwrap_or(name).to_owned()
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(name) if name != ".git"))
}

/// Tries a patch with git on a copy of the files that it touches.
pub(super) async fn check(patch: &Patch, folder: &Path) -> Result<(), Failure> {
    let unwell = |error: std::io::Error| {
        Failure::new("workspace_unreadable", format!("the project cannot be copied: {error}"))
    };
    let copy = tempfile::tempdir().map_err(unwell)?;
    let (from, files) = (folder.to_owned(), patch.files.clone());
    // The copying goes on when nobody waits for it any longer, and takes the copy away at its end.
    let copied =
        tokio::task::spawn_blocking(move || copy_files(&from, copy.path(), &files).map(|()| copy));
    let copy = copied.await.map_err(|error| unwell(std::io::Error::other(error)))??;
    match tokio::time::timeout(GIT_TIMEOUT, apply(&patch.text, copy.path())).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::new("git_failed", "git did not try the patch in time").retryable()),
    }
}

fn copy_files(from: &Path, to: &Path, files: &[String]) -> Result<(), Failure> {
    let mut bytes = 0;
    for name in files {
        let Some(source) = source(from, name)? else { continue };
        let failed = |error: std::io::Error| {
            Failure::new("workspace_unreadable", format!("{name} cannot be copied: {error}"))
        };
        bytes += source.metadata().map_err(failed)?.len();
        if bytes > COPY_BYTES_MAX {
            return Err(Failure::new("patch_too_large", "the patch touches more than 64 MiB"));
        }
        let target = to.join(name);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::copy(&source, &target).map_err(failed)?;
    }
    Ok(())
}

/// Where a file is that a patch touches; none for one that is to be made. A link must not lead out.
fn source(folder: &Path, name: &str) -> Result<Option<PathBuf>, Failure> {
    let Ok(path) = folder.join(name).canonicalize() else { return Ok(None) };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if !path.starts_with(&folder) {
        return Err(Failure::new("patch_unsafe", "the patch leads out of the project"));
    }
    Ok(path.is_file().then_some(path))
}

async fn apply(patch: &str, copy: &Path) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new("git_failed", format!("git cannot be run: {error}"));
    let mut git = Command::new("git")
        .args(["apply", "--check", "--whitespace=nowarn", "-"])
        .current_dir(copy)
        // No repository around the copy, and no settings of anybody's, decide what applies.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = git.stdin.take() {
        // Git that has seen enough closes its end, and says why below.
        let _ = stdin.write_all(patch.as_bytes()).await;
    }
    let tried = git.wait_with_output().await.map_err(failed)?;
    if tried.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&tried.stderr);
    let complaint: String = complaint.trim().chars().take(COMPLAINT_CHARS_MAX).collect();
    let message = format!("the model's patch does not apply: {complaint}");
    // Models do not answer twice alike.
    Err(Failure::new("patch_does_not_apply", message).retryable())
}

#[cfg(test)]
mod tests;
