//! Who is connected over Socket.IO to any edge, as each told the core some seconds ago.

use roomcast_proto::v1::{Connection, EdgeConnection, ListConnectionsRequest};

use super::{caller::Caller, parameters::Parameters};
use crate::{problem::Problem, state::AppState};

/// Connections shown of a whole cluster: some 20 MB of text. Beyond, metrics say how many there are.
const SHOWN_MAX: usize = 100_000;

/// Those of the caller's tenant, as many as are shown.
#[derive(Debug, Default)]
pub(super) struct Connections {
    pub(super) list: Vec<EdgeConnection>,
    /// There are more.
    pub(super) is_truncated: bool,
}

/// All of them, a page at a time.
struct Pages<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    /// The token of the next; none after the last.
    next: Option<String>,
}

/// Whether all edges are meant, by the parameter `scope`, and not the one that answers.
pub(super) fn is_asked_for(parameters: &Parameters) -> Result<bool, Problem> {
    match parameters.get("scope") {
        None | Some("edge") => Ok(false),
        Some("cluster") => Ok(true),
        Some(_) => Err(Problem::field("scope", "is edge or cluster")),
    }
}

/// Everybody who is shown, or of these who is in one topic.
pub(super) async fn connections(
    state: &AppState,
    caller: &Caller,
    topic: Option<&str>,
) -> Result<Connections, Problem> {
    let (mut pages, mut shown) = (Pages::of(state, caller), Connections::default());
    while let Some(page) = pages.next().await? {
        let wanted = page.into_iter().filter(|told| topic.is_none_or(|topic| is_in(told, topic)));
        shown.list.extend(wanted);
        if shown.list.len() >= SHOWN_MAX {
            shown.is_truncated = shown.list.len() > SHOWN_MAX || pages.next.is_some();
            shown.list.truncate(SHOWN_MAX);
            break;
        }
    }
    Ok(shown)
}

/// Edges tell of jobs alone.
fn is_in(told: &EdgeConnection, topic: &str) -> bool {
    let mut jobs = told.connection.iter().flat_map(|connection| &connection.job_ids);
    topic.strip_prefix("job:").is_some_and(|job_id| jobs.any(|id| id == job_id))
}

/// The one with this id, looked for among all.
pub(super) async fn connection(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Option<Connection>, Problem> {
    let mut pages = Pages::of(state, caller);
    while let Some(page) = pages.next().await? {
        let mut told = page.into_iter().filter_map(|told| told.connection);
        if let Some(found) = told.find(|told| told.connection_id == id) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl<'a> Pages<'a> {
    fn of(state: &'a AppState, caller: &'a Caller) -> Self {
        Self { state, caller, next: Some(String::new()) }
    }

    async fn next(&mut self) -> Result<Option<Vec<EdgeConnection>>, Problem> {
        let Some(page_token) = self.next.take() else { return Ok(None) };
        let request = ListConnectionsRequest { page_token, tenant: String::new() };
        let request = self.caller.upstream.request(request);
        let page = self.state.upstream.sessions().list_connections(request).await?.into_inner();
        self.next = Some(page.next_page_token).filter(|token| !token.is_empty());
        Ok(Some(page.connections))
    }
}
