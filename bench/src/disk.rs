//! The raw disk: appends of 256 bytes, each followed by an fdatasync; and the same shared by a group.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::figure::Figure;
use crate::load::Operation;

/// Room for every publisher.
const QUEUE: usize = 8192;
const RECORD: [u8; 256] = [b'x'; 256];

/// One writer, one fdatasync a record.
pub(crate) fn alone(folder: &Path, span: Duration) -> anyhow::Result<Figure> {
    let mut file = File::create(folder.join("raw-alone"))?;
    let begin = Instant::now();
    let mut latencies = Vec::new();
    while begin.elapsed() < span {
        let one = Instant::now();
        file.write_all(&RECORD)?;
        file.sync_data()?;
        latencies.push(one.elapsed());
    }
    Ok(Figure::new(latencies, begin.elapsed()))
}

/// Records of many publishers, those that wait share an fdatasync: no log can be faster.
pub(crate) struct Group {
    queue: mpsc::SyncSender<oneshot::Sender<()>>,
}

impl Group {
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Group> {
        let mut file = File::create(folder.join("raw-group"))?;
        let (queue, waiting) = mpsc::sync_channel::<oneshot::Sender<()>>(QUEUE);
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let bytes = RECORD.repeat(group.len());
                if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
                    return;
                }
                for acknowledgement in group {
                    // A publisher whose time is over does not wait.
                    let _ = acknowledgement.send(());
                }
            }
        });
        Ok(Group { queue })
    }
}

#[async_trait::async_trait]
impl Operation for Group {
    async fn run(&self, _: usize, _: u64) -> anyhow::Result<()> {
        let (done, wait) = oneshot::channel();
        self.queue.send(done)?;
        Ok(wait.await?)
    }
}
