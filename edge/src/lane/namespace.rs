//! Namespaces of Socket.IO, as lanes tell them apart, and the two packets that open one.

/// A namespace that is served. One connection may carry both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// Where every event has its full name.
    Root,
    /// Where a session's events have short names.
    Graph,
}

/// What a mark says: an event's text that no event of a topic has, for it has no payload.
pub(crate) const MARK: &str = r#"["roomcast:lane"]"#;

/// What the text of a message from Socket.IO means to its lane.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The answer to CONNECT.
    Connected(Namespace),
    /// All that was queued before it has passed: it is for the lane alone.
    Mark(Namespace),
    /// The answer to the probe of a transport that does not carry its session yet.
    Probe,
    /// Nothing.
    Other,
}

impl Namespace {
    pub(crate) const ALL: [Self; 2] = [Self::Root, Self::Graph];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Graph => "/graph",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.name() == name)
    }

    /// What stands between a packet's type and its content.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Graph => "/graph,",
        }
    }

    /// Its bit in a set of namespaces.
    pub(super) fn bit(self) -> u8 {
        match self {
            Self::Root => 1,
            Self::Graph => 2,
        }
    }

    /// Splits a packet's namespace from its content.
    pub(super) fn split(packet: &str) -> Option<(Self, &str)> {
        let (name, content) = match packet.split_once(',') {
            Some((name, content)) if packet.starts_with('/') => (name, content),
            Some(_) | None => ("/", packet),
        };
        Some((Self::named(name)?, content))
    }
}

impl Meaning {
    /// Of the text of one Engine.IO packet.
    pub(super) fn of(text: &str) -> Self {
        if text == "3probe" {
            return Self::Probe;
        }
        if let Some((namespace, _)) = text.strip_prefix("40").and_then(Namespace::split) {
            return Self::Connected(namespace);
        }
        match text.strip_prefix("42").and_then(Namespace::split) {
            Some((namespace, MARK)) => Self::Mark(namespace),
            Some(_) | None => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, meaning: Meaning) {
        assert_eq!(Meaning::of(text), meaning, "{text}");
    }

    #[test]
    fn packets_that_open_a_namespace_are_known() {
        check(r#"40{"sid":"x"}"#, Meaning::Connected(Namespace::Root));
        check("40", Meaning::Connected(Namespace::Root));
        check(r#"40/graph,{"sid":"x"}"#, Meaning::Connected(Namespace::Graph));
        check(r#"42/graph,["roomcast:lane"]"#, Meaning::Mark(Namespace::Graph));
        check(r#"40/elsewhere,{"sid":"x"}"#, Meaning::Other);
        check(r#"42["roomcast:lane"]"#, Meaning::Mark(Namespace::Root));
        check("3probe", Meaning::Probe);
    }

    #[test]
    fn nothing_else_opens_one() {
        check("2", Meaning::Other);
        check(r#"0{"sid":"x"}"#, Meaning::Other);
        check(r#"41"#, Meaning::Other);
        check("41/graph,", Meaning::Other);
        check(r#"44/graph,{"message":"40"}"#, Meaning::Other);
        check(r#"44{"message":"40"}"#, Meaning::Other);
        check(r#"42["roomcast:lane",{}]"#, Meaning::Other);
        check(r#"42["said",{"text":"40{\"sid\":\"x\"}"}]"#, Meaning::Other);
        check(r#"4217["roomcast:lane"]"#, Meaning::Other);
    }
}
