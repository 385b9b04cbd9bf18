//! By what the transactions of a connection go that writes.

/// Settings, as they are said to a server's process that is ours alone, and as they are said with each
/// transaction where a pooler lends any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) options: &'static str,
    pub(super) begin: &'static str,
}

macro_rules! begin {
    () => {
        "BEGIN ISOLATION LEVEL READ COMMITTED"
    };
}

macro_rules! settings {
    ($($name:literal = $value:literal),* $(,)?) => {
        Settings {
            options: concat!($("-c ", $name, "=", $value, " "),*),
            begin: concat!(begin!(), $("; SET LOCAL ", $name, " = ", $value),*),
        }
    };
}

/// Begins a transaction that locks, whatever the database's own default: each statement must see what was
/// committed while the one before it waited.
pub(super) const BEGIN: &str = begin!();

/// Statements have 10 s, locks 2 s, and a core that hangs inside a transaction 1.5 s: others wait for what
/// it has locked, and edges have left it for them within 2 s.
///
/// Every row is found by its key, however few there are: a scan of a table whose every row changes with each
/// commit reads the dead ones too. So a statement has one plan, and is not planned again for the number of
/// its rows. What has no index has few rows, which must not be compiled for.
pub(super) const WRITER: Settings = settings![
    "statement_timeout" = 10000,
    "lock_timeout" = 2000,
    "idle_in_transaction_session_timeout" = 1500,
    "enable_seqscan" = "off",
    "enable_hashjoin" = "off",
    "enable_mergejoin" = "off",
    "plan_cache_mode" = "force_generic_plan",
    "jit" = "off",
    "roomcast.writer" = "on",
];

/// Whether the server's process was told so.
pub(super) const IS_SET: &str = "SELECT 1 WHERE current_setting('roomcast.writer', true) = 'on'";
