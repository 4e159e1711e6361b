//! Models: those that one end lacks are brought there with what they need. A model never changes, but for whether it is
//! decommissioned; and none is deleted unless that is wanted.
//!
//! Models that Voltwin has by itself are no models of the tenant: they go to Azure with the first twin that needs them.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value as Json;

use crate::SyncError;
use crate::content::same;
use crate::engine::{Mode, Synchronisation};
use crate::merge::Side;
use crate::plane::{ModelData, Written};

/// What Azure takes in one call: models, and bytes of all of them (each may have a megabyte).
const UPLOAD_MAX: usize = 250;
const UPLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often models are deleted or decommissioned again that others still refer to.
const ROUNDS: usize = 12;

/// What is done with models once the twins are settled.
#[derive(Debug, Default)]
pub(crate) struct Afterwards {
    /// To be decommissioned, where.
    decommissioned: Vec<(Side, String)>,
    /// To be deleted, where.
    deleted: Vec<(Side, String)>,
}

type Models = HashMap<String, ModelData>;

impl Synchronisation {
    /// Brings what is missing. What twins may still need is left for [`Synchronisation::finish_models`].
    pub(crate) async fn settle_models(&self) -> Result<Afterwards, SyncError> {
        self.progress.begin("comparing models", 0);
        let [azure, voltwin] = &self.ends;
        let lists = tokio::try_join!(azure.models(), voltwin.models())?;
        let lists: [Models; 2] =
            [lists.0, lists.1].map(|list| list.into_iter().map(|model| (model.id.clone(), model)).collect());
        for side in Side::BOTH {
            *self.models[side as usize].lock() = lists[side as usize].keys().cloned().collect();
        }
        let base = self.state.models().await?;
        let mut after = Afterwards::default();
        for side in Side::BOTH {
            let mut missing = Vec::new();
            for model in lists[side.other() as usize].values() {
                if lists[side as usize].contains_key(&model.id) || !self.is_carried(model) {
                    continue;
                }
                if base.contains_key(&model.id) && self.settings.delete_models {
                    after.deleted.push((side.other(), model.id.clone()));
                    continue;
                }
                missing.push(model.id.clone());
                // it is brought as it was, and its twins come before it is decommissioned again
                if model.decommissioned && self.settings.direction.writes_to(side) {
                    after.decommissioned.push((side, model.id.clone()));
                }
            }
            if self.settings.direction.writes_to(side) {
                self.bring_models(side, &missing).await?;
            }
        }
        for id in base.keys().filter(|id| lists.iter().all(|list| !list.contains_key(*id))) {
            if self.mode == Mode::Apply {
                self.state.agree_model(id, None).await?;
            }
        }
        self.compare_models(&lists, &base, &mut after).await?;
        Ok(after)
    }

    fn is_carried(&self, model: &ModelData) -> bool {
        let prefixes = &self.settings.models;
        model.uploaded && (prefixes.is_empty() || prefixes.iter().any(|prefix| model.id.starts_with(prefix)))
    }

    /// Models that both ends have: whether they are the same, and whether they are decommissioned.
    async fn compare_models(
        &self,
        lists: &[Models; 2],
        base: &HashMap<String, bool>,
        after: &mut Afterwards,
    ) -> Result<(), SyncError> {
        let ids: BTreeSet<&String> = lists[0].keys().filter(|id| lists[1].contains_key(*id)).collect();
        for id in ids {
            let models = [&lists[0][id], &lists[1][id]];
            if models.iter().any(|model| !self.is_carried(model)) {
                continue;
            }
            let known = base.get(id).copied();
            if known.is_none() && !self.is_same_model(id).await? {
                self.report.problem(
                    Side::Azure,
                    "model",
                    id,
                    "the two ends have different models under this id",
                );
                self.progress.problem();
                continue;
            }
            self.report.solved("model", id);
            let [azure, voltwin] = models.map(|model| model.decommissioned);
            let want = match (azure == voltwin, known) {
                (true, _) => azure,
                (false, Some(before)) if azure == before => voltwin,
                (false, Some(_)) => azure,
                // they meet for the first time: what was put out of use at one end is so
                (false, None) => true,
            };
            for (side, now) in [(Side::Azure, azure), (Side::Voltwin, voltwin)] {
                if now == want || !self.settings.direction.writes_to(side) {
                    continue;
                }
                if want {
                    after.decommissioned.push((side, id.clone()));
                } else {
                    self.decommission(side, id, false).await?;
                }
            }
            // one that is still to be decommissioned is agreed on when it is
            if self.mode == Mode::Apply && azure == voltwin && known != Some(want) {
                self.state.agree_model(id, Some(want)).await?;
            }
        }
        Ok(())
    }

