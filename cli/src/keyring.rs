//! The secrets that `roomcast dev` makes for itself in its data folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use roomcast_identity::Secret;
use roomcast_runtime::draft;
use uuid::Uuid;

/// Whoever can read a secret can be anybody: for its owner's eyes only.
const FILE_MODE: u32 = 0o600;
/// See [`FILE_MODE`].
const FOLDER_MODE: u32 = 0o700;
/// Half again as much as HMAC-SHA-256 can use.
const SECRET_BYTES: usize = 48;

/// Whose tokens a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyring {
    /// Users in browsers.
    Users,
    /// Edges, workers and services.
    Services,
}

impl Keyring {
    /// The variable that holds such a secret in production.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Keyring::Users => "ROOMCAST_JWT_SECRET",
            Keyring::Services => "ROOMCAST_SERVICE_SECRET",
        }
    }

    fn file(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Keyring::Users => "user-secret",
            Keyring::Services => "service-secret",
        })
    }
}

/// The folder's secret, if it has one.
pub(crate) fn read(folder: &Path, keyring: Keyring) -> anyhow::Result<Option<Secret>> {
    let path = keyring.file(folder);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let secret = Secret::new(&text);
            Ok(Some(secret.with_context(|| {
                format!("{} is no secret; remove it, and another is made", path.display())
            })?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// The folder's secret, made at the first call.
pub(crate) fn read_or_make(folder: &Path, keyring: Keyring) -> anyhow::Result<Secret> {
    if let Some(secret) = read(folder, keyring)? {
        return Ok(secret);
    }
    let path = keyring.file(folder);
    make(folder, &path).with_context(|| format!("{} cannot be made", path.display()))?;
    // Read back, so that of two processes that make it at once both use the one that stands.
    read(folder, keyring)?.with_context(|| format!("{} has gone again", path.display()))
}

fn make(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let draft_path = folder.join(format!("secret-{}", Uuid::new_v4()));
    let made = write(&draft_path, &secret).and_then(|()| draft::keep(&draft_path, path));
    // Of a disk that is full not even the draft may be there.
    let _ = fs::remove_file(&draft_path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    writeln!(file, "{}", BASE64_URL_SAFE_NO_PAD.encode(secret))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        assert!(read(&folder, Keyring::Users).unwrap().is_none());
        let made = read_or_make(&folder, Keyring::Users).unwrap();
        assert_eq!(read_or_make(&folder, Keyring::Users).unwrap(), made);
        assert_ne!(read_or_make(&folder, Keyring::Services).unwrap(), made);
        let file = fs::metadata(folder.join("user-secret")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, FILE_MODE);
        let folder = fs::metadata(folder).unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, FOLDER_MODE);
    }

    #[test]
    fn whoever_makes_it_at_once_has_the_same_secret_and_leaves_nothing_else() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let make = || read_or_make(folder.path(), Keyring::Users).unwrap();
            let made: Vec<Secret> = std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                makers.into_iter().map(|maker| maker.join().unwrap()).collect()
            });
            assert!(made.iter().all(|secret| *secret == made[0]));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_truncated_secret_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("user-secret"), "short").unwrap();
        assert!(read_or_make(folder.path(), Keyring::Users).is_err());
    }
}
