//! Content from the command line: a text, `@file`, or `-` for standard input.

use std::io::Read as _;

use anyhow::Context as _;
use bytes::Bytes;
use roomcast_proto::v1::Payload;

use crate::failure::Failure;

const JSON: &str = "application/json";
/// What the core takes as one payload.
const CONTENT_BYTES_MAX: usize = 1 << 20;

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
    // What was cut off must not be told as broken JSON.
    if data.len() > CONTENT_BYTES_MAX {
        let most = CONTENT_BYTES_MAX >> 20;
        return Err(Failure::Usage(format!(
            "the content is larger than {most} MiB; send it in parts"
        )));
    }
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
    // A byte more, which says that it is too much.
    source.take(CONTENT_BYTES_MAX as u64 + 1).read_to_end(&mut data)?;
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
    fn content_that_is_too_large_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, format!("\"{}\"", "a".repeat(CONTENT_BYTES_MAX))).unwrap();
        let refused = read(&format!("@{}", path.display()), None).unwrap_err();
        assert!(refused.to_string().contains("larger than 1 MiB"), "{refused}");
    }

    #[test]
    fn what_is_no_json_is_told_before_anything_is_sent() {
        for argument in ["{", "", "plain", "@/nowhere"] {
            assert!(read(argument, None).is_err(), "{argument}");
        }
    }
}
