//! grpc.md: services and messages with their comments, from the contract's descriptors.

mod field;
mod source;

use prost::Message as _;
use prost_types::method_options::IdempotencyLevel;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto,
};
use roomcast_core::auth::Row;
use roomcast_core::service::table::TABLE;
use roomcast_proto::FILE_DESCRIPTOR_SET;

use self::source::Comments;
use super::markdown::{code, line, link, prose, table};

const HEAD: &str = "\
# gRPC

Services and messages of the package `roomcast.v1`, with the comments of their sources in
[`proto/roomcast/v1`](../../proto/roomcast/v1). [The protocol](../PROTOCOL.md#grpc) says what goes with a call as
metadata, and how streams are read; [the errors](../ERRORS.md) have each code with its status. A call that is marked
*safe to repeat* may be made again when no answer came.

";
const RIGHTS: &str = "\
## Who may call what

The core lets a call in by its row here, before anything is done: who may make it at all, the tenant over which it
speaks, and what it is about with the right to that. A service calls in its own name when no user's token comes along;
scope `admin` is every scope, and a user's role counts in the user's own tenant alone. In a project an editor may
what a viewer may, and an owner both. The role `admin`, and scope `service`, are an owner everywhere; the role `auditor` is
a viewer. What somebody may not even look at is not found.

";
const PACKAGE: &str = "roomcast.v1";
/// Numbers of fields in descriptor.proto, of which the path to a comment is made.
const MESSAGES: i32 = 4;
const ENUMS: i32 = 5;
const SERVICES: i32 = 6;
const MEMBERS: i32 = 2;
const INNER_MESSAGES: i32 = 3;
const INNER_ENUMS: i32 = 4;

pub(super) fn page() -> String {
    // The set was made by the build of this program; a page without services fails its test.
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
    let files: Vec<_> = set.file.iter().filter(|file| file.package() == PACKAGE).collect();
    let mut page = String::from(HEAD);
    page.push_str(&table(["service", "calls"], files.iter().flat_map(|file| contents(file))));
    page.push_str(RIGHTS);
    page.push_str(&table(["call", "who", "tenant", "about"], TABLE.iter().map(right)));
    files.iter().for_each(|file| services(file, &mut page));
    page.push_str("## Messages\n\n");
    files.iter().for_each(|file| types(file, &mut page));
    format!("{}\n", page.trim_end())
}

fn contents(file: &FileDescriptorProto) -> Vec<[String; 2]> {
    let row = |service: &prost_types::ServiceDescriptorProto| {
        let calls = service.method.iter().map(|method| {
            link(method.name(), "", &format!("{}.{}", service.name(), method.name()))
        });
        [link(service.name(), "", service.name()), calls.collect::<Vec<_>>().join(" ")]
    };
    file.service.iter().map(row).collect()
}

fn right(row: &Row) -> [String; 4] {
    let Row { service, call, who, over, on } = row;
    let name = format!("{service}.{call}");
    [link(&name, "", &name), who.to_string(), over.to_string(), on.to_string()]
}

fn services(file: &FileDescriptorProto, page: &mut String) {
    let comments = Comments::of(file);
    for (service, at) in file.service.iter().zip(0..) {
        page.push_str(&format!("## {}\n\n", service.name()));
        page.push_str(&prose(comments.at(&[SERVICES, at])));
        for (method, number) in service.method.iter().zip(0..) {
            let comment = comments.at(&[SERVICES, at, MEMBERS, number]);
            page.push_str(&call(service.name(), method, comment));
        }
    }
}

fn call(service: &str, method: &MethodDescriptorProto, comment: &str) -> String {
    let side = |is_stream: bool, name: &str| {
        let name = field::short(name);
        let stream = if is_stream { "stream of " } else { "" };
        format!("{stream}{}", link(&code(name), "", name))
    };
    let level = method.options.as_ref().map(|options| options.idempotency_level());
    let repeat = match level {
        Some(IdempotencyLevel::NoSideEffects | IdempotencyLevel::Idempotent) => {
            " · *safe to repeat*"
        }
        Some(IdempotencyLevel::IdempotencyUnknown) | None => "",
    };
    format!(
        "### {service}.{}\n\n{} → {}{repeat}\n\n{}",
        method.name(),
        side(method.client_streaming(), method.input_type()),
        side(method.server_streaming(), method.output_type()),
        prose(comment),
    )
}

fn types(file: &FileDescriptorProto, page: &mut String) {
    let comments = Comments::of(file);
    for (one, at) in file.message_type.iter().zip(0..) {
        message(one, "", &[MESSAGES, at], &comments, page);
    }
    for (one, at) in file.enum_type.iter().zip(0..) {
        page.push_str(&words(one, "", &[ENUMS, at], &comments));
    }
}

/// A message, and those inside it.
fn message(
    message: &DescriptorProto,
    outer: &str,
    path: &[i32],
    comments: &Comments<'_>,
    page: &mut String,
) {
    let name = format!("{outer}{}", message.name());
    let at = |field: i32, number: i32| [path, &[field, number]].concat();
    page.push_str(&format!("### {name}\n\n{}", prose(comments.at(path))));
    let rows = message.field.iter().zip(0..).map(|(field, number)| {
        let what = comments.at(&at(MEMBERS, number));
        [code(field.name()), field::kind(field, message), line(what)]
    });
    page.push_str(&table(["field", "type", "what"], rows));
    let outer = format!("{name}.");
    for (inner, number) in message.nested_type.iter().zip(0..) {
        if !field::is_map(inner) {
            self::message(inner, &outer, &at(INNER_MESSAGES, number), comments, page);
        }
    }
    for (inner, number) in message.enum_type.iter().zip(0..) {
        page.push_str(&words(inner, &outer, &at(INNER_ENUMS, number), comments));
    }
}

fn words(one: &EnumDescriptorProto, outer: &str, path: &[i32], comments: &Comments<'_>) -> String {
    let rows = one.value.iter().zip(0..).map(|(value, number)| {
        let what = comments.at(&[path, &[MEMBERS, number]].concat());
        [code(value.name()), value.number().to_string(), line(what)]
    });
    let table = table(["word", "number", "what"], rows);
    format!("### {outer}{}\n\n{}{table}", one.name(), prose(comments.at(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_call_and_message_is_there_with_what_its_source_says() {
        let page = page();
        for says in [
            "\n## JobService\n",
            "\n### JobService.Work\n\nstream of [`WorkRequest`](#workrequest) → stream of [`WorkResponse`](#workresponse)\n",
            "[`GetJobResponse`](#getjobresponse) · *safe to repeat*\n",
            "\n### Job\n\nJob is a piece of long work as it stands.\n",
            "| `job_id` | string | Output only. Unique, chosen by the core. |",
            "| `labels` | map of string to string |",
        ] {
            assert!(page.contains(says), "the page does not say {says}");
        }
        for name in ["AccessService", "BroadcastService", "SessionService", "UserService"] {
            assert!(page.contains(&format!("\n## {name}\n")), "{name}");
        }
    }
}
