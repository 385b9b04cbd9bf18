//! Whatever happens to a job, in whatever order, these hold.

use proptest::prelude::*;

use super::*;

/// Something that may happen. Numbers choose among what is possible at that moment.
#[derive(Debug, Clone)]
enum Happening {
    Wait(u64),
    Lease,
    Renew {
        is_stale: bool,
    },
    Report {
        is_stale: bool,
        skip: u64,
        percent: Option<f64>,
        output: usize,
        own: usize,
        end: Option<u8>,
    },
    Repeat,
    Cancel,
    TickAtDeadline,
}

fn happening() -> impl Strategy<Value = Happening> {
    let percent = prop_oneof![
        3 => Just(None),
        5 => (0.0..=100.0_f64).prop_map(Some),
        1 => prop_oneof![Just(Some(f64::NAN)), Just(Some(150.0)), Just(Some(-0.1))],
    ];
    let end = prop_oneof![6 => Just(None), 1 => (0_u8..5).prop_map(Some)];
    let report = (
        prop::bool::weighted(0.1),
        prop_oneof![9 => Just(0_u64), 1 => 1..3_u64],
        percent,
        0..4_usize,
        prop_oneof![4 => Just(0_usize), 3 => 1..4_usize, 1 => 200..=256_usize],
        end,
    );
    prop_oneof![
        3 => (1..20_000_u64).prop_map(Happening::Wait),
        3 => (1..150_u64).prop_map(Happening::Wait),
        3 => Just(Happening::Lease),
        1 => any::<bool>().prop_map(|is_stale| Happening::Renew { is_stale }),
        9 => report.prop_map(|(is_stale, skip, percent, output, own, end)| Happening::Report { is_stale, skip, percent, output, own, end }),
        1 => Just(Happening::Repeat),
        1 => Just(Happening::Cancel),
        3 => Just(Happening::TickAtDeadline),
    ]
}

/// A job under test, with everything that was ever logged about it.
struct World {
    record: Record,
    now: Time,
    log: Vec<(Time, Entry)>,
    last_report: Option<Report>,
    /// The percent that the worker of this attempt has had accepted.
    accepted_percent: f64,
    /// How many events the workers have had for themselves.
    said: usize,
    /// Those that were accepted, and under which attempt.
    accepted_events: Vec<(u32, Reported)>,
}

impl World {
    fn new(max_attempts: u32) -> World {
        let retry = RetryPolicy { max_attempts, ..RetryPolicy::default() };
        let timeouts = Timeouts { attempt: Some(Duration::from_secs(120)), ..Timeouts::default() };
        let created = Record::create(Spec { retry, timeouts, ..spec() });
        let log = created.entries.into_iter().map(|entry| (at(0), entry)).collect();
        World {
            record: created.record,
            now: at(0),
            log,
            last_report: None,
            accepted_percent: 0.0,
            said: 0,
            accepted_events: Vec::new(),
        }
    }

    fn happen(&mut self, happening: Happening) {
        let fence = self.record.custody.fence;
        match happening {
            Happening::Wait(millis) => self.now = self.now + Duration::from_millis(millis),
            Happening::Lease => self.ask(lease(W1)),
            Happening::Renew { is_stale } => {
                let fence = fence.saturating_sub(u64::from(is_stale));
                self.ask(Command::Renew { fence, ttl: LEASE });
            }
            Happening::Cancel => self.ask(cancel()),
            Happening::TickAtDeadline => {
                if let Some(deadline) = self.record.deadline() {
                    self.now = self.now.max(deadline);
                    self.ask(tick());
                }
            }
            Happening::Repeat => {
                if let Some(report) = self.last_report.clone() {
                    self.ask(Command::Report(Box::new(report)));
                }
            }
            Happening::Report { is_stale, skip, percent, output, own, end } => {
                let fence = fence.saturating_sub(u64::from(is_stale));
                let number = self.record.custody.report + 1 + skip;
                let report = self.report(fence, number, percent, output, end);
                let report = Report { events: self.own_events(own), ..report };
                self.last_report = Some(report.clone());
                self.ask(Command::Report(Box::new(report)));
            }
        }
    }

