//! Outcomes on their way back from a writer's thread to the tasks that wait for them.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::store::{Committed, Error};

/// What somebody waits for.
pub(crate) trait Answer: Send + 'static {
    /// Whoever asked may have gone; what is committed stays.
    fn give(self);
}

/// An outcome, and where it goes.
impl Answer for (oneshot::Sender<Result<Committed, Error>>, Result<Committed, Error>) {
    fn give(self) {
        let (reply, outcome) = self;
        drop(reply.send(outcome));
    }
}

/// Gives a batch's answers from inside the runtime of those who wait: from a thread beside it, each of them
/// would wake a worker for itself.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    runtime: Option<Handle>,
}

impl Answers {
    /// To the runtime that is entered here, if it has threads of its own: another may rest while somebody
    /// waits elsewhere.
    pub(crate) fn here() -> Answers {
        let runtime = Handle::try_current().ok();
        let turns = |runtime: &Handle| runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        Answers { runtime: runtime.filter(turns) }
    }

    /// Gives them, in any case.
    pub(crate) fn give<A: Answer>(&self, answers: Vec<A>) {
        let held = Held(answers);
        match &self.runtime {
            Some(runtime) if held.0.len() > 1 => drop(runtime.spawn(async move { drop(held) })),
            Some(_) | None => drop(held),
        }
    }
}

/// Gives what it holds where it is dropped: a runtime that ends drops its tasks.
struct Held<A: Answer>(Vec<A>);

impl<A: Answer> Drop for Held<A> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Answer::give);
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Runtime;

    use super::*;

    fn two() -> (Vec<impl Answer>, [oneshot::Receiver<Result<Committed, Error>>; 2]) {
        let [(one, first), (other, second)] = [oneshot::channel(), oneshot::channel()];
        (vec![(one, Err(Error::Full)), (other, Err(Error::Overloaded))], [first, second])
    }

    #[test]
    fn answers_arrive_from_a_thread_beside_the_runtime_and_after_its_end() {
        let runtime = Runtime::new().expect("a runtime");
        let answers = runtime.block_on(async { Answers::here() });
        let (held, [first, second]) = two();
        answers.give(held);
        assert_eq!(first.blocking_recv().expect("given"), Err(Error::Full));
        assert_eq!(second.blocking_recv().expect("given"), Err(Error::Overloaded));
        drop(runtime);
        let (held, [mut first, mut second]) = two();
        answers.give(held);
        assert_eq!(first.try_recv().expect("given"), Err(Error::Full));
        assert_eq!(second.try_recv().expect("given"), Err(Error::Overloaded));
    }

    #[tokio::test]
    async fn a_runtime_without_threads_of_its_own_is_not_relied_on() {
        let (held, [mut first, _second]) = two();
        Answers::here().give(held);
        assert_eq!(first.try_recv().expect("given"), Err(Error::Full));
    }
}
