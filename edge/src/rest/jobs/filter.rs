//! Which jobs `GET /jobs` lists.

use roomcast_proto::v1::{JobState, ListJobsRequest};
use utoipa::IntoParams;

use crate::{
    problem::Problem,
    rest::{page_query::PageQuery, parameters::Parameters},
};

const NAMES: [&str; 5] = ["owner", "kind", "status", "label", "project_id"];

/// Conditions, all of which must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read one by one")]
pub(super) struct JobFilter {
    /// Only this user's.
    owner: Option<String>,
    /// Only this kind.
    kind: Option<String>,
    /// Only these: `queued`, `running`, `completed`, `failed`, `cancelled`, separated by commas.
    status: Option<String>,
    /// Only with this label, `key=value`. May be repeated.
    label: Option<Vec<String>>,
    /// Only this project's.
    project_id: Option<String>,
    /// At most so many, 1 to 200, by default 50.
    limit: Option<i32>,
    /// `next_page_token` of the page before, with the same filter.
    page_token: Option<String>,
}

pub(super) fn request(parameters: Parameters) -> Result<ListJobsRequest, Problem> {
    let (page, parameters) = PageQuery::among(parameters, &NAMES)?;
    let mut states = Vec::new();
    for word in parameters.list("status") {
        states.extend(states_of(&word)?.iter().map(|state| i32::from(*state)));
    }
    Ok(ListJobsRequest {
        owner: parameters.text("owner"),
        kind: parameters.text("kind"),
        states,
        labels: parameters.pairs("label")?,
        project_id: parameters.text("project_id"),
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    })
}

/// The states behind a word: two of them look like their neighbours from outside.
fn states_of(word: &str) -> Result<&'static [JobState], Problem> {
    match word {
        "queued" => Ok(&[JobState::Queued, JobState::Scheduled]),
        "running" => Ok(&[JobState::Running, JobState::Cancelling]),
        "completed" => Ok(&[JobState::Completed]),
        "failed" => Ok(&[JobState::Failed]),
        "cancelled" => Ok(&[JobState::Cancelled]),
        _ => {
            Err(Problem::field("status", "must be queued, running, completed, failed or cancelled"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::status_word;

    #[test]
    fn every_state_is_found_by_the_word_it_is_shown_as() {
        for state in [
            JobState::Scheduled,
            JobState::Queued,
            JobState::Running,
            JobState::Cancelling,
            JobState::Completed,
            JobState::Failed,
            JobState::Cancelled,
        ] {
            assert!(states_of(status_word(state)).unwrap().contains(&state), "{state:?}");
        }
        assert!(states_of("cancelling").is_err());
    }
}
