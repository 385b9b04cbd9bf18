//! Where a watched job appears: its output on standard output, the rest beside it.

use indicatif::{ProgressBar, ProgressStyle};
use roomcast_edge::names::status_word;
use roomcast_proto::v1::{
    Event, Job, JobEvent, JobOutput, JobReported, JobState, event, job_event::Kind,
};

use super::written::Written;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::view::{EventView, JobFrame};

/// A terminal, or a program.
#[derive(Debug)]
pub(super) struct Screen {
    output: Output,
    bar: Option<ProgressBar>,
    written: Written,
}

impl Screen {
    pub(super) fn new(output: Output) -> Self {
        let bar = output.is_interactive().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {percent:>3}% {elapsed} {wide_msg}");
            ProgressBar::new(100).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { output, bar, written: Written::default() }
    }

    /// The job as it stands. Answers the output up to there that has not been shown.
    pub(super) fn job(&mut self, job: &Job) -> Result<Vec<(String, u64, u64)>, Failure> {
        if self.output.is_json() {
            self.output.json(&JobFrame::snapshot(job))?;
            return Ok(Vec::new());
        }
        let progress = job.progress.clone().unwrap_or_default();
        self.progress(job.state(), progress.percent, &progress.message);
        Ok(self.written.missing(job.attempt, &job.output_bytes))
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.json(&EventView::of(event));
        }
        let Some(event::Body::Job(job)) = &event.body else { return Ok(()) };
        match &job.kind {
            Some(Kind::Output(output)) => self.output(job.attempt, output),
            Some(Kind::Reported(reported)) => {
                self.told(&event.r#type, reported);
                Ok(())
            }
            Some(_) | None => {
                self.progress(job.state(), job.percent, message(job));
                Ok(())
            }
        }
    }

    /// A piece of output, without what has been shown of it.
    pub(super) fn output(&mut self, attempt: u32, output: &JobOutput) -> Result<(), Failure> {
        let JobOutput { channel, offset, data } = output;
        let fresh = self.written.fresh(attempt, channel, *offset, data);
        match &self.bar {
            Some(bar) => bar.suspend(|| output::raw(fresh)),
            None => output::raw(fresh),
        }
    }

    /// What its worker says in its own words.
    fn told(&self, name: &str, reported: &JobReported) {
        let said = reported.payload.as_ref().map(|payload| String::from_utf8_lossy(&payload.data));
        self.note(&format!("{name} {}", said.unwrap_or_default()));
    }

    /// A remark beside the output.
    pub(super) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(line)),
            None => self.output.note(line),
        }
    }

    fn progress(&self, state: JobState, percent: f64, message: &str) {
        let Some(bar) = &self.bar else {
            let line = format!("{} {percent:.0}% {message}", status_word(state));
            self.output.note(line.trim_end());
            return;
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float to integer cast saturates"
        )]
        bar.set_position(percent as u64);
        bar.set_message(format!("{} {}", status_word(state), output::plain(message)));
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn message(job: &JobEvent) -> &str {
    match &job.kind {
        Some(Kind::Progressed(progressed)) => {
            progressed.progress.as_ref().map_or("", |progress| &progress.message)
        }
        Some(Kind::CancelRequested(asked)) => &asked.reason,
        Some(Kind::Failed(failed)) => failed.error.as_ref().map_or("", |fault| &fault.message),
        Some(Kind::Cancelled(cancelled)) => &cancelled.reason,
        Some(
            Kind::Created(_)
            | Kind::Queued(_)
            | Kind::Started(_)
            | Kind::Output(_)
            | Kind::Used(_)
            | Kind::Reported(_)
            | Kind::Completed(_),
        )
        | None => "",
    }
}
