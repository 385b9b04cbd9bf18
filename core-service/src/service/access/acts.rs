//! What operators did, newest first.

use super::*;
use crate::domain::audit;
use crate::domain::event::{Body, Event};
use crate::service::wire::event;
use crate::store::PageLimit;

/// Events that one page looks through: a rare act may lie far back, and a page is a short read.
const LOOKED_AT_MAX: u64 = 5000;
/// Events that are read at a time.
const WINDOW: u64 = 500;
/// Bytes of a window: room for as many entries at their longest, so that none is cut off.
const WINDOW_BYTES_MAX: usize = 4 << 20;

/// What is looked for.
struct Wanted {
    by: String,
    act: String,
}

impl Accesses {
    pub(super) async fn acts(
        &self,
        call: Admitted<v1::ListActsRequest>,
    ) -> Result<v1::ListActsResponse, Status> {
        let Admitted { tenant, request, .. } = call;
        let v1::ListActsRequest { by, act, page_size, page_token, .. } = request;
        let topic = Topic::audit(&tenant);
        let size = page::size(page_size, PAGES)?;
        let conditions = format!("acts {} {act} {by}", topic.tenant());
        let place = page::place(&page_token, conditions.as_bytes())?;
        let position = self.log.store().position(&topic, None).await.map_err(status)?;
        let mut end = match place {
            Some(offset) => offset.parse().map_err(|_| invalid("page_token", "is damaged"))?,
            None => position.head.offset,
        };
        let (wanted, last) = (Wanted { by, act }, end.saturating_sub(LOOKED_AT_MAX));
        let mut events = Vec::new();
        let mut floor = position.floor;
        while events.len() < size && end > floor.max(last) {
            let begin = end.saturating_sub(WINDOW).max(floor);
            let count = usize::try_from(end - begin).unwrap_or(usize::MAX);
            let limit = PageLimit { events: count, bytes: WINDOW_BYTES_MAX };
            let window = self.log.store().read(&topic, begin, limit).await.map_err(status)?;
            // Trimmed meanwhile, it begins later and reaches into what was looked through.
            floor = floor.max(window.floor);
            let top = std::mem::replace(&mut end, begin);
            let fresh = window.events.iter().rev().filter(|one| one.cursor.offset <= top);
            for one in fresh.filter(|one| wanted.has(one)) {
                if events.len() == size {
                    end = one.cursor.offset;
                    break;
                }
                events.push(event::event(one));
            }
        }
        let has_more = end > floor;
        let next = has_more.then(|| page::token(&end.to_string(), conditions.as_bytes()));
        Ok(v1::ListActsResponse { events, next_page_token: next.unwrap_or_default() })
    }
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        let is_act = self.act.is_empty() || *self.act == *event.kind;
        is_act && (self.by.is_empty() || by(event).is_some_and(|by| by == self.by))
    }
}

fn by(event: &Event) -> Option<String> {
    match &event.body {
        Body::Payload(payload) => audit::by(&payload.data),
        Body::Job(_) | Body::Summary(_) | Body::Session(_) => None,
    }
}
