//! A job.

use std::collections::BTreeMap;
use std::fmt;

use roomcast_edge::names::{rfc3339, status_word};
use roomcast_proto::v1::{Job, JobLimit, JobState};
use serde::{Serialize, Serializer};

use super::{Content, text};

/// A job in full.
#[derive(Debug, Serialize)]
pub(crate) struct JobView<'a> {
    job_id: &'a str,
    kind: &'a str,
    status: &'static str,
    #[serde(serialize_with = "percent_as_json")]
    progress: f64,
    message: Option<&'a str>,
    stage: Option<&'a str>,
    counters: BTreeMap<&'a str, i64>,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Content<'a>>,
    result: Option<Content<'a>>,
    error: Option<&'a str>,
    error_code: Option<&'a str>,
    labels: BTreeMap<&'a str, &'a str>,
    priority: i32,
    owner: &'a str,
    project_id: Option<&'a str>,
    tenant: &'a str,
    run_at: Option<String>,
    cancel_requested: bool,
    worker_id: Option<&'a str>,
    retry_of: Option<&'a str>,
    output_bytes: BTreeMap<&'a str, u64>,
    created_at: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    trace_id: &'a str,
    cursor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<LimitView>,
}

/// How many jobs of its kind may be with workers at once; 0 is without limit.
#[derive(Debug, Clone, Copy, Serialize)]
struct LimitView {
    all: u32,
    each: u32,
}

impl fmt::Display for LimitView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.all, self.each) {
            (all, 0) => write!(formatter, "{all} of the kind at once"),
            (0, each) => write!(formatter, "{each} of each owner or project at once"),
            (all, each) => {
                write!(formatter, "{all} of the kind at once, {each} of each owner or project")
            }
        }
    }
}

impl<'a> JobView<'a> {
    pub(crate) fn of(job: &'a Job) -> Self {
        let progress = job.progress.as_ref();
        Self {
            job_id: &job.job_id,
            kind: &job.kind,
            status: status_word(job.state()),
            progress: percent(job),
            message: progress.and_then(|progress| text(&progress.message)),
            stage: progress.and_then(|progress| text(&progress.stage)),
            counters: progress
                .map(|progress| progress.counters.iter().map(|(k, v)| (k.as_str(), *v)).collect())
                .unwrap_or_default(),
            attempt: job.attempt,
            input: job.input.as_ref().map(Content::of),
            result: job.result.as_ref().map(Content::of),
            error: job.error.as_ref().map(|fault| fault.message.as_str()),
            error_code: job.error.as_ref().and_then(|fault| text(&fault.code)),
            labels: job.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
            priority: job.priority,
            owner: &job.owner,
            project_id: text(&job.project_id),
            tenant: &job.tenant,
            run_at: job.run_at.as_ref().filter(|_| job.state() == JobState::Scheduled).map(rfc3339),
            cancel_requested: job.cancel_requested.is_some(),
            worker_id: text(&job.worker_id),
            retry_of: text(&job.retry_of),
            output_bytes: job.output_bytes.iter().map(|(k, v)| (k.as_str(), *v)).collect(),
            created_at: job.create_time.as_ref().map(rfc3339),
            started_at: job.start_time.as_ref().map(rfc3339),
            completed_at: job.end_time.as_ref().map(rfc3339),
            trace_id: &job.trace_id,
            cursor: &job.cursor,
            workers: None,
            limit: None,
        }
    }

    /// With the number of workers that serve its kind.
    pub(crate) fn served_by(self, workers: u32) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// With the limit of its kind.
    pub(crate) fn limited_to(self, limit: Option<JobLimit>) -> Self {
        let limit = limit.map(|JobLimit { all, each }| LimitView { all, each });
        Self { limit, ..self }
    }
}

impl fmt::Display for JobView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut field = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(formatter, "{name:<10} {value}"),
            None => Ok(()),
        };
        let owned = |value: Option<&str>| value.map(str::to_owned);
        field("job", owned(Some(self.job_id)))?;
        field("kind", owned(Some(self.kind)))?;
        field("status", Some(self.status_line()))?;
        field("message", owned(self.message))?;
        field("stage", owned(self.stage))?;
        field("error", self.error_line())?;
        field("result", content_line(self.result.as_ref()))?;
        field("input", content_line(self.input.as_ref()))?;
        field("owner", owned(text(self.owner)))?;
        field("project", owned(self.project_id))?;
        let labels: Vec<_> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        field("labels", (!labels.is_empty()).then(|| labels.join(" ")))?;
        field("attempt", (self.attempt > 0).then(|| self.attempt.to_string()))?;
        field("worker", owned(self.worker_id))?;
        field("workers", self.workers.map(|workers| workers.to_string()))?;
        field("limit", self.limit.map(|limit| limit.to_string()))?;
        field("run at", self.run_at.clone())?;
        field("created", self.created_at.clone())?;
        field("started", self.started_at.clone())?;
        field("ended", self.completed_at.clone())?;
        field("trace", owned(text(self.trace_id)))?;
        write!(formatter, "{:<10} {}", "cursor", self.cursor)
    }
}

impl JobView<'_> {
    fn status_line(&self) -> String {
        let asked =
            if self.cancel_requested && self.status == "running" { ", asked to end" } else { "" };
        format!("{} {:.0}%{asked}", self.status, self.progress)
    }

    fn error_line(&self) -> Option<String> {
        let message = self.error?;
        Some(match self.error_code {
            Some(code) => format!("{message} [{code}]"),
            None => message.to_owned(),
        })
    }
}

fn content_line(content: Option<&Content<'_>>) -> Option<String> {
    content.and_then(|content| serde_json::to_string(content).ok())
}

/// A job as a line of a list.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct JobLine<'a>(JobView<'a>);

impl<'a> JobLine<'a> {
    pub(crate) fn of(job: &'a Job) -> Self {
        Self(JobView::of(job))
    }

    /// The line above the lines.
    pub(crate) fn heading() -> String {
        line("JOB", "KIND", "STATUS", "DONE", "CREATED", "MESSAGE")
    }
}

impl fmt::Display for JobLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.0;
        let done = format!("{:.0}%", job.progress);
        let created = job.created_at.as_deref().unwrap_or("-");
        let message = job.error.or(job.message).unwrap_or_default();
        formatter.write_str(&line(job.job_id, job.kind, job.status, &done, created, message))
    }
}

fn line(id: &str, kind: &str, status: &str, done: &str, created: &str, message: &str) -> String {
    let line = format!("{id:<32}  {kind:<16}  {status:<9}  {done:>4}  {created:<24}  {message}");
    line.trim_end().to_owned()
}

fn percent(job: &Job) -> f64 {
    if job.state() == JobState::Completed {
        return 100.0;
    }
    job.progress.as_ref().map_or(0.0, |progress| progress.percent)
}

/// `45`, and `45.5` only where there is a fraction, as browsers get it.
fn percent_as_json<S: Serializer>(percent: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match percent.to_string().parse::<u8>() {
        Ok(whole) => serializer.serialize_u8(whole),
        Err(_) => serializer.serialize_f64(*percent),
    }
}
