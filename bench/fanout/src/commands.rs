//! What subscribers cost a session's commands: so many sockets of an edge in one session, one author who
//! sends commands to the core at a steady pace, and how long each took and each event was on its way.
//! Between any two numbers of sockets stands a trial with none: the ratio is to those beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use roomcast_proto::v1;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::arrivals::Arrivals;
use crate::connection::Entering;
use crate::crowd::Crowd;
use crate::peer::Server;
use crate::tally::event;

const SUBSCRIBERS: [usize; 3] = [1, 100, 1000];
/// Between two commands.
const PACE: Duration = Duration::from_millis(10);
/// Authors at once, where it is asked how many commands a second there can be.
const AUTHORS: usize = 16;
/// Subscribers meanwhile.
const CROWDED: usize = 100;
/// After a trial nothing has come for this long.
const QUIET: Duration = Duration::from_millis(300);

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) points: Vec<Point>,
    pub(crate) most: Most,
}

/// What a number of subscribers came to.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) subscribers: usize,
    /// How long commands took, with nobody before, with them, and with nobody after.
    pub(crate) before: Arrivals,
    pub(crate) with: Arrivals,
    pub(crate) after: Arrivals,
    /// How long events were on their way to a socket, from the command's sending.
    pub(crate) events: Arrivals,
    pub(crate) lost: i64,
}

/// As many commands as there can be.
#[derive(Debug)]
pub(crate) struct Most {
    pub(crate) subscribers: usize,
    pub(crate) commands_per_second: f64,
    pub(crate) lost: i64,
}

