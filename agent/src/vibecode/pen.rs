//! Writes a model's text as job output, with what it has used. What comes within a moment goes out
//! together: models write faster than anybody reads, and every report is a commit.

use std::time::Duration;

use roomcast_client::proto::v1::Usage;
use roomcast_client::worker::{Lost, News, Work};
use tokio::time::Instant;

/// The output channel of the text.
const TEXT: &str = "text";
/// A person sees no shorter delay.
const MOMENT: Duration = Duration::from_millis(50);
/// More than this does not wait.
const PIECE_BYTES_MAX: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Pen<'a> {
    work: &'a Work,
    text: String,
    usage: Option<Usage>,
    due: Option<Instant>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(work: &'a Work) -> Self {
        Self { work, text: String::new(), usage: None, due: None }
    }

    pub(super) async fn write(&mut self, text: &str) -> Result<(), Lost> {
        self.text.push_str(text);
        self.wait();
        if self.text.len() >= PIECE_BYTES_MAX { self.flush().await } else { Ok(()) }
    }

    /// Notes what this attempt has used so far.
    pub(super) fn count(&mut self, usage: Usage) {
        self.usage = Some(usage);
        self.wait();
    }

    fn wait(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + MOMENT);
    }

    /// Comes when what waits has waited for its moment; never while nothing does.
    pub(super) async fn is_due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), Lost> {
        if self.due.take().is_none() {
            return Ok(());
        }
        let mut news = News::new().output(TEXT, std::mem::take(&mut self.text));
        if let Some(usage) = self.usage.take() {
            news = news.usage(usage);
        }
        self.work.report(news).await
    }
}