    async fn is_same_model(&self, id: &str) -> Result<bool, SyncError> {
        let [azure, voltwin] = &self.ends;
        let (azure, voltwin) = tokio::try_join!(azure.model(id), voltwin.model(id))?;
        let texts = [azure, voltwin].map(|model| model.and_then(|model| model.definition));
        Ok(match &texts {
            [Some(azure), Some(voltwin)] => same(azure, voltwin),
            _ => true,
        })
    }

    /// Decommissions and deletes, when nothing comes any more that could need them.
    pub(crate) async fn finish_models(&self, after: Afterwards) -> Result<(), SyncError> {
        let within = |(side, _): &(Side, String)| self.settings.direction.writes_to(*side);
        let deleted = after.deleted.into_iter().filter(within).collect();
        for (deletes, mut left) in [(false, after.decommissioned), (true, deleted)] {
            for round in 0..ROUNDS {
                let (before, mut refused) = (left.len(), Vec::new());
                for (side, id) in left {
                    let done = if deletes {
                        self.delete_model(side, &id).await
                    } else {
                        self.decommission(side, &id, true).await
                    };
                    if !done? {
                        refused.push((side, id));
                    }
                }
                left = refused;
                if left.is_empty() || (round > 0 && left.len() == before) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether it is done; what refers to it may have to go first.
    async fn decommission(&self, side: Side, id: &str, decommissioned: bool) -> Result<bool, SyncError> {
        let deed = if decommissioned { "decommission" } else { "recommission" };
        if self.mode == Mode::Plan {
            self.note_planned(side, deed, "model", id);
            return Ok(true);
        }
        match self.ends[side as usize].decommission(id, decommissioned).await? {
            Written::Refused(refusal) => {
                self.model_problem(side, id, &refusal.to_string());
                Ok(false)
            }
            _ => {
                self.progress.wrote(side, deed, "model");
                self.report.solved("model", id);
                self.state.agree_model(id, Some(decommissioned)).await?;
                Ok(true)
            }
        }
    }

    async fn delete_model(&self, side: Side, id: &str) -> Result<bool, SyncError> {
        if self.mode == Mode::Plan {
            self.note_planned(side, "delete", "model", id);
            return Ok(true);
        }
        match self.ends[side as usize].delete_model(id).await? {
            Written::Refused(refusal) => {
                self.model_problem(side, id, &refusal.to_string());
                Ok(false)
            }
            _ => {
                self.progress.wrote(side, "delete", "model");
                self.report.solved("model", id);
                self.models[side as usize].lock().remove(id);
                self.state.agree_model(id, None).await?;
                Ok(true)
            }
        }
    }

    fn model_problem(&self, side: Side, id: &str, reason: &str) {
        self.progress.problem();
        self.report.problem(side, "model", id, reason);
    }

    /// Whether a model is at an end, brought there where it was not.
    pub(crate) async fn has_model(&self, side: Side, id: &str) -> Result<bool, SyncError> {
        if self.knows_model(side, id) {
            return Ok(true);
        }
        let _uploading = self.uploading.lock().await;
        if !self.knows_model(side, id) {
            self.bring_models(side, &[id.to_owned()]).await?;
        }
        Ok(self.knows_model(side, id))
    }

    fn knows_model(&self, side: Side, id: &str) -> bool {
        self.models[side as usize].lock().contains(id)
    }

    /// Brings models and all that they need to an end.
    async fn bring_models(&self, to: Side, ids: &[String]) -> Result<(), SyncError> {
        // with those that somebody brought: only they are agreed on
        let (mut found, mut own): (HashMap<String, Json>, HashSet<String>) = Default::default();
        for id in ids {
            if found.contains_key(id) {
                continue;
            }
            let end = &self.ends[to.other() as usize];
            let mut needs = end.model_with_needs(id).await?.unwrap_or_default();
            if needs.iter().all(|model| model.id != *id) {
                needs.extend(end.model(id).await?);
            }
            own.extend(needs.iter().filter(|model| model.uploaded).map(|model| model.id.clone()));
            found.extend(needs.into_iter().filter_map(|model| Some((model.id, model.definition?))));
        }
        found.retain(|id, _| !self.knows_model(to, id));
        // a list may leave out what a server has by itself
        let end = &self.ends[to as usize];
        let looks = stream::iter(found.keys().cloned())
            .map(|id| async move { Ok::<_, SyncError>(end.model(&id).await?.map(|_| id)) });
        let there: Vec<Option<String>> =
            looks.buffer_unordered(self.settings.concurrency.max(1)).try_collect().await?;
        for id in there.into_iter().flatten() {
            found.remove(&id);
            self.models[to as usize].lock().insert(id);
        }
        let models = in_order(found);
        if self.mode == Mode::Plan {
            for (id, _) in &models {
                self.note_planned(to, "create", "model", id);
                self.models[to as usize].lock().insert(id.clone());
            }
            return Ok(());
        }
        for upload in uploads(models) {
            if self.upload(to, &upload, &own).await? || upload.len() == 1 {
                continue;
            }
            // one of them is not taken: the others are, one after the other
            for model in upload {
                self.upload(to, &[model], &own).await?;
            }
        }
        Ok(())
    }

    async fn upload(
        &self,
        to: Side,
        models: &[(String, Json)],
        own: &HashSet<String>,
    ) -> Result<bool, SyncError> {
        let texts: Vec<Json> = models.iter().map(|(_, text)| text.clone()).collect();
        match self.ends[to as usize].add_models(&texts).await? {
            Written::Refused(refusal) => {
                if let [(id, _)] = models {
                    self.model_problem(to, id, &refusal.to_string());
                }
                Ok(false)
            }
            // somebody brought one of them meanwhile, or the answer to our own upload was lost
            Written::Overtaken if models.len() > 1 => Ok(false),
            written => {
                for (id, _) in models {
                    self.models[to as usize].lock().insert(id.clone());
                    self.report.solved("model", id);
                    if matches!(written, Written::Done(_)) {
                        self.progress.wrote(to, "create", "model");
                        if own.contains(id) {
                            self.state.agree_model(id, Some(false)).await?;
                        }
                    }
                }
                Ok(true)
            }
        }
    }
}

/// Puts models behind what they need: what they extend, and the models of their components.
fn in_order(models: HashMap<String, Json>) -> Vec<(String, Json)> {
    fn visit(id: &str, models: &HashMap<String, Json>, done: &mut HashSet<String>, order: &mut Vec<String>) {
        let Some(text) = models.get(id) else { return };
        if !done.insert(id.to_owned()) {
            return;
        }
        for need in needs(text) {
            visit(need, models, done, order);
        }
        order.push(id.to_owned());
    }
    let (mut done, mut order) = (HashSet::new(), Vec::new());
    for id in models.keys().collect::<BTreeSet<_>>() {
        visit(id, &models, &mut done, &mut order);
    }
    let mut models = models;
    order.into_iter().filter_map(|id| models.remove_entry(&id)).collect()
}

/// The models that a model names as needed.
fn needs(text: &Json) -> Vec<&str> {
    fn ids<'j>(value: Option<&'j Json>, found: &mut Vec<&'j str>) {
        match value {
            Some(Json::String(id)) => found.push(id),
            Some(Json::Array(items)) => items.iter().for_each(|item| ids(Some(item), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    ids(text.get("extends"), &mut found);
    for content in text.get("contents").and_then(Json::as_array).into_iter().flatten() {
        let is_component = match content.get("@type") {
            Some(Json::String(kind)) => kind == "Component",
            Some(Json::Array(kinds)) => kinds.iter().any(|kind| kind == "Component"),
            _ => false,
        };
        if is_component {
            ids(content.get("schema"), &mut found);
        }
    }
    found
}

/// Cuts models in order into uploads that an end takes.
fn uploads(models: Vec<(String, Json)>) -> Vec<Vec<(String, Json)>> {
    let mut uploads: Vec<Vec<(String, Json)>> = Vec::new();
    let mut bytes = 0;
    for model in models {
        let size = model.1.to_string().len();
        let fits = bytes + size <= UPLOAD_BYTES_MAX;
        match uploads.last_mut().filter(|upload| upload.len() < UPLOAD_MAX && fits) {
            Some(upload) => {
                bytes += size;
                upload.push(model);
            }
            None => {
                bytes = size;
                uploads.push(vec![model]);
            }
        }
    }
    uploads
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_come_after_what_they_need() {
        let model = |id: &str, text: Json| (id.to_owned(), text);
        let part = |schema: &str| json!([{"@type": ["Component"], "name": "c", "schema": schema}]);
        let models = HashMap::from([
            model("a", json!({"extends": ["d", "elsewhere"], "contents": part("b")})),
            model("b", json!({"extends": "c"})),
            model("c", json!({"contents": [{"@type": "Relationship", "name": "r", "target": "a"}]})),
            model("d", json!({"extends": {"@id": "inline"}})),
            // no DTDL, and no end of the walk
            model("x", json!({"extends": "y"})),
            model("y", json!({"extends": "x"})),
        ]);
        let order: Vec<String> = in_order(models).into_iter().map(|(id, _)| id).collect();
        assert_eq!(order.len(), 6);
        let at = |id: &str| order.iter().position(|known| known == id).unwrap();
        assert!(at("d") < at("a") && at("b") < at("a") && at("c") < at("b"), "{order:?}");
    }

    #[test]
    fn uploads_hold_what_an_end_takes() {
        let small = (0..600).map(|n| (n.to_string(), json!({})));
        let sizes: Vec<usize> = uploads(small.collect()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [250, 250, 100]);
        let large = "x".repeat(1_500_000);
        let large = (0..5).map(|n| (n.to_string(), json!(large)));
        let sizes: Vec<usize> = uploads(large.collect()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }
}
