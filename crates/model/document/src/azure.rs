//! What Azure Digital Twins documents of how much an instance takes. Who asks an instance waits by it, and who stands for
//! one refuses by it. What a graph holds at most is [`voltwin_graph::Limits::AZURE`].

use voltwin_graph::Limits;

/// Bytes of the body of a request.
pub const BODY_BYTES: usize = 32 * 1024;
/// Items of one page.
pub const PAGE: usize = 100;
/// Models of one upload.
pub const MODELS_AT_ONCE: usize = Limits::AZURE.models_at_once;
/// Bytes of one model.
pub const MODEL_BYTES: usize = Limits::AZURE.model_bytes;
/// Event routes of an instance.
pub const EVENT_ROUTES: u64 = 6;

/// What is counted by the second, for each instance by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rate {
    /// Requests about models.
    Models,
    /// Twins, components and relationships that are read or listed.
    Reads,
    /// Patches and telemetry.
    Patches,
    /// Twins and relationships that are made, replaced or removed.
    Lives,
    /// Queries.
    Queries,
    /// What queries cost, in units.
    QueryUnits,
    /// Writes of one twin and its relationships, for each twin by itself.
    TwinWrites,
    /// Requests about event routes.
    Routes,
}

impl Rate {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 8] = [
        Self::Models,
        Self::Reads,
        Self::Patches,
        Self::Lives,
        Self::Queries,
        Self::QueryUnits,
        Self::TwinWrites,
        Self::Routes,
    ];

    /// How many a second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        match self {
            Self::Models | Self::Routes => 100.0,
            Self::Reads | Self::Patches => 1_000.0,
            Self::Lives => 50.0,
            Self::Queries => 500.0,
            Self::QueryUnits => 4_000.0,
            Self::TwinWrites => 10.0,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Reads => "reads",
            Self::Patches => "patches",
            Self::Lives => "lives",
            Self::Queries => "queries",
            Self::QueryUnits => "query-units",
            Self::TwinWrites => "twin-writes",
            Self::Routes => "routes",
        }
    }
}
