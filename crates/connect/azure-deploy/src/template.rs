//! The one source: resources in terms of Azure Resource Manager, with what they say of each other.

use std::collections::BTreeMap;

use crate::{
    config::{Cloud, Config},
    roles::Role,
};

/// What a resource is called inside a template.
pub(crate) type Key = &'static str;

/// What can be said from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    Location,
    Prefix,
    Suffix,
    SshPublicKey,
}

/// A text whose parts Azure may know only later.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Plain(String),
    Join(Vec<Text>),
    Setting(Setting),
    /// The directory of the subscription.
    Tenant,
    /// A text that has a name in the template.
    Variable(Key),
    /// The name of a resource.
    Name(Key),
    /// The id of a resource.
    Id(Key),
    /// What a resource says of itself once it is there: a path that begins with `properties` or `identity`.
    Read(Key, &'static str),
    /// A key of a resource, which no text may hold.
    Secret(Key, &'static str),
    /// The id of a role.
    Role(Role),
    /// The name of a role's assignment: the same for the same scope, principal and role.
    Assignment {
        scope: Key,
        of: Key,
        role: Role,
    },
    Base64(Box<Text>),
}

impl Text {
    fn has_suffix(&self) -> bool {
        match self {
            Self::Setting(setting) => *setting == Setting::Suffix,
            Self::Join(parts) => parts.iter().any(Self::has_suffix),
            Self::Base64(text) => text.has_suffix(),
            _ => false,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

/// Parts of a text, one after the other.
pub(crate) fn join<const N: usize>(parts: [Text; N]) -> Text {
    Text::Join(parts.into())
}

/// A property.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Bool(bool),
    Number(u32),
    Text(Text),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<Text> for Value {
    fn from(value: Text) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::List(value)
    }
}

/// Properties in the order in which they are written.
pub(crate) fn map<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
    Value::Map(entries.into())
}

/// Values one after the other.
pub(crate) fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

impl Value {
    /// The texts inside, in order.
    pub(crate) fn texts<'a>(&'a self, found: &mut Vec<&'a Text>) {
        match self {
            Self::Bool(_) | Self::Number(_) => {}
            Self::Text(text) => found.push(text),
            Self::List(items) => items.iter().for_each(|item| item.texts(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.texts(found)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Map(entries) if entries.is_empty())
    }

    /// The same without keys of resources, and the keys alone.
    pub(crate) fn split_secrets(&self) -> (Value, Value) {
        let Self::Map(entries) = self else { return (self.clone(), map([])) };
        let (mut plain, mut secret) = (Vec::new(), Vec::new());
        for (name, value) in entries {
            match value {
                Self::Text(Text::Secret(..)) => secret.push((*name, value.clone())),
                Self::Map(_) => {
                    let (one, other) = value.split_secrets();
                    plain.push((*name, one));
                    if !other.is_empty() {
                        secret.push((*name, other));
                    }
                }
                _ => plain.push((*name, value.clone())),
            }
        }
        (Self::Map(plain), Self::Map(secret))
    }
}

/// Who a resource is towards others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Identity {
    /// One that comes and goes with it.
    System,
    /// One that is a resource itself.
    User(Key),
}

/// One resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) key: Key,
    /// Provider and type, such as `Microsoft.Storage/storageAccounts/blobServices`.
    pub(crate) kind: &'static str,
    pub(crate) api: &'static str,
    /// The last part of its name.
    pub(crate) name: Text,
    pub(crate) parent: Option<Key>,
    /// Of a role's assignment: where the role counts.
    pub(crate) scope: Option<Key>,
    /// Whether it has a region, and whether it takes tags.
    pub(crate) located: bool,
    pub(crate) tagged: bool,
    /// Whether it comes with its parent, so that it can only be changed.
    pub(crate) comes_along: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) sku: Option<Value>,
    /// The flavour of a type that has several.
    pub(crate) flavour: Option<&'static str>,
    pub(crate) properties: Value,
    /// What must be there first without being named in it.
    pub(crate) after: Vec<Key>,
}

impl Resource {
    /// A resource without a region, as children are.
    pub(crate) fn new(key: Key, kind: &'static str, api: &'static str, name: impl Into<Text>) -> Self {
        Self {
            key,
            kind,
            api,
            name: name.into(),
            parent: None,
            scope: None,
            located: false,
            tagged: false,
            comes_along: false,
            identity: None,
            sku: None,
            flavour: None,
            properties: map([]),
            after: Vec::new(),
        }
    }

