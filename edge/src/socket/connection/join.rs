//! How a topic is joined and left.

use roomcast_proto::registry::Code;
use tonic::Status;

use super::{Connection, Held, Outcome};
use crate::{
    feed,
    socket::{delivery::Standpoint, emit::Gone, payload::Joined, refusal::Refusal},
};

impl Connection {
    /// Joins a topic, if the core lets the user: acknowledges it, tells where the topic stands, and
    /// delivers what follows.
    pub(super) async fn enter(
        &self,
        held: &mut Held,
        topic: &str,
        since: Option<&str>,
        ack: Option<i64>,
    ) -> Outcome {
        let joined = self.ask(held, topic, since).await?;
        Ok(self.begin(held, joined, ack, "").await?)
    }

    /// Asks the core for the right, with the user's own token.
    pub(super) async fn ask(
        &self,
        held: &mut Held,
        topic: &str,
        since: Option<&str>,
    ) -> Result<feed::Joined, Refusal> {
        held.subscriptions.make_room(topic)?;
        self.join(topic, since).await.map_err(|status| Refusal::of_topic(&status, topic))
    }

    /// As [`Connection::ask`], wherever the answer is waited for.
    pub(super) fn join(
        &self,
        topic: &str,
        since: Option<&str>,
    ) -> impl Future<Output = Result<feed::Joined, Status>> + Send + use<> {
        let (feeds, topic, since) =
            (self.state.feeds.clone(), topic.to_owned(), since.map(str::to_owned));
        let caller = self.identity.caller(self.trace.child());
        async move {
            let joined = feeds.join_encoded(caller, &topic, since.as_deref()).await;
            let outcome = joined.as_ref().map_or_else(|status| Code::of(status).as_str(), |_| "ok");
            metrics::counter!("roomcast_edge_joins_total", "outcome" => outcome).increment(1);
            joined
        }
    }

    /// Acknowledges a join, tells where the topic stands, and delivers what follows: in this order.
    pub(super) async fn begin(
        &self,
        held: &mut Held,
        joined: feed::Joined,
        ack: Option<i64>,
        message: &str,
    ) -> Result<(), Gone> {
        let feed::Joined { response, state, reader } = joined;
        held.subscriptions.stop(&response.topic).await;
        // Before the answer: whoever is told that it has joined comes back to the topic.
        self.outlet.place(&response.topic, response.resumed.then_some(&response.cursor));
        self.outlet.tell_offset().await?;
        if let Some(ack) = ack {
            self.outlet.acknowledge(ack, &Joined::of(&response)).await?;
        }
        if !response.resumed {
            let standpoint = Standpoint { response: &response, state: state.as_deref() };
            standpoint.announce(&self.outlet, message).await?;
            drop(state);
            self.outlet.tell_place(&response.topic, &response.cursor).await?;
        }
        held.subscriptions.start(reader);
        Ok(())
    }

    pub(super) async fn leave(
        &self,
        held: &mut Held,
        topic: &str,
        ack: Option<i64>,
    ) -> Result<(), Gone> {
        held.forget_late(topic);
        held.subscriptions.stop(topic).await;
        self.outlet.tell_offset().await?;
        self.done(ack).await
    }
}
