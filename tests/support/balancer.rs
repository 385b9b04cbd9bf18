//! A TCP proxy before edges: it passes over those that do not answer, and can cut what it carries.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Ends, with all that it carries, when it is dropped.
#[derive(Debug)]
pub(crate) struct Balancer {
    address: SocketAddr,
    doors: Arc<Mutex<Vec<SocketAddr>>>,
    cuts: watch::Sender<()>,
    _tasks: JoinSet<()>,
}

impl Balancer {
    pub(crate) async fn start(doors: &[SocketAddr]) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let doors = Arc::new(Mutex::new(doors.to_vec()));
        let cuts = watch::Sender::new(());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, doors.clone(), cuts.clone()));
        Balancer { address, doors, cuts, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// New connections go here; those that stand stay where they are.
    pub(crate) fn send_to(&self, doors: &[SocketAddr]) {
        *self.doors.lock().expect("no panic with the lock held") = doors.to_vec();
    }

    /// Ends every connection at once, without a word to either side.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(());
    }
}

async fn serve(listener: TcpListener, doors: Arc<Mutex<Vec<SocketAddr>>>, cuts: watch::Sender<()>) {
    let mut carried = JoinSet::new();
    while let Ok((outer, _)) = listener.accept().await {
        while carried.try_join_next().is_some() {}
        let doors = {
            let mut doors = doors.lock().expect("no panic with the lock held");
            if !doors.is_empty() {
                doors.rotate_left(1);
            }
            doors.clone()
        };
        carried.spawn(carry(outer, doors, cuts.subscribe()));
    }
}

async fn carry(mut outer: TcpStream, doors: Vec<SocketAddr>, mut cuts: watch::Receiver<()>) {
    for door in doors {
        let Ok(mut inner) = TcpStream::connect(door).await else { continue };
        let is_prompt = outer.set_nodelay(true).and(inner.set_nodelay(true));
        is_prompt.expect("sockets that are connected");
        // Whichever ends first ends both: neither side has more to say to nobody.
        tokio::select! {
            _ = copy_bidirectional(&mut outer, &mut inner) => {}
            _ = cuts.changed() => {}
        }
        return;
    }
}
