//! Models that come, change and go.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::value::RawValue;
use voltwin_core::{Dtmi, ModelDocument, Timestamp};
use voltwin_dtdl::{Error, Options, parse};

use crate::again::yielding;
use crate::compile::{CONTENTS_IN_ALL_MAX, Compiler};
use crate::{Dtdl, Model, Ontology, OntologyError, Stored};

/// Names that a later release may give to what it builds in.
const OUR_PREFIX: &str = "dtmi:voltwin:";

/// Whether texts are read for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    First,
    /// They were taken before, maybe by a release that had fewer contents of its own.
    Again,
}

impl Ontology {
    /// Reads files, given as name and text, each with one interface or an array of interfaces; what they hold counts as
    /// built in.
    ///
    /// # Errors
    /// [`OntologyError`] naming the file, the element and the rule of what is wrong.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, OntologyError> {
        let split = |(name, text): (&'a str, &'a str)| {
            let texts = serde_json::from_str::<Vec<&RawValue>>(text);
            let texts =
                texts.map_or_else(|_| vec![text], |items| items.iter().map(|item| item.get()).collect());
            texts.into_iter().map(move |text| (name.to_owned(), Arc::from(text)))
        };
        let (names, texts): (Vec<String>, Vec<Arc<str>>) = files.into_iter().flat_map(split).unzip();
        let models = Self::default().read(&names, &texts, Reading::First)?;
        Ok(Self { models: models.into_iter().map(|model| (model.id.clone(), Arc::new(model))).collect() })
    }

    /// The same models and those of some texts, each of one interface; and the texts with the ids that they define.
    /// They may need each other and what is there; all of them come or none. Where what is built in has yielded to a model
    /// (see [`Ontology::with_again`]), it yields for those that extend that model too.
    ///
    /// # Errors
    /// [`OntologyError::Exists`] where there is a model of one of the ids, and whatever is wrong with the texts.
    pub fn with(
        &self,
        texts: &[Arc<str>],
        uploaded: Timestamp,
    ) -> Result<(Self, Vec<ModelDocument>), OntologyError> {
        self.with_models(self.read(&names(texts.len()), texts, Reading::First)?, uploaded)
    }

    /// The same for texts that were taken before: what a release built in since yields to what stands in them under the
    /// same name, as it must not cost a tenant its models.
    ///
    /// # Errors
    /// Those of [`Ontology::with`].
    pub fn with_again(&self, texts: &[Arc<str>], uploaded: Timestamp) -> Result<Self, OntologyError> {
        let models = self.read(&names(texts.len()), texts, Reading::Again)?;
        Ok(self.with_models(models, uploaded)?.0)
    }

    fn with_models(
        &self,
        models: Vec<Model>,
        uploaded: Timestamp,
    ) -> Result<(Self, Vec<ModelDocument>), OntologyError> {
        let mut ontology = self.clone();
        let mut documents = Vec::with_capacity(models.len());
        let mut contents: usize = self.own().map(|model| model.contents()).sum();
        for mut model in models {
            let id = model.id.clone();
            if self.model(id.as_str()).is_some_and(|known| !known.deleted) {
                return Err(OntologyError::Exists { model: id });
            }
            if id.as_str().starts_with(OUR_PREFIX) {
                return Err(OntologyError::Reserved { model: id, prefix: OUR_PREFIX });
            }
            contents += model.contents();
            if contents > CONTENTS_IN_ALL_MAX {
                let rule = format!("{contents} contents of all models are more than {CONTENTS_IN_ALL_MAX}");
                return Err(OntologyError::Unsupported { element: id.to_string(), rule });
            }
            model.uploaded = Some(uploaded);
            documents.push(ModelDocument { id: id.clone(), text: model.document.clone() });
            ontology.models.insert(id, Arc::new(model));
        }
        Ok((ontology, documents))
    }

    /// The same models, one of them decommissioned or not any more.
    ///
    /// # Errors
    /// [`OntologyError::Unknown`], [`OntologyError::BuiltIn`], [`OntologyError::ReferencedInUse`].
    pub fn decommission(&self, id: &Dtmi, decommissioned: bool) -> Result<Self, OntologyError> {
        self.own_model(id)?;
        if decommissioned && let Some(by) = self.referring(id).find(|by| !by.decommissioned) {
            return Err(OntologyError::ReferencedInUse { model: id.clone(), by: by.id.clone() });
        }
        Ok(self.changed(id, |model| model.decommissioned = decommissioned))
    }

    /// The same models, one of them deleted: it types the twins that are there, and no others.
    ///
    /// # Errors
    /// [`OntologyError::Unknown`], [`OntologyError::BuiltIn`], [`OntologyError::Referenced`].
    pub fn delete(&self, id: &Dtmi) -> Result<Self, OntologyError> {
        self.own_model(id)?;
        if let Some(by) = self.referring(id).next() {
            return Err(OntologyError::Referenced { model: id.clone(), by: by.id.clone() });
        }
        let kept =
            self.closure(id.as_str()).into_iter().skip(1).map(|model| model.document.clone()).collect();
        Ok(self.changed(id, |model| (model.deleted, model.kept) = (true, kept)))
    }

    /// The same models without a deleted one that types no twin any more.
    #[must_use]
    pub fn without(&self, id: &str) -> Self {
        let mut ontology = self.clone();
        ontology.models.retain(|other, model| other.as_str() != id || !model.deleted);
        ontology
    }

    /// What is not built in, to be written down.
    pub fn stored(&self) -> impl Iterator<Item = Stored> {
        self.models.values().filter_map(|model| {
            Some(Stored {
                document: model.document.clone(),
                uploaded: model.uploaded?,
                decommissioned: model.decommissioned,
                deleted: model.deleted.then(|| model.kept.clone()),
            })
        })
    }

    /// The same models with those that were written down. What is built in yields to them as in
    /// [`Ontology::with_again`].
    ///
    /// # Errors
    /// [`OntologyError`] when they cannot be read any more.
    pub fn restore(&self, stored: Vec<Stored>) -> Result<Self, OntologyError> {
        let mut ontology = self.clone();
        let (deleted, present): (Vec<Stored>, Vec<Stored>) =
            stored.into_iter().partition(|stored| stored.deleted.is_some());
        let texts: Vec<Arc<str>> = present.iter().map(|stored| stored.document.clone()).collect();
        let mut models = self.read(&names(texts.len()), &texts, Reading::Again)?;
        for stored in &deleted {
            let kept = stored.deleted.clone().unwrap_or_default();
            let texts: Vec<Arc<str>> = [&stored.document].into_iter().chain(&kept).cloned().collect();
            let models_of = Self::default().read(&names(texts.len()), &texts, Reading::Again)?;
            let model = models_of.into_iter().next();
            models.extend(model.map(|model| Model { deleted: true, kept, ..model }));
        }
        for (mut model, stored) in models.into_iter().zip(present.into_iter().chain(deleted)) {
            (model.uploaded, model.decommissioned) = (Some(stored.uploaded), stored.decommissioned);
            ontology.models.insert(model.id.clone(), Arc::new(model));
        }
        Ok(ontology)
    }

    /// A model and all that it extends or has as components, directly or not: they alone are enough to read it.
    #[must_use]
    pub fn closure(&self, id: &str) -> Vec<&Arc<Model>> {
        let mut found: Vec<&Arc<Model>> = self.model(id).into_iter().collect();
        let mut seen: BTreeSet<&str> = found.iter().map(|model| model.id.as_str()).collect();
        let mut looked = 0;
        while let Some(model) = found.get(looked).copied() {
            looked += 1;
            for reference in &model.references {
                if seen.insert(reference.as_str()) {
                    found.extend(self.model(reference.as_str()));
                }
            }
        }
        found
    }

    fn own_model(&self, id: &Dtmi) -> Result<&Arc<Model>, OntologyError> {
        let model = self.model(id.as_str()).filter(|model| !model.deleted);
        let model = model.ok_or_else(|| OntologyError::Unknown { model: id.clone() })?;
        match model.uploaded {
            Some(_) => Ok(model),
            None => Err(OntologyError::BuiltIn { model: id.clone() }),
        }
    }

    fn referring<'o>(&'o self, id: &'o Dtmi) -> impl Iterator<Item = &'o Arc<Model>> {
        self.models().filter(move |model| model.references.contains(id))
    }

    fn changed(&self, id: &Dtmi, change: impl FnOnce(&mut Model)) -> Self {
        let mut ontology = self.clone();
        if let Some(model) = ontology.models.get_mut(id) {
            change(Arc::make_mut(model));
        }
        ontology
    }

    /// The models of some texts. What they reference is read with them.
    fn read(
        &self,
        names: &[String],
        texts: &[Arc<str>],
        reading: Reading,
    ) -> Result<Vec<Model>, OntologyError> {
        let mut needed: Vec<&Arc<Model>> = Vec::new();
        let model = loop {
            let all = texts.iter().chain(needed.iter().map(|model| &model.document));
            let all: Vec<&str> = all.map(AsRef::as_ref).collect();
            match parse(&all, &Options::default()) {
                Ok(model) => break model,
                Err(Error::Unresolved(missing)) if self.find(&missing, &mut needed) => {}
                Err(mut error) => {
                    // What is new has to fit what is there; what is there has to get along.
                    let from = if reading == Reading::Again { 0 } else { texts.len() };
                    if let Some(fitting) = yielding(&all, from) {
                        let fitting: Vec<&str> = fitting.iter().map(String::as_str).collect();
                        match parse(&fitting, &Options::default()) {
                            Ok(model) => break model,
                            Err(left) => error = left,
                        }
                    }
                    let known = needed.iter().map(|model| model.id.to_string());
                    let texts = names.iter().cloned().chain(known).collect();
                    return Err(OntologyError::Dtdl(Dtdl { error, texts }));
                }
            }
        };
        let mut interfaces: Vec<_> = texts.iter().map(|_| Vec::new()).collect();
        for interface in model.interfaces() {
            if let Some(of_text) = interface.text().and_then(|text| interfaces.get_mut(text)) {
                of_text.push(interface);
            }
        }
        let mut compiler = Compiler::for_all(interfaces.iter().flatten().copied())?;
        let mut models = Vec::with_capacity(texts.len());
        for ((text, name), interfaces) in texts.iter().zip(names).zip(interfaces) {
            let [interface] = interfaces[..] else {
                return Err(OntologyError::NotOne { text: name.clone(), count: interfaces.len() });
            };
            models.push(compiler.interface(interface, text.clone())?);
        }
        Ok(models)
    }

    /// Adds the models that are missing, with what they reference; false where none is known.
    fn find<'o>(&'o self, missing: &[String], needed: &mut Vec<&'o Arc<Model>>) -> bool {
        let before = needed.len();
        let mut have: BTreeSet<&str> = needed.iter().map(|model| model.id.as_str()).collect();
        for model in missing.iter().flat_map(|id| self.closure(id)).filter(|model| !model.deleted) {
            if have.insert(model.id.as_str()) {
                needed.push(model);
            }
        }
        needed.len() > before
    }
}

/// What messages call texts that have no names.
fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("model {number}")).collect()
}
