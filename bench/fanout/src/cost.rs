//! What a process costs, and where it runs.

use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// The server under test has this core to itself.
pub(crate) const SERVER_CORE: usize = 0;
/// This program and what a server needs beside itself share the other.
pub(crate) const LOAD_CORE: usize = 1;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) cpu: Duration,
    pub(crate) memory: u64,
}

impl Cost {
    /// Of a running process, from /proc.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Cost> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may contain anything.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().collect())
            .unwrap_or_default();
        let field = |number: usize| fields.get(number).and_then(|field| field.parse::<u64>().ok());
        let (Some(user), Some(system), Some(pages)) = (field(11), field(12), field(21)) else {
            anyhow::bail!("/proc/{pid}/stat is not as expected");
        };
        let ticks = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100) as f64;
        let page = sysconf(SysconfVar::PAGE_SIZE)?.unwrap_or(4096) as u64;
        let cpu = Duration::from_secs_f64((user + system) as f64 / ticks);
        Ok(Cost { cpu, memory: pages * page })
    }
}

/// This process runs on one core, and so does what it starts unless told otherwise.
pub(crate) fn keep_to(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

/// As many descriptors as this process and what it starts may have.
pub(crate) fn raise_descriptor_limit() -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}
