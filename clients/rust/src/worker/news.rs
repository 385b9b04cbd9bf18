//! What a worker says about a job under way.

use bytes::Bytes;
use roomcast_proto::v1::{NewEvent, OutputChunk, ProgressUpdate, Report, Usage};

use crate::event::Event;

/// The core takes no larger piece of output.
pub(super) const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// One report: how far the work is, what it wrote, used and has to tell. All of it becomes visible at
/// once, in the order progress, output, usage, events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    progress: Option<ProgressUpdate>,
    output: Vec<OutputChunk>,
    usage: Option<Usage>,
    events: Vec<NewEvent>,
}

/// A change of some of the progress.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress(ProgressUpdate);

impl Progress {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far, 0 to 100. A smaller value than before counts as the one before.
    #[must_use]
    pub fn percent(mut self, percent: f64) -> Self {
        self.0.percent = Some(percent);
        self
    }

    /// So much further, stopping at 100. Not together with [`Progress::percent`].
    #[must_use]
    pub fn increment(mut self, percent: f64) -> Self {
        self.0.increment = Some(percent);
        self
    }

    /// A line for a person, at most 1 KiB.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// The part of the work that is under way, at most 128 bytes.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<String>) -> Self {
        self.0.stage = Some(stage.into());
        self
    }

    /// The value of a counter. A smaller value than before counts as the one before.
    #[must_use]
    pub fn counter(mut self, name: impl Into<String>, value: i64) -> Self {
        self.0.counters.insert(name.into(), value);
        self
    }
}

impl News {
    /// Says nothing yet. An empty report starts the attempt.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far the work is.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = Some(progress.0);
        self
    }

    /// More output of a channel, `[A-Za-z0-9_.-]{1,64}`; a job has at most 16. One report takes at
    /// most 64 pieces, and not quite 4 MiB with all that it says; [`super::Work::write`] takes more.
    #[must_use]
    pub fn output(mut self, channel: &str, data: impl Into<Bytes>) -> Self {
        let mut data = data.into();
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(CHUNK_BYTES_MAX));
            // The offset is given where reports get their numbers.
            self.output.push(OutputChunk { channel: channel.to_owned(), offset: 0, data: piece });
        }
        self
    }

    /// What a model API has reported of this attempt, in all.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// An event of the job's own, for all who watch the job or its project. A report takes at most 256,
    /// with at most 1 MiB.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event.into());
        self
    }
}

impl From<News> for Report {
    fn from(news: News) -> Self {
        let News { progress, output, usage, events } = news;
        Report { progress, output, usage, events, ..Report::default() }
    }
}
