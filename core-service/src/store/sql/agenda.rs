//! Which jobs to look at.
//!
//! Free jobs come by priority; within one priority, owners and projects take turns, whose oldest job
//! is next. Keys and jobs are found by seeking in the index, so that an owner with ten thousand
//! queued jobs costs no more than one with one, and by few statements: of a database each is a journey.
//! A kind or a key that is at its limit is passed over, so that it holds up no other.
//!
//! So that low priority waits but never starves, every sixteenth reading begins with a job of the
//! lowest priority, if it has waited for a minute.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::room::Room;
use super::{Answer, Row, Sql, json, values};
use crate::domain::job::Limits;
use crate::domain::time::Time;
use crate::store::job::FAIRNESS_TENANT_END;
use crate::store::{Candidate, Error, Seeker};
use lru::LruCache;

/// Sets of kinds whose turns are remembered.
const TURNS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("above zero");
/// Every so many readings, old jobs go first.
const AGEING_EVERY: u64 = 16;
/// What waits longer is old.
const AGEING_AFTER: Duration = Duration::from_secs(60);

/// Whose turn it was, for each set of kinds.
#[derive(Debug)]
pub(crate) struct Turns(Mutex<LruCache<String, Turn>>);

/// Whose turn it was, and how often there was one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    key: String,
    readings: u64,
}

impl Turns {
    pub(crate) fn new() -> Turns {
        Turns(Mutex::new(LruCache::new(TURNS_MAX)))
    }

    /// Who asks for the same jobs shares the turns.
    fn begin(&self, name: &str) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.get_or_insert_mut(name.to_owned(), Turn::default);
        turn.readings += 1;
        turn.clone()
    }

    /// The first candidate's key: it is leased if any is, so that the next one is next.
    fn end(&self, name: &str, first: &Candidate) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get_mut(name) {
            turn.key.clone_from(&first.fairness_key);
        }
    }
}

/// Who looks for free jobs, and for which.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) kinds: Vec<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) seekers: Vec<Seeker>,
    pub(crate) limit: usize,
    pub(crate) now: Time,
}

/// Free jobs in the order in which workers shall get them.
pub(crate) fn free<S: Sql>(
    sql: &S,
    search: &Search,
    turns: &Turns,
    limits: &Limits,
) -> Answer<Vec<Candidate>, S> {
    let name = format!("{} {}", search.tenant.as_deref().unwrap_or("*"), search.kinds.join(" "));
    let turn = turns.begin(&name);
    let mut finder = Finder::new(sql, search, limits)?;
    let mut found = Vec::new();
    if turn.readings.is_multiple_of(AGEING_EVERY)
        && let Some(lowest) = finder.lowest_priority()?
    {
        finder.level(lowest, &turn.key, 1, &mut found)?;
        found.retain(|(_, run_at)| *run_at + AGEING_AFTER <= search.now);
        // What is not old enough, and what is found again below, is counted once.
        finder.recount();
    }
    let mut below = i64::MAX;
    while found.len() < search.limit {
        let Some(priority) = finder.highest_priority(below)? else { break };
        finder.level(priority, &turn.key, search.limit - found.len(), &mut found)?;
        below = priority;
    }
    let mut seen = HashSet::new();
    let mut candidates: Vec<_> = found.into_iter().map(|(candidate, _)| candidate).collect();
    candidates.retain(|candidate| seen.insert(candidate.job_id.clone()));
    if let Some(first) = candidates.first() {
        turns.end(&name, first);
    }
    Ok(candidates)
}

/// Walks the index of free jobs. A lane is a kind, and nobody or one of the workers as its pin.
struct Finder<'search, S> {
    sql: &'search S,
    search: &'search Search,
    lanes: Vec<(&'search str, &'search str)>,
    /// By worker: how many jobs that are pinned to it are still wanted.
    wanted: BTreeMap<&'search str, usize>,
    room: Room<'search, S>,
    first_key: String,
    end_key: Option<String>,
}

/// What waits with one fairness key.
struct Queue {
    key: String,
    lanes: Vec<Waiting>,
}

/// What of it waits in one lane.
struct Waiting {
    lane: usize,
    /// The oldest not yet taken, as far as they were read.
    jobs: VecDeque<(Candidate, Time)>,
    /// The job that was read last.
    last: String,
    is_all: bool,
}

