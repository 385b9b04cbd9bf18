//! What went wrong, from SQLite's codes to what it means for the store.

use rusqlite::ErrorCode;

use crate::store::{Error, sql};

/// Why a step of the writer failed.
pub(super) type Failure = sql::Failure<rusqlite::Error>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        match error.sqlite_error_code() {
            Some(_) => Failure::Engine(error),
            // A value of another kind than the schema's. It says nothing against the disk.
            None => Failure::Broken(Error::Damaged(error.to_string())),
        }
    }
}

/// What a row that cannot be read means to a command that has written nothing yet: nobody else suffers.
pub(super) fn of_looking(error: rusqlite::Error) -> Failure {
    match Failure::from(error) {
        Failure::Broken(error) => Failure::Refused(error),
        other @ (Failure::Refused(_) | Failure::Engine(_)) => other,
    }
}

/// What a failed batch means.
#[derive(Debug)]
pub(super) enum Verdict {
    /// No room. The next batch tries again.
    Full,
    /// Another program holds the file. The next batch tries again.
    Busy,
    /// What the disk holds is uncertain: after a failed fsync a later one proves nothing.
    Fatal(String),
}

/// Judges an error of the writer.
pub(super) fn judge(error: &rusqlite::Error) -> Verdict {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Verdict::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Verdict::Busy,
        Some(_) | None => Verdict::Fatal(error.to_string()),
    }
}

/// Whether the file holds what SQLite cannot have written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// What a reader's failure means to the one who asked.
pub(super) fn of_reading(failure: Failure) -> Error {
    let error = match failure {
        Failure::Refused(error) | Failure::Broken(error) => return error,
        Failure::Engine(error) => error,
    };
    match error.sqlite_error_code() {
        Some(_) if is_damage(&error) => Error::Damaged(error.to_string()),
        Some(ErrorCode::OperationInterrupted) => {
            Error::Unavailable("the query took too long; narrow it".into())
        }
        Some(_) => Error::Unavailable(error.to_string()),
        // A value of another type than the schema's, or none where there must be one.
        None => Error::Damaged(error.to_string()),
    }
}
