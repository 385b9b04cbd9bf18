//! A file that is whole from the moment on in which it has its name, though the disk be full or the process
//! end half-way. Only where the file system knows no links, whoever looks in between finds it empty.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Gives a finished file its name. The draft itself, which lies beside it, may stay.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when somebody else has the name: what is there is not touched.
pub fn keep(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        // A file system that knows no links says so in words of its own.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => claim(draft, path),
        linked => linked,
    }
}

/// Takes the name first, with an empty file: to rename alone would replace what somebody else put there.
fn claim(draft: &Path, path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    fs::rename(draft, path).inspect_err(|_| {
        // Nobody has read from it yet; if it stays, whoever comes next is told that the name is taken.
        let _ = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_drafts_one_gets_the_name_whether_there_are_links_or_not() {
        for put in [keep, claim] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kept");
            let draft = |number: usize| {
                let draft = folder.path().join(number.to_string());
                fs::write(&draft, format!("draft {number}")).unwrap();
                put(&draft, &path)
            };
            let outcomes: Vec<_> = std::thread::scope(|scope| {
                let drafts: Vec<_> =
                    (0..8).map(|number| scope.spawn(move || draft(number))).collect();
                drafts.into_iter().map(|draft| draft.join().unwrap()).collect()
            });
            let kept = outcomes.iter().position(Result::is_ok).expect("one is kept");
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("draft {kept}"));
            for (number, outcome) in outcomes.into_iter().enumerate().filter(|(n, _)| *n != kept) {
                let error = outcome.expect_err("one alone is kept");
                assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "draft {number}");
            }
        }
    }

    #[test]
    fn a_name_that_cannot_be_had_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let error = keep(&folder.path().join("none"), &path).expect_err("there is no draft");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!path.exists());
    }
}
