//! Certificates of a core and of those who come to it.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use roomcast_core::Config;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::core::Core;

/// An authority, and what it has signed.
pub(crate) struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Pki {
        let mut params = CertificateParams::new(Vec::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Pki { authority: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    /// Its own certificate.
    pub(crate) fn authority(&self) -> CertificateDer<'static> {
        self.authority.der().clone()
    }

    fn issue(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("params");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn client(&self) -> Identity {
        let (certificate, key) = self.issue("worker-1");
        Identity::from_pem(certificate, key)
    }

    pub(crate) fn install(&self, config: &mut Config, folder: &Path) {
        let (certificate, key) = self.issue("localhost");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("written");
            Some(path)
        };
        config.core_tls_cert = write("cert.pem", &certificate);
        config.core_tls_key = write("key.pem", &key);
        config.core_client_ca = write("ca.pem", &self.authority.pem());
    }

    /// A way to a core that it has signed, with what this side shows.
    pub(crate) fn connect(&self, core: &Core, identity: Option<Identity>) -> Channel {
        let authority = Certificate::from_pem(self.authority.pem());
        let mut tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        if let Some(identity) = identity {
            tls = tls.identity(identity);
        }
        let endpoint = Endpoint::from_shared(core.url.clone()).expect("a url");
        endpoint.tls_config(tls).expect("tls").connect_lazy()
    }
}
