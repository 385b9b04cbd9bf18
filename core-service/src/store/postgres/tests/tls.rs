//! TLS to the database: the server's certificate is checked, and so is a password over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use roomcast_test_servers::{Port, Postgres};
use tempfile::TempDir;

use crate::store::postgres::{OpenError, PostgresConfig, PostgresStore};

const PASSWORD: &str = "of the tests alone";

/// A server that lets nobody in over TCP but by TLS and password.
struct Guarded {
    server: Postgres,
    port: Port,
    folder: TempDir,
}

impl Guarded {
    fn start() -> Guarded {
        let folder = TempDir::new().expect("a folder");
        let authority = authority();
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).expect("a name");
        let certificate = certificate.signed_by(&key, &authority).expect("signed");
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("written");
        let other = self::authority().pem();
        std::fs::write(folder.path().join("other.pem"), other).expect("written");
        let port = Port::reserve();
        let number = format!("port={}", port.address().port());
        let settings = ["listen_addresses=127.0.0.1", &number, "ssl=on"];
        let server = Postgres::start_with(
            &settings,
            &[
                ("server.crt", &certificate.pem()),
                ("server.key", &key.serialize_pem()),
                (
                    "pg_hba.conf",
                    "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
                ),
            ],
        );
        server.say(&format!("ALTER USER roomcast PASSWORD '{PASSWORD}'"));
        Guarded { server, port, folder }
    }

    fn authority(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(
        &self,
        host: &str,
        more: &str,
        authority: Option<&Path>,
    ) -> Result<PostgresStore, OpenError> {
        let password = PASSWORD.replace(' ', "%20");
        let port = self.port.address().port();
        let url = format!(
            "postgres://roomcast:{password}@{host}:{port}/postgres?hostaddr=127.0.0.1{more}"
        );
        let mut config = PostgresConfig::new(url);
        config.authority = authority.map(Path::to_owned);
        PostgresStore::open(config, Arc::new(|_| {}))
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

#[test]
fn the_database_is_spoken_to_over_tls_once_its_certificate_is_checked() {
    let guarded = Guarded::start();
    let store = guarded.open("localhost", "", Some(&guarded.authority("ca.pem"))).expect("opens");
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = 'roomcast-core' AND NOT ssl";
    let all = plain.replace("AND NOT ssl", "AND ssl");
    assert_eq!(guarded.server.say(plain), "0");
    assert_ne!(guarded.server.say(&all), "0");
    drop(store);
}

#[test]
fn a_database_that_cannot_show_who_it_is_is_refused() {
    let guarded = Guarded::start();
    let ca = guarded.authority("ca.pem");
    let refused = |opened: Result<PostgresStore, OpenError>| match opened {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    };
    let strange = refused(guarded.open("localhost", "", Some(&guarded.authority("other.pem"))));
    assert!(strange.contains("invalid peer certificate"), "{strange}");
    let elsewhere = refused(guarded.open("database.example", "", Some(&ca)));
    assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
    let unchecked = refused(guarded.open("localhost", "&sslmode=require", None));
    assert!(unchecked.contains("--store-ca"), "{unchecked}");
    let plain = refused(guarded.open("localhost", "", None));
    assert!(plain.contains("no encryption"), "{plain}");
    let server = Postgres::start();
    let mut config = PostgresConfig::new(server.url());
    config.authority = Some(ca);
    let deaf = refused(PostgresStore::open(config, Arc::new(|_| {})));
    assert!(deaf.contains("TLS"), "{deaf}");
}
