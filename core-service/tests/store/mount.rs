//! File systems of our own, made for a test. Only root may.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A mounted file system. Dropping it unmounts it.
pub(crate) struct Mount {
    point: TempDir,
}

impl Mount {
    /// A file system in memory.
    pub(crate) fn memory(size: &str) -> Result<Mount, String> {
        Mount::new(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
    }

    /// The ext4 file system in a file, as a disk that was cut off from power would be found.
    pub(crate) fn image(image: &Path) -> Result<Mount, String> {
        Mount::new(&["-o", "loop", &image.to_string_lossy()])
    }

    fn new(arguments: &[&str]) -> Result<Mount, String> {
        let point = TempDir::new().map_err(|error| error.to_string())?;
        run(Command::new("mount").args(arguments).arg(point.path()))?;
        Ok(Mount { point })
    }

    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: whoever still writes is being killed.
        let _ = run(Command::new("umount").arg("--lazy").arg(self.point.path()));
    }
}

/// A file with an empty ext4 file system.
pub(crate) fn format(folder: &Path, bytes: u64) -> Result<PathBuf, String> {
    let image = folder.join("disk");
    File::create(&image).and_then(|file| file.set_len(bytes)).map_err(|error| error.to_string())?;
    run(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
    Ok(image)
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Says why a test does not run here.
pub(crate) fn skip(test: &str, reason: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}
