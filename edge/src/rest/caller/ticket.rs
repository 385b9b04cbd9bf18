//! What a request may show once instead of a token.

use http::Uri;
use roomcast_proto::v1::SpendTicketRequest;

use crate::{
    auth::{self, Identity},
    problem::Problem,
    state::AppState,
    upstream::Upstream,
};

/// The parameter that carries a ticket.
pub(in crate::rest) const TICKET: &str = "ticket";

/// The ticket that an address carries.
pub(super) fn of(uri: &Uri) -> Option<&str> {
    let pairs = uri.query()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == TICKET)
        .map(|(_, ticket)| ticket)
}

/// Spends a ticket: who holds the token that it stood for.
pub(super) async fn spend(
    state: &AppState,
    upstream: &Upstream,
    ticket: &str,
) -> Result<Identity, Problem> {
    let request = SpendTicketRequest { ticket: ticket.to_owned() };
    let request = auth::Caller::edge().request(request);
    let token = upstream.access().spend_ticket(request).await?.into_inner().token;
    Ok(state.auth.identify(Some(&token)).await?)
}
