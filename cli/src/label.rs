//! `key=value` on the command line.

use std::collections::BTreeMap;
use std::str::FromStr;

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    key: String,
    value: String,
}

impl Label {
    pub(crate) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Label::new(key, value)),
            Some(_) | None => Err(format!("`{text}` is no label; write key=value")),
        }
    }
}

/// As the contract carries them. The last of a key stands.
pub(crate) fn map(labels: impl IntoIterator<Item = Label>) -> BTreeMap<String, String> {
    labels.into_iter().map(|label| (label.key, label.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_split_at_its_first_equals_sign() {
        assert_eq!("a=b=c".parse(), Ok(Label::new("a", "b=c")));
        assert_eq!("a=".parse(), Ok(Label::new("a", "")));
        assert!("a".parse::<Label>().is_err());
        assert!("=b".parse::<Label>().is_err());
    }
}
