//! The reports of one lease that are not durable yet. Pure: what to send, what an answer changes.

use std::collections::{HashMap, VecDeque};

use roomcast_proto::v1::{Lease, OutputChunk, Report};

/// Reports in the order of their numbers, each with something of the caller's.
#[derive(Debug)]
pub(super) struct Ring<T> {
    lease: Lease,
    kept: VecDeque<(Report, T)>,
    /// The number of the last report, durable or not.
    last: u64,
    /// How many of the kept ones were sent on the connection under way.
    sent: usize,
    /// How many of them may be: any number, but after a refusal for now few. Each would be refused as well.
    window: usize,
    /// Bytes of output in all reports so far, by channel.
    written: HashMap<String, u64>,
}

/// What a refusal comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Refused<T> {
    /// It follows from an earlier refusal, or is of a report that is durable: nothing to do.
    Stale,
    /// The same reports may be taken later: [`Ring::rewind`] after a while.
    Later,
    /// This report will never be taken. It is gone, and those behind it move up.
    Dropped(T),
}

impl<T> Ring<T> {
    pub(super) fn new(lease: Lease) -> Self {
        let (kept, written) = (VecDeque::new(), HashMap::new());
        Self { lease, kept, last: 0, sent: 0, window: usize::MAX, written }
    }

    /// Keeps a report under the next number, its output at the next offsets.
    pub(super) fn push(&mut self, mut report: Report, with: T) {
        self.last += 1;
        report.job_id.clone_from(&self.lease.job_id);
        report.fence = self.lease.fence;
        report.number = self.last;
        for chunk in &mut report.output {
            let written = self.written.entry(chunk.channel.clone()).or_default();
            chunk.offset = *written;
            *written += chunk.data.len() as u64;
        }
        self.kept.push_back((report, with));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.sent < self.kept.len().min(self.window)
    }

    /// The next report to send.
    pub(super) fn next_unsent(&mut self) -> Option<Report> {
        let (report, _) = self.kept.get(self.sent).filter(|_| self.has_unsent())?;
        self.sent += 1;
        Some(report.clone())
    }

    /// All up to `number` are durable. Answers what was kept with them.
    pub(super) fn settle(&mut self, number: u64) -> Vec<T> {
        let durable = self.kept.iter().take_while(|(report, _)| report.number <= number).count();
        self.sent = self.sent.saturating_sub(durable);
        if durable > 0 {
            self.window = self.window.saturating_mul(2);
        }
        self.kept.drain(..durable).map(|(_, with)| with).collect()
    }

    /// Sends all that are kept again: the connection is new, or the core may take them now.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// Report `number` was not taken, and its number stays free.
    pub(super) fn refuse(&mut self, number: u64, is_retryable: bool) -> Refused<T> {
        // A report behind a refused one is refused for its number alone.
        if self.kept.front().is_none_or(|(report, _)| report.number != number) {
            return Refused::Stale;
        }
        if is_retryable {
            self.window = 1;
            return Refused::Later;
        }
        let Some((dropped, with)) = self.kept.pop_front() else { return Refused::Stale };
        for (report, _) in &mut self.kept {
            report.number -= 1;
        }
        for chunk in dropped.output {
            self.unwrite(&chunk);
        }
        self.last -= 1;
        self.sent = 0;
        Refused::Dropped(with)
    }

