//! The way from one process to another: a TCP proxy that can lose everything without a word, as a network
//! does that was cut.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Carried at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Whether what is asked passes, and whether what is answered does.
pub(super) type Ways = (watch::Receiver<bool>, watch::Receiver<bool>);

/// Ends, with all that it carries, when it is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    is_whole: watch::Sender<bool>,
    answers: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Link {
    pub(crate) async fn to(door: SocketAddr) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (is_whole, answers) = (watch::Sender::new(true), watch::Sender::new(true));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, door, (is_whole.subscribe(), answers.subscribe())));
        Link { address, is_whole, answers, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Nothing passes any more, and nobody is told.
    pub(crate) fn cut(&self) {
        self.is_whole.send_replace(false);
        self.answers.send_replace(false);
    }

    /// What is asked passes, and no answer comes back: as from a core that dies once it has done it.
    pub(crate) fn mute(&self) {
        self.answers.send_replace(false);
    }

    /// What was held goes on.
    pub(crate) fn mend(&self) {
        self.is_whole.send_replace(true);
        self.answers.send_replace(true);
    }
}

async fn serve(listener: TcpListener, door: SocketAddr, ways: Ways) {
    let mut carried = JoinSet::new();
    while let Ok((outer, _)) = listener.accept().await {
        while carried.try_join_next().is_some() {}
        carried.spawn(carry(outer, door, ways.clone()));
    }
}

async fn carry(outer: TcpStream, door: SocketAddr, mut ways: Ways) {
    if ways.0.wait_for(|is_whole| *is_whole).await.is_err() {
        return;
    }
    // Whom nobody answers is told so, as by any closed port.
    let Ok(inner) = TcpStream::connect(door).await else { return };
    let is_prompt = outer.set_nodelay(true).and(inner.set_nodelay(true));
    is_prompt.expect("sockets that are connected");
    join(outer, inner, ways).await;
}

/// Carries what comes from either side to the other, as long as its way is whole.
pub(super) async fn join(
    outer: impl AsyncRead + AsyncWrite,
    inner: impl AsyncRead + AsyncWrite,
    (asks, answers): Ways,
) {
    let (outer_read, outer_write) = split(outer);
    let (inner_read, inner_write) = split(inner);
    // Whichever ends first ends both: neither side has more to say to nobody.
    tokio::select! {
        _ = pass(outer_read, inner_write, asks) => {}
        _ = pass(inner_read, outer_write, answers) => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_whole: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece).await?;
        // Also an end is not told while the link is cut.
        if is_whole.wait_for(|is_whole| *is_whole).await.is_err() || read == 0 {
            return Ok(());
        }
        to.write_all(&piece[..read]).await?;
    }
}
