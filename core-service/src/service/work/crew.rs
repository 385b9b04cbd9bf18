//! Workers that take the same jobs: they are asked for together, however many of them wait.

use std::collections::{HashMap, VecDeque};

use super::roster::{Hungry, SeatId};
use crate::store::{AgendaQuery, Candidate, Seeker};

/// Jobs one worker gets in one round: the others' turn comes with the next.
const ROUND_MAX: usize = 32;
/// Workers that are asked for together: each of them is named in the statement, with each of its kinds.
const CREW_MAX: usize = 64;

/// A job picked for a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) job_id: String,
    pub(super) seat: SeatId,
    pub(super) worker: String,
}

/// Workers of the same kinds and the same tenant, with slots free. Whose turn it is stands in front.
#[derive(Debug)]
pub(super) struct Crew(VecDeque<Hungry>);

impl Crew {
    /// Puts together who takes the same jobs.
    pub(super) fn of(hungry: Vec<Hungry>) -> Vec<Crew> {
        let mut alike: HashMap<_, Vec<Hungry>> = HashMap::new();
        for one in hungry {
            let jobs = (one.worker.kinds.clone(), one.worker.tenant.clone());
            let free = one.free.min(ROUND_MAX);
            alike.entry(jobs).or_default().push(Hungry { free, ..one });
        }
        let crews = alike.into_values();
        crews
            .flat_map(|crew| {
                crew.chunks(CREW_MAX).map(|some| Crew(some.to_vec().into())).collect::<Vec<_>>()
            })
            .collect()
    }

    /// What to ask the store, which may answer with as many jobs that are `taken`: they come first again.
    pub(super) fn query(&self, taken: usize) -> AgendaQuery {
        let beyond = taken.min(ROUND_MAX);
        let worker = self.0.front().map(|first| &first.worker);
        let seeker =
            |one: &Hungry| Seeker { worker: one.worker.id.clone(), pinned_max: one.free + beyond };
        AgendaQuery::Free {
            kinds: worker.map(|worker| worker.kinds.clone()).unwrap_or_default(),
            tenant: worker.and_then(|worker| worker.tenant.clone()),
            seekers: self.0.iter().map(seeker).collect(),
            limit: self.free() + beyond,
        }
    }

    fn free(&self) -> usize {
        self.0.iter().map(|one| one.free).sum()
    }

    /// Picks a worker for each job as far as slots are free: of more jobs than slots, the first. Of these, those
    /// that are one worker's alone come before the others, which would take its slots.
    pub(super) fn pick(&mut self, mut jobs: Vec<Candidate>) -> Vec<Pick> {
        jobs.truncate(self.free());
        jobs.sort_by_key(|job| job.pinned.is_none());
        jobs.into_iter().filter_map(|job| self.give(job)).collect()
    }

    fn give(&mut self, job: Candidate) -> Option<Pick> {
        let may = |one: &Hungry| job.pinned.as_ref().is_none_or(|pin| *pin == one.worker.id);
        let place = self.0.iter().position(|one| one.free > 0 && may(one))?;
        let mut one = self.0.remove(place)?;
        one.free -= 1;
        let pick = Pick { job_id: job.job_id, seat: one.seat, worker: one.worker.id.clone() };
        self.0.push_back(one);
        Some(pick)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Worker;
    use super::*;

    fn hungry(seat: SeatId, kind: &str, free: usize) -> Hungry {
        let (id, kinds) = (format!("w-{seat}"), vec![kind.to_owned()]);
        Hungry { seat, worker: Worker { id, kinds, slots: free, tenant: None }, free }
    }

    fn job(n: usize, pinned: Option<&str>) -> Candidate {
        let (pinned, fairness_key) = (pinned.map(str::to_owned), String::new());
        Candidate { job_id: n.to_string(), pinned, fairness_key, deadline: None }
    }

    #[test]
    fn who_takes_the_same_jobs_is_asked_for_together_and_others_are_not() {
        let crews = Crew::of((0..200).map(|seat| hungry(seat, "render", 40)).collect());
        assert_eq!(crews.len(), 4);
        assert!(crews.iter().all(|crew| crew.0.len() <= CREW_MAX));
        let AgendaQuery::Free { seekers, limit, .. } = crews[0].query(100) else {
            panic!("free jobs")
        };
        assert_eq!(limit, (crews[0].0.len() + 1) * ROUND_MAX);
        assert!(seekers.iter().all(|seeker| seeker.pinned_max == 2 * ROUND_MAX));
        assert_eq!(Crew::of(vec![hungry(1, "render", 1), hungry(2, "test", 1)]).len(), 2);
    }

    #[test]
    fn jobs_go_round_and_a_pinned_one_to_its_worker_alone() {
        let mut crews = Crew::of(vec![hungry(1, "x", 3), hungry(2, "x", 1), hungry(3, "x", 2)]);
        let beyond = [job(6, None), job(7, Some("w-1"))];
        let jobs = (0..5).map(|n| job(n, None)).chain([job(5, Some("w-2"))]).chain(beyond);
        let picks = crews[0].pick(jobs.collect());
        let of = |seat| picks.iter().filter(move |pick| pick.seat == seat).collect::<Vec<_>>();
        assert_eq!((of(1).len(), of(3).len()), (3, 2), "all slots are used: {picks:?}");
        assert_eq!(of(2).iter().map(|pick| &*pick.job_id).collect::<Vec<_>>(), ["5"]);
        let last = picks.iter().map(|pick| &*pick.job_id).max();
        assert_eq!(last, Some("5"), "in the order of the store: {picks:?}");
        let first: Vec<_> = picks.iter().skip(1).take(2).map(|pick| pick.seat).collect();
        assert!(first == [1, 3] || first == [3, 1], "in turns: {picks:?}");
    }
}
