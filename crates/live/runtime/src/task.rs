//! What shards do: one thing for one twin.

use voltwin_core::{Event, EventBody, RelationshipId, TenantId, TwinId};
use voltwin_graph::Graph;

use crate::RuntimeError;

/// What a shard has to do for one twin.
pub(crate) enum Task {
    /// To check and record an event.
    Record(Event),
    /// To find out at its turn what is to be recorded.
    Decide(Decision),
}

/// Answers a checked event, or `None` where there is nothing to do.
type Decide = Box<dyn Fn(&Graph) -> Result<Option<Event>, RuntimeError> + Send + Sync>;

/// What happens to a twin depends on what the twin is when its turn comes.
pub(crate) struct Decision {
    pub(crate) tenant: TenantId,
    pub(crate) twin: TwinId,
    /// The relationship that it is about, where it is about one.
    pub(crate) link: Option<RelationshipId>,
    pub(crate) decide: Decide,
}

impl Task {
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::Record(event) => &event.tenant,
            Self::Decide(decision) => &decision.tenant,
        }
    }

    pub(crate) fn twin(&self) -> &TwinId {
        match self {
            Self::Record(event) => &event.twin,
            Self::Decide(decision) => &decision.twin,
        }
    }

    /// The relationship that it is about, where it is about one and not about the twin.
    pub(crate) fn link(&self) -> Option<&RelationshipId> {
        match self {
            Self::Record(event) => link_of(event),
            Self::Decide(decision) => decision.link.as_ref(),
        }
    }

    /// Judges it by the graph and answers the checked event, or `None` where there is nothing to record.
    pub(crate) fn judge(&self, graph: &Graph) -> Result<Option<Event>, RuntimeError> {
        match self {
            Self::Record(event) => Ok(Some(graph.check(event)?)),
            Self::Decide(decision) => (decision.decide)(graph),
        }
    }
}

/// The relationship that an event is about.
pub(crate) fn link_of(event: &Event) -> Option<&RelationshipId> {
    match &event.body {
        EventBody::Linked { id, .. } | EventBody::Unlinked { id } => Some(id),
        _ => None,
    }
}
