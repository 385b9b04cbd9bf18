//! Certificates: whom a program takes for a core, and what it shows of itself.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// For `https` URLs. Beside a plain one it is refused: nothing would be checked there, and nothing shown,
/// and whoever set it believes otherwise. `Debug` shows nothing of the key.
#[derive(Clone, Default)]
pub struct Tls {
    authority: Option<Certificate>,
    identity: Option<Identity>,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("{} cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// It holds something else, such as the key in the certificate's place.
    #[error("{} holds no {wanted} as PEM", .path.display())]
    Another {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        wanted: &'static str,
    },
}

impl Tls {
    /// Reads PEM files: the authority that signed the cores' certificates, and the program's own
    /// certificate with its key.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(
        authority: Option<&Path>,
        identity: Option<(&Path, &Path)>,
    ) -> Result<Self, FileError> {
        let mut tls = Self::default();
        if let Some(authority) = authority {
            tls = tls.authority(read(authority, "CERTIFICATE")?);
        }
        if let Some((certificate, key)) = identity {
            tls = tls.identity(read(certificate, "CERTIFICATE")?, read(key, "PRIVATE KEY")?);
        }
        Ok(tls)
    }

    /// PEM of the authority that signed the cores' certificates.
    #[must_use]
    pub fn authority(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.authority = Some(Certificate::from_pem(pem));
        self
    }

    /// PEM of this program's own certificate and its key.
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity = Some(Identity::from_pem(certificate, key));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.authority.is_none() && self.identity.is_none()
    }

    /// None without an authority: no core's certificate would be good.
    pub(crate) fn config(&self) -> Option<ClientTlsConfig> {
        let config = ClientTlsConfig::new().ca_certificate(self.authority.clone()?);
        Some(match &self.identity {
            Some(identity) => config.identity(identity.clone()),
            None => config,
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (authority, identity) = (self.authority.is_some(), self.identity.is_some());
        let mut shown = formatter.debug_struct("Tls");
        shown.field("authority", &authority).field("identity", &identity).finish()
    }
}

/// A file with a block whose label ends in `wanted`: an authority that is no PEM would be taken for one
/// that has signed nothing, and every core be refused.
fn read(path: &Path, wanted: &'static str) -> Result<Vec<u8>, FileError> {
    let path = path.to_owned();
    match std::fs::read(&path) {
        Ok(pem) if String::from_utf8_lossy(&pem).contains(&format!("{wanted}-----")) => Ok(pem),
        Ok(_) => Err(FileError::Another { path, wanted }),
        Err(reason) => Err(FileError::Unreadable { path, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_shown() {
        let shown = format!("{:?}", Tls::default().identity("certificate", "secret"));
        assert_eq!(shown, "Tls { authority: false, identity: true }");
    }

    #[test]
    fn a_file_that_holds_something_else_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key, gone] =
            ["own.pem", "own.key", "gone"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\n").unwrap();
        std::fs::write(&key, "-----BEGIN EC PRIVATE KEY-----\n").unwrap();
        assert!(Tls::read(Some(&certificate), Some((&certificate, &key))).is_ok());
        assert!(Tls::read(None, None).unwrap().is_empty());
        let told = |tls: Result<Tls, FileError>| tls.unwrap_err().to_string();
        assert!(told(Tls::read(Some(&key), None)).contains("own.key holds no CERTIFICATE"));
        let swapped = Tls::read(None, Some((&certificate, &certificate)));
        assert!(told(swapped).contains("own.pem holds no PRIVATE KEY"));
        assert!(told(Tls::read(Some(&gone), None)).contains("gone cannot be read"));
    }
}
