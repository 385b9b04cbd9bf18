//! One socket of a crowd, over all its connections.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use roomcast_wire::packet::{self, Heard};
use roomcast_wire::{frame, upgrade};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::sync::watch;

use super::{Manner, Sights};
use crate::support::credential::Token;

/// Read at once: many small frames, or a part of a large one.
const READ_BYTES: usize = 16 * 1024;

/// What the test and the socket's task share.
#[derive(Debug)]
pub(super) struct Member {
    record: Mutex<Record>,
    is_reading: watch::Sender<bool>,
}

/// What a socket's application has seen.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// How often it was let in.
    pub(crate) greetings: u32,
    /// How often its connection ended.
    pub(crate) losses: u32,
    /// Whether it is let in, as far as it knows.
    pub(crate) is_in: bool,
    /// What its connection goes by.
    connection_id: Option<String>,
    /// Why connections of its were ended, as it was told when it had come back.
    pub(crate) ended_as: Vec<String>,
    /// Errors and refusals, and whatever else was no event of the topic.
    pub(super) told: Vec<String>,
    /// What it received: first place and count of each run.
    runs: Vec<(u32, u32)>,
    listening: Option<Silence>,
}

/// When data came last, and the longest time without.
#[derive(Debug, Clone, Copy)]
struct Silence {
    since: Instant,
    longest: Duration,
}

impl Default for Member {
    fn default() -> Member {
        Member { record: Mutex::default(), is_reading: watch::Sender::new(true) }
    }
}

impl Member {
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no panic while recording")
    }

    pub(super) fn reads(&self, is_reading: bool) {
        self.is_reading.send_replace(is_reading);
    }
}

impl Record {
    /// The place of the last event received.
    pub(super) fn place(&self) -> Option<u32> {
        self.runs.last().map(|(first, count)| first + count - 1)
    }

    pub(super) fn runs(&self) -> Vec<(u32, u32)> {
        self.runs.clone()
    }

    pub(crate) fn received(&self) -> usize {
        self.runs.iter().map(|(_, count)| *count as usize).sum()
    }

    pub(super) fn listen_closely(&mut self) {
        self.listening = Some(Silence { since: Instant::now(), longest: Duration::ZERO });
    }

    pub(super) fn longest_silence(&self) -> Duration {
        self.listening
            .map(|silence| silence.longest.max(silence.since.elapsed()))
            .unwrap_or_default()
    }

    /// What is to be known of a socket that does not get on.
    pub(super) fn state(&self) -> String {
        let silence = self.listening.map(|silence| silence.since.elapsed());
        let Record { greetings, losses, is_in, connection_id, ended_as, told, .. } = self;
        format!(
            "is in: {is_in}, let in {greetings} times, lost {losses} times, connection \
             {connection_id:?}, without data for {silence:.1?}, ended as {ended_as:?}, told last {:?}",
            &told[told.len().saturating_sub(3)..]
        )
    }

    fn greet(&mut self, event: &str) {
        self.greetings += 1;
        self.is_in = true;
        let (_, greeting): (String, Value) = serde_json::from_str(event).expect("a greeting");
        self.connection_id = greeting["connection_id"].as_str().map(str::to_owned);
        self.ended_as.extend(greeting["previous"]["reason"].as_str().map(str::to_owned));
    }

    fn receive(&mut self, place: u32) {
        match self.runs.last_mut() {
            Some((first, count)) if *first + *count == place => *count += 1,
            _ => self.runs.push((place, 1)),
        }
    }

    fn heard_data(&mut self) {
        if let Some(silence) = &mut self.listening {
            let now = Instant::now();
            silence.longest = silence.longest.max(now - silence.since);
            silence.since = now;
        }
    }
}

/// Connects, receives, and comes back, until its task is dropped.
pub(super) async fn live(member: Arc<Member>, sights: Arc<Sights>, manner: Manner, token: Token) {
    let mut failures = 0;
    loop {
        let greetings = member.record().greetings;
        // How a connection ends is the server's business: the record says what it was told before.
        let _ = stay(&member, &sights, &manner, &token).await;
        {
            let mut record = member.record();
            record.is_in = false;
            record.losses += 1;
            failures = if record.greetings > greetings { 0 } else { failures + 1 };
        }
        tokio::time::sleep(manner.comeback.delay(failures)).await;
    }
}

/// One connection, until it ends.
async fn stay(member: &Member, sights: &Sights, manner: &Manner, token: &Token) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = manner.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let mut stream = socket.connect(manner.door).await?;
    stream.set_nodelay(true)?;
    stream.write_all(upgrade::request(&manner.door.to_string()).as_bytes()).await?;
    let mut is_reading = member.is_reading.subscribe();
    let mut buffer = Vec::with_capacity(READ_BYTES);
    let mut is_open = false;
    loop {
        is_reading.wait_for(|is_reading| *is_reading).await.expect("the crowd is there");
        buffer.reserve(READ_BYTES);
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        if !is_open {
            let Some((frames, is_switched)) = upgrade::answered(&buffer) else { continue };
            if !is_switched {
                let head = String::from_utf8_lossy(&buffer[..frames]).into_owned();
                member.record().told.push(head);
                return Ok(());
            }
            buffer.drain(..frames);
            is_open = true;
        }
        for answer in
            take_frames(member, sights, &mut buffer, || auth(member, sights, manner, token))?
        {
            stream.write_all(&frame::masked(&answer)).await?;
        }
    }
}

/// Takes in all frames that are whole. Answers what is to be said.
fn take_frames(
    member: &Member,
    sights: &Sights,
    buffer: &mut Vec<u8>,
    auth: impl Fn() -> String,
) -> io::Result<Vec<String>> {
    let mut answers = Vec::new();
    let mut taken = 0;
    while let Some(found) = frame::at(buffer, taken) {
        taken = found.payload.end;
        if found.opcode == frame::CLOSE {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match packet::hear(&buffer[found.payload]) {
            Heard::Open => answers.push(packet::connect(&auth())),
            Heard::Ping => answers.push(packet::PONG.to_owned()),
            Heard::Event(event) => take_event(member, sights, &String::from_utf8_lossy(event)),
            Heard::Refused(why) => {
                member.record().told.push(String::from_utf8_lossy(why).into_owned());
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Heard::Connected | Heard::Answer(_) | Heard::Other => {}
        }
    }
    buffer.drain(..taken);
    Ok(answers)
}

fn take_event(member: &Member, sights: &Sights, event: &str) {
    let mut record = member.record();
    match event.split('"').nth(1) {
        Some("connected") => record.greet(event),
        Some("measured" | "presence" | "reset") => {
            record.heard_data();
            let place = sights.place(event, record.place());
            record.receive(place);
        }
        _ => record.told.push(event.to_owned()),
    }
}

/// What an application gives at each connect: its token, where it is, and which connection it had.
fn auth(member: &Member, sights: &Sights, manner: &Manner, token: &Token) -> String {
    let place = member.record().place();
    let cursor = place.map_or_else(|| manner.after.1.clone(), |place| sights.cursor(place));
    let cursors = HashMap::from([(&manner.topic, cursor)]);
    let connection_id = member.record().connection_id.clone();
    json!({ "token": token, "cursors": cursors, "connection_id": connection_id }).to_string()
}
