//! What the model is told.

use super::context::Files;
use crate::model::{Speaker, Turn};

/// How an answer must look for its patch to be found.
const RULES: &str = "You change the files of a software project. Answer in a few sentences, then give \
one unified diff in a fenced block that begins with ```diff. Paths in the diff are relative to the \
project's root, with the prefixes a/ and b/; a new file comes from /dev/null. The diff must apply \
with `git apply` to the files exactly as they are shown.";

pub(super) fn turns(prompt: &str, files: &Files) -> Vec<Turn> {
    let mut content = String::new();
    if !files.names.is_empty() {
        content.push_str("The project's files:\n");
        for name in &files.names {
            content.push_str(name);
            content.push('\n');
        }
        content.push('\n');
    }
    for (name, text) in &files.shown {
        content.push_str(&format!("<file path=\"{name}\">\n{text}</file>\n\n"));
    }
    content.push_str(prompt);
    vec![
        Turn { role: Speaker::System, content: RULES.to_owned() },
        Turn { role: Speaker::User, content },
    ]
}