    /// What stood behind a dropped piece of output moves up.
    fn unwrite(&mut self, dropped: &OutputChunk) {
        let length = dropped.data.len() as u64;
        let kept = self.kept.iter_mut().flat_map(|(report, _)| &mut report.output);
        for chunk in kept.filter(|chunk| chunk.channel == dropped.channel) {
            chunk.offset -= length;
        }
        if let Some(written) = self.written.get_mut(&dropped.channel) {
            *written -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring_of(names: &[&'static str]) -> Ring<&'static str> {
        let mut ring = Ring::new(Lease { job_id: "j".into(), fence: 7 });
        for name in names {
            ring.push(Report::default(), *name);
        }
        ring
    }

    fn numbers_sent(ring: &mut Ring<&'static str>) -> Vec<u64> {
        std::iter::from_fn(|| ring.next_unsent()).map(|report| report.number).collect()
    }

    #[test]
    fn reports_are_numbered_from_one_within_their_lease() {
        let mut ring = ring_of(&["a", "b"]);
        let report = ring.next_unsent().unwrap();
        assert_eq!((report.job_id.as_str(), report.fence, report.number), ("j", 7, 1));
        assert_eq!(numbers_sent(&mut ring), [2]);
    }

    #[test]
    fn what_is_not_durable_goes_again_under_the_same_numbers() {
        let mut ring = ring_of(&["a", "b", "c"]);
        numbers_sent(&mut ring);
        assert_eq!(ring.settle(1), ["a"]);
        ring.rewind();
        assert_eq!(numbers_sent(&mut ring), [2, 3]);
    }

    #[test]
    fn an_acknowledgement_covers_all_before_it_and_may_repeat() {
        let mut ring = ring_of(&["a", "b", "c"]);
        numbers_sent(&mut ring);
        assert_eq!(ring.settle(2), ["a", "b"]);
        assert!(ring.settle(2).is_empty());
        ring.push(Report::default(), "d");
        assert_eq!(numbers_sent(&mut ring), [4]);
    }

    #[test]
    fn an_acknowledgement_of_what_was_sent_before_a_reconnect_is_not_sent_again() {
        let mut ring = ring_of(&["a", "b"]);
        ring.rewind();
        assert_eq!(ring.settle(1), ["a"]);
        assert_eq!(numbers_sent(&mut ring), [2]);
    }

    #[test]
    fn a_full_core_gets_the_same_reports_later() {
        let mut ring = ring_of(&["a", "b"]);
        numbers_sent(&mut ring);
        assert_eq!(ring.refuse(1, true), Refused::Later);
        assert_eq!(ring.refuse(2, false), Refused::Stale, "refused for its number alone");
        ring.rewind();
        // The first alone shows whether it takes any.
        assert_eq!(numbers_sent(&mut ring), [1]);
        ring.settle(1);
        assert_eq!(numbers_sent(&mut ring), [2]);
    }

    #[test]
    fn a_core_that_takes_reports_again_gets_ever_more_at_once() {
        let mut ring = ring_of(&["a", "b", "c", "d", "e", "f", "g", "h"]);
        numbers_sent(&mut ring);
        ring.refuse(1, true);
        ring.rewind();
        assert_eq!(numbers_sent(&mut ring), [1]);
        ring.settle(1);
        assert_eq!(numbers_sent(&mut ring), [2, 3]);
        ring.settle(2);
        assert_eq!(numbers_sent(&mut ring), [4, 5, 6]);
        ring.settle(6);
        assert_eq!(numbers_sent(&mut ring), [7, 8]);
    }

    #[test]
    fn a_report_that_is_never_taken_makes_room_for_those_behind_it() {
        let mut ring = ring_of(&["a", "b", "c"]);
        numbers_sent(&mut ring);
        ring.settle(1);
        assert_eq!(ring.refuse(2, false), Refused::Dropped("b"));
        assert_eq!(ring.refuse(3, false), Refused::Stale);
        assert_eq!(numbers_sent(&mut ring), [2]);
        ring.push(Report::default(), "d");
        assert_eq!(numbers_sent(&mut ring), [3]);
        assert_eq!(ring.settle(3), ["c", "d"]);
    }

    #[test]
    fn output_has_no_hole_where_a_report_was_dropped() {
        let mut ring = ring_of(&[]);
        for data in ["one", "three", "four"] {
            let chunk = |channel: &str| OutputChunk {
                channel: channel.into(),
                data: data.into(),
                ..OutputChunk::default()
            };
            let output = vec![chunk("stdout"), chunk("stderr")];
            ring.push(Report { output, ..Report::default() }, data);
        }
        numbers_sent(&mut ring);
        ring.settle(1);
        assert_eq!(ring.refuse(2, false), Refused::Dropped("three"));
        let report = ring.next_unsent().unwrap();
        assert_eq!(report.output.iter().map(|chunk| chunk.offset).collect::<Vec<_>>(), [3, 3]);
    }
}
