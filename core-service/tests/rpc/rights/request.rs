//! Requests that name what there is: each field by its name, as the contract's descriptors tell.

use std::collections::BTreeMap;

use http::uri::PathAndQuery;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::Type;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
};
use roomcast_proto::FILE_DESCRIPTOR_SET;

use super::world::{TENANT, World};

/// What a field of this name says, of whichever request.
const WORDS: &[(&str, &str)] = &[
    ("tenant", TENANT),
    ("name", "something"),
    ("kind", "x"),
    ("kinds", "x"),
    ("prompt", "hello"),
    ("room", "lobby"),
    ("rooms", "lobby"),
    ("user_id", "vic"),
    ("token_id", "none"),
    ("edge_id", "edge"),
    ("worker_id", "worker"),
    ("connection_id", "connection"),
    ("revocation_id", "none"),
    ("ticket", "none"),
    ("type", "said"),
    ("data", "{}"),
];

/// Messages inside a request that say something.
const INNER: &[&str] = &["event", "events", "payload", "member", "report", "held"];

/// Every call of the contract, and what its request may say.
pub(super) struct Filler {
    messages: BTreeMap<String, DescriptorProto>,
    calls: BTreeMap<String, (String, MethodDescriptorProto)>,
}

impl Filler {
    pub(super) fn new() -> Filler {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("descriptors");
        let (mut messages, mut calls) = (BTreeMap::new(), BTreeMap::new());
        for file in set.file.into_iter().filter(|file| file.package() == "roomcast.v1") {
            for message in file.message_type {
                messages.insert(format!(".roomcast.v1.{}", message.name()), message);
            }
            for service in file.service {
                for method in &service.method {
                    let path = format!("/roomcast.v1.{}/{}", service.name(), method.name());
                    calls.insert(method.name().to_owned(), (path, method.clone()));
                }
            }
        }
        Filler { messages, calls }
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &str> {
        self.calls.keys().map(String::as_str)
    }

    /// Where a call goes, and whether its answer is a stream.
    pub(super) fn path(&self, call: &str) -> (PathAndQuery, bool) {
        let (path, method) = &self.calls[call];
        (path.parse().expect("a path"), method.server_streaming())
    }

    /// A call's request about a world.
    pub(super) fn message(&self, call: &str, world: &World, otherwise: &[(&str, &str)]) -> Vec<u8> {
        let said = |field: &str| {
            let own = otherwise.iter().find(|(name, _)| *name == field);
            let fixed = own.or_else(|| WORDS.iter().find(|(name, _)| *name == field));
            fixed.map(|(_, text)| world.says(text)).or_else(|| world.id(field))
        };
        self.filled(self.calls[call].1.input_type(), &said)
    }

    fn filled(&self, message: &str, said: &impl Fn(&str) -> Option<String>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in &self.messages[message].field {
            if field.r#type() == Type::Enum && field.name() == "role" {
                encode_key(field.number().cast_unsigned(), WireType::Varint, &mut bytes);
                encode_varint(1, &mut bytes);
            }
            let Some(text) = self.value(field, said) else { continue };
            encode_key(field.number().cast_unsigned(), WireType::LengthDelimited, &mut bytes);
            encode_varint(text.len() as u64, &mut bytes);
            bytes.extend(text);
        }
        bytes
    }

    fn value(
        &self,
        field: &FieldDescriptorProto,
        said: &impl Fn(&str) -> Option<String>,
    ) -> Option<Vec<u8>> {
        if matches!(field.r#type(), Type::String | Type::Bytes) {
            return said(field.name()).map(String::into_bytes);
        }
        INNER.contains(&field.name()).then(|| self.filled(field.type_name(), said))
    }
}
