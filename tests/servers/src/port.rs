//! Ports that stay a test's own while its processes are killed and started again.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below 32768, where the kernel begins to choose ports of outgoing connections: one of those could
/// take a killed server's port before it is back.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of loopback. Reserved by a locked file, so that tests in other processes keep away from it.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    pub fn reserve() -> Port {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("roomcast-test-ports");
        std::fs::create_dir_all(&folder).expect("a folder for reservations of ports");
        let begin = u16::try_from(std::process::id() * 31 % u32::from(COUNT)).expect("a port");
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            let number = FIRST + (begin + step) % COUNT;
            let mut options = OpenOptions::new();
            let file = options
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.join(number.to_string()));
            let Ok(file) = file else { continue };
            let is_ours = file.try_lock().is_ok();
            if is_ours && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Port { number, _reservation: file };
            }
        }
        panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}
