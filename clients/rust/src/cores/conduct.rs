//! How a call may be treated, as the contract says: whether it streams, and whether it may be repeated.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::method_options::IdempotencyLevel;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

/// Put into a request's extensions, it says that the request may be sent twice: it carries an
/// idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable;

/// How one method may be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conduct {
    /// One message each way.
    Call {
        /// Whether a call whose outcome is not known may be made again.
        repeats: bool,
    },
    /// A stream, one way or both: it belongs to one core as long as it lasts.
    Stream,
}

/// The methods of the contract, by the path of their calls.
#[derive(Debug)]
pub(super) struct Contract(HashMap<String, Conduct>);

impl Contract {
    /// As the descriptors say it that the contract was compiled to.
    pub(super) fn read() -> Contract {
        let files = FileDescriptorSet::decode(roomcast_proto::FILE_DESCRIPTOR_SET);
        let mut conducts = HashMap::new();
        for file in files.unwrap_or_default().file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    conducts.insert(path, conduct(method));
                }
            }
        }
        Contract(conducts)
    }

    /// What is not of the contract is not known to end: a stream.
    pub(super) fn conduct(&self, path: &str) -> Conduct {
        self.0.get(path).copied().unwrap_or(Conduct::Stream)
    }
}

fn conduct(method: &MethodDescriptorProto) -> Conduct {
    if method.client_streaming() || method.server_streaming() {
        return Conduct::Stream;
    }
    let level = method.options.as_ref().map(|options| options.idempotency_level());
    let repeats = match level.unwrap_or_default() {
        IdempotencyLevel::NoSideEffects | IdempotencyLevel::Idempotent => true,
        IdempotencyLevel::IdempotencyUnknown => false,
    };
    Conduct::Call { repeats }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_repeated_writes_are_not_and_streams_stay_where_they_are() {
        let contract = Contract::read();
        for (path, conduct) in [
            ("/roomcast.v1.JobService/GetJob", Conduct::Call { repeats: true }),
            ("/roomcast.v1.JobService/ReportJob", Conduct::Call { repeats: true }),
            ("/roomcast.v1.BroadcastService/Join", Conduct::Call { repeats: true }),
            ("/roomcast.v1.JobService/CancelJob", Conduct::Call { repeats: true }),
            ("/roomcast.v1.SessionService/CloseSession", Conduct::Call { repeats: true }),
            ("/roomcast.v1.AccessService/Revoke", Conduct::Call { repeats: true }),
            ("/roomcast.v1.AccessService/RecordDisconnect", Conduct::Call { repeats: true }),
            // Who is away already, or was never there, is answered otherwise than who goes.
            ("/roomcast.v1.SessionService/RemoveMember", Conduct::Call { repeats: false }),
            ("/roomcast.v1.SessionService/DeleteProject", Conduct::Call { repeats: false }),
            ("/roomcast.v1.AccessService/LiftRevocation", Conduct::Call { repeats: false }),
            ("/roomcast.v1.UserService/DeleteUser", Conduct::Call { repeats: false }),
            // A ticket is spent once.
            ("/roomcast.v1.AccessService/SpendTicket", Conduct::Call { repeats: false }),
            ("/roomcast.v1.BroadcastService/Publish", Conduct::Call { repeats: false }),
            ("/roomcast.v1.SessionService/ExecuteCommand", Conduct::Call { repeats: false }),
            ("/roomcast.v1.JobService/Work", Conduct::Stream),
            ("/roomcast.v1.BroadcastService/Subscribe", Conduct::Stream),
            ("/roomcast.v1.SessionService/WatchSession", Conduct::Stream),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Conduct::Stream),
        ] {
            assert_eq!(contract.conduct(path), conduct, "{path}");
        }
        let reads = |path: &&String| {
            let method = path.rsplit('/').next().unwrap_or_default();
            ["Get", "List", "Check"].iter().any(|verb| method.starts_with(verb))
        };
        for path in contract.0.keys().filter(reads) {
            assert_eq!(contract.conduct(path), Conduct::Call { repeats: true }, "{path}");
        }
    }
}
