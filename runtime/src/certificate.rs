//! When a certificate is over: what it serves well until then turns everybody away a second later.

use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// When a certificate (DER) is over, in seconds since 1970; none where it cannot be read.
#[must_use]
pub fn end(der: &[u8]) -> Option<f64> {
    let certificate = Certificate::from_der(der).ok()?;
    Some(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_and_that_of_anything_else_is_not() {
        let mut params = CertificateParams::new(vec!["edge.test".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(2031, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        assert_eq!(end(certificate.der()), Some(1_924_992_000.0));
        assert_eq!(end(b"no certificate"), None);
    }
}
