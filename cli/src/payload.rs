//! Content from the command line: a text, `@file`, or `-` for standard input.

use std::io::Read as _;

use anyhow::Context as _;
use bytes::Bytes;
use roomcast_proto::v1::Payload;

use crate::failure::Failure;

const JSON: &str = "application/json";
/// The core takes 1 MiB; a little more is read to tell that it is too much.
const CONTENT_BYTES_MAX: u64 = (1 << 20) + 1;

/// Reads content that is given as an argument.
pub(crate) fn read(argument: &str, content_type: Option<&str>) -> Result<Payload, Failure> {
    let data = match argument {
        "-" => bounded(std::io::stdin()).context("standard input cannot be read")?,
        file if file.starts_with('@') => {
            let path = &file[1..];
            let opened = std::fs::File::open(path);
            opened.and_then(bounded).with_context(|| format!("{path} cannot be read"))?
        }
        text => text.as_bytes().to_vec(),
    };
    let content_type = content_type.unwrap_or(JSON);
    // Checked here to name the place; the core checks it again.
    if content_type == JSON
        && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&data)
    {
        return Err(Failure::Usage(format!("the content is no JSON: {error}")));
    }
    Ok(Payload { content_type: content_type.to_owned(), data: Bytes::from(data) })
}

fn bounded(source: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    source.take(CONTENT_BYTES_MAX).read_to_end(&mut data)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_a_text_or_a_file() {
        let payload = read(r#"{"a": 1}"#, None).unwrap();
        assert_eq!((payload.content_type.as_str(), &*payload.data), (JSON, &br#"{"a": 1}"#[..]));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, b"\x00\xff").unwrap();
        let file = format!("@{}", path.display());
        assert_eq!(read(&file, Some("application/octet-stream")).unwrap().data, &b"\x00\xff"[..]);
    }

    #[test]
    fn what_is_no_json_is_told_before_anything_is_sent() {
        for argument in ["{", "", "plain", "@/nowhere"] {
            assert!(read(argument, None).is_err(), "{argument}");
        }
    }
}
