//! How much of a model one job may use, over all its attempts, as the API reports it.

use roomcast_client::proto::v1::Usage;
use roomcast_client::worker::Failure;

use crate::model::ModelConfig;

/// A job's bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    tokens: u64,
    cost_micros: Option<u64>,
}

impl Budget {
    /// As the settings say.
    #[must_use]
    pub fn of(config: &ModelConfig) -> Self {
        Self { tokens: config.model_job_tokens_max, cost_micros: config.model_job_cost_max }
    }

    /// Tokens that a job has left which used so much before.
    ///
    /// # Errors
    /// A final [`Failure`] with the code `budget_exceeded` when nothing is left.
    pub(super) fn left(&self, before: Option<&Usage>) -> Result<u64, Failure> {
        let none = Usage::default();
        let used = before.unwrap_or(&none);
        let left = self.tokens.saturating_sub(count(used.total_tokens));
        if left == 0 || self.cost_micros.is_some_and(|max| count(used.cost_micros) >= max) {
            return Err(exceeded());
        }
        Ok(left)
    }

    /// Whether a job may go on that used so much before and so much in this attempt.
    ///
    /// # Errors
    /// As [`Budget::left`].
    pub(super) fn check(&self, before: Option<&Usage>, reported: &Usage) -> Result<(), Failure> {
        let none = Usage::default();
        let before = before.unwrap_or(&none);
        let tokens = count(before.total_tokens) + count(reported.total_tokens);
        let cost = count(before.cost_micros) + count(reported.cost_micros);
        if tokens > self.tokens || self.cost_micros.is_some_and(|max| cost > max) {
            return Err(exceeded());
        }
        Ok(())
    }
}

fn exceeded() -> Failure {
    let message = "the job has used as much of the model as it may; see --model-job-tokens-max and \
                   --model-job-cost-max";
    Failure::new("budget_exceeded", message)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(total_tokens: i64, cost_micros: i64) -> Usage {
        Usage { total_tokens, cost_micros, ..Usage::default() }
    }

    #[test]
    fn a_job_stops_at_its_bounds_and_not_before() {
        let budget = Budget { tokens: 100, cost_micros: Some(50) };
        assert_eq!(budget.left(None), Ok(100));
        assert_eq!(budget.left(Some(&used(99, 49))), Ok(1));
        for spent in [used(100, 0), used(101, 0), used(0, 50)] {
            assert_eq!(budget.left(Some(&spent)).unwrap_err().code(), "budget_exceeded");
        }
        assert!(budget.check(Some(&used(60, 20)), &used(40, 30)).is_ok());
        assert!(budget.check(Some(&used(60, 20)), &used(41, 0)).is_err());
        assert!(budget.check(Some(&used(60, 20)), &used(0, 31)).is_err());
        assert!(Budget { tokens: 100, cost_micros: None }.check(None, &used(1, i64::MAX)).is_ok());
    }
}
