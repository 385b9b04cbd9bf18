//! The other cores, as far as they are heard: each counts what it says, so that a loss is noticed with
//! the next word, and says something several times a second, so that the last word is not lost for long.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Cores that are kept in mind.
const PEERS_MAX: usize = 1024;
/// A core that has been silent for so long has gone.
const GONE: Duration = Duration::from_secs(30);

/// Who was heard.
#[derive(Debug, Default)]
pub(super) struct Peers {
    by_core: HashMap<u64, Peer>,
}

#[derive(Debug)]
struct Peer {
    number: u64,
    heard: Instant,
}

impl Peers {
    /// Hears a core's word of this number. Says whether others before it were missed.
    pub(super) fn hear(&mut self, core: u64, number: u64, now: Instant) -> bool {
        if let Some(peer) = self.by_core.get_mut(&core) {
            let has_missed = number > peer.number + 1;
            peer.number = peer.number.max(number);
            peer.heard = now;
            return has_missed;
        }
        if self.by_core.len() >= PEERS_MAX {
            let oldest = self.by_core.iter().min_by_key(|(_, peer)| peer.heard);
            let oldest = oldest.map(|(core, _)| *core);
            oldest.map(|core| self.by_core.remove(&core));
        }
        self.by_core.insert(core, Peer { number, heard: now });
        number > 1
    }

    /// A core has said that it goes.
    pub(super) fn leave(&mut self, core: u64) {
        self.by_core.remove(&core);
    }

    /// This core could hear nothing until this moment: nobody is blamed for silence before it.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.by_core.values_mut().for_each(|peer| peer.heard = now);
    }

    /// Whether a core has said nothing for `silence`. One that has gone is forgotten.
    pub(super) fn has_silent(&mut self, silence: Duration, now: Instant) -> bool {
        self.by_core.retain(|_, peer| now.duration_since(peer.heard) < GONE);
        self.by_core.values().any(|peer| now.duration_since(peer.heard) > silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(1);

    #[test]
    fn a_word_that_was_missed_is_noticed_with_the_next_one() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        let mut hear = |core, number| peers.hear(core, number, now);
        assert!(!hear(7, 1), "from the beginning");
        assert!(!hear(7, 2));
        assert!(hear(7, 4), "the third is missing");
        assert!(!hear(7, 3), "late, and no loss");
        assert!(!hear(7, 4), "again, and no loss");
        assert!(!hear(7, 5));
        assert!(hear(8, 9), "what came before is not known");
    }

    #[test]
    fn a_silent_core_is_missed_until_it_has_gone_or_says_goodbye() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        peers.hear(7, 1, start);
        peers.hear(8, 1, start);
        assert!(!peers.has_silent(SILENCE, start + SILENCE));
        let later = start + SILENCE * 2;
        peers.hear(8, 2, later);
        assert!(peers.has_silent(SILENCE, later), "7 is silent");
        peers.leave(7);
        assert!(!peers.has_silent(SILENCE, later));
        assert!(peers.has_silent(SILENCE, later + SILENCE * 2), "8 is silent");
        assert!(!peers.has_silent(SILENCE, later + GONE), "8 has gone");
    }

    #[test]
    fn no_crowd_of_cores_takes_more_memory() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        for core in 0..2 * PEERS_MAX as u64 {
            peers.hear(core, 1, now);
        }
        assert_eq!(peers.by_core.len(), PEERS_MAX);
    }
}
