//! The files of `ontology/`, read as they stand.

use std::path::Path;

use serde_json::Value as Json;

/// A folder of `ontology/`, which is a page of the reference.
pub(crate) struct Chapter {
    pub(crate) folder: &'static str,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
}

/// In the order in which they are best read.
pub(crate) const CHAPTERS: &[Chapter] = &[
    Chapter {
        folder: "network",
        title: "Places and assets",
        about: "Where things stand, and what all of them share.",
    },
    Chapter {
        folder: "charging",
        title: "Charging",
        about: "Stations as OCPP sees them, and who charges at them.",
    },
    Chapter {
        folder: "vehicle",
        title: "Vehicles",
        about: "Vehicles, from the battery's terminals to the road.",
    },
    Chapter {
        folder: "battery",
        title: "Batteries",
        about: "Packs down to their cells, and what models of them need.",
    },
    Chapter {
        folder: "swap",
        title: "Battery swap",
        about: "Stations that swap batteries: bays, slots, robots and stock.",
    },
    Chapter { folder: "grid", title: "Grid", about: "What carries, generates, stores and measures power." },
    Chapter {
        folder: "market",
        title: "Energy market",
        about: "What power costs, what it emits, and what is asked of those who use it.",
    },
    Chapter {
        folder: "factory",
        title: "Factory",
        about: "Lines and machines, and what passes through them.",
    },
    Chapter {
        folder: "maintenance",
        title: "Maintenance",
        about: "How assets fail, and what is done about it with which parts.",
    },
    Chapter { folder: "people", title: "People", about: "Who runs, drives and maintains." },
    Chapter {
        folder: "knowledge",
        title: "Knowledge",
        about: "What models there are of twins, and what they expect.",
    },
    Chapter {
        folder: "energygrid",
        title: "Public models",
        about: "Models of others that ours extend, unchanged: \
                [Azure/opendigitaltwins-energygrid](../../ontology/energygrid/README.md).",
    },
];

/// One kind of twin.
pub(crate) struct Kind {
    /// The folder and the name of its file.
    pub(crate) folder: String,
    pub(crate) file: String,
    document: Json,
}

impl Kind {
    pub(crate) fn id(&self) -> &str {
        text(&self.document["@id"])
    }

    pub(crate) fn name(&self) -> &str {
        short(self.id())
    }

    pub(crate) fn description(&self) -> &str {
        words(&self.document)
    }

    pub(crate) fn extends(&self) -> impl Iterator<Item = &str> {
        self.document["extends"].as_array().into_iter().flatten().map(text)
    }

    pub(crate) fn contents(&self) -> &[Json] {
        self.document["contents"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// Its own contents of a class, such as `Property`.
    pub(crate) fn of_class(&self, class: &str) -> impl Iterator<Item = &Json> {
        self.contents().iter().filter(move |content| is_of(content, class))
    }

    /// Its relationships with the target of each, where it has one.
    pub(crate) fn relationships(&self) -> impl Iterator<Item = (&Json, Option<&str>)> {
        self.of_class("Relationship").map(|content| (content, content["target"].as_str()))
    }
}

/// All of them, in the order of their chapters and names.
pub(crate) struct Kinds(Vec<Kind>);

impl Kinds {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut kinds = Vec::new();
        for chapter in CHAPTERS {
            let entries = std::fs::read_dir(folder.join(chapter.folder)).unwrap();
            let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
                let document = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
                let file = format!("{}/{}", chapter.folder, file.file_name().unwrap().to_str().unwrap());
                kinds.push(Kind { folder: chapter.folder.to_owned(), file, document });
            }
        }
        Self(kinds)
    }

    pub(crate) fn all(&self) -> &[Kind] {
        &self.0
    }

    pub(crate) fn of(&self, folder: &str) -> impl Iterator<Item = &Kind> {
        self.0.iter().filter(move |kind| kind.folder == folder)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Kind> {
        self.0.iter().find(|kind| kind.id() == id)
    }

    /// All that a kind extends, directly or not: direct ones first, each once.
    pub(crate) fn bases<'k>(&'k self, kind: &'k Kind) -> Vec<&'k Kind> {
        let mut found: Vec<&Kind> = Vec::new();
        let mut looked = 0;
        let mut next = Some(kind);
        while let Some(extending) = next {
            for base in extending.extends().filter_map(|id| self.get(id)) {
                if !found.iter().any(|other| other.id() == base.id()) {
                    found.push(base);
                }
            }
            next = found.get(looked).copied();
            looked += 1;
        }
        found
    }
}

/// Whether an element is of a class; other types beside it are quantities.
pub(crate) fn is_of(element: &Json, class: &str) -> bool {
    match &element["@type"] {
        Json::Array(types) => types.iter().any(|of| of == class),
        of => of == class,
    }
}

/// What an element means: public models say it in a comment.
pub(crate) fn words(element: &Json) -> &str {
    element["description"].as_str().or(element["comment"].as_str()).unwrap_or_default().trim()
}

pub(crate) fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// `Transformer` of `dtmi:voltwin:Transformer;1`.
pub(crate) fn short(id: &str) -> &str {
    let path = id.split_once(';').map_or(id, |(path, _)| path);
    path.rsplit(':').next().unwrap_or(path)
}
