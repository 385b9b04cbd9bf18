//! Latencies of many arrivals, in buckets that are precise to one part in 32.

use std::time::Duration;

const BITS: u32 = 5;
const PER_OCTAVE: usize = 1 << BITS;
const BUCKETS: usize = PER_OCTAVE * 32;

/// Counts by microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals { buckets: vec![0; BUCKETS], count: 0 }
    }
}

impl Arrivals {
    pub(crate) fn add(&mut self, micros: u64) {
        let bucket = bucket(micros).min(BUCKETS - 1);
        self.buckets[bucket] += 1;
        self.count += 1;
    }

    /// The latency that this share of all does not exceed.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share) as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen > wanted || (seen == self.count && seen > 0) {
                return Duration::from_micros(lower(bucket));
            }
        }
        Duration::ZERO
    }
}

fn bucket(micros: u64) -> usize {
    if micros < PER_OCTAVE as u64 {
        return micros as usize;
    }
    let octave = micros.ilog2() - BITS;
    (octave as usize + 1) * PER_OCTAVE + (micros >> octave) as usize - PER_OCTAVE
}

fn lower(bucket: usize) -> u64 {
    if bucket < PER_OCTAVE {
        return bucket as u64;
    }
    let octave = bucket / PER_OCTAVE - 1;
    ((bucket % PER_OCTAVE + PER_OCTAVE) as u64) << octave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_found_again_to_one_part_in_thirty_two() {
        for micros in [0, 1, 31, 32, 33, 1000, 65_535, 1_000_000] {
            let mut arrivals = Arrivals::default();
            arrivals.add(micros);
            let found = arrivals.at(0.99).as_micros() as u64;
            assert!(found <= micros && micros - found <= micros / 32, "{micros}: {found}");
        }
    }

    #[test]
    fn shares_are_those_of_all_arrivals() {
        let mut arrivals = Arrivals::default();
        (0..100).for_each(|micros| arrivals.add(micros / 4));
        assert_eq!(arrivals.at(0.5).as_micros(), 12);
        assert_eq!(arrivals.at(1.0).as_micros(), 24);
    }
}
