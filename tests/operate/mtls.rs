//! A core that serves TLS and takes certificates: the command line shows its own, and needs no token.
//! Where a certificate would protect nothing, no program starts with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{Port, Process, eventually, finish, roomcast};

/// A core behind certificates of one authority.
struct Guarded {
    // Dropped first: a core whose folder has gone would say so.
    _core: Process,
    port: Port,
    folder: TempDir,
}

impl Guarded {
    async fn start() -> Guarded {
        let (folder, port) = (tempfile::tempdir().unwrap(), Port::reserve());
        Authority::new().install(folder.path());
        let file = |name: &str| folder.path().join(name);
        let mut command = roomcast(&["core", "--listen", &port.address().to_string()]);
        command
            .arg("--data-dir")
            .arg(file("data"))
            .env("ROOMCAST_TLS_CERT", file("core.pem"))
            .env("ROOMCAST_TLS_KEY", file("core.key"))
            .env("ROOMCAST_CLIENT_CA", file("ca.pem"));
        let guarded = Guarded { _core: Process::spawn("core", &mut command), port, folder };
        eventually("the core serves", async || {
            let listed = finish(&mut guarded.client(&["job", "list"])).await;
            (listed.code == Some(0)).then_some(())
        })
        .await;
        guarded
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that trusts the authority and shows nothing.
    fn stranger(&self, arguments: &[&str]) -> Command {
        let mut command = roomcast(arguments);
        let url = format!("https://localhost:{}", self.port.address().port());
        command.env("ROOMCAST_CORE", url).env("ROOMCAST_CORE_CA", self.file("ca.pem"));
        command
    }

    /// A command with a certificate of the authority.
    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = self.stranger(arguments);
        command
            .env("ROOMCAST_CORE_CERT", self.file("client.pem"))
            .env("ROOMCAST_CORE_KEY", self.file("client.key"));
        command
    }
}

/// Signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Writes its own certificate, the core's and a client's.
    fn install(&self, folder: &Path) {
        std::fs::write(folder.join("ca.pem"), self.0.pem()).unwrap();
        for (name, subject) in [("core", "localhost"), ("client", "operator")] {
            let params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &self.0).unwrap();
            std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_command_comes_in_with_its_own_certificate() {
    let core = Guarded::start().await;
    finish(&mut core.client(&["run", "--", "echo", "hello"])).await.ok();
    let publish = ["topic", "publish", "room:open", "--type", "tick", "--data", "{}"];
    for arguments in [&["job", "list"][..], &publish, &["topic", "get", "room:open"]] {
        finish(&mut core.client(arguments)).await.ok();
        let refused = finish(&mut core.stranger(arguments)).await;
        assert_ne!(refused.code, Some(0), "{arguments:?}");
        assert!(refused.err.contains("service_credential_required"), "{}", refused.err);
    }
    let mut flags = core.stranger(&["job", "list", "--cert"]);
    flags.arg(core.file("client.pem")).arg("--key").arg(core.file("client.key"));
    finish(&mut flags).await.ok();
    let mut half = core.stranger(&["job", "list", "--cert"]);
    let refused = finish(half.arg(core.file("client.pem"))).await;
    assert!(refused.err.contains("--core-key"), "a certificate needs its key: {}", refused.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_would_protect_nothing_end_every_program_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new().install(folder.path());
    let own = [("ROOMCAST_CORE_CERT", "client.pem"), ("ROOMCAST_CORE_KEY", "client.key")];
    let authority = [("ROOMCAST_CORE_CA", "ca.pem")];
    let broken = [("ROOMCAST_CORE_CA", "ca.pem"), own[0], ("ROOMCAST_CORE_KEY", "core.key")];
    let (plain, secure) = ("http://127.0.0.1:1", "https://localhost:1");
    let both = "https://localhost:1,http://127.0.0.1:1";
    for (cores, files, says) in [
        (plain, &own[..], "\"http://127.0.0.1:1\" is not usable: it is plain http"),
        (both, &authority, "\"http://127.0.0.1:1\" is not usable: it is plain http"),
        (secure, &own, "https takes the authority that signed the certificate"),
        (secure, &broken, "its certificates are of no use"),
    ] {
        let edge = ["edge", "--listen", "127.0.0.1:0"];
        for arguments in [&["agent"][..], &edge, &["job", "list"], &["run", "--", "true"]] {
            let mut command = roomcast(arguments);
            command.env("ROOMCAST_CORE", cores);
            command.envs(files.iter().map(|(name, file)| (name, folder.path().join(file))));
            let ended = finish(&mut command).await;
            assert_eq!(ended.code, Some(2), "{arguments:?} {cores}: {}", ended.err);
            assert!(ended.err.contains(says), "{arguments:?} {cores}: {}", ended.err);
        }
    }
}
