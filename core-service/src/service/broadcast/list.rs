//! What there is, for operators: topics, declared rooms.

use super::*;
use crate::store::TopicQuery;

const LISTS: page::Sizes = page::Sizes { default: 50, max: 200 };

impl Broadcast {
    pub(super) async fn topics(
        &self,
        call: Admitted<v1::ListTopicsRequest>,
    ) -> Result<v1::ListTopicsResponse, Status> {
        let Admitted { tenant, request, .. } = call;
        let v1::ListTopicsRequest { kind, prefix, page_size, page_token, .. } = request;
        let (size, prefix) = (page::size(page_size, LISTS)?, wire::topic::prefix(prefix)?);
        let conditions = format!("topics {tenant} {kind} {prefix}");
        let place = page::place(&page_token, conditions.as_bytes())?;
        let last = place.map(|full| publish::topic(&tenant, &full)).transpose()?;
        let query = TopicQuery {
            kinds: wire::topic::kinds(&kind, last.as_ref().map(Topic::kind))?,
            after: last.map(|topic| topic.name().to_owned()),
            tenant,
            prefix,
            // One more than the page tells whether another follows.
            limit: size + 1,
        };
        let mut lines = self.log.store().topics(query).await.map_err(status)?;
        let has_more = lines.len() > size;
        lines.truncate(size);
        let last = lines.last().filter(|_| has_more);
        let next = last.map(|line| page::token(line.topic.full(), conditions.as_bytes()));
        let topics = lines.iter().map(|line| wire::topic::summary(line, &self.retentions));
        Ok(v1::ListTopicsResponse {
            topics: topics.collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }

    pub(super) fn rooms(
        &self,
        request: &v1::ListRoomsRequest,
    ) -> Result<v1::ListRoomsResponse, Status> {
        let size = page::size(request.page_size, LISTS)?;
        let conditions = b"rooms";
        let after = page::place(&request.page_token, conditions)?.unwrap_or_default();
        let mut rooms: Vec<_> = self
            .door
            .rooms()
            .after(&after)
            .take(size + 1)
            .map(|(name, room)| wire::topic::room(name, room))
            .collect();
        let has_more = rooms.len() > size;
        rooms.truncate(size);
        let last = rooms.last().filter(|_| has_more);
        let next_page_token = last.map(|last| page::token(&last.room, conditions));
        Ok(v1::ListRoomsResponse { rooms, next_page_token: next_page_token.unwrap_or_default() })
    }
}
