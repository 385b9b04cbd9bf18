//! A pgbouncer before a PostgreSQL server, which lends its connections for a transaction each.

use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::account::command;
use crate::folder::{folder, put};
use crate::postgres::Postgres;
use crate::process::{Process, until};

/// The number in its socket's name.
const PORT: u16 = 6432;

#[derive(Debug)]
pub struct Pgbouncer {
    // Ended first: it writes into the folder.
    _process: Process,
    folder: TempDir,
}

impl Pgbouncer {
    /// With so many connections to lend.
    pub fn start(server: &Postgres, lent: usize) -> Pgbouncer {
        let folder = folder(&std::env::temp_dir());
        let settings = format!(
            "[databases]\npostgres = host={} user=roomcast\n\
             [pgbouncer]\nlisten_addr =\nunix_socket_dir = {}\nlisten_port = {PORT}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {lent}\n",
            server.folder().display(),
            folder.path().display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        put(&file, &settings);
        let mut pooler = command("pgbouncer");
        pooler.env("PATH", "/usr/sbin:/usr/bin").arg(&file);
        let log = folder.path().join("pgbouncer.log");
        let _process = Process::spawn(&mut pooler, log, Signal::SIGKILL);
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        until("pgbouncer serves", || UnixStream::connect(&socket).is_ok());
        Pgbouncer { _process, folder }
    }

    pub fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://roomcast@localhost:{PORT}/postgres?host={folder}")
    }
}
