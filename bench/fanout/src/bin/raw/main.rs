//! The limit: what a machine does that only brings frames to sockets. No ping, no order against anything
//! else, nothing kept.
//!
//! `raw PORT` is a loop without tasks, `raw PORT tasks` has a task and a queue for each socket.

mod direct;
mod session;
mod tasks;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = format!("127.0.0.1:{}", arguments.next().unwrap_or_default()).parse()?;
    match arguments.next().as_deref() {
        Some("tasks") => tasks::serve(address),
        _ => direct::serve(address),
    }
}