    fn report(
        &self,
        fence: u64,
        number: u64,
        percent: Option<f64>,
        output: usize,
        end: Option<u8>,
    ) -> Report {
        let is_new = self.record.job.worker.is_none();
        let written =
            self.record.job.output.get("stdout").copied().filter(|_| !is_new).unwrap_or(0);
        let chunk = OutputChunk {
            channel: "stdout".into(),
            offset: written,
            data: Bytes::from(vec![b'x'; output]),
        };
        let end = end.map(|end| match end {
            0 => End::Completed(None),
            1 => failed(true),
            2 => failed(false),
            3 => End::Cancelled,
            _ => End::Released,
        });
        let progress = percent.map(|_| ProgressUpdate { percent, ..ProgressUpdate::default() });
        Report { progress, output: vec![chunk], end, ..blank(fence, number) }
    }

    /// Events that say which of all they are.
    fn own_events(&mut self, count: usize) -> Vec<Reported> {
        let numbers = self.said + 1..=self.said + count;
        self.said += count;
        numbers.map(|number| said(&number.to_string())).collect()
    }

    /// Asks, and checks every invariant that one step can break.
    fn ask(&mut self, command: Command) {
        let before = self.record.clone();
        let Ok(decision) = before.decide(command.clone(), self.now) else { return };
        let after = &decision.record;
        assert!(after.custody.fence >= before.custody.fence, "a fence never falls");
        if matches!(command, Command::Lease { .. }) {
            assert_eq!(
                after.custody.fence,
                before.custody.fence + 1,
                "every owner has a new fence"
            );
            assert!(before.job.run_at <= self.now, "no lease before its time");
        }
        if let Command::Report(report) = &command {
            assert_eq!(report.fence, before.custody.fence, "only the holder's reports count");
            assert!(before.custody.lease.is_some(), "only a holder reports");
            assert_eq!(
                report.number,
                before.custody.report + 1,
                "each report counts once, in order"
            );
            self.accept(report, after.job.attempt > before.job.attempt);
        }
        if before.job.state.is_final() {
            assert!(decision.entries.is_empty() && *after == before, "nothing follows the end");
        }
        if before.job.cancel.is_some() {
            assert_eq!(after.custody.fence, before.custody.fence, "no lease after a cancellation");
        }
        self.log.extend(decision.entries.iter().map(|entry| (self.now, entry.clone())));
        self.record = decision.record;
        self.check_whole();
    }

    fn accept(&mut self, report: &Report, is_new_attempt: bool) {
        if is_new_attempt {
            self.accepted_percent = 0.0;
        }
        let attempt = self.record.job.attempt + u32::from(is_new_attempt);
        self.accepted_events.extend(report.events.iter().map(|event| (attempt, event.clone())));
        let percent = report.progress.as_ref().and_then(|update| update.percent);
        self.accepted_percent = self.accepted_percent.max(percent.unwrap_or(0.0));
    }

    fn check_whole(&self) {
        let job = &self.record.job;
        let mut folded = Job::created(Arc::new(spec()));
        for (time, entry) in &self.log {
            folded.apply(&entry.event, *time);
            assert_eq!((entry.state, entry.attempt), (folded.state, folded.attempt));
        }
        assert_eq!(folded, *job, "folding the log gives exactly the job");
        let ends = self.log.iter().filter(|(_, entry)| entry.event.is_final()).count();
        assert_eq!(ends, usize::from(job.state.is_final()), "one end, when it has ended");
        if job.state.is_final() {
            let last = self.log.last().expect("a log");
            assert!(last.1.event.is_final(), "the end comes last");
            assert!(self.record.custody.lease.is_none() && self.record.custody.pending.is_none());
            let expected =
                if job.state == State::Completed { 100.0 } else { self.accepted_percent };
            assert_eq!(job.progress.percent, expected, "the last progress arrives before the end");
        } else {
            assert!(self.record.deadline().is_some(), "whatever waits has a deadline");
        }
        let counted = job.attempt - self.record.custody.released;
        assert!(counted <= job.spec.retry.max_attempts, "attempts are bounded");
        assert!(self.record.custody.lease_losses <= LEASE_LOSSES_MAX, "losses are bounded");
    }

