//! TLS for browsers, with certificates that are replaced while connections stand.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use roomcast_runtime::certificate;
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
    server::TlsStream,
};

use crate::metrics_page;

/// How often it is looked whether the files have changed: certificates are replaced days before they
/// are over.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What the edge speaks above TLS: WebSockets need it.
const HTTP_1_1: &[u8] = b"http/1.1";

/// The certificate that is served, and where it came from. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tls(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<Loaded>,
}

struct Loaded {
    acceptor: TlsAcceptor,
    /// When the certificate is over, in seconds since 1970.
    end: Option<f64>,
    /// What the files held.
    pem: (Vec<u8>, Vec<u8>),
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("certificate", &self.0.certificate)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// With the certificate chain and the key of these PEM files.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub(super) fn load(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let loaded = Loaded::from(read(certificate, key)?).with_context(|| {
            format!("TLS with {} and {} is not possible", certificate.display(), key.display())
        })?;
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(loaded),
        })))
    }

    /// The handshake of a new connection, with the certificate of this moment.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let acceptor = self.0.current.load().acceptor.clone();
        acceptor.accept(stream).await
    }

    /// Looks for new files, and at once at a SIGHUP. Never ends by itself.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub(super) async fn watch(&self) -> std::io::Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            metrics_page::certificate_ends("served", self.0.current.load().end);
            tokio::select! {
                _ = looks.tick() => {}
                _ = hangups.recv() => {}
            }
            let outcome = match self.reload() {
                Ok(false) => continue,
                Ok(true) => {
                    tracing::info!("a new certificate is served");
                    "ok"
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the new certificate is of no use; the old one is kept"
                    );
                    "failed"
                }
            };
            metrics::counter!("roomcast_edge_tls_reloads_total", "outcome" => outcome).increment(1);
        }
    }

    /// Serves what the files hold. Answers whether it is something else than before.
    fn reload(&self) -> anyhow::Result<bool> {
        let pem = read(&self.0.certificate, &self.0.key)?;
        if pem == self.0.current.load().pem {
            return Ok(false);
        }
        self.0.current.store(Arc::new(Loaded::from(pem)?));
        Ok(true)
    }
}

impl Loaded {
    fn from(pem: (Vec<u8>, Vec<u8>)) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_slice_iter(&pem.0)
            .collect::<Result<Vec<_>, _>>()
            .context("the certificate is not PEM")?;
        let key = PrivateKeyDer::from_pem_slice(&pem.1).context("the key is not PEM")?;
        let end = chain.first().and_then(|own| certificate::end(own));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("certificate and key do not belong together")?;
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), end, pem })
    }
}

/// Both files are small: blocking for them once in a while holds up nothing.
fn read(certificate: &Path, key: &Path) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok((read(certificate)?, read(key)?))
}
