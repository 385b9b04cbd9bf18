//! Which core to use: a pure machine. Time is an argument, counted from any beginning, and so is chance.
//!
//! A program lives at one core, its *home*: the first in its own order that takes calls. Each program
//! has another order, drawn at its start, so that many spread over the cores without knowing of each
//! other. A call that fails only raises doubt; what becomes of a core is decided by *probes*, and a home
//! is left only for a core that is better. Whoever was driven away goes back once the core that stands
//! before the home in its order has served for a while, drawn anew each time: a core that comes back
//! gets its programs one by one.

use std::time::Duration;

/// Between two probes of a core that answers. With [`PROBE_DEADLINE`] it bounds how long a core that
/// fell silent goes unnoticed: 1.6 s.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(400);
/// A probe that takes longer found nobody. A busy machine may stand still for a second.
pub const PROBE_DEADLINE: Duration = Duration::from_millis(1200);
/// A core that does not answer is probed less and less often, down to this.
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(4);
/// A core that came back has served this long before its programs return, and each draws as much again
/// up to [`RETURN_SPREAD`].
const RETURN_AFTER: Duration = Duration::from_secs(5);
/// See [`RETURN_AFTER`].
const RETURN_SPREAD: Duration = Duration::from_secs(15);

/// What is known of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes calls.
    Serving,
    /// Nothing was heard of it yet.
    Unknown,
    /// A call to it failed; a probe decides.
    Doubted,
    /// It answers and takes nothing: it drains, or has no store.
    Refusing,
    /// It does not answer.
    Lost,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It takes calls.
    Serving,
    /// It answers that it takes none.
    Refusing,
    /// No answer.
    Nobody,
}

/// The home has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The core that was left.
    pub from: usize,
    /// The core that is home from here on.
    pub to: usize,
    /// Why.
    pub cause: Cause,
}

/// Why a home was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It does not answer: whatever waits for it waits in vain.
    Lost,
    /// It takes nothing more: what it has taken, it will answer.
    Refusing,
    /// A core that stands before it serves again.
    Return,
}

/// The cores of one program.
#[derive(Debug, Clone)]
pub struct Picker {
    cores: Vec<Core>,
    /// In the order of this program's liking.
    order: Vec<usize>,
    home: usize,
    chance: u64,
}

#[derive(Debug, Clone)]
struct Core {
    standing: Standing,
    /// When it is to be probed; none while a probe is under way.
    probe_at: Option<Duration>,
    /// Probes in a row that found nobody.
    silences: u32,
    /// The program returns then, if it serves until then.
    return_at: Duration,
}

impl Picker {
    /// So many cores, of which nothing is known. `chance` is another number in each program.
    #[must_use]
    pub fn new(cores: usize, chance: u64) -> Picker {
        let core = Core {
            standing: Standing::Unknown,
            probe_at: Some(Duration::ZERO),
            silences: 0,
            // At the start there is nobody to wait for.
            return_at: Duration::ZERO,
        };
        let mut picker = Picker {
            cores: vec![core; cores.max(1)],
            order: (0..cores.max(1)).collect(),
            home: 0,
            chance,
        };
        for place in (1..picker.order.len()).rev() {
            let other = usize::try_from(picker.draw() % (place as u64 + 1)).unwrap_or(0);
            picker.order.swap(place, other);
        }
        picker.home = picker.order[0];
        picker
    }

    /// Where long streams go, and calls first.
    #[must_use]
    pub fn home(&self) -> usize {
        self.home
    }

    /// What is known of a core.
    #[must_use]
    pub fn standing(&self, core: usize) -> Standing {
        self.cores[core].standing
    }

    /// The best core for a call that was already tried at these.
    #[must_use]
    pub fn pick(&self, tried: &[usize]) -> Option<usize> {
        let left = self.order.iter().copied().filter(|core| !tried.contains(core));
        left.min_by_key(|core| (self.grade(*core), *core != self.home))
    }

    /// A call to a core failed on its way: others are tried first until a probe, due at once, decides.
    pub fn doubt(&mut self, core: usize, now: Duration) {
        let known = &mut self.cores[core];
        if matches!(known.standing, Standing::Serving | Standing::Unknown) {
            known.standing = Standing::Doubted;
            known.probe_at = known.probe_at.map(|at| at.min(now));
        }
    }

    /// The cores that are to be probed, each until [`Picker::learn`] says what was found.
    pub fn due(&mut self, now: Duration) -> Vec<usize> {
        let watched = self.watched();
        let is_due = |core: &usize| self.cores[*core].probe_at.is_some_and(|at| at <= now);
        let due: Vec<usize> = watched.into_iter().filter(is_due).collect();
        for core in &due {
            self.cores[*core].probe_at = None;
        }
        due
    }

    /// When to look again at what is due; none while every probe is under way.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.watched().into_iter().filter_map(|core| self.cores[core].probe_at).min()
    }

    /// A probe has found this. Answers whether the home has changed.
    pub fn learn(&mut self, core: usize, found: Found, now: Duration) -> Option<Move> {
        let before = self.cores[core].standing;
        let silences = match found {
            Found::Nobody => self.cores[core].silences.saturating_add(1),
            Found::Serving | Found::Refusing => 0,
        };
        let standing = match found {
            Found::Serving => Standing::Serving,
            Found::Refusing => Standing::Refusing,
            Found::Nobody => Standing::Lost,
        };
        let was_away = matches!(before, Standing::Refusing | Standing::Lost);
        let return_at = if was_away && standing == Standing::Serving {
            now + RETURN_AFTER + self.spread(RETURN_SPREAD)
        } else {
            self.cores[core].return_at
        };
        let pause = (PROBE_INTERVAL * 2_u32.saturating_pow(silences.saturating_sub(1).min(8)))
            .min(PROBE_INTERVAL_MAX);
        // Programs that lost a core together do not ask for it together.
        let pause = if silences > 0 { pause / 2 + self.spread(pause / 2) } else { pause };
        self.cores[core] = Core { standing, probe_at: Some(now + pause), silences, return_at };
        self.settle(now)
    }

    /// Moves the home where there is a better one.
    fn settle(&mut self, now: Duration) -> Option<Move> {
        let from = self.home;
        let cause = match self.cores[from].standing {
            Standing::Lost => Cause::Lost,
            Standing::Refusing => Cause::Refusing,
            Standing::Serving | Standing::Unknown | Standing::Doubted => Cause::Return,
        };
        let to = match cause {
            Cause::Return => self.before_home().find(|core| {
                let core = &self.cores[*core];
                core.standing == Standing::Serving && core.return_at <= now
            })?,
            Cause::Lost | Cause::Refusing => {
                self.pick(&[from]).filter(|other| self.grade(*other) < self.grade(from))?
            }
        };
        self.home = to;
        Some(Move { from, to, cause })
    }

    /// The home, those that come before it, and the one that would be next.
    fn watched(&self) -> Vec<usize> {
        let mut watched: Vec<usize> = self.before_home().collect();
        watched.push(self.home);
        watched.extend(self.pick(&watched));
        watched
    }

    fn before_home(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied().take_while(|core| *core != self.home)
    }

    /// The lower, the better.
    fn grade(&self, core: usize) -> u8 {
        match self.cores[core].standing {
            Standing::Serving => 0,
            Standing::Unknown => 1,
            Standing::Doubted => 2,
            Standing::Refusing => 3,
            Standing::Lost => 4,
        }
    }

    fn spread(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.draw() as f64 / u64::MAX as f64)
    }

    /// The next number of a chain that begins with this program's chance (SplitMix64).
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests;
