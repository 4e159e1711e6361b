//! Which twins and relationships are carried over.

use std::collections::BTreeSet;

use crate::SyncError;
use crate::content::{Key, Nature, Seen};
use crate::engine::Synchronisation;

impl Synchronisation {
    pub(crate) fn is_filtered(&self) -> bool {
        !self.settings.twins.is_empty() || !self.settings.models.is_empty()
    }

    pub(crate) fn is_named(&self, twin: &str) -> bool {
        let prefixes = &self.settings.twins;
        prefixes.is_empty() || prefixes.iter().any(|prefix| twin.starts_with(prefix))
    }

    /// The condition of the twins that are carried over, in the query language.
    pub(crate) fn condition(&self) -> Option<String> {
        let any = |path: &str, prefixes: &[String]| {
            let one = |prefix: &String| format!("STARTSWITH({path}, '{}')", prefix.replace('\'', "''"));
            let all: Vec<String> = prefixes.iter().map(one).collect();
            (!all.is_empty()).then(|| format!("({})", all.join(" OR ")))
        };
        let parts = [any("T.$dtId", &self.settings.twins), any("T.$metadata.$model", &self.settings.models)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }

    /// Whether it is carried over: a twin by its id and model, a relationship by its twins.
    pub(crate) async fn is_in_scope(&self, key: &Key, seen: &[Option<Seen>; 2]) -> Result<bool, SyncError> {
        if !self.is_filtered() {
            return Ok(true);
        }
        let natures: Vec<&Nature> = seen.iter().flatten().map(|seen| &seen.content.nature).collect();
        match key {
            Key::Twin(id) => {
                let prefixes = &self.settings.models;
                let fits = |nature: &&Nature| match nature {
                    Nature::Model(model) => prefixes.iter().any(|prefix| model.starts_with(prefix)),
                    Nature::Link(..) => false,
                };
                Ok(self.is_named(id)
                    && (prefixes.is_empty() || natures.is_empty() || natures.iter().any(fits)))
            }
            Key::Relationship(source, _) => {
                let mut twins: BTreeSet<&str> = [source.as_str()].into();
                for nature in natures {
                    if let Nature::Link(_, target) = nature {
                        twins.insert(target);
                    }
                }
                for twin in twins {
                    let key = Key::Twin(twin.to_owned());
                    let known = self.planned_twins.lock().contains(twin);
                    if !known && self.state.row(&key).await?.base.is_none() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}
