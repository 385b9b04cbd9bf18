//! The PROXY protocol, version 2: a trusted proxy says before anything else whose connection it passes on.

use std::net::{IpAddr, SocketAddr};

use ppp::v2::{Addresses, Command, Header, ParseError};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The signature, the version, the family and the length.
const FIXED_BYTES: usize = 16;
/// Addresses and whatever a proxy adds to them, such as names of TLS: a few hundred bytes in practice.
const REST_BYTES_MAX: usize = 2048;

/// Why a header is not one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection ended inside of it.
    #[error("the connection ended before its header was whole")]
    Io(#[from] std::io::Error),
    /// It says that more follows than any proxy writes.
    #[error("the header is longer than {REST_BYTES_MAX} bytes")]
    TooLong,
    /// It is not version 2, or damaged.
    #[error("the header is not of version 2 of the protocol: {0}")]
    Malformed(#[from] ParseError),
}

/// Reads a connection's header and no byte beyond it. Nothing when the proxy speaks for itself, as it
/// does to look whether the edge is there.
///
/// # Errors
/// [`Error`] when what comes is no header of version 2.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut bytes = vec![0; FIXED_BYTES];
    stream.read_exact(&mut bytes).await?;
    // The signature is judged before the length is believed.
    match Header::try_from(&bytes[..]) {
        Ok(_) | Err(ParseError::Partial(..)) => {}
        Err(error) => return Err(error.into()),
    }
    let rest = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if rest > REST_BYTES_MAX {
        return Err(Error::TooLong);
    }
    bytes.resize(FIXED_BYTES + rest, 0);
    stream.read_exact(&mut bytes[FIXED_BYTES..]).await?;
    source(&bytes)
}

/// Whose connection a whole header speaks of.
///
/// # Errors
/// [`Error::Malformed`].
pub fn source(header: &[u8]) -> Result<Option<SocketAddr>, Error> {
    let header = Header::try_from(header)?;
    if header.command == Command::Local {
        return Ok(None);
    }
    Ok(match header.addresses {
        Addresses::IPv4(pair) => {
            Some(SocketAddr::new(IpAddr::V4(pair.source_address), pair.source_port))
        }
        Addresses::IPv6(pair) => {
            Some(SocketAddr::new(IpAddr::V6(pair.source_address).to_canonical(), pair.source_port))
        }
        Addresses::Unspecified | Addresses::Unix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    /// 198.51.100.7:4711 to 10.0.0.1:443.
    const IPV4: [u8; 12] = [198, 51, 100, 7, 10, 0, 0, 1, 0x12, 0x67, 1, 0xbb];

    #[tokio::test]
    async fn a_header_is_read_to_its_end_and_no_further() {
        let mut bytes = header(0x21, 0x11, &IPV4);
        bytes.extend_from_slice(b"GET / HTTP/1.1");
        let mut stream = &bytes[..];
        let source = read(&mut stream).await.unwrap();
        assert_eq!(source, Some("198.51.100.7:4711".parse().unwrap()));
        assert_eq!(stream, b"GET / HTTP/1.1");
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let foreign = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
        let first_version = b"PROXY TCP4 198.51.100.7 10.0.0.1 4711 443\r\n".to_vec();
        let mut too_long = header(0x21, 0x11, &IPV4);
        too_long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        let cut = header(0x21, 0x11, &IPV4)[..20].to_vec();
        let too_short = header(0x21, 0x11, &IPV4[..11]);
        let no_version = header(0x11, 0x11, &IPV4);
        let no_family = header(0x21, 0x71, &IPV4);
        for bytes in [foreign, first_version, too_long, cut, too_short, no_version, no_family] {
            assert!(read(&mut &bytes[..]).await.is_err(), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_proxy_that_speaks_for_itself_names_nobody() {
        for bytes in [header(0x20, 0, &[]), header(0x20, 0x11, &IPV4), header(0x21, 0, &[])] {
            assert_eq!(read(&mut &bytes[..]).await.unwrap(), None);
        }
    }
}
