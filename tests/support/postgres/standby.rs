//! A second server that follows the first without anybody waiting for it.

use std::path::Path;

use super::{Postgres, give, program, spawn};
use crate::support::eventually;

impl Postgres {
    /// A standby that has all that was committed so far, and follows.
    pub(crate) async fn standby(&self) -> Postgres {
        let folder = tempfile::tempdir().expect("a folder");
        give(folder.path());
        let made = program("pg_basebackup")
            .args(["--username=roomcast", "--write-recovery-conf", "--checkpoint=fast"])
            .args(["--no-sync", "--wal-method=stream", "--host"])
            .arg(self.folder.path())
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "no base backup");
        let standby = Postgres { process: spawn(folder.path()), folder };
        standby.serves().await;
        standby
    }

    /// The address of both: a core takes the one that accepts writes.
    pub(crate) fn url_with(&self, other: &Postgres) -> String {
        let host = |folder: &Path| folder.display().to_string().replace('/', "%2F");
        let (one, other) = (host(self.folder.path()), host(other.folder.path()));
        format!("postgres://roomcast@{one},{other}/postgres")
    }

    /// Waits until this standby has all of its primary, and cuts it off.
    pub(crate) async fn follow_and_cut_off(&self, primary: &Postgres) {
        let head = primary.say("SELECT pg_current_wal_lsn()");
        let has_it = format!("SELECT pg_last_wal_replay_lsn() >= '{head}'::pg_lsn");
        eventually("the standby follows", async || (self.say(&has_it) == "t").then_some(())).await;
        self.say("ALTER SYSTEM SET primary_conninfo = ''");
        self.say("SELECT pg_reload_conf()");
        let receivers = "SELECT count(*) FROM pg_stat_wal_receiver";
        eventually("the standby is cut off", async || (self.say(receivers) == "0").then_some(()))
            .await;
    }

    /// Makes this standby take writes.
    pub(crate) fn promote(&self) {
        assert_eq!(self.say("SELECT pg_promote()"), "t");
    }

    /// `kill -9` of all its processes, for good.
    pub(crate) fn kill(&mut self) {
        self.signal_all(nix::sys::signal::Signal::SIGKILL);
        self.process.kill();
    }

    /// What `psql` says to a statement.
    pub(crate) fn say(&self, statement: &str) -> String {
        let said = program("psql")
            .args(["--username=roomcast", "--dbname=postgres", "--no-psqlrc", "--tuples-only"])
            .args(["--no-align", "--set=ON_ERROR_STOP=1", "--command", statement, "--host"])
            .arg(self.folder.path())
            .output()
            .expect("psql runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("text").trim().to_owned()
    }
}
