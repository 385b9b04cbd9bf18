//! TLS for edges, workers and services, who may show a certificate of their own.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// What is spoken above TLS.
const HTTP_2: &[u8] = b"h2";

/// The certificate that is served, and whose are taken. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// With the certificate chain and the key of PEM files, and an authority whose certificates are taken.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not belong together.
    pub(crate) fn load(
        certificate: &Path,
        key: &Path,
        authority: Option<&Path>,
    ) -> anyhow::Result<Tls> {
        let clients = authority.map(read).transpose()?;
        let config = config(&read(certificate)?, &read(key)?, clients.as_deref());
        let config = config.with_context(|| {
            let files = [Some(certificate), Some(key), authority].into_iter().flatten();
            let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
            format!("TLS with {} is not possible", files.join(", "))
        })?;
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// The handshake of a new connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// Whether the peer has shown a certificate, which the handshake has checked.
pub(super) fn is_certified(stream: &TlsStream<TcpStream>) -> bool {
    let (_, session) = stream.get_ref();
    session.peer_certificates().is_some_and(|chain| !chain.is_empty())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn config(certificate: &[u8], key: &[u8], clients: Option<&[u8]>) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(chain(pem).context("the authority is not PEM")?);
            // A service token opens the door as well.
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                .allow_unauthenticated()
                .build()
                .context("the authority is none")?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(key).context("the key is not PEM")?;
    let mut config = builder
        .with_single_cert(chain(certificate).context("the certificate is not PEM")?, key)
        .context("certificate and key do not belong together")?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(config)
}

fn chain(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    Ok(CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?)
}
