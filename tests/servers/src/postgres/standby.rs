//! A second server that follows the first without anybody waiting for it.

use super::{Postgres, data};
use crate::folder::folder;
use crate::process::until;

impl Postgres {
    /// A standby that has all that was committed so far, and follows.
    pub fn standby(&self) -> Postgres {
        let folder = folder(&std::env::temp_dir());
        let made = self
            .client("pg_basebackup")
            .args(["--username=roomcast", "--write-recovery-conf", "--checkpoint=fast"])
            .args(["--no-sync", "--wal-method=stream", "--pgdata"])
            .arg(data(folder.path()))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "no base backup");
        Postgres::run(folder, self.settings.clone())
    }

    /// The address of both: a core takes the one that accepts writes.
    pub fn url_with(&self, other: &Postgres) -> String {
        let hosts = [self, other].map(|one| one.folder().display().to_string().replace('/', "%2F"));
        format!("postgres://roomcast@{}/postgres", hosts.join(","))
    }

    /// Waits until this standby has all of its primary, and cuts it off, so that nothing is on its way to
    /// it any more.
    pub fn follow_and_cut_off(&self, primary: &Postgres) {
        let head = primary.say("SELECT pg_current_wal_lsn()");
        let has_it = format!("SELECT pg_last_wal_replay_lsn() >= '{head}'::pg_lsn");
        until("the standby follows", || self.say(&has_it) == "t");
        self.say("ALTER SYSTEM SET primary_conninfo = ''");
        self.say("SELECT pg_reload_conf()");
        let receivers = "SELECT count(*) FROM pg_stat_wal_receiver";
        until("the standby is cut off", || self.say(receivers) == "0");
    }

    /// Makes this standby take writes.
    pub fn promote(&self) {
        assert_eq!(self.say("SELECT pg_promote()"), "t");
    }
}
