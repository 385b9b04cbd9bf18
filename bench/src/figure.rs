//! Latencies and rates.

use std::time::Duration;

/// What one case came to.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    latencies: Vec<Duration>,
    span: Duration,
}

impl Figure {
    pub(crate) fn new(mut latencies: Vec<Duration>, span: Duration) -> Figure {
        latencies.sort_unstable();
        Figure { latencies, span }
    }

    /// Both, as if one had followed the other at once.
    pub(crate) fn and(self, next: Figure) -> Figure {
        let latencies = self.latencies.into_iter().chain(next.latencies).collect();
        Figure::new(latencies, self.span + next.span)
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.span.as_secs_f64()
    }

    pub(crate) fn at(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        self.latencies.get(index).copied().unwrap_or_default()
    }

    /// `rate (p50/p99 ms)`.
    pub(crate) fn cell(&self) -> String {
        let millis = |share| self.at(share).as_secs_f64() * 1000.0;
        format!("{:.0}/s ({:.2}/{:.2} ms)", self.per_second(), millis(0.5), millis(0.99))
    }

    /// How the rates of one row stand to another's.
    pub(crate) fn ratios(ours: &[Figure], others: &[Figure]) -> String {
        let both = ours.iter().zip(others);
        let ratio = |(a, b): (&Figure, &Figure)| format!("{:.2}", a.per_second() / b.per_second());
        both.map(ratio).collect::<Vec<_>>().join(" | ")
    }
}
