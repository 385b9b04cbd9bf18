//! Output on its way to the core: what was written within a moment goes as one report. Pure: time is
//! an argument.

use std::time::Duration;

use bytes::Bytes;
use roomcast_agent::lines::Lines;
use roomcast_client::worker::{News, Progress};
use tokio::time::Instant;

use super::pattern;

/// What a person still sees as at once.
pub(super) const FLUSH_AFTER: Duration = Duration::from_millis(50);
/// A report of a few pages; larger ones would only wait longer.
pub(super) const FLUSH_BYTES: usize = 32 * 1024;
/// Chunks that the core takes in one report.
const CHUNKS_MAX: usize = 64;
/// A status line, not a page; the core takes 1 KiB.
const MESSAGE_CHARS_MAX: usize = 200;

/// Which of the command's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
        }
    }
}

/// What was read and not reported.
#[derive(Debug)]
pub(super) struct Batch {
    reads_progress: bool,
    stdout: Lines,
    stderr: Lines,
    pieces: Vec<(Channel, Bytes)>,
    bytes: usize,
    progress: Option<Progress>,
    percent: f64,
    since: Option<Instant>,
}

impl Batch {
    pub(super) fn new(reads_progress: bool) -> Self {
        Self {
            reads_progress,
            stdout: Lines::default(),
            stderr: Lines::default(),
            pieces: Vec::new(),
            bytes: 0,
            progress: None,
            percent: 0.0,
            since: None,
        }
    }

    /// Adds what was read.
    pub(super) fn push(&mut self, channel: Channel, data: Bytes, now: Instant) {
        if data.is_empty() {
            return;
        }
        let lines = match channel {
            Channel::Stdout => &mut self.stdout,
            Channel::Stderr => &mut self.stderr,
        };
        if self.reads_progress {
            for line in lines.push(&data) {
                let Some(percent) = pattern::percent(&line) else { continue };
                // The core would take a smaller one for the larger; it need not travel.
                if percent > self.percent {
                    self.percent = percent;
                    self.progress = Some(progress(percent, &line));
                }
            }
        }
        self.bytes += data.len();
        self.since.get_or_insert(now);
        self.pieces.push((channel, data));
    }

    /// When it must go at the latest; `None` while there is nothing.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| since + FLUSH_AFTER)
    }

    /// Whether it must go now.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FLUSH_BYTES || self.pieces.len() >= CHUNKS_MAX
    }

    /// The report, leaving nothing behind.
    pub(super) fn take(&mut self) -> News {
        self.bytes = 0;
        self.since = None;
        let news = std::mem::take(&mut self.pieces)
            .into_iter()
            .fold(News::new(), |news, (channel, data)| news.output(channel.name(), data));
        match self.progress.take() {
            Some(progress) => news.progress(progress),
            None => news,
        }
    }
}

fn progress(percent: f64, line: &str) -> Progress {
    let message: String =
        line.trim().chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect();
    Progress::new().percent(percent).message(message)
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::Report;

    use super::*;

    fn text(data: &'static str) -> Bytes {
        Bytes::from_static(data.as_bytes())
    }

    fn report(batch: &mut Batch) -> Report {
        batch.take().into()
    }

    #[test]
    fn what_was_read_goes_once_and_in_order() {
        let now = Instant::now();
        let mut batch = Batch::new(true);
        batch.push(Channel::Stdout, text("one\n"), now);
        batch.push(Channel::Stderr, text("oops\n"), now);
        batch.push(Channel::Stdout, text("two\n"), now);
        let first = report(&mut batch).output;
        let written: Vec<_> =
            first.iter().map(|chunk| (chunk.channel.as_str(), &chunk.data[..])).collect();
        assert_eq!(
            written,
            [("stdout", &b"one\n"[..]), ("stderr", b"oops\n"), ("stdout", b"two\n")]
        );
        assert!(report(&mut batch).output.is_empty());
    }

    #[test]
    fn a_report_is_due_a_moment_after_its_first_byte() {
        let start = Instant::now();
        let mut batch = Batch::new(true);
        assert_eq!(batch.due_at(), None);
        batch.push(Channel::Stdout, text("a"), start);
        batch.push(Channel::Stdout, text("b"), start + Duration::from_millis(40));
        assert_eq!(batch.due_at(), Some(start + FLUSH_AFTER));
        batch.take();
        assert_eq!(batch.due_at(), None);
    }

    #[test]
    fn a_large_or_chequered_batch_is_full() {
        let now = Instant::now();
        let mut batch = Batch::new(true);
        batch.push(Channel::Stdout, Bytes::from(vec![b'x'; FLUSH_BYTES - 1]), now);
        assert!(!batch.is_full());
        batch.push(Channel::Stdout, text("x"), now);
        assert!(batch.is_full());

        let mut batch = Batch::new(true);
        for _ in 0..CHUNKS_MAX / 2 {
            batch.push(Channel::Stdout, text("x"), now);
            batch.push(Channel::Stderr, text("x"), now);
        }
        assert!(batch.is_full(), "the core takes no more chunks at once");
    }

    #[test]
    fn only_the_last_and_largest_progress_travels() {
        let now = Instant::now();
        let mut batch = Batch::new(true);
        batch.push(Channel::Stdout, text("step 1/4\nstep 2/4\n"), now);
        let progress = report(&mut batch).progress.unwrap();
        assert_eq!((progress.percent, progress.message.as_deref()), (Some(50.0), Some("step 2/4")));
        batch.push(Channel::Stderr, text("step 1/4\n"), now);
        assert_eq!(report(&mut batch).progress, None);
    }

    #[test]
    fn progress_is_not_read_where_it_is_not_wanted() {
        let mut batch = Batch::new(false);
        batch.push(Channel::Stdout, text("50%\n"), Instant::now());
        assert_eq!(report(&mut batch).progress, None);
    }
}
