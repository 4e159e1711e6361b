//! The three tables of data history, in the columns that Azure Digital Twins writes to Azure Data Explorer.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use voltwin_core::Timestamp;

use crate::{Change, ChangeKind, Operation};

/// What happened to a thing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// It came to be.
    Create,
    /// It is gone.
    Delete,
}

impl Action {
    /// As it stands in the column `Action`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Delete => "Delete",
        }
    }
}

/// One row of one of the tables. Columns are in the order of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Row {
    /// A property took a value.
    Property {
        /// `TimeStamp`: when we heard of it.
        time: Timestamp,
        /// `SourceTimeStamp`: when the source says that it was so.
        source_time: Timestamp,
        /// `Id`: the twin.
        twin: String,
        /// `ModelId`; empty where it is not known.
        model: String,
        /// `Key`: the property.
        key: String,
        /// `Value`; null when the property was removed.
        value: Option<Json>,
        /// `RelationshipId`, `RelationshipTarget`: of a property of a relationship.
        relationship: Option<(String, String)>,
    },
    /// A twin came to be or is gone.
    Twin {
        /// `TwinId`.
        twin: String,
        /// `TimeStamp`.
        time: Timestamp,
        /// `Action`.
        action: Action,
        /// `ModelId`; empty where it is not known.
        model: String,
    },
    /// A relationship came to be or is gone.
    Relationship {
        /// `RelationshipId`.
        id: String,
        /// `Name`; empty where it is not known.
        name: String,
        /// `TimeStamp`.
        time: Timestamp,
        /// `Action`.
        action: Action,
        /// `Source`.
        source: String,
        /// `Target`; empty where it is not known.
        target: String,
    },
}

/// The rows of a change.
#[must_use]
pub fn rows(change: &Change) -> Vec<Row> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let (twin, time) = (change.twin.as_str().to_owned(), change.received);
    let property =
        |operation: &Operation, model: Option<&str>, relationship: Option<(String, String)>| Row::Property {
            time,
            source_time: operation.at,
            twin: change.twin.as_str().to_owned(),
            model: text(model),
            key: operation.key(),
            value: operation.value.clone(),
            relationship,
        };
    let link_row = |link: &crate::change::LinkKey, action: Action| Row::Relationship {
        id: link.id.as_str().to_owned(),
        name: text(link.name.as_ref().map(AsRef::as_ref)),
        time,
        action,
        source: change.twin.as_str().to_owned(),
        target: text(link.target.as_ref().map(AsRef::as_ref)),
    };
    // a model or a target that changes is no property
    let own = |operation: &&Operation| !operation.path.starts_with("/$");
    match &change.kind {
        ChangeKind::TwinCreated { model, .. } => {
            vec![Row::Twin { twin, time, action: Action::Create, model: model.as_str().to_owned() }]
        }
        ChangeKind::TwinDeleted { model, .. } => {
            vec![Row::Twin {
                twin,
                time,
                action: Action::Delete,
                model: text(model.as_ref().map(AsRef::as_ref)),
            }]
        }
        ChangeKind::TwinUpdated { model, patch } => {
            let model = model.as_ref().map(AsRef::as_ref);
            patch.iter().filter(own).map(|operation| property(operation, model, None)).collect()
        }
        ChangeKind::LinkCreated { link, .. } => vec![link_row(link, Action::Create)],
        ChangeKind::LinkDeleted { link, .. } => vec![link_row(link, Action::Delete)],
        ChangeKind::LinkUpdated { link, model, patch } => {
            let model = model.as_ref().map(AsRef::as_ref);
            let target = text(link.target.as_ref().map(AsRef::as_ref));
            let relationship = || Some((link.id.as_str().to_owned(), target.clone()));
            patch.iter().filter(own).map(|operation| property(operation, model, relationship())).collect()
        }
        ChangeKind::Model { .. } => Vec::new(),
    }
}
