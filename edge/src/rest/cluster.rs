//! Who is connected over Socket.IO to any edge, as each told the core some seconds ago.

use roomcast_proto::v1::{EdgeConnection, ListConnectionsRequest};

use super::{caller::Caller, problem::Problem};
use crate::app::AppState;

/// Connections shown of a whole cluster: some 20 MB of text. Beyond, metrics say how many there are.
const SHOWN_MAX: usize = 100_000;

/// Of the caller's tenant: page by page, at most as many as are shown.
pub(super) async fn connections(
    state: &AppState,
    caller: &Caller,
) -> Result<Vec<EdgeConnection>, Problem> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListConnectionsRequest { page_token, tenant: String::new() };
        let request = caller.upstream.request(request);
        let page = state.upstream.sessions().list_connections(request).await?.into_inner();
        all.extend(page.connections);
        page_token = page.next_page_token;
        if page_token.is_empty() || all.len() >= SHOWN_MAX {
            all.truncate(SHOWN_MAX);
            return Ok(all);
        }
    }
}
