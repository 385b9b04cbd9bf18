//! What a socket does with answers of the core that have lain. The core cannot be reached, and the
//! answers are as it would have given them.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use roomcast_proto::v1::JoinResponse;
use roomcast_runtime::bucket::Rate;

use super::*;
use crate::{
    auth::Readable,
    config::{AuthMode, Config},
    feed::{Guest, Joined},
    socket::{
        subscriptions::{By, Entering},
        view,
    },
};

const ROOM: &str = "room:open";
/// One that the dashboard shows.
const SHOWN: &str = "room:agents";
const CURSOR: &str = "c";

struct Scene {
    connection: Connection,
    held: Held,
}

impl Scene {
    /// A socket of a client that recovers.
    async fn new() -> Scene {
        let cores = vec!["http://127.0.0.1:1".to_owned()];
        let config = Config { auth: AuthMode::Dev, cores, dev: true, ..Config::default() };
        let state = AppState::new(config).unwrap();
        let identity = state.auth.identify(None).await.unwrap();
        let outlet = Outlet::to_nobody();
        outlet.begin_recovery();
        let rate = Rate { per_second: 1, burst: 1 };
        let allowance = Arc::new(Allowance::new(rate, Instant::now()));
        let session = Arc::clone(identity.session());
        let standing = Standing::new(session, &state.rights, state.upstream.clone());
        let visitor = Visitor { identity, trace: TraceContext::generate(), allowance, seat: None };
        let connection = Connection::new(state, visitor, outlet.clone());
        let subscriptions = Subscriptions::new(outlet, connection.topics.clone());
        let standing = Box::new(standing);
        let held = Held { subscriptions, standing, awaited: None, late: None };
        Scene { connection, held }
    }

    /// The core lets the user read a topic.
    fn joined(&self, topic: &str) -> Joined {
        let response = JoinResponse {
            topic: topic.to_owned(),
            cursor: CURSOR.to_owned(),
            head: CURSOR.to_owned(),
            resumed: true,
            ..JoinResponse::default()
        };
        let caller = self.connection.identity.caller(self.connection.trace);
        self.connection.state.feeds.joined(caller, response)
    }

    /// Whatever was granted to the user is to be asked for again.
    fn rights_change(&self) {
        let session = self.connection.identity.session();
        self.connection.state.rights.replace_token(session, session);
    }

    fn has(&self, topic: &str) -> bool {
        self.held.subscriptions.has(topic)
    }

    /// The dashboard, of which the user may read nothing.
    fn view(&self) -> View {
        let Connection { state, identity, .. } = &self.connection;
        let hold =
            |topic: String| (topic.clone(), state.rights.hold(identity.session(), Some(&topic)));
        let readable = Readable { rooms: Vec::new(), asked_at: Instant::now(), until: None };
        let holds = view::topics().map(hold).collect();
        View { readable: Some(readable), holds, cursors: BTreeMap::new() }
    }
}

#[tokio::test]
async fn an_answer_that_lay_while_rights_changed_is_asked_for_again() {
    for is_touched in [false, true] {
        let mut scene = Scene::new().await;
        let joined = scene.joined(ROOM);
        if is_touched {
            scene.rights_change();
        }
        let Scene { connection, held } = &mut scene;
        let is_decided = connection.decide(held, ROOM, Ok(joined)).await.unwrap();
        assert_eq!((is_decided, scene.has(ROOM)), (!is_touched, !is_touched));
    }
}

#[tokio::test]
async fn what_is_recovered_is_asked_for_again_where_rights_changed_before_it_was_told() {
    let mut scene = Scene::new().await;
    let joined = vec![(Some(CURSOR.to_owned()), scene.joined(ROOM))];
    scene.rights_change();
    let recovery = Recovery { joined, ..Recovery::default() };
    let undecided = scene.connection.go_on(&mut scene.held, recovery).await.unwrap();
    assert_eq!(undecided.get(ROOM), Some(&Some(CURSOR.to_owned())));
    assert!(!scene.has(ROOM));
}

#[tokio::test]
async fn a_topic_that_comes_late_stays_when_the_view_is_left_that_showed_it_meanwhile() {
    let mut scene = Scene::new().await;
    let named = (SHOWN.to_owned(), Some(CURSOR.to_owned()));
    scene.held.late = Some(Box::new(Late::new([named].into())));
    scene.held.subscriptions.join(SHOWN, By::View);
    let answer = Ok(scene.joined(SHOWN));
    scene.connection.join_late(&mut scene.held, answer).await.unwrap();
    assert!(scene.held.late.is_none());
    scene.held.subscriptions.leave_view().await;
    assert!(scene.has(SHOWN));
}

#[tokio::test]
async fn a_room_of_the_dashboard_that_may_be_read_no_more_is_not_recovered_again() {
    let mut scene = Scene::new().await;
    scene.connection.outlet.place(SHOWN, Some(CURSOR));
    let mut topics = Topics::from([(SHOWN.to_owned(), Some(CURSOR.to_owned()))]);
    let view = scene.view();
    scene.connection.show(&mut scene.held, view, &mut topics).await.unwrap();
    assert!(!scene.connection.outlet.leave(SHOWN), "it was still to be recovered");
}

#[tokio::test]
async fn a_topic_that_has_come_to_its_end_stays_joined_and_is_not_recovered_again() {
    let mut scene = Scene::new().await;
    scene.connection.outlet.place(ROOM, Some(CURSOR));
    scene.held.subscriptions.join(ROOM, By::Name);
    let ended = Ended { topic: ROOM.to_owned(), end: End::Ended };
    scene.connection.ended(&mut scene.held, ended).await.unwrap();
    assert!(scene.has(ROOM));
    assert!(!scene.connection.outlet.leave(ROOM), "it was still to be recovered");
}

#[tokio::test]
async fn a_room_of_the_dashboard_is_not_entered_while_the_right_to_it_is_in_doubt() {
    for is_touched in [false, true] {
        let scene = Scene::new().await;
        let Connection { state, identity, trace, outlet, .. } = &scene.connection;
        let topic = SHOWN.to_owned();
        let room = JoinResponse { topic: topic.clone(), ..JoinResponse::default() };
        state.feeds.looked_at(identity.session().tenant(), room);
        let hold = state.rights.hold(identity.session(), Some(SHOWN));
        let (caller, asked_at) = (identity.caller(*trace), Instant::now());
        let guest = Guest { caller, hold, topic, since: None, asked_at, until: None };
        if is_touched {
            scene.rights_change();
        }
        let entering = Entering { feeds: state.feeds.clone(), guest, wake: Arc::default() };
        let is_in = entering.enter(outlet).now_or_never().is_some();
        assert_eq!((is_in, outlet.leave(SHOWN)), (!is_touched, !is_touched));
    }
}