impl<'search, S: Sql> Finder<'search, S> {
    fn new(
        sql: &'search S,
        search: &'search Search,
        limits: &'search Limits,
    ) -> Answer<Finder<'search, S>, S> {
        let (mut room, wanted) = (Room::new(sql, limits), wanted(search));
        let (mut lanes, mut pinned) = (Vec::new(), Vec::new());
        for kind in &search.kinds {
            if room.has_any(kind)? {
                lanes.push((&**kind, ""));
                pinned.extend(wanted.keys().map(|worker| (&**kind, *worker)));
            }
        }
        // A lane that is empty costs statements, and of a crowd's own lanes most are.
        if wanted.len() > 1 {
            pinned = waiting(sql, &pinned)?;
        }
        lanes.extend(pinned);
        let tenant = search.tenant.as_deref();
        Ok(Finder {
            sql,
            search,
            lanes,
            wanted,
            room,
            first_key: tenant.map_or(String::new(), |t| format!("{t}{FAIRNESS_TENANT_END}")),
            end_key: tenant.map(|t| format!("{t}{}", char::from(FAIRNESS_TENANT_END as u8 + 1))),
        })
    }

    /// Forgets what was taken.
    fn recount(&mut self) {
        self.room.recount();
        self.wanted = wanted(self.search);
    }

    fn highest_priority(&self, below: i64) -> Answer<Option<i64>, S> {
        self.priority("max", "DESC", below)
    }

    fn lowest_priority(&self) -> Answer<Option<i64>, S> {
        self.priority("min", "ASC", i64::MAX)
    }

    fn priority(&self, choice: &str, order: &str, below: i64) -> Answer<Option<i64>, S> {
        let found = self.sql.row(
            &format!(
                "SELECT {choice}((SELECT priority FROM job WHERE is_free = 1
                   AND kind = w.value ->> 0 AND pinned_worker = w.value ->> 1 AND priority < ?2
                   ORDER BY priority {order} LIMIT 1)) FROM {} w",
                S::EACH
            ),
            values![&json(self.lanes.iter())?, below],
        )?;
        Ok(found.map(|row| row.optional_number(0)).transpose()?.flatten())
    }

    /// Jobs of one priority: one of each key, beginning after `turn`, and again until there are
    /// enough.
    fn level(
        &mut self,
        priority: i64,
        turn: &str,
        count: usize,
        found: &mut Vec<(Candidate, Time)>,
    ) -> Answer<(), S> {
        let mut queues = self.queues(priority, turn, count)?;
        let enough = found.len() + count;
        while found.len() < enough && !queues.is_empty() {
            let each = (enough - found.len()).div_ceil(queues.len());
            for queue in &mut queues {
                if found.len() < enough {
                    found.extend(self.take_oldest(queue, priority, each)?);
                }
            }
            queues.retain(|queue| !queue.lanes.is_empty());
        }
        Ok(())
    }

    /// The next job with a key. Whoever has none at hand reads `each`.
    fn take_oldest(
        &mut self,
        queue: &mut Queue,
        priority: i64,
        each: usize,
    ) -> Answer<Option<(Candidate, Time)>, S> {
        let mut lanes = Vec::with_capacity(queue.lanes.len());
        for mut waiting in queue.lanes.drain(..) {
            let (kind, pin) = self.lanes[waiting.lane];
            if self.wanted.get(pin) == Some(&0) || !self.room.has(kind, &queue.key)? {
                continue;
            }
            if waiting.jobs.is_empty() && !waiting.is_all {
                self.read_on(&mut waiting, priority, &queue.key, each)?;
            }
            if !waiting.jobs.is_empty() {
                lanes.push(waiting);
            }
        }
        queue.lanes = lanes;
        let id = |waiting: &Waiting| waiting.jobs.front().map(|(job, _)| job.job_id.clone());
        let oldest = queue.lanes.iter_mut().min_by_key(|waiting| id(waiting));
        let Some(oldest) = oldest else { return Ok(None) };
        let (kind, pin) = self.lanes[oldest.lane];
        self.room.take(kind, &queue.key)?;
        self.wanted.entry(pin).and_modify(|wanted| *wanted -= 1);
        Ok(oldest.jobs.pop_front())
    }

    /// Keys with free jobs, in the order of their turns, at most `count`, each with the oldest job of
    /// every lane.
    fn queues(&mut self, priority: i64, turn: &str, count: usize) -> Answer<Vec<Queue>, S> {
        let (first, end) = (self.first_key.clone(), self.end_key.clone());
        // Up to the key itself: it comes last.
        let turn_end = format!("{turn}\0");
        let later = (turn.max(&first), end.as_deref());
        let earlier = (&*first, Some(&*turn_end));
        let ranges = if turn.is_empty() { &[later][..] } else { &[later, earlier] };
        let mut queues: Vec<Queue> = Vec::new();
        for range in ranges {
            let mut by_key: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
            for lane in 0..self.lanes.len() {
                for (job, run_at) in self.walk(lane, priority, *range, count)? {
                    let (key, last) = (job.fairness_key.clone(), job.job_id.clone());
                    let jobs = VecDeque::from([(job, run_at)]);
                    let waiting = Waiting { lane, jobs, last, is_all: false };
                    by_key.entry(key).or_default().push(waiting);
                }
            }
            queues.extend(by_key.into_iter().map(|(key, lanes)| Queue { key, lanes }));
        }
        let mut seen = HashSet::new();
        queues.retain(|queue| seen.insert(queue.key.clone()));
        queues.truncate(count);
        Ok(queues)
    }

    /// The oldest job of each of a lane's keys after `start` and before `end` that have room, by one seek
    /// each, however many jobs a key has.
    fn walk(
        &mut self,
        lane: usize,
        priority: i64,
        (start, end): (&str, Option<&str>),
        count: usize,
    ) -> Answer<Vec<(Candidate, Time)>, S> {
        let (kind, pin) = self.lanes[lane];
        let (mut oldest, mut last) = (Vec::new(), start.to_owned());
        loop {
            let wanted = count - oldest.len();
            let found = self.sql.rows(WALK, values![kind, pin, priority, &last, wanted])?;
            for row in &found {
                let (job, run_at) = free_job(row, pin)?;
                last.clone_from(&job.fairness_key);
                if end.is_some_and(|end| &*last >= end) {
                    return Ok(oldest);
                }
                if self.room.has(kind, &last)? {
                    oldest.push((job, run_at));
                }
            }
            if found.len() < wanted || oldest.len() == count {
                return Ok(oldest);
            }
        }
    }

    /// The next jobs of a lane with a key, at most so many.
    fn read_on(
        &self,
        waiting: &mut Waiting,
        priority: i64,
        key: &str,
        count: usize,
    ) -> Answer<(), S> {
        let (kind, pin) = self.lanes[waiting.lane];
        let found = self.sql.rows(
            "SELECT job_id, fairness_key, deadline, run_at FROM job
             WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority = ?3
             AND fairness_key = ?4 AND job_id > ?5 ORDER BY job_id LIMIT ?6",
            values![kind, pin, priority, key, &waiting.last, count],
        )?;
        waiting.is_all = found.len() < count;
        waiting.jobs = found.iter().map(|row| free_job(row, pin)).collect::<Result<_, _>>()?;
        if let Some((last, _)) = waiting.jobs.back() {
            waiting.last.clone_from(&last.job_id);
        }
        Ok(())
    }
}

