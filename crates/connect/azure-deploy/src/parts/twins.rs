//! The instance of Azure Digital Twins, and its endpoints.

use crate::{
    config::{Access, Config},
    parts::named,
    roles::{Role, VOLTWIN, assign},
    template::{Identity, Key, Resource, Template, Text, Value, join, map},
};

pub(super) const API: &str = "2023-01-31";
const ENDPOINT: &str = "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints";

pub(super) fn instance(config: &Config, template: &mut Template) {
    let Some(twins) = &config.digital_twins else { return };
    let name = named(config.names.digital_twins.as_ref(), "-dt-");
    template.add(Resource {
        identity: Some(Identity::System),
        // its data plane lets in only tokens of the directory; those who synchronise with it are outside
        properties: map([("publicNetworkAccess", "Enabled".into())]),
        ..Resource::top("twins", "Microsoft.DigitalTwins/digitalTwinsInstances", API, name)
    });
    let role = match twins.voltwin {
        Access::Owner => Role::DigitalTwinsOwner,
        Access::Reader => Role::DigitalTwinsReader,
    };
    template.add(assign("twins_to_voltwin", role, "twins", VOLTWIN));
    template.output(
        "digital_twins_url",
        "The data plane of Azure Digital Twins.",
        join(["https://".into(), Text::Read("twins", "properties.hostName")]),
    );
}

/// An endpoint that the instance reaches by its own identity.
pub(super) fn endpoint(
    config: &Config,
    key: Key,
    kind: &'static str,
    name: &str,
    namespace: Key,
    after: Vec<Key>,
) -> Resource {
    let uri = join([
        "sb://".into(),
        Text::Name(namespace),
        format!(".{}/", config.cloud.messaging_domain()).into(),
    ]);
    let properties = vec![
        ("endpointType", kind.into()),
        ("authenticationType", "IdentityBased".into()),
        ("identity", map([("type", "SystemAssigned".into())])),
        ("endpointUri", uri.into()),
        ("entityPath", super::TWIN_EVENTS.into()),
    ];
    finished(config, key, name, properties, after)
}

/// An endpoint to a topic of Event Grid, which takes no identity from Azure Digital Twins, only a key.
pub(super) fn endpoint_by_key(
    config: &Config,
    key: Key,
    name: &str,
    topic: Key,
    after: Vec<Key>,
) -> Resource {
    let properties = vec![
        ("endpointType", "EventGrid".into()),
        ("authenticationType", "KeyBased".into()),
        ("TopicEndpoint", Text::Read(topic, "properties.endpoint").into()),
        ("accessKey1", Text::Secret(topic, "key1").into()),
    ];
    finished(config, key, name, properties, after)
}

fn finished(
    config: &Config,
    key: Key,
    name: &str,
    mut properties: Vec<(&'static str, Value)>,
    mut after: Vec<Key>,
) -> Resource {
    // Event Grid's endpoints have dead letters by a signed address alone, which would be a secret
    let by_identity = !properties.iter().any(|(name, _)| *name == "accessKey1");
    if config.storage.is_some() && by_identity {
        let blobs = Text::Read("storage", "properties.primaryEndpoints.blob");
        properties.push(("deadLetterUri", join([blobs, "dead-letters".into()]).into()));
        after.push("dead_letters_to_twins");
    }
    Resource {
        properties: Value::Map(properties),
        after,
        ..Resource::child(key, ENDPOINT, API, "twins", name)
    }
}
