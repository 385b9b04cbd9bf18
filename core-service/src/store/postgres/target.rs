//! Where the database is and how it is spoken to.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::OpenError;
use super::failure::{Failure, Trouble, told};
use crate::store::Error;

/// A host that does not take the connection is given up for the next one that the address names.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Bytes that nobody acknowledges for so long end a connection, and with it a lane's wait.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Where PostgreSQL listens if the address does not say.
const PORT: u16 = 5432;

/// The part of an address that is ours: `?pooling=transaction`.
const POOLING: &str = "pooling=";

/// An address, read.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) security: Security,
    pub(super) pooling: Pooling,
}

/// For how long a connection is to one process of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// For as long as it lasts: no pooler, or one that carries prepared statements along.
    Session,
    /// For a transaction: what is prepared must not outlive it.
    Transaction,
}

/// How the bytes travel.
#[derive(Clone)]
pub(super) enum Security {
    /// As they are.
    None,
    /// Inside TLS, with the server's certificate checked.
    Tls(MakeRustlsConnect),
}

impl Target {
    /// Reads an address. `authority` signed the server's certificate.
    pub(super) fn new(url: &str, authority: Option<&Path>) -> Result<Target, OpenError> {
        let (url, pooling) = pooling(url)?;
        let mut config = Config::from_str(&url).map_err(OpenError::Address)?;
        config.connect_timeout(CONNECT_MAX).tcp_user_timeout(SILENCE_MAX);
        config.application_name("roomcast-core");
        // Of several hosts, the one that takes writes: after a fail-over that is another one.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let security = match (authority, config.get_ssl_mode()) {
            (Some(authority), _) => {
                config.ssl_mode(SslMode::Require);
                Security::Tls(MakeRustlsConnect::new(tls(authority)?))
            }
            (None, SslMode::Require) => return Err(OpenError::NoAuthority),
            (None, _) => Security::None,
        };
        Ok(Target { config, security, pooling })
    }

    /// Where it is, for people: hosts, ports and the database's name, and nothing that is secret.
    pub(super) fn place(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).unwrap_or(&PORT);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("{}/{database}", hosts.join(","))
    }
}

impl OpenError {
    /// Whether it is the settings that are wrong, whatever the database does.
    #[must_use]
    pub fn is_of_settings(&self) -> bool {
        match self {
            OpenError::Address(_)
            | OpenError::Pooling(_)
            | OpenError::NoAuthority
            | OpenError::Authority { .. } => true,
            OpenError::NewerSchema { .. }
            | OpenError::Unreachable { .. }
            | OpenError::Database(_)
            | OpenError::Thread(_) => false,
        }
    }

    /// Nobody is let in at a target.
    pub(super) fn unreachable(target: &Target, trouble: Trouble) -> OpenError {
        let told = told(Failure::Engine(trouble));
        let reason = if let Error::Unavailable(reason) = told { reason } else { told.to_string() };
        OpenError::Unreachable { place: target.place(), reason }
    }
}

/// Takes what is ours out of an address.
fn pooling(url: &str) -> Result<(String, Pooling), OpenError> {
    let Some((place, parameters)) = url.split_once('?') else {
        return Ok((url.to_owned(), Pooling::Session));
    };
    let (own, others): (Vec<_>, Vec<_>) =
        parameters.split('&').partition(|one| one.starts_with(POOLING));
    let pooling = match own.last().map(|one| &one[POOLING.len()..]) {
        None | Some("session") => Pooling::Session,
        Some("transaction") => Pooling::Transaction,
        Some(other) => return Err(OpenError::Pooling(other.to_owned())),
    };
    Ok((format!("{place}?{}", others.join("&")), pooling))
}

fn tls(authority: &Path) -> Result<ClientConfig, OpenError> {
    let unusable = |reason: String| OpenError::Authority { path: PathBuf::from(authority), reason };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(authority);
    for certificate in certificates.map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".into()));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::{PostgresConfig, PostgresStore};

    #[test]
    fn a_place_is_told_with_its_ports_and_without_its_password() {
        for (url, place) in [
            ("postgres://ana:secret@db/rooms", "db:5432/rooms"),
            ("postgres://ana:secret@a:1,b:2/rooms?pooling=transaction", "a:1,b:2/rooms"),
            ("postgres://ana:secret@db:6432", "db:6432/ana"),
        ] {
            assert_eq!(Target::new(url, None).expect(url).place(), place);
        }
    }

    #[test]
    fn a_database_that_nobody_reaches_is_told_with_its_place_and_the_mend() {
        let config = PostgresConfig::new("postgres://ana:secret@127.0.0.1:1/rooms");
        let opened = PostgresStore::open(config, Arc::new(|_| {}));
        let told = opened.map(drop).expect_err("nobody is there").to_string();
        for says in ["127.0.0.1:1/rooms", "onnection refused", "ROOMCAST_STORE"] {
            assert!(told.contains(says), "{told}");
        }
        assert!(!told.contains("secret"), "{told}");
    }
}
