//! One server under one load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roomcast_wire::frame;
use serde_json::json;

use crate::arrivals::Arrivals;
use crate::connection::{Entering, Entrance};
use crate::cost::Cost;
use crate::crowd::Crowd;
use crate::peer::Server;
use crate::publisher::{Plan, Publisher, topic};

/// Deliveries a second to many small rooms.
pub(crate) const STEADY_RATES: [f64; 3] = [10_000.0, 40_000.0, 100_000.0];

/// A server has settled after this, and is measured from there on.
const WARM_UP: Duration = Duration::from_millis(400);
/// After a trial nothing has come for this long: the rest is lost. At most so long is waited.
const QUIET: Duration = Duration::from_millis(400);
const DRAIN_LIMIT: Duration = Duration::from_secs(8);
/// What counts as kept up: nearly all of what was offered, soon, and nothing lost.
const SHARE_MIN: f64 = 0.97;
/// A trial of fewer events could not tell a share.
const EVENTS_MIN: f64 = 40.0;
const LATENCY_MAX: Duration = Duration::from_millis(250);
/// Halvings of the interval in which the most lies.
const BISECTIONS: usize = 4;
/// Idle sockets are looked at after this.
const SETTLED: Duration = Duration::from_secs(1);

/// The server's memory is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Bytes of an event beside its moment.
pub(crate) const FILLER_BYTES: usize = 100;
/// Bytes of the envelope that Roomcast adds: the peers' events are as much longer, so that all frames
/// are of one size.
const ENVELOPE_BYTES: usize = 141;

/// Its answer says that what the connection asked for is done.
const IN: &str = r#"421["ping",{}]"#;

/// Who listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) sockets: usize,
    pub(crate) rooms: usize,
}

impl Scene {
    fn sockets_of_a_room(self) -> f64 {
        self.sockets as f64 / self.rooms as f64
    }
}

/// What it was to let everybody in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gathering {
    pub(crate) sockets: usize,
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
    pub(crate) memory: u64,
}

/// What a load came to.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// Events a second.
    pub(crate) rate: f64,
    /// Deliveries a second.
    pub(crate) offered: f64,
    pub(crate) delivered: f64,
    /// What one event comes to: the trial may end in the midst of one.
    of_one: f64,
    pub(crate) lost: i64,
    /// Of the server, for each delivery.
    pub(crate) cpu_each: Duration,
    pub(crate) bytes_each: f64,
    pub(crate) arrivals: Arrivals,
    /// Share of the other core that ran beside it.
    pub(crate) beside: f64,
}

impl Trial {
    pub(crate) fn is_sustained(&self) -> bool {
        self.delivered >= SHARE_MIN * self.offered - self.of_one
            && self.arrivals.at(0.99) < LATENCY_MAX
            && self.lost == 0
    }
}

/// A server and its sockets.
pub(crate) struct Stage<'a> {
    server: &'a Server,
    scene: Scene,
    begun: Instant,
    crowd: Crowd,
    publisher: Option<Publisher>,
    gathering: Gathering,
    memory: Watched,
}

/// The server's memory, looked at in between.
#[derive(Debug, Default)]
struct Watched {
    most: u64,
    looked: Duration,
}