/// Measures a server that has sessions.
pub(crate) fn measure(server: &Server, span: Duration) -> anyhow::Result<Commands> {
    let begun = Instant::now();
    let core = server.core.ok_or_else(|| anyhow::anyhow!("this server has no sessions"))?;
    let author = Author::new(core, begun)?;
    let session_id = author.session_id.clone();
    let entrance = Box::new(move |number| {
        let request = match number {
            0 => r#"421["ping",{}]"#.to_owned(),
            _ => format!(r#"421["join_session",{}]"#, json!({ "session_id": session_id })),
        };
        Entering { auth: "{}".to_owned(), request }
    });
    let mut crowd = Crowd::new(server.address, begun, entrance)?;
    crowd.gather(1)?;
    let mut points = Vec::new();
    let (mut before, _) = at_a_pace(&mut crowd, &author, span)?;
    for subscribers in SUBSCRIBERS {
        crowd.gather(subscribers)?;
        let (with, sent) = at_a_pace(&mut crowd, &author, span)?;
        let events = crowd.tally.arrivals.clone();
        let lost = (sent * subscribers) as i64 - crowd.tally.deliveries as i64;
        crowd.keep(1);
        let (after, _) = at_a_pace(&mut crowd, &author, span)?;
        points.push(Point { subscribers, before, with, after: after.clone(), events, lost });
        before = after;
    }
    crowd.gather(CROWDED)?;
    let begin = Instant::now();
    let (_, sent) = turn_until(&mut crowd, author.race(span))?;
    let commands_per_second = sent as f64 / begin.elapsed().as_secs_f64();
    settle(&mut crowd)?;
    let lost = (sent * CROWDED) as i64 - crowd.tally.deliveries as i64;
    let most = Most { subscribers: CROWDED, commands_per_second, lost };
    Ok(Commands { points, most })
}

type Sent = anyhow::Result<(Arrivals, usize)>;

fn at_a_pace(crowd: &mut Crowd, author: &Author, span: Duration) -> Sent {
    settle(crowd)?;
    let sent = turn_until(crowd, author.begin(span))?;
    settle(crowd)?;
    Ok(sent)
}

/// The crowd receives until the author is done. What it has counted so far is forgotten.
fn turn_until(crowd: &mut Crowd, author: JoinHandle<Sent>) -> Sent {
    crowd.tally.forget();
    while !author.is_finished() {
        crowd.turn(Duration::from_millis(1))?;
    }
    author.join().map_err(|_| anyhow::anyhow!("the author has panicked"))?
}

fn settle(crowd: &mut Crowd) -> anyhow::Result<()> {
    let (mut seen, mut since) = (crowd.tally.deliveries, Instant::now());
    while since.elapsed() < QUIET {
        crowd.turn(Duration::from_millis(5))?;
        if crowd.tally.deliveries > seen {
            (seen, since) = (crowd.tally.deliveries, Instant::now());
        }
    }
    Ok(())
}

/// Who sends commands, on a thread of its own.
#[derive(Debug, Clone)]
struct Author {
    runtime: Arc<Runtime>,
    sessions: SessionServiceClient<Channel>,
    session_id: String,
    begun: Instant,
}

impl Author {
    /// With a session of one node.
    fn new(core: SocketAddr, begun: Instant) -> anyhow::Result<Author> {
        let runtime = Arc::new(Builder::new_multi_thread().worker_threads(1).enable_all().build()?);
        let endpoint = Endpoint::from_shared(format!("http://{core}"))?.tcp_nodelay(true);
        let mut sessions = SessionServiceClient::new(runtime.block_on(endpoint.connect())?);
        let session_id = runtime.block_on(async {
            let wanted = v1::CreateProjectRequest { name: "bench".into(), ..Default::default() };
            let project = sessions.create_project(wanted).await?.into_inner().project;
            let project_id = project.unwrap_or_default().project_id;
            let wanted = v1::CreateSessionRequest { project_id, ..Default::default() };
            let made = sessions.create_session(wanted).await?.into_inner().session;
            Ok::<_, anyhow::Error>(made.unwrap_or_default().session_id)
        })?;
        let node = v1::Node { node_id: "n".into(), node_type: "box".into(), ..Default::default() };
        let node = v1::CreateNode { node: Some(node) };
        let author = Author { runtime, sessions, session_id, begun };
        author.runtime.block_on(author.execute(v1::command::Kind::CreateNode(node)))?;
        Ok(author)
    }

    /// One command after the other, at a steady pace.
    fn begin(&self, span: Duration) -> JoinHandle<Sent> {
        let (author, runtime) = (self.clone(), self.runtime.clone());
        std::thread::spawn(move || {
            runtime.block_on(async {
                let (begin, mut taken, mut sent) = (Instant::now(), Arrivals::default(), 0);
                let mut ticks = tokio::time::interval(PACE);
                while begin.elapsed() < span {
                    ticks.tick().await;
                    taken.add(author.touch().await?);
                    sent += 1;
                }
                Ok((taken, sent))
            })
        })
    }

    /// As many as there can be.
    fn race(&self, span: Duration) -> JoinHandle<Sent> {
        let (author, runtime) = (self.clone(), self.runtime.clone());
        std::thread::spawn(move || {
            runtime.block_on(async {
                let (begin, mut authors) = (Instant::now(), JoinSet::new());
                for _ in 0..AUTHORS {
                    let author = author.clone();
                    authors.spawn(async move {
                        let mut taken = Vec::new();
                        while begin.elapsed() < span {
                            taken.push(author.touch().await?);
                        }
                        Ok::<_, anyhow::Error>(taken)
                    });
                }
                let (mut taken, mut sent) = (Arrivals::default(), 0);
                while let Some(of_one) = authors.join_next().await {
                    let of_one = of_one??;
                    sent += of_one.len();
                    of_one.into_iter().for_each(|micros| taken.add(micros));
                }
                Ok((taken, sent))
            })
        })
    }

    /// Sets a property to the moment of its being set. Answers how many microseconds it took.
    async fn touch(&self) -> anyhow::Result<u64> {
        let value = event(self.begun.elapsed(), "");
        let (node_id, key) = ("n".to_owned(), "at".to_owned());
        let begin = Instant::now();
        let set = v1::SetProperty { node_id, key, value };
        self.execute(v1::command::Kind::SetProperty(set)).await?;
        Ok(begin.elapsed().as_micros() as u64)
    }

    async fn execute(&self, kind: v1::command::Kind) -> anyhow::Result<()> {
        let wanted = v1::ExecuteCommandRequest {
            session_id: self.session_id.clone(),
            command: Some(v1::Command { kind: Some(kind) }),
            ..Default::default()
        };
        self.sessions.clone().execute_command(wanted).await?;
        Ok(())
    }
}
