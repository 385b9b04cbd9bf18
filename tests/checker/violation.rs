//! What contradicts the guarantees.

/// One contradiction, with the place where it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A topic was written or read whose log was not recorded.
    NoLog { topic: String },
    /// Two neighbours of a log are not next to each other.
    OffsetGap { topic: String, after: u64, found: u64 },
    /// One cursor names two events.
    CursorTwice { topic: String, offsets: (u64, u64) },
    /// A job's log goes on after its end, be it with a second one.
    AfterTheEnd { topic: String, offset: u64 },
    /// An acknowledged event is not in the log.
    Lost { topic: String, content: String, offset: u64 },
    /// An acknowledged event is not where its acknowledgement said.
    Elsewhere { topic: String, content: String, said: u64, found: u64 },
    /// An event is in the log more than once.
    Doubled { topic: String, content: String },
    /// A refused event is in the log.
    RefusedYetThere { topic: String, content: String },
    /// An event is in the log that nobody published.
    Invented { topic: String, content: String, offset: u64 },
    /// `second` was acknowledged before `first` began, and lies behind it.
    RealTime { topic: String, first: u64, second: u64 },
    /// A subscriber received what is not in the log.
    Foreign { who: String, topic: String, content: String },
    /// A subscriber received other content than the log has.
    Altered { who: String, topic: String, offset: u64 },
    /// A subscriber received an event that does not follow the one before.
    NotNext { who: String, topic: String, after: u64, found: u64 },
    /// A subscriber that was followed to the end did not receive all.
    ShortOfTheHead { who: String, topic: String, at: u64, head: u64 },
}
