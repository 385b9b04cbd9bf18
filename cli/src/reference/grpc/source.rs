//! Comments of the sources, by what they stand above.

use std::collections::BTreeMap;

use prost_types::FileDescriptorProto;

/// The comments of one file.
pub(super) struct Comments<'a>(BTreeMap<&'a [i32], &'a str>);

impl<'a> Comments<'a> {
    pub(super) fn of(file: &'a FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        Self(locations.map(|one| (one.path.as_slice(), one.leading_comments())).collect())
    }

    /// What stands above; nothing where there is no comment.
    pub(super) fn at(&self, path: &[i32]) -> &'a str {
        self.0.get(path).copied().unwrap_or_default()
    }
}
