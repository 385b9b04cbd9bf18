//! `roomcast backup` and `roomcast restore`.

use std::path::PathBuf;

use anyhow::Context as _;
use roomcast_core::store::sqlite::{self, RestoreError, WhenThere};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Copy a core's data to a file, whether the core runs or not
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast backup --data-dir /var/lib/roomcast /backup/roomcast-2026-11-21.db"
)]
pub(crate) struct BackupArguments {
    /// The core's data folder
    #[arg(long, env = "ROOMCAST_DATA_DIR", default_value = ".roomcast", value_name = "DIR")]
    data_dir: PathBuf,
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

/// Put a backup in place of a core's data. The core must not run
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast restore --data-dir /var/lib/roomcast /backup/roomcast-2026-11-21.db\n\n\
    Readers that were further than the backup learn it: they get a reset and a fresh snapshot."
)]
pub(crate) struct RestoreArguments {
    /// The core's data folder
    #[arg(long, env = "ROOMCAST_DATA_DIR", default_value = ".roomcast", value_name = "DIR")]
    data_dir: PathBuf,
    /// Replace the data that is there
    #[arg(long)]
    force: bool,
    /// The backup
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

pub(crate) async fn backup(arguments: BackupArguments, output: Output) -> Result<Exit, Failure> {
    let BackupArguments { data_dir, to } = arguments;
    let file = to.clone();
    let copied = tokio::task::spawn_blocking(move || sqlite::backup(&data_dir, &file)).await;
    copied.context("the backup broke off")?.map_err(anyhow::Error::from)?;
    let size = std::fs::metadata(&to).map_or(0, |file| file.len());
    if output.is_json() {
        output.json(&json!({"file": to, "bytes": size}))?;
    } else {
        output.line(format_args!("{} written, {size} bytes", to.display()))?;
    }
    Ok(Exit::OK)
}

pub(crate) async fn restore(arguments: RestoreArguments, output: Output) -> Result<Exit, Failure> {
    let RestoreArguments { data_dir, force, from } = arguments;
    let when_there = if force { WhenThere::Replace } else { WhenThere::Refuse };
    let folder = data_dir.clone();
    let restored =
        tokio::task::spawn_blocking(move || sqlite::restore(&from, &folder, when_there)).await;
    match restored.context("the restore broke off")? {
        Ok(()) => {}
        Err(error @ RestoreError::Exists(_)) => return Err(Failure::Usage(error.to_string())),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    }
    if output.is_json() {
        output.json(&json!({ "data_dir": data_dir }))?;
    } else {
        output.line(format_args!("{} restored", data_dir.display()))?;
    }
    Ok(Exit::OK)
}
