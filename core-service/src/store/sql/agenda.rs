//! Which jobs to look at.
//!
//! Free jobs come by priority; within one priority, owners and projects take turns, whose oldest job
//! is next. Keys and jobs are found by seeking in the index, so that an owner with ten thousand
//! queued jobs costs no more than one with one. A kind or a key that is at its limit is passed over, so
//! that it holds up no other.
//!
//! So that low priority waits but never starves, every sixteenth reading begins with a job of the
//! lowest priority, if it has waited for a minute.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::room::Room;
use super::{Answer, Row, Sql, values};
use crate::domain::job::Limits;
use crate::domain::time::Time;
use crate::store::job::FAIRNESS_TENANT_END;
use crate::store::{Candidate, Error};
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
    pub(crate) worker: String,
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
        finder.room.recount();
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

/// Walks the index of free jobs. A lane is a kind, and nobody or the worker itself as its pin.
struct Finder<'search, S> {
    sql: &'search S,
    lanes: Vec<(&'search str, &'search str)>,
    room: Room<'search, S>,
    first_key: String,
    end_key: Option<String>,
}

/// What waits with one fairness key.
struct Queue {
    key: String,
    /// The oldest not yet taken of each lane.
    heads: Vec<(usize, Candidate, Time)>,
}

impl<'search, S: Sql> Finder<'search, S> {
    fn new(
        sql: &'search S,
        search: &'search Search,
        limits: &'search Limits,
    ) -> Answer<Finder<'search, S>, S> {
        let mut room = Room::new(sql, limits);
        let mut lanes = Vec::with_capacity(2 * search.kinds.len());
        for kind in &search.kinds {
            if room.has_any(kind)? {
                lanes.extend([(&**kind, ""), (kind, &search.worker)]);
            }
        }
        let tenant = search.tenant.as_deref();
        Ok(Finder {
            sql,
            lanes,
            room,
            first_key: tenant.map_or(String::new(), |t| format!("{t}{FAIRNESS_TENANT_END}")),
            end_key: tenant.map(|t| format!("{t}{}", char::from(FAIRNESS_TENANT_END as u8 + 1))),
        })
    }

    fn highest_priority(&self, below: i64) -> Answer<Option<i64>, S> {
        let sql = "SELECT max(priority) FROM job
                   WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority < ?3";
        Ok(self.priorities(sql, below)?.into_iter().max())
    }

    fn lowest_priority(&self) -> Answer<Option<i64>, S> {
        let sql = "SELECT min(priority) FROM job
                   WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority < ?3";
        Ok(self.priorities(sql, i64::MAX)?.into_iter().min())
    }

    fn priorities(&self, sql: &str, below: i64) -> Answer<Vec<i64>, S> {
        let mut priorities = Vec::new();
        for (kind, pin) in &self.lanes {
            let found = self.sql.row(sql, values![*kind, *pin, below])?;
            priorities.extend(found.map(|row| row.optional_number(0)).transpose()?.flatten());
        }
        Ok(priorities)
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
        let mut queues = Vec::new();
        for key in self.keys(priority, turn, count)? {
            let mut heads = Vec::new();
            for lane in 0..self.lanes.len() {
                let head = self.next_job(lane, priority, &key, "")?;
                heads.extend(head.map(|(job, run_at)| (lane, job, run_at)));
            }
            queues.push(Queue { key, heads });
        }
        let enough = found.len() + count;
        while found.len() < enough && !queues.is_empty() {
            for queue in &mut queues {
                if found.len() < enough {
                    found.extend(self.take_oldest(queue, priority)?);
                }
            }
            queues.retain(|queue| !queue.heads.is_empty());
        }
        Ok(())
    }

    fn take_oldest(
        &mut self,
        queue: &mut Queue,
        priority: i64,
    ) -> Answer<Option<(Candidate, Time)>, S> {
        let mut heads = Vec::with_capacity(queue.heads.len());
        for head in queue.heads.drain(..) {
            if self.room.has(self.lanes[head.0].0, &queue.key)? {
                heads.push(head);
            }
        }
        queue.heads = heads;
        let oldest = (0..queue.heads.len()).min_by_key(|at| &queue.heads[*at].1.job_id);
        let Some(at) = oldest else { return Ok(None) };
        let (lane, job, run_at) = queue.heads.swap_remove(at);
        self.room.take(self.lanes[lane].0, &queue.key)?;
        let next = self.next_job(lane, priority, &queue.key, &job.job_id)?;
        queue.heads.extend(next.map(|(job, run_at)| (lane, job, run_at)));
        Ok(Some((job, run_at)))
    }

    /// Keys with free jobs, in the order of their turns, at most `count`.
    fn keys(&mut self, priority: i64, turn: &str, count: usize) -> Answer<Vec<String>, S> {
        let (mut later, mut earlier) = (Vec::new(), Vec::new());
        let (first, end) = (self.first_key.clone(), self.end_key.clone());
        for lane in 0..self.lanes.len() {
            let range = (turn.max(&first), end.as_deref());
            later.extend(self.walk(lane, priority, range, count)?);
            if !turn.is_empty() {
                // Up to the key itself: it comes last.
                let end = format!("{turn}\0");
                earlier.extend(self.walk(lane, priority, (&first, Some(&end)), count)?);
            }
        }
        for part in [&mut later, &mut earlier] {
            part.sort_unstable();
            part.dedup();
        }
        later.extend(earlier);
        let mut seen = HashSet::new();
        later.retain(|key| seen.insert(key.clone()));
        later.truncate(count);
        Ok(later)
    }

    /// A lane's keys after `start` and before `end` that have room, by one seek each.
    fn walk(
        &mut self,
        lane: usize,
        priority: i64,
        (start, end): (&str, Option<&str>),
        count: usize,
    ) -> Answer<Vec<String>, S> {
        let (kind, pin) = self.lanes[lane];
        let next = "SELECT fairness_key FROM job WHERE is_free = 1 AND kind = ?1
             AND pinned_worker = ?2 AND priority = ?3 AND fairness_key > ?4
             ORDER BY fairness_key LIMIT 1";
        let (mut keys, mut last) = (Vec::new(), start.to_owned());
        while keys.len() < count {
            let found = self.sql.row(next, values![kind, pin, priority, &last])?;
            let found = found.map(|row| row.text(0)).transpose()?;
            let Some(key) = found.filter(|key| end.is_none_or(|end| &**key < end)) else { break };
            if self.room.has(kind, &key)? {
                keys.push(key.clone());
            }
            last = key;
        }
        Ok(keys)
    }

    /// The oldest job of a lane with a key, after one that is taken.
    fn next_job(
        &self,
        lane: usize,
        priority: i64,
        key: &str,
        after: &str,
    ) -> Answer<Option<(Candidate, Time)>, S> {
        let (kind, pin) = self.lanes[lane];
        let found = self.sql.row(
            "SELECT job_id, fairness_key, deadline, run_at FROM job
             WHERE is_free = 1 AND kind = ?1 AND pinned_worker = ?2 AND priority = ?3
             AND fairness_key = ?4 AND job_id > ?5 ORDER BY job_id LIMIT 1",
            values![kind, pin, priority, key, after],
        )?;
        let read = |row: Row| Ok::<_, Error>((candidate(&row)?, Time(row.unsigned(3)?)));
        Ok(found.map(read).transpose()?)
    }
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
    Ok(Candidate { job_id: row.text(0)?, fairness_key: row.text(1)?, deadline: row.time(2)? })
}
