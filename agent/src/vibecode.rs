//! Answers a session's message with a patch of the project's files.
//!
//! What happens, in this order: the part of the project that fits is read ([`context`]), the model is
//! asked ([`prompt`], within the job's [`budget`]), its text is written as job output while it comes
//! ([`pen`]), its patch is taken out and tried on a copy of the files ([`patch`]), and the answer is told
//! ([`answer`]). Usage is what the model's API reports. Each way to fail has a code of its own; whether
//! there is another attempt is the job's policy to say.

mod answer;
mod budget;
mod context;
mod patch;
mod pen;
mod prompt;

use roomcast_client::Event;
use roomcast_client::proto::agent;
use roomcast_client::proto::v1::Usage;
use roomcast_client::worker::{Completion, Failure, News, Progress, Stop, Work};
use serde::Deserialize;

use self::answer::Answer;
pub use self::budget::Budget;
use self::pen::Pen;
use crate::model::{Model, ModelConfig, Part, Reply, Turn};
use crate::workspace::Workspaces;

/// The kind of job that this does.
pub const KIND: &str = agent::VIBECODE;

/// What an agent needs to answer messages.
#[derive(Debug)]
pub struct Desk {
    /// Who answers.
    pub model: Model,
    /// How much of it a job may use.
    pub budget: Budget,
    /// Bytes of files that it is shown.
    pub context_bytes: usize,
}

impl Desk {
    /// As the settings say; none where they name no model.
    ///
    /// # Errors
    /// When the model's URL is none.
    pub fn of(config: &ModelConfig) -> anyhow::Result<Option<Self>> {
        let context_bytes = usize::try_from(config.model_context_kib << 10)?;
        let budget = Budget::of(config);
        let model = Model::new(config)?;
        Ok(model.map(|model| Self { model, budget, context_bytes }))
    }
}

#[derive(Debug, Deserialize)]
struct Message {
    prompt: String,
}

/// Does one job.
///
/// # Errors
/// [`Stop`].
pub async fn run(work: &Work, desk: &Desk, workspaces: &Workspaces) -> Result<Completion, Stop> {
    tokio::select! {
        // Dropping the work ends the request to the model, and git.
        () = work.cancelled().cancelled() => Err(Stop::Cancelled),
        outcome = reply_to(work, desk, workspaces) => outcome,
    }
}

async fn reply_to(work: &Work, desk: &Desk, workspaces: &Workspaces) -> Result<Completion, Stop> {
    let Message { prompt } = work.input()?;
    let folder = workspaces.of(&work.job().project_id)?.folder();
    let tokens = desk.budget.left(work.job().usage.as_ref())?;
    step(work, "reading", 5.0, "reading the project").await?;
    let files = context::read(folder, &prompt, desk.context_bytes).await?;
    step(work, "answering", 15.0, &format!("asking {}", desk.model.name())).await?;
    let written = write(work, desk, &prompt::turns(&prompt, &files), tokens).await?;
    step(work, "checking", 90.0, "trying the patch").await?;
    let patch = patch::take(&written.text)?;
    patch::check(&patch, folder).await?;
    let answer = Answer::new(&work.job().session_id, &patch, &written.usage);
    let event = Event::json(agent::VIBECODE_RESPONSE, &answer)
        .map_err(|error| Failure::new("result_unwritable", error.to_string()))?;
    // Together: an agent that dies here has answered, or not at all.
    Ok(Completion::json(&answer)?.with(News::new().event(event)))
}

async fn step(work: &Work, stage: &str, percent: f64, message: &str) -> Result<(), Stop> {
    let progress = Progress::new().stage(stage).percent(percent).message(message);
    Ok(work.report(News::new().progress(progress)).await?)
}

/// What the model wrote, and what its API says that it used.
#[derive(Default)]
struct Written {
    text: String,
    usage: Usage,
}

async fn write(work: &Work, desk: &Desk, turns: &[Turn], tokens: u64) -> Result<Written, Stop> {
    let mut reply = desk.model.ask(turns, tokens).await?;
    let mut pen = Pen::new(work);
    let heard = hear(&mut reply, &mut pen, desk, work.job().usage.as_ref()).await;
    // What was written and used is there to see, whatever becomes of the attempt.
    pen.flush().await?;
    heard
}

/// Hears a reply to its end. `before` is what the job had used when the attempt began.
async fn hear(
    reply: &mut Reply,
    pen: &mut Pen<'_>,
    desk: &Desk,
    before: Option<&Usage>,
) -> Result<Written, Stop> {
    let mut written = Written::default();
    loop {
        let part = tokio::select! {
            part = reply.next() => part?,
            () = pen.is_due() => {
                pen.flush().await?;
                continue;
            }
        };
        match part {
            Some(Part::Text(more)) => {
                written.text.push_str(&more);
                pen.write(&more).await?;
            }
            Some(Part::Usage(reported)) => {
                pen.count(reported.clone());
                desk.budget.check(before, &reported)?;
                written.usage = reported;
            }
            None => return Ok(written),
        }
    }
}
