//! Who is in sessions, by what edges announce.

use bytes::Bytes;
use prost::Message as _;
use roomcast_proto::registry::Code;

use super::*;
use crate::domain::presence::Announcement;
use crate::service::presence::{Answer, Word, is_told};
use crate::service::wire::{check, page};
use crate::store::edge::{PartOfEdge, Place};

/// Announcements of one call.
const ANNOUNCED_MAX: usize = 1000;
/// Parts of an edge's connections: one that changes is written whole.
const PARTS_MAX: u32 = 256;
/// Parts of one call: with those of an edge of 20,000 connections, some 200 KB to commit.
const PARTS_OF_CALL_MAX: usize = 16;
/// Connections of one part: of 256 parts, more than an edge can hold.
const CONNECTIONS_OF_PART_MAX: usize = 1000;
/// Parts of one page.
const PARTS_PAGE: usize = 32;

impl Sessions {
    pub(super) async fn announce_presence(
        &self,
        call: Admitted<v1::AnnouncePresenceRequest>,
    ) -> Result<v1::AnnouncePresenceResponse, Status> {
        let Admitted { caller, request, .. } = call;
        let v1::AnnouncePresenceRequest { edge_id, presences, core_id, number, connections } =
            request;
        let edge_id = check::name("edge_id", edge_id)?;
        if presences.len() > ANNOUNCED_MAX {
            return Err(invalid("presences", "has at most 1000 users"));
        }
        let parts = parts(connections)?;
        let announced = presences.into_iter().filter_map(|one| {
            let v1::Presence { topic, tenant, user_id, connections } = one;
            let topic = Topic::parse(caller.tenant(&tenant), &topic).ok()?;
            // Who leaves a room that no longer asks for it must not stay for ever.
            let is_of_use = connections == 0 || is_told(&topic, self.door.rooms());
            (is_of_use && Topic::user("", &user_id).is_ok())
                .then(|| (topic, Announcement { edge_id: edge_id.clone(), user_id, connections }))
        });
        let announced = announced.collect();
        let word = Word { edge_id: edge_id.clone(), core_id, number, announced, parts };
        let Answer { is_known, core_id } =
            self.attendance.announce(&self.log, word).await.map_err(status)?;
        Ok(v1::AnnouncePresenceResponse {
            known: is_known,
            core_id,
            lease: Some(wire::duration(limits::PRESENCE_LEASE)),
            beat_interval: Some(wire::duration(limits::PRESENCE_BEAT)),
        })
    }

    pub(super) async fn list_connections(
        &self,
        call: Admitted<v1::ListConnectionsRequest>,
    ) -> Result<v1::ListConnectionsResponse, Status> {
        let Admitted { tenant, request, .. } = call;
        let after = page::place(&request.page_token, tenant.as_bytes())?;
        let after = after.as_deref().map(place).transpose()?.unwrap_or_default();
        let parts = self.log.store().edge_parts(&after, PARTS_PAGE).await.map_err(status)?;
        let next_page_token = match parts.last() {
            Some(PartOfEdge { place: Place { edge_id, part }, .. })
                if parts.len() == PARTS_PAGE =>
            {
                page::token(&format!("{edge_id}/{part}"), tenant.as_bytes())
            }
            _ => String::new(),
        };
        let mut connections = Vec::new();
        for PartOfEdge { place, doc } in parts {
            let part = v1::ConnectionPart::decode(doc);
            let part = part.map_err(|_| Code::Internal.status("a part cannot be read"))?;
            let ours = part.connections.into_iter().filter(|one| one.tenant == tenant);
            let edge_id = place.edge_id;
            connections.extend(
                ours.map(|one| v1::EdgeConnection {
                    edge_id: edge_id.clone(),
                    connection: Some(one),
                }),
            );
        }
        Ok(v1::ListConnectionsResponse { connections, next_page_token })
    }

    pub(super) async fn list_participants(
        &self,
        call: Admitted<v1::ListParticipantsRequest>,
    ) -> Result<v1::ListParticipantsResponse, Status> {
        let Admitted { thing: found, .. } = call;
        let topic = watch::topic(&found)?;
        let (cursor, presence) =
            self.log.store().presence(&topic).await.map_err(status)?.unwrap_or_default();
        Ok(v1::ListParticipantsResponse {
            participants: wire_session::participants(&presence),
            participant_count: u32::try_from(presence.count()).unwrap_or(u32::MAX),
            cursor: cursor.token(&topic),
        })
    }
}

/// What is stored of each part; nothing of one without connections.
fn parts(told: Vec<v1::ConnectionPart>) -> Result<Vec<(u32, Bytes)>, Status> {
    if told.len() > PARTS_OF_CALL_MAX {
        return Err(invalid("connections", "has at most 16 parts"));
    }
    let stored = told.into_iter().map(|part| {
        if part.part >= PARTS_MAX || part.connections.len() > CONNECTIONS_OF_PART_MAX {
            return Err(invalid("connections", "has parts from 0 to 255 of at most 1000 each"));
        }
        let is_empty = part.connections.is_empty();
        Ok((part.part, if is_empty { Bytes::new() } else { part.encode_to_vec().into() }))
    });
    stored.collect()
}

/// Where a page ended.
fn place(text: &str) -> Result<Place, Status> {
    let wrong = || invalid("page_token", "is not one that this list gave; begin without one");
    let (edge_id, part) = text.rsplit_once('/').ok_or_else(wrong)?;
    Ok(Place { edge_id: edge_id.to_owned(), part: part.parse().map_err(|_| wrong())? })
}
