//! A power cut: ext4 lies in a file; the writer is frozen and the file copied, so that the copy holds
//! what had really reached the disk, and nothing that only the kernel remembered. What opens from the
//! copy is what a machine would find when the power is back.

use roomcast_core::store::sqlite::{SqliteConfig, Synchronous};
use tempfile::TempDir;

use crate::child::{Writer, open};
use crate::crash::has_heard;
use crate::ledger::count_lost;
use crate::mount::{Mount, format, skip};

/// Large enough for some seconds of writing.
const DISK_BYTES: u64 = 256 << 20;
/// Acknowledgements before the cut.
const ENOUGH: u64 = 20_000;
/// Acknowledgements before the cut that must lose some: before the first checkpoint, which syncs.
const EARLY: u64 = 100;

#[tokio::test]
async fn no_acknowledged_event_is_lost_in_a_power_cut() {
    match lost_in_a_power_cut(Synchronous::Full, ENOUGH).await {
        Ok((lost, acknowledged)) => assert_eq!(lost, 0, "of {acknowledged}"),
        Err(reason) => skip("no_acknowledged_event_is_lost_in_a_power_cut", &reason),
    }
}

/// Keeps the test above honest: it can see a loss.
#[tokio::test]
async fn without_fsync_before_the_answer_a_power_cut_loses_events() {
    match lost_in_a_power_cut(Synchronous::Normal, EARLY).await {
        Ok((lost, acknowledged)) => assert!(lost > 0, "none of {acknowledged}"),
        Err(reason) => skip("without_fsync_before_the_answer_a_power_cut_loses_events", &reason),
    }
}

/// How many were lost of how many; or why that cannot be tried here.
async fn lost_in_a_power_cut(
    synchronous: Synchronous,
    enough: u64,
) -> Result<(usize, usize), String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let image = format(folder.path(), DISK_BYTES)?;
    let disk = Mount::image(&image)?;
    let writer = Writer::start(&disk.path().join("data"), 0, synchronous);
    has_heard(&writer, enough);
    writer.freeze();
    let found = folder.path().join("found");
    std::fs::copy(&image, &found).map_err(|error| error.to_string())?;
    let acknowledged = writer.kill();
    drop(disk);
    let disk = Mount::image(&found)?;
    let data = disk.path().join("data");
    if !data.exists() {
        return Ok((acknowledged.len(), acknowledged.len()));
    }
    let store = open(SqliteConfig::new(data));
    let lost = count_lost(&store, &acknowledged).await;
    drop(store);
    Ok((lost, acknowledged.len()))
}
