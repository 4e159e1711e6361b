use voltwin_core::{Event, EventBody, PropertyName, TenantId, Timestamp, TwinId};

/// What a document or a patch comes to, before anybody recorded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What happens.
    pub body: EventBody,
    /// Source times of single properties.
    pub sources: Vec<(PropertyName, Timestamp)>,
}

impl Draft {
    /// The event: somebody decides it at `at`.
    #[must_use]
    pub fn into_event(self, tenant: TenantId, twin: TwinId, at: Timestamp) -> Event {
        let event = Event::new(tenant, twin, at, at, self.body);
        Event { sources: self.sources, decided: true, ..event }
    }
}

impl From<EventBody> for Draft {
    fn from(body: EventBody) -> Self {
        Self { body, sources: Vec::new() }
    }
}
