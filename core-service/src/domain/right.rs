//! How a right is found: rules are looked at one after the other, and the first that decides does. Who
//! only wants the answer keeps no trail; who asks why reads it from the same rules.

/// A rule about who may come in, or who may read a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The token was not revoked.
    Token,
    /// The subject's tokens issued until a moment were not revoked.
    Subject,
    /// The user is not disabled, and is registered where that is demanded.
    Registration,
    /// The thing that the topic is the log of is there, in the caller's tenant.
    Existence,
    /// The topic is a log, and not a view of others.
    View,
    /// Operators, auditors and services read everything of their tenant.
    Operator,
    /// A job is its owner's, a user's topic the user's.
    Owner,
    /// Members of a project read what is in it.
    Member,
    /// Rooms are read by others where they are declared.
    Declaration,
    /// A declared room names its readers.
    Readers,
    /// What no rule gives nobody has.
    Otherwise,
}

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It decides: yes.
    Allows,
    /// It decides: no.
    Denies,
    /// It does not decide.
    Passes,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// What it came to.
    pub finding: Finding,
    /// What it went by, for people.
    pub detail: String,
}

/// The rules that were looked at, in order, for whoever asks why.
#[derive(Debug, Default)]
pub struct Trail(Option<Vec<Step>>);

impl Rule {
    /// Its name in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Token => "token",
            Rule::Subject => "subject",
            Rule::Registration => "registration",
            Rule::Existence => "existence",
            Rule::View => "view",
            Rule::Operator => "operator",
            Rule::Owner => "owner",
            Rule::Member => "member",
            Rule::Declaration => "declaration",
            Rule::Readers => "readers",
            Rule::Otherwise => "otherwise",
        }
    }
}

impl Trail {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Trail {
        Trail(None)
    }

    /// Keeps what is looked at.
    #[must_use]
    pub fn kept() -> Trail {
        Trail(Some(Vec::new()))
    }

    /// A rule that says no or nothing. Answers whether it says no.
    pub fn denies(&mut self, rule: Rule, is_so: bool, detail: impl FnOnce() -> String) -> bool {
        self.note(rule, if is_so { Finding::Denies } else { Finding::Passes }, detail);
        is_so
    }

    /// A rule that says yes or nothing. Answers whether it says yes.
    pub fn allows(&mut self, rule: Rule, is_so: bool, detail: impl FnOnce() -> String) -> bool {
        self.note(rule, if is_so { Finding::Allows } else { Finding::Passes }, detail);
        is_so
    }

    /// The last rule: it says yes or no.
    pub fn decides(&mut self, rule: Rule, is_so: bool, detail: impl FnOnce() -> String) -> bool {
        self.note(rule, if is_so { Finding::Allows } else { Finding::Denies }, detail);
        is_so
    }

    /// What was looked at.
    #[must_use]
    pub fn steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }

    fn note(&mut self, rule: Rule, finding: Finding, detail: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { rule, finding, detail: detail() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_tells_the_rules_up_to_the_one_that_decides_and_costs_nothing_where_nobody_asks() {
        let judge = |trail: &mut Trail| {
            !trail.denies(Rule::Token, false, || "no token id".into())
                && (trail.allows(Rule::Operator, false, || "no role".into())
                    || trail.decides(Rule::Readers, true, || "everyone".into()))
        };
        let mut kept = Trail::kept();
        assert!(judge(&mut kept));
        let found: Vec<_> =
            kept.steps().into_iter().map(|step| (step.rule, step.finding)).collect();
        assert_eq!(
            found,
            [
                (Rule::Token, Finding::Passes),
                (Rule::Operator, Finding::Passes),
                (Rule::Readers, Finding::Allows),
            ]
        );
        let mut none = Trail::none();
        assert!(none.decides(Rule::Otherwise, true, || unreachable!("nobody asked")));
        assert_eq!(none.steps(), []);
    }
}