    /// A resource of the group, with a region and tags.
    pub(crate) fn top(key: Key, kind: &'static str, api: &'static str, name: impl Into<Text>) -> Self {
        Self { located: true, tagged: true, ..Self::new(key, kind, api, name) }
    }

    /// A child.
    pub(crate) fn child(
        key: Key,
        kind: &'static str,
        api: &'static str,
        parent: Key,
        name: impl Into<Text>,
    ) -> Self {
        Self { parent: Some(parent), ..Self::new(key, kind, api, name) }
    }

    /// Whether its name is one of the template's variables.
    pub(crate) fn has_named_name(&self) -> bool {
        self.parent.is_none() && self.scope.is_none()
    }
}

/// What a caller wants to know afterwards. Never a secret.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) value: Text,
}

/// An installation.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) cloud: Cloud,
    pub(crate) location: String,
    pub(crate) resource_group: String,
    pub(crate) prefix: String,
    pub(crate) suffix: Option<String>,
    pub(crate) ssh_public_key: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Long texts with a name.
    pub(crate) variables: Vec<(Key, Text)>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) outputs: Vec<Output>,
}

impl Template {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            cloud: config.cloud,
            location: config.location.clone(),
            resource_group: config.resource_group.clone(),
            prefix: config.prefix.clone(),
            suffix: config.suffix.clone(),
            ssh_public_key: config.server.as_ref().map(|server| server.ssh_public_key.trim().to_owned()),
            tags: config.tags.clone(),
            variables: Vec::new(),
            resources: Vec::new(),
            outputs: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, resource: Resource) {
        self.resources.push(resource);
    }

    pub(crate) fn output(&mut self, name: &'static str, about: &'static str, value: Text) {
        self.outputs.push(Output { name, about, value });
    }

    /// The resource of a key. Every key that is used is declared, which the tests look at.
    pub(crate) fn resource(&self, key: Key) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.key == key)
    }

    /// A resource and those that it is a child of, the outermost first.
    pub(crate) fn line<'a>(&'a self, resource: &'a Resource) -> Vec<&'a Resource> {
        let mut line = vec![resource];
        let mut parent = resource.parent;
        while let Some(found) = parent.and_then(|key| self.resource(key)) {
            line.insert(0, found);
            parent = found.parent;
        }
        line
    }

    /// The variables: names of resources, then long texts.
    pub(crate) fn named_texts(&self) -> Vec<(String, &Text)> {
        let names = self.resources.iter().filter(|resource| resource.has_named_name());
        let names = names.map(|resource| (format!("{}_name", resource.key), &resource.name));
        names.chain(self.variables.iter().map(|(key, text)| ((*key).to_owned(), text))).collect()
    }

    /// Whether any text has the suffix: not where every name that needs it was given.
    pub(crate) fn has_suffix(&self) -> bool {
        let mut texts: Vec<&Text> = self.variables.iter().map(|(_, text)| text).collect();
        for resource in &self.resources {
            texts.push(&resource.name);
            resource.properties.texts(&mut texts);
        }
        texts.into_iter().any(Text::has_suffix)
    }

    /// What must be there before a resource, each once.
    pub(crate) fn before(&self, resource: &Resource) -> Vec<Key> {
        let mut texts = Vec::new();
        resource.properties.texts(&mut texts);
        let mut keys: Vec<Key> = resource.parent.into_iter().chain(resource.scope).collect();
        if let Some(Identity::User(key)) = resource.identity {
            keys.push(key);
        }
        texts.into_iter().for_each(|text| self.used(text, &mut keys));
        self.used(&resource.name, &mut keys);
        keys.extend(&resource.after);
        let mut once: Vec<Key> = Vec::new();
        keys.into_iter().for_each(|key| {
            if !once.contains(&key) && key != resource.key {
                once.push(key);
            }
        });
        once
    }

    /// The resources that a text waits for.
    pub(crate) fn used(&self, text: &Text, keys: &mut Vec<Key>) {
        match text {
            Text::Join(parts) => parts.iter().for_each(|part| self.used(part, keys)),
            Text::Base64(text) => self.used(text, keys),
            Text::Variable(name) => {
                if let Some((_, text)) = self.variables.iter().find(|(key, _)| key == name) {
                    self.used(text, keys);
                }
            }
            Text::Id(key) | Text::Read(key, _) | Text::Secret(key, _) => keys.push(key),
            Text::Assignment { scope, of, .. } => keys.extend([*scope, *of]),
            Text::Plain(_) | Text::Setting(_) | Text::Tenant | Text::Name(_) | Text::Role(_) => {}
        }
    }
}