/// The oldest job of each of a lane's keys after one. What follows a key in the index is the next one.
const WALK: &str = "WITH RECURSIVE oldest(job_id, place) AS (
     SELECT (SELECT job_id FROM job
       WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority = ?3 AND fairness_key > ?4
       ORDER BY fairness_key, job_id LIMIT 1), CAST(1 AS BIGINT)
     UNION ALL
     SELECT (SELECT job_id FROM job
       WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority = ?3
       AND fairness_key > (SELECT fairness_key FROM job WHERE job_id = oldest.job_id)
       ORDER BY fairness_key, job_id LIMIT 1), place + 1
     FROM oldest WHERE job_id IS NOT NULL AND place < ?5)
   SELECT j.job_id, j.fairness_key, j.deadline, j.run_at
   FROM oldest CROSS JOIN job j WHERE j.job_id = oldest.job_id ORDER BY place";

/// A job of a lane with this pin.
fn free_job(row: &Row, pin: &str) -> Result<(Candidate, Time), Error> {
    let pinned = (!pin.is_empty()).then(|| pin.to_owned());
    Ok((Candidate { pinned, ..candidate(row)? }, Time(row.unsigned(3)?)))
}

/// How many jobs each worker wants that are pinned to it: one that is connected twice, by both of its seats.
fn wanted(search: &Search) -> BTreeMap<&str, usize> {
    let mut wanted = BTreeMap::new();
    for seeker in &search.seekers {
        *wanted.entry(&*seeker.worker).or_default() += seeker.pinned_max;
    }
    wanted
}

/// Those of some lanes in which a job waits.
fn waiting<'search, S: Sql>(
    sql: &S,
    lanes: &[(&'search str, &'search str)],
) -> Answer<Vec<(&'search str, &'search str)>, S> {
    let found = sql.rows(
        &format!(
            "SELECT w.value ->> 0, w.value ->> 1 FROM {} w WHERE EXISTS (SELECT 1 FROM job
               WHERE is_free = 1 AND kind = w.value ->> 0 AND pinned_worker = w.value ->> 1)",
            S::EACH
        ),
        values![&json(lanes.iter())?],
    )?;
    let found: HashSet<(String, String)> =
        found.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<_, Error>>()?;
    let waits = |lane: &(&str, &str)| found.contains(&(lane.0.to_owned(), lane.1.to_owned()));
    Ok(lanes.iter().copied().filter(waits).collect())
}

/// Jobs whose deadline is `now` or before.
pub(crate) fn due<S: Sql>(sql: &S, now: Time, limit: usize) -> Answer<Vec<Candidate>, S> {
    let found = sql.rows(
        "SELECT job_id, fairness_key, deadline FROM job
         WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2",
        values![now, limit],
    )?;
    Ok(found.iter().map(candidate).collect::<Result<_, _>>()?)
}

fn candidate(row: &Row) -> Result<Candidate, Error> {
    let (job_id, fairness_key, deadline) = (row.text(0)?, row.text(1)?, row.time(2)?);
    Ok(Candidate { job_id, pinned: None, fairness_key, deadline })
}
