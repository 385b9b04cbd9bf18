//! Following rooms, by their names or as the dashboard.

use std::collections::BTreeMap;

use futures::future::join_all;
use roomcast_proto::{
    registry::Code,
    v1::{JoinResponse, join_response::Snapshot},
};

use super::{Connection, Held, Outcome};
use crate::{
    feed::{Joined, Position},
    socket::{
        command::Room,
        delivery::Standpoint,
        emit::Gone,
        payload::{self, JoinedView},
        refusal::Refusal,
        subscriptions::By,
        view,
    },
    upstream::is_refusal,
};

impl Connection {
    pub(super) async fn room(&self, held: &mut Held, room: Room, ack: Option<i64>) -> Outcome {
        match room {
            Room::Join { room, since } => {
                self.join_room(held, &format!("room:{room}"), since.as_deref(), ack).await
            }
            Room::JoinView { cursors } => self.join_view(held, &cursors, ack).await,
            Room::Leave { room } => {
                let topic = format!("room:{room}");
                held.forget_late(&topic);
                held.subscriptions.leave(&topic, By::Name).await;
                self.left(ack).await
            }
            Room::LeaveView => {
                held.awaited = None;
                held.subscriptions.leave_view().await;
                self.left(ack).await
            }
        }
    }

    async fn join_room(
        &self,
        held: &mut Held,
        topic: &str,
        since: Option<&str>,
        ack: Option<i64>,
    ) -> Outcome {
        let joined = self.ask(held, topic, since).await?;
        if since.is_some_and(|since| held.subscriptions.began_after(topic, since)) {
            // The socket gets it from there already, as one of the dashboard's.
            held.subscriptions.join(topic, By::Name);
            return Ok(self.answer(&joined.response, ack).await?);
        }
        let joined = overtaken(held.subscriptions.pause(topic).await, joined);
        self.note(&joined.response);
        self.outlet.tell_offset().await?;
        self.answer(&joined.response, ack).await?;
        Ok(self.follow(held, joined, (By::Name, since)).await?)
    }

    /// Joins what the dashboard shows: all of it that the core lets the user read.
    async fn join_view(
        &self,
        held: &mut Held,
        cursors: &BTreeMap<String, String>,
        ack: Option<i64>,
    ) -> Outcome {
        let joins = view::topics().map(async |topic| {
            let since = cursors.get(&topic).map(String::as_str);
            self.join(&topic, since).await
        });
        let (mut joined, mut refusals) = (Vec::new(), Vec::new());
        for outcome in join_all(joins).await {
            match outcome {
                // It waited for the others, and rights have changed meanwhile.
                Ok(one) if one.reader.is_doubtful() => {
                    let message = "the answers came too late to count";
                    return Err(Refusal::new(Code::DeadlineExceeded, message).into());
                }
                Ok(one) => joined.push(one),
                Err(status) if is_refusal(&status) => refusals.push(status),
                Err(status) => return Err(Refusal::from(&status).into()),
            }
        }
        if let (true, Some(status)) = (joined.is_empty(), refusals.first()) {
            return Err(Refusal::new(Code::of(status), "nothing of the dashboard is yours").into());
        }
        held.awaited = None;
        let mut rooms = Vec::new();
        for one in joined {
            let last = held.subscriptions.pause(&one.response.topic).await;
            let one = overtaken(last, one);
            self.note(&one.response);
            rooms.push(one);
        }
        self.outlet.tell_offset().await?;
        if let Some(ack) = ack {
            let answers = rooms.iter().map(|one| payload::Joined::of(&one.response));
            let answer = JoinedView { ok: true, topic: view::TOPIC, rooms: answers.collect() };
            self.outlet.acknowledge(ack, &answer).await?;
        }
        for one in rooms {
            let since = cursors.get(&one.response.topic).map(String::as_str);
            self.follow(held, one, (By::View, since)).await?;
        }
        Ok(())
    }

    /// Before the answer: whoever is told that it has joined comes back to the topic.
    fn note(&self, response: &JoinResponse) {
        self.outlet.place(&response.topic, response.resumed.then_some(&response.cursor));
    }

    async fn answer(&self, response: &JoinResponse, ack: Option<i64>) -> Result<(), Gone> {
        match ack {
            Some(ack) => self.outlet.acknowledge(ack, &payload::Joined::of(response)).await,
            None => Ok(()),
        }
    }

    /// Tells where a room stands, and delivers what follows.
    async fn follow(
        &self,
        held: &mut Held,
        joined: Joined,
        (by, since): (By, Option<&str>),
    ) -> Result<(), Gone> {
        let Joined { response, state, reader } = joined;
        if !response.resumed {
            let standpoint = Standpoint { response: &response, state: state.as_deref() };
            standpoint.announce(&self.outlet, "").await?;
            self.outlet.tell_place(&response.topic, &response.cursor).await?;
        }
        held.subscriptions.start_by(reader, by, since);
        Ok(())
    }

    async fn left(&self, ack: Option<i64>) -> Outcome {
        self.outlet.tell_offset().await?;
        Ok(self.done(ack).await?)
    }
}

/// What the socket has got of a room until its delivery was ended may be more than an answer knows of that
/// was on its way meanwhile. Then it goes on there: nothing comes twice, and no value after a newer one.
fn overtaken(last: Option<Position>, mut joined: Joined) -> Joined {
    let Joined { response, reader, .. } = &mut joined;
    let is_plain = !response.resumed && response.reset.is_none();
    let Some(last) = last.filter(|last| is_plain && last.offset > Some(response.offset)) else {
        return joined;
    };
    reader.begin_after(&last);
    response.resumed = true;
    response.head.clone_from(&last.cursor);
    response.cursor = last.cursor;
    response.snapshot = None::<Snapshot>;
    joined
}
