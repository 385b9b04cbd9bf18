//! Whether what other cores commit is heard.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// What is heard of other cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// There are none: this process makes all commits.
    Alone,
    /// No bus is configured.
    None,
    /// The bus answers, and every core that was heard is heard still.
    All,
    /// The bus answers, but a core that was heard has fallen silent.
    Some,
    /// The bus does not answer.
    Down,
}

impl Hearing {
    /// In words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Hearing::Alone => "not needed",
            Hearing::None => "none, polling",
            Hearing::All => "up",
            Hearing::Some => "up, a core is silent, polling",
            Hearing::Down => "down, polling",
        }
    }

    /// Whether every commit of another core is heard of, as far as can be told.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Hearing::Alone | Hearing::All)
    }
}

/// The health of the bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hearing: watch::Sender<Hearing>,
    doubt: Notify,
}

impl Health {
    /// Begins with this.
    #[must_use]
    pub fn new(hearing: Hearing) -> Health {
        let (hearing, _) = watch::channel(hearing);
        Health(Arc::new(Shared { hearing, doubt: Notify::new() }))
    }

    /// What is heard.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        *self.0.hearing.borrow()
    }

    /// Says what is heard. What was missed until then is looked for.
    pub(super) fn set(&self, hearing: Hearing) {
        let before = self.0.hearing.send_replace(hearing);
        if before != hearing {
            tracing::info!(was = before.words(), is = hearing.words(), "the bus");
            self.doubt();
        }
    }

    /// Something was missed: the store is asked at once.
    pub(super) fn doubt(&self) {
        self.0.doubt.notify_one();
    }

    pub(super) async fn doubted(&self) {
        self.0.doubt.notified().await;
    }
}
