//! What went wrong, from PostgreSQL's codes to what it means for the store.

use tokio_postgres::error::SqlState;

use crate::domain::topic::Topic;
use crate::store::{Error, Refusal, sql};

/// Why a step of a transaction failed.
pub(super) type Failure = sql::Failure<Trouble>;

/// What statements that vanish mean.
const POOLED: &str = "if a pooler lends connections for a transaction, say `?pooling=transaction` \
                      in the address";

/// How the database fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Somebody else was at it: the same transaction, run again, sees what they did.
    Again(String),
    /// The batch touches a topic that it has not locked: it runs again with it.
    Unplanned(Topic),
    /// A topic of the batch is not there yet, or not where it was: the batch runs again and makes it.
    Unmade,
    /// Rows are not as the batch took them to be, or the lane has been forgotten: nothing is written.
    Otherwise,
    /// The connection is gone, or leads to a server that takes no writes.
    Lost(String),
    /// The disk has no room.
    Full,
    /// It took longer than it may.
    Slow,
    /// A text is none that the database can keep.
    Unkept(String),
    /// The statement cannot be right.
    Broken(String),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Trouble {
        let Some(told) = error.as_db_error() else { return Trouble::Lost(whole(&error)) };
        let code = told.code();
        let text = format!("{} ({})", told.message(), code.code());
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::UNIQUE_VIOLATION,
        ];
        let unkept = [SqlState::CHARACTER_NOT_IN_REPERTOIRE, SqlState::UNTRANSLATABLE_CHARACTER];
        let unprepared = [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT];
        if unprepared.contains(code) {
            Trouble::Broken(format!("{text}: {POOLED}"))
        } else if again.contains(code) {
            Trouble::Again(text)
        } else if *code == SqlState::DIVISION_BY_ZERO {
            Trouble::Otherwise
        } else if unkept.contains(code) {
            Trouble::Unkept(text)
        } else if *code == SqlState::DISK_FULL {
            Trouble::Full
        } else if *code == SqlState::QUERY_CANCELED {
            Trouble::Slow
        } else if is_about_the_connection(code) {
            Trouble::Lost(text)
        } else {
            Trouble::Broken(text)
        }
    }
}

/// Connection exceptions, too many connections, shutdown and start-up, a server that only reads, and
/// a transaction that waited for us too long.
fn is_about_the_connection(code: &SqlState) -> bool {
    let named = [
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    code.code().starts_with("08") || code.code().starts_with("57P") || named.contains(code)
}

/// An error with what caused it: the outer one alone says nothing.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// What a failure means to the one who asked.
pub(super) fn told(failure: Failure) -> Error {
    let trouble = match failure {
        Failure::Refused(error) | Failure::Broken(error) => return error,
        Failure::Engine(trouble) => trouble,
    };
    Error::Unavailable(match trouble {
        Trouble::Full => return Error::Full,
        Trouble::Unkept(reason) => return Refusal::Unkept(reason).into(),
        Trouble::Slow => "the query took too long; narrow it".into(),
        Trouble::Unplanned(topic) => format!("{topic} was not locked"),
        Trouble::Unmade => "a topic that was made is not there".into(),
        Trouble::Otherwise => "topics changed under the batch".into(),
        Trouble::Lost(reason) | Trouble::Again(reason) | Trouble::Broken(reason) => reason,
    })
}
