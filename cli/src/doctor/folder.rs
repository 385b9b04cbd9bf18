//! Is the data folder whole, private and roomy?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use roomcast_core::store::sqlite::{Inspection, inspect};

use super::report::Finding;

/// Bits that let others in.
const OTHERS: u32 = 0o077;
/// With less the write-ahead log of a busy minute may not fit.
const FREE_BYTES_MIN: u64 = 1 << 30;

pub(super) fn check(data_dir: &Path) -> Vec<Finding> {
    let metadata = match fs::metadata(data_dir) {
        Ok(metadata) => metadata,
        Err(error) => {
            let found = format!("{}: {error}", data_dir.display());
            return vec![Finding::fail("folder", found, "a core makes it when it starts")];
        }
    };
    let mut findings = vec![permissions(data_dir, metadata.permissions().mode())];
    match inspect(data_dir) {
        Ok(inspection) => findings.extend([
            holder(&inspection),
            schema(&inspection),
            space(&inspection),
            Finding::ok("sqlite", &inspection.sqlite),
        ]),
        Err(error) => findings.push(Finding::fail(
            "store",
            error,
            "restore the last backup: roomcast restore",
        )),
    }
    findings
}

fn permissions(data_dir: &Path, mode: u32) -> Finding {
    let (folder, mode) = (data_dir.display(), mode & 0o777);
    if mode & OTHERS == 0 {
        return Finding::ok("folder", format_args!("{folder}, for its owner alone ({mode:o})"));
    }
    let found = format!("{folder}, others may look into it ({mode:o})");
    Finding::warn("folder", found, "chmod 700: payloads and secrets lie in it")
}

fn holder(inspection: &Inspection) -> Finding {
    match (inspection.is_held, inspection.holder) {
        (true, Some(pid)) => Finding::ok("lock", format_args!("a core runs on it (pid {pid})")),
        (true, None) => Finding::ok("lock", "a core runs on it"),
        (false, _) => Finding::ok("lock", "no core runs on it"),
    }
}

fn schema(inspection: &Inspection) -> Finding {
    const CHECK: &str = "store";
    if inspection.has_interrupted_restore {
        let mend = "run roomcast restore --force again, with the same file";
        return Finding::fail(CHECK, "a restore was begun and not finished", mend);
    }
    let Inspection { database_bytes, wal_bytes, schema_known, .. } = inspection;
    match inspection.schema {
        None => Finding::ok(CHECK, "empty"),
        Some(schema) if schema > *schema_known => Finding::fail(
            CHECK,
            format_args!("schema {schema}, of a newer version; this one knows {schema_known}"),
            "use the version that wrote it",
        ),
        Some(schema) => Finding::ok(
            CHECK,
            format_args!(
                "schema {schema}, {database_bytes} bytes, write-ahead log {wal_bytes} bytes"
            ),
        ),
    }
}

fn space(inspection: &Inspection) -> Finding {
    let free = inspection.free_bytes;
    let found = format!("{} MiB free", free >> 20);
    if free < FREE_BYTES_MIN {
        return Finding::warn("disk", found, "free some: without room, writes are refused");
    }
    Finding::ok("disk", found)
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;

    #[test]
    fn a_folder_that_others_may_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, level) in [(0o700, Level::Ok), (0o755, Level::Warn)] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(folder.path())[0].level, level);
        }
        assert_eq!(check(&folder.path().join("missing"))[0].level, Level::Fail);
    }
}
