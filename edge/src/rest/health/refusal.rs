//! Why traffic should not come to an edge, and what to do about it.

use roomcast_client::cores::{Known, picker::Standing};
use roomcast_proto::registry::Code;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

const OTHER_SECRETS: &str = "give the edge and its cores the same ROOMCAST_SERVICE_SECRET, or the edge a \
                             ROOMCAST_SERVICE_TOKEN or a client certificate that they take";
const NOBODY: &str = "start a core, or mend the way to it: --core, --core-ca, the network; the edge's log has \
                      what each attempt failed with";
const NOT_TAKEN: &str = "ask the cores: /readyz?verbose at their --core-metrics-listen";
const NO_STREAM: &str =
    "the edge tries again by itself; if it lasts, its log has what each attempt failed with";

/// Why traffic should not come here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Refusal {
    part: Part,
    /// How it is with that part.
    #[schema(example = "cores that do not answer: 1 of 1")]
    pub(super) cause: String,
    /// What an operator does about it.
    mend: &'static str,
}

/// What keeps traffic away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// The edge shuts down.
    Draining,
    /// A core answers and does not let this edge in.
    Credential,
    /// No core takes calls.
    Cores,
    /// A core takes calls, and the stream of events from it does not stand.
    Events,
}

impl Refusal {
    /// None where traffic should come, else with what the caller is told.
    pub(super) fn of(state: &AppState) -> Option<(Code, Self)> {
        if state.is_draining() {
            let (code, entry) = (Code::Draining, Code::Draining.entry());
            let (part, cause) = (Part::Draining, entry.cause.to_owned());
            return Some((code, Self { part, cause, mend: entry.mend }));
        }
        if state.feeds.is_connected() {
            return None;
        }
        let not_let_in = |cause| Self { part: Part::Credential, cause, mend: OTHER_SECRETS };
        let refusal = state.upstream.refusal().map(not_let_in);
        let refusal = refusal.unwrap_or_else(|| Self::by(&state.upstream.known()));
        Some((Code::CoreUnavailable, refusal))
    }

    /// By what is known of the cores, when no events come from any.
    fn by(cores: &[Known]) -> Self {
        let count = |wanted: &[Standing]| {
            cores.iter().filter(|core| wanted.contains(&core.standing)).count()
        };
        if count(&[Standing::Serving]) > 0 {
            let cause = "a core takes calls, and the stream of events from it does not stand";
            return Self { part: Part::Events, cause: cause.to_owned(), mend: NO_STREAM };
        }
        let refusing = count(&[Standing::Refusing]);
        let counted = [
            ("do not answer", count(&[Standing::Lost, Standing::Doubted])),
            ("drain or cannot write", refusing),
            ("were not asked yet", count(&[Standing::Unknown])),
        ];
        let counted = counted.into_iter().filter(|(_, count)| *count > 0);
        let told =
            counted.map(|(how, count)| format!("cores that {how}: {count} of {}", cores.len()));
        let cause = told.collect::<Vec<_>>().join("; ");
        Self { part: Part::Cores, cause, mend: if refusing > 0 { NOT_TAKEN } else { NOBODY } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(standings: &[Standing]) -> Refusal {
        let known = |standing: &Standing| Known { standing: *standing, is_home: false };
        Refusal::by(&standings.iter().map(known).collect::<Vec<_>>())
    }

    #[test]
    fn cores_are_counted_by_how_they_stand() {
        let refusal = by(&[Standing::Lost, Standing::Refusing, Standing::Doubted]);
        assert_eq!(
            refusal.cause,
            "cores that do not answer: 2 of 3; cores that drain or cannot write: 1 of 3"
        );
        assert_eq!((refusal.part, refusal.mend), (Part::Cores, NOT_TAKEN));
        assert_eq!(by(&[Standing::Lost]).mend, NOBODY);
        assert_eq!(by(&[Standing::Unknown]).cause, "cores that were not asked yet: 1 of 1");
    }

    #[test]
    fn with_a_core_that_serves_it_is_the_stream() {
        assert_eq!(by(&[Standing::Lost, Standing::Serving]).part, Part::Events);
    }
}
