//! Types of fields in words.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

use crate::reference::markdown::{code, link};

/// The type of a field, with a link where it is of this package.
pub(super) fn kind(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let entry = message
        .nested_type
        .iter()
        .find(|inner| is_map(inner) && field.type_name().ends_with(&format!(".{}", inner.name())));
    if let Some([key, value]) = entry.map(|entry| entry.field.as_slice()) {
        return format!("map of {} to {}", name(key), name(value));
    }
    let name = name(field);
    let choice =
        usize::try_from(field.oneof_index()).ok().and_then(|at| message.oneof_decl.get(at));
    match choice {
        _ if field.label() == Label::Repeated => format!("list of {name}"),
        _ if field.proto3_optional() => format!("{name}, optional"),
        Some(choice) if field.oneof_index.is_some() => {
            format!("{name}, one of {}", code(choice.name()))
        }
        Some(_) | None => name,
    }
}

/// Whether a message is there only to hold the entries of a map.
pub(super) fn is_map(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

/// A type's name without its package.
pub(super) fn short(name: &str) -> &str {
    name.trim_start_matches('.').trim_start_matches("roomcast.v1.")
}

fn name(field: &FieldDescriptorProto) -> String {
    if matches!(field.r#type(), Type::Message | Type::Enum) {
        let name = short(field.type_name());
        return match name.strip_prefix("google.protobuf.") {
            Some(known) => known.to_owned(),
            None => link(&code(name), "", name),
        };
    }
    field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase()
}
