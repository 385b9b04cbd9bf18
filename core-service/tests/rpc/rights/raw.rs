//! A call of any name, with a message of bytes.

use bytes::{Buf as _, BufMut as _, Bytes};
use futures::stream;
use http::uri::PathAndQuery;
use roomcast_proto::registry::Code;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::credential::Credentials;
use crate::core::{Core, request};

/// The first message of the answer; nothing of a stream, which may have none yet.
pub(super) async fn call(
    core: &Core,
    (path, is_stream): (PathAndQuery, bool),
    message: &[u8],
    credentials: &Credentials,
) -> Result<Vec<u8>, Code> {
    let Credentials { service, user } = credentials;
    let mut grpc = Grpc::new(core.channel());
    grpc.ready().await.expect("a channel");
    let said = stream::iter([Bytes::copy_from_slice(message)]);
    let asked = request(said, service.as_deref(), user.as_deref());
    let code = |status: Status| Code::of(&status);
    let mut answer = grpc.streaming(asked, path, Plain).await.map_err(code)?.into_inner();
    if is_stream {
        return Ok(Vec::new());
    }
    let answer = answer.message().await.map_err(code)?;
    Ok(answer.expect("an answer").to_vec())
}

/// Messages as they travel.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Plain;
    type Decoder = Plain;

    fn encoder(&mut self) -> Plain {
        Plain
    }

    fn decoder(&mut self) -> Plain {
        Plain
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
