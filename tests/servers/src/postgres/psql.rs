//! What PostgreSQL's own clients say to a server.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::Postgres;

impl Postgres {
    /// What `psql` says to a statement.
    pub fn say(&self, statement: &str) -> String {
        let mut psql = self.speaker("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        let said = psql.args(["--command", statement]).output().expect("psql runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("text").trim().to_owned()
    }

    /// All that is in it, as `pg_dump` writes it.
    pub fn dump(&self) -> Vec<u8> {
        let dumped = self.speaker("pg_dump").arg("--format=custom").output().expect("pg_dump runs");
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        dumped.stdout
    }

    /// Takes in what [`Postgres::dump`] wrote.
    pub fn restore(&self, dump: &[u8]) {
        let mut restoring = self.speaker("pg_restore");
        let restoring = restoring.arg("--exit-on-error").stdin(Stdio::piped()).spawn();
        let mut restoring = restoring.expect("pg_restore runs");
        restoring.stdin.take().expect("piped").write_all(dump).expect("taken in");
        assert!(restoring.wait().expect("ended").success(), "not restored");
    }

    fn speaker(&self, name: &str) -> Command {
        let mut speaker = self.client(name);
        speaker.args(["--username=roomcast", "--dbname=postgres"]);
        speaker
    }
}
