use std::fs;
use std::path::PathBuf;

use super::{Postgres, data};

/// What a server has of the machine's shared memory.
fn shared_memory(server: &Postgres) -> Vec<PathBuf> {
    let lock = fs::read_to_string(data(server.folder()).join("postmaster.pid")).expect("it runs");
    let pid = lock.lines().next().expect("its process");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    let paths = maps.lines().filter_map(|line| line.find("/dev/shm/").map(|at| &line[at..]));
    paths.map(PathBuf::from).collect()
}

#[test]
fn a_server_leaves_no_shared_memory_behind_even_if_it_stood_still_when_it_was_dropped() {
    let server = Postgres::start();
    let taken = shared_memory(&server);
    assert!(!taken.is_empty(), "nothing is looked at");
    server.pause();
    drop(server);
    let left: Vec<&PathBuf> = taken.iter().filter(|segment| segment.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
}
