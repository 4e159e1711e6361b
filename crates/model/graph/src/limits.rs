/// How much one tenant's graph takes. Sizes are in bytes of compact JSON, with any number counted as 12 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Twins.
    pub twins: usize,
    /// Relationships that begin at one twin.
    pub outgoing: usize,
    /// Relationships that point to one twin.
    pub incoming: usize,
    /// Bytes of the properties of one twin or relationship.
    pub twin_bytes: usize,
    /// Bytes of one text value, also within arrays, objects and maps.
    pub text_bytes: usize,
    /// Properties in one event.
    pub properties: usize,
    /// Models that are not built in.
    pub models: usize,
    /// Models that come at once.
    pub models_at_once: usize,
    /// Bytes of the text of one model.
    pub model_bytes: usize,
    /// Bytes of the texts of the models that come at once.
    pub upload_bytes: usize,
}

impl Limits {
    /// Those that Azure Digital Twins documents.
    pub const AZURE: Self = Self {
        twins: 1_000_000,
        outgoing: 5_000,
        incoming: 5_000,
        twin_bytes: 32 * 1024,
        text_bytes: 4 * 1024,
        properties: 1_000,
        models: 10_000,
        models_at_once: 250,
        model_bytes: 1024 * 1024,
        upload_bytes: 16 * 1024 * 1024,
    };
}

impl Default for Limits {
    /// Those of Azure, with room for graphs that Azure has no room for.
    fn default() -> Self {
        Self {
            twins: 50_000_000,
            outgoing: 1_000_000,
            incoming: 1_000_000,
            models_at_once: 1_000,
            ..Self::AZURE
        }
    }
}