impl<'a> Stage<'a> {
    /// Lets all sockets in.
    pub(crate) fn set(server: &'a Server, scene: Scene) -> anyhow::Result<Stage<'a>> {
        let begun = Instant::now();
        let publisher = server.core.map(Publisher::start).transpose()?;
        let entrance = entrance(publisher.as_ref(), scene)?;
        let mut crowd = Crowd::new(server.address, begun, entrance)?;
        crowd.gather(1)?;
        let before = Cost::of(server.pid())?;
        let took = crowd.gather(scene.sockets)?;
        let cpu = Cost::of(server.pid())?.cpu - before.cpu;
        let settled = Instant::now();
        while settled.elapsed() < SETTLED {
            crowd.turn(Duration::from_millis(10))?;
        }
        let memory = Cost::of(server.pid())?.memory.saturating_sub(before.memory);
        let gathering = Gathering { sockets: scene.sockets, took, cpu, memory };
        let memory = Watched::default();
        Ok(Stage { server, scene, begun, crowd, publisher, gathering, memory })
    }

    pub(crate) fn gathering(&self) -> Gathering {
        self.gathering
    }

    /// The highest rate that is sustained, looked for from a first one on.
    pub(crate) fn most(&mut self, begin_at: f64, span: Duration) -> anyhow::Result<Trial> {
        let mut best: Option<Trial> = None;
        let mut low = 0.0;
        let mut high = f64::INFINITY;
        let mut rate = begin_at;
        let mut bisections = 0;
        while bisections < BISECTIONS {
            let trial = self.run(rate, span)?;
            if trial.is_sustained() {
                low = rate;
                best = Some(trial);
            } else {
                high = rate;
            }
            rate = if high.is_infinite() { low * 2.0 } else { (low + high) / 2.0 };
            bisections += usize::from(high.is_finite() && low > 0.0);
            anyhow::ensure!(rate > 0.5, "nothing is sustained");
        }
        best.ok_or_else(|| anyhow::anyhow!("nothing is sustained"))
    }

    /// Publishes so many events a second and measures once the server has warmed up.
    pub(crate) fn run(&mut self, rate: f64, span: Duration) -> anyhow::Result<Trial> {
        self.crowd.tally.forget();
        let span = span.max(Duration::from_secs_f64(EVENTS_MIN / rate));
        let plan = self.plan(rate, WARM_UP + span);
        if let Some(publisher) = &self.publisher {
            publisher.begin(plan.clone())?;
        }
        let mut next = 0;
        self.play(&plan, &mut next, plan.first_due + WARM_UP)?;
        let (begin, before) = (Instant::now(), self.costs()?);
        let (deliveries, bytes) = (self.crowd.tally.deliveries, self.crowd.tally.bytes);
        self.crowd.tally.arrivals = Arrivals::default();
        self.play(&plan, &mut next, plan.first_due + WARM_UP + span)?;
        let (took, after) = (begin.elapsed(), self.costs()?);
        let tally = &self.crowd.tally;
        let (deliveries, bytes) = (tally.deliveries - deliveries, tally.bytes - bytes);
        let arrivals = tally.arrivals.clone();
        self.drain(&plan, &mut next)?;

        let fan_out = self.scene.sockets_of_a_room();
        let expected = (plan.events as f64 * fan_out) as i64;
        let cpu = after.0 - before.0;
        Ok(Trial {
            rate,
            offered: rate * fan_out,
            delivered: deliveries as f64 / took.as_secs_f64(),
            of_one: fan_out / took.as_secs_f64(),
            lost: expected - self.crowd.tally.deliveries as i64,
            cpu_each: cpu.div_f64(deliveries.max(1) as f64),
            bytes_each: bytes as f64 / deliveries.max(1) as f64,
            arrivals,
            beside: (after.1 - before.1).as_secs_f64() / took.as_secs_f64(),
        })
    }

    /// Lets guests in, whom a trial does not measure. They enter at the head of the room, or after the
    /// cursor of another.
    pub(crate) fn invite(
        &mut self,
        count: usize,
        place: Option<(String, String)>,
    ) -> anyhow::Result<()> {
        let entrance = match place {
            None => entrance(self.publisher.as_ref(), self.scene)?,
            Some((topic, cursor)) => Box::new(move |_| Entering {
                auth: json!({ "cursors": { (&topic): cursor }, "dashboard": false }).to_string(),
                request: IN.to_owned(),
            }) as Entrance,
        };
        self.crowd.invite(entrance);
        self.crowd.gather(count)?;
        Ok(())
    }

    pub(crate) fn crowd(&mut self) -> &mut Crowd {
        &mut self.crowd
    }

    pub(crate) fn publisher(&self) -> Option<&Publisher> {
        self.publisher.as_ref()
    }

    /// The most memory the server has had since this was asked last.
    pub(crate) fn most_memory(&mut self) -> anyhow::Result<u64> {
        let now = Cost::of(self.server.pid())?.memory;
        Ok(std::mem::replace(&mut self.memory.most, now).max(now))
    }

    fn plan(&self, rate: f64, span: Duration) -> Plan {
        let rounds = (rate * span.as_secs_f64() / self.scene.rooms as f64).ceil() as u64;
        let filler = match &self.publisher {
            Some(_) => FILLER_BYTES,
            None => FILLER_BYTES + ENVELOPE_BYTES,
        };
        Plan {
            begun: self.begun,
            first_due: self.begun.elapsed(),
            rate,
            // As many to each room.
            events: rounds.max(1) * self.scene.rooms as u64,
            rooms: self.scene.rooms as u64,
            filler: Arc::from("x".repeat(filler)),
        }
    }

    /// Receives until then, and publishes what is due where that goes by a socket.
    fn play(&mut self, plan: &Plan, next: &mut u64, until: Duration) -> anyhow::Result<()> {
        while self.begun.elapsed() < until {
            self.publish_due(plan, next);
            self.crowd.turn(Duration::from_millis(1))?;
            self.look_at_memory()?;
        }
        Ok(())
    }

    fn look_at_memory(&mut self) -> anyhow::Result<()> {
        let now = self.begun.elapsed();
        if now >= self.memory.looked + LOOK_EVERY {
            let most = self.memory.most.max(Cost::of(self.server.pid())?.memory);
            self.memory = Watched { most, looked: now };
        }
        Ok(())
    }

    fn publish_due(&mut self, plan: &Plan, next: &mut u64) {
        let due = plan.due_now();
        if self.publisher.is_some() || *next >= due {
            return;
        }
        let mut packets = Vec::new();
        for number in *next..due {
            let (room, payload) = (plan.room(number), plan.payload(number));
            packets.extend(frame::masked(&format!(r#"42["publish","r{room}",{payload}]"#)));
        }
        *next = due;
        self.crowd.say(&packets);
    }

    fn drain(&mut self, plan: &Plan, next: &mut u64) -> anyhow::Result<()> {
        let begin = Instant::now();
        let (mut seen, mut since) = (self.crowd.tally.deliveries, Instant::now());
        while since.elapsed() < QUIET && begin.elapsed() < DRAIN_LIMIT {
            self.publish_due(plan, next);
            self.crowd.turn(Duration::from_millis(5))?;
            if self.crowd.tally.deliveries > seen {
                (seen, since) = (self.crowd.tally.deliveries, Instant::now());
            }
        }
        Ok(())
    }

    /// CPU of the server, and of what runs beside it.
    fn costs(&self) -> anyhow::Result<(Duration, Duration)> {
        let mut beside = Duration::ZERO;
        for pid in self.server.beside() {
            beside += Cost::of(pid)?.cpu;
        }
        Ok((Cost::of(self.server.pid())?.cpu, beside))
    }
}

/// How sockets enter: a peer's by `join`, Roomcast's by cursors, whose join is done once it answers.
fn entrance(publisher: Option<&Publisher>, scene: Scene) -> anyhow::Result<Entrance> {
    let room = move |number: usize| (number.max(1) - 1) % scene.rooms;
    let Some(publisher) = publisher else {
        return Ok(Box::new(move |number| {
            let room = if number == 0 { "nobody".to_owned() } else { format!("r{}", room(number)) };
            Entering { auth: String::new(), request: format!(r#"421["join","{room}"]"#) }
        }));
    };
    let heads: Vec<String> =
        (0..scene.rooms as u64).map(|room| publisher.head(room)).collect::<Result<_, _>>()?;
    Ok(Box::new(move |number| {
        let room = room(number);
        let cursors = match number {
            0 => json!({}),
            _ => json!({ topic(room as u64): heads[room] }),
        };
        // In one room, as the sockets of the others.
        let auth = json!({ "cursors": cursors, "dashboard": false }).to_string();
        Entering { auth, request: IN.to_owned() }
    }))
}