    /// At most ten progress events in any second of an attempt, but for those that a change of state
    /// carried along.
    fn check_rate(&self) {
        let free: Vec<Time> = self
            .log
            .iter()
            .zip(self.log.iter().skip(1).map(Some).chain([None]))
            .filter(|((time, entry), next)| {
                let is_carried = next.is_some_and(|(later, next)| {
                    later == time
                        && !matches!(
                            next.event,
                            Event::Progressed(_)
                                | Event::Output { .. }
                                | Event::Used(_)
                                | Event::Reported(_)
                        )
                });
                let follows_start = self.log.iter().any(|(started, start)| {
                    started == time
                        && matches!(start.event, Event::Started { .. })
                        && start.attempt == entry.attempt
                });
                matches!(entry.event, Event::Progressed(_)) && !is_carried && !follows_start
            })
            .map(|((time, _), _)| *time)
            .collect();
        for pair in free.windows(2) {
            assert!(pair[1].since(pair[0]) >= PROGRESS_INTERVAL, "{pair:?}");
        }
    }

    /// A worker's own events are logged once, in order, in their attempt, and no faster than they may.
    fn check_own_events(&self) {
        let mut logged = Vec::new();
        let mut times = Vec::new();
        for (time, entry) in &self.log {
            if let Event::Reported(event) = &entry.event {
                logged.push((entry.attempt, event.clone()));
                times.push(*time);
            }
        }
        assert_eq!(logged, self.accepted_events);
        let (at_once, rate) = (JOB_EVENTS_AT_ONCE as usize, JOB_EVENTS_PER_SECOND);
        for (first, last) in times.iter().zip(times.iter().skip(at_once)) {
            let millis = last.since(*first).as_millis();
            assert!(
                millis >= u128::from(1000 / rate),
                "{at_once} at {first:?}, one more at {last:?}"
            );
        }
    }

    fn check_output(&self) {
        let mut written = 0;
        for (_, entry) in &self.log {
            if let Event::Started { .. } = &entry.event {
                written = 0;
            } else if let Event::Output { offset, data, .. } = &entry.event {
                assert_eq!(*offset, written, "output has no hole and no overlap");
                written += data.len() as u64;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_lawful(max_attempts in 1..4_u32, happenings in prop::collection::vec(happening(), 1..80)) {
        let mut world = World::new(max_attempts);
        for happening in happenings {
            world.happen(happening);
        }
        world.check_rate();
        world.check_output();
        world.check_own_events();
    }

    #[test]
    fn a_job_that_everybody_forgets_ends_by_itself(happenings in prop::collection::vec(happening(), 0..40)) {
        let mut world = World::new(3);
        for happening in happenings {
            world.happen(happening);
        }
        for _ in 0..40 {
            world.happen(Happening::TickAtDeadline);
        }
        prop_assert!(world.record.job.state.is_final(), "{:?}", world.record);
        prop_assert_eq!(world.record.deadline(), None);
    }

    #[test]
    fn a_record_is_stored_and_read_back_whole(happenings in prop::collection::vec(happening(), 0..40)) {
        let mut world = World::new(2);
        for happening in happenings {
            world.happen(happening);
        }
        let stored = serde_json::to_vec(&world.record).expect("stores");
        let read: Record = serde_json::from_slice(&stored).expect("reads");
        prop_assert_eq!(read, world.record);
    }
}
