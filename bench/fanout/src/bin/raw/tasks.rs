//! As servers are built: a task reads each socket, and another writes what is in the socket's queue. An
//! event's frame is made once and shared by all queues; what has come together is written together.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use roomcast_wire::frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::session::{Request, Session};

const READ_BYTES: usize = 4 * 1024;
/// Frames that wait for one socket: more are lost, and counted so.
const QUEUE_FRAMES_MAX: usize = 16 * 1024;

#[derive(Default)]
struct Rooms(Mutex<HashMap<String, Vec<Arc<Queue>>>>);

#[derive(Default)]
struct Queue {
    frames: Mutex<Vec<Bytes>>,
    filled: Notify,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let rooms = Arc::new(Rooms::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let rooms = Arc::clone(&rooms);
        // It ends with its connection.
        tokio::spawn(async move { connected(stream, &rooms).await });
    }
}

async fn connected(stream: TcpStream, rooms: &Rooms) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    let queue = Arc::new(Queue::default());
    let writing = tokio::spawn(write(writer, Arc::clone(&queue)));
    let ended = read(reader, rooms, &queue).await;
    writing.abort();
    ended
}

async fn read(mut reader: OwnedReadHalf, rooms: &Rooms, own: &Arc<Queue>) -> std::io::Result<()> {
    let mut session = Session::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = reader.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        for request in session.hear(&buffer[..read]) {
            match request {
                Request::Answer(bytes) => own.push(bytes.into()),
                Request::Join(room) => {
                    rooms.all().entry(room).or_default().push(Arc::clone(own));
                }
                Request::Publish(room, event) => {
                    let mut made = Vec::with_capacity(event.len() + 4);
                    frame::write(&mut made, event.as_bytes());
                    let made = Bytes::from(made);
                    let all = rooms.all();
                    all.get(&room).into_iter().flatten().for_each(|queue| queue.push(made.clone()));
                }
            }
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, queue: Arc<Queue>) -> std::io::Result<()> {
    let (mut frames, mut bytes) = (Vec::new(), Vec::new());
    loop {
        queue.filled.notified().await;
        std::mem::swap(&mut *queue.frames(), &mut frames);
        bytes.clear();
        frames.drain(..).for_each(|frame: Bytes| bytes.extend_from_slice(&frame));
        writer.write_all(&bytes).await?;
    }
}

impl Rooms {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<Queue>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&self, frame: Bytes) {
        let mut frames = self.frames();
        if frames.len() < QUEUE_FRAMES_MAX {
            frames.push(frame);
        }
        let is_first = frames.len() == 1;
        drop(frames);
        if is_first {
            self.filled.notify_one();
        }
    }

    fn frames(&self) -> MutexGuard<'_, Vec<Bytes>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
