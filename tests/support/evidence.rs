//! The page that a proof in full length leaves behind.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use super::tools::tests_folder;

/// Rows of figures under a title.
#[derive(Debug)]
pub(crate) struct Evidence {
    page: String,
}

/// Whether proofs run in full length.
pub(crate) fn proves() -> bool {
    std::env::var_os("ROOMCAST_PROVE").is_some()
}

/// One length for every run, another for a proof.
pub(crate) fn length<T>(usual: T, to_prove: T) -> T {
    if proves() { to_prove } else { usual }
}

impl Evidence {
    /// Of the test whose name begins so.
    pub(crate) fn of(title: &str, test: &str) -> Evidence {
        let binary = match std::env::var_os("ROOMCAST_TEST_BINARY") {
            Some(_) => "release",
            None => "debug",
        };
        Evidence::of_build(title, test, binary)
    }

    /// Of a build that the test makes itself.
    pub(crate) fn of_build(title: &str, test: &str, binary: &str) -> Evidence {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpus = std::thread::available_parallelism().map_or(0, usize::from);
        let commit = std::env::var("ROOMCAST_TEST_COMMIT")
            .map_or_else(|_| String::new(), |commit| format!(", commit {commit}"));
        let page = format!(
            "# {title}\n\nWritten by the test itself. To repeat it:\n\n```sh\nmake prove TEST={test}\n```\n\n\
             | what | figure |\n|---|---|\n\
             | machine, shared by clients, edge and core | {cpus} CPUs, Linux {} |\n\
             | build of edge and core | {binary}{commit} |\n",
            kernel.trim()
        );
        Evidence { page }
    }

    pub(crate) fn row(mut self, what: &str, figure: impl Display) -> Evidence {
        writeln!(self.page, "| {what} | {figure} |").expect("a string takes all");
        self
    }

    /// Writes `docs/evidence/<name>.md`, where proofs run in full length.
    pub(crate) fn write(self, name: &str) {
        if !proves() {
            return;
        }
        let folder: PathBuf = tests_folder().join("../docs/evidence");
        std::fs::create_dir_all(&folder).expect("docs/evidence");
        std::fs::write(folder.join(format!("{name}.md")), self.page).expect("a page of evidence");
    }
}
