//! A call of any name, with a message of bytes.

use bytes::Bytes;
use futures::stream;
use http::uri::PathAndQuery;
use roomcast_proto::registry::Code;
use roomcast_test_servers::Plain;
use tonic::Status;
use tonic::client::Grpc;

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
