//! Callers who each wait for their answer before they call again, and a machine that works on one call at
//! a time for so long, while the rest of a call's way costs nobody's time but its own.

/// Calls that are simulated.
const CALLS: usize = 200_000;

/// How it went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
}

/// `alone_us` is a call's time when nobody else calls, `work_us` the part that keeps others waiting.
pub(crate) fn simulate(callers: usize, alone_us: f64, work_us: f64) -> Answered {
    let way_us = alone_us - work_us;
    // When each caller's next call arrives; they began one after the other.
    let mut arrives: std::collections::VecDeque<f64> =
        (0..callers).map(|n| n as f64 * work_us / 2.0).collect();
    let (mut free, mut waits) = (0.0_f64, Vec::with_capacity(CALLS));
    for _ in 0..CALLS {
        // All have the same way, so that they arrive in the order in which they were answered.
        let Some(arrived) = arrives.pop_front() else { break };
        free = free.max(arrived) + work_us;
        waits.push(free - arrived + way_us);
        arrives.push_back(free + way_us);
    }
    let rate = waits.len() as f64 / free * 1e6;
    waits.sort_by(f64::total_cmp);
    Answered { rate, p50_ms: waits.get(waits.len() / 2).copied().unwrap_or_default() / 1000.0 }
}
