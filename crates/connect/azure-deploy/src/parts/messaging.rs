//! Event Hubs, Service Bus and Event Grid, which the instance of Azure Digital Twins sends its events to.
//!
//! Their networks stay open, because Azure Digital Twins reaches them over the public one and is on no list of
//! trusted services. What protects them is that no key opens them, only a token of the directory.

use crate::{
    config::{Config, EventHubs, Tier},
    parts::{TWIN_EVENTS, named, twins},
    roles::{Role, TWINS, assign},
    template::{Key, Resource, Template, Text, Value, join, map},
};

const HUBS_API: &str = "2024-01-01";
const BUS_API: &str = "2024-01-01";
const NAMESPACE: &str = "Microsoft.EventHub/namespaces";
const HUB: &str = "Microsoft.EventHub/namespaces/eventhubs";
const GROUP: &str = "Microsoft.EventHub/namespaces/eventhubs/consumergroups";

/// Keys of resources of which there may be many; a configuration has no more of them.
macro_rules! numbered {
    ($name:ident, $prefix:literal, [$($number:literal)*]) => {
        const $name: &[Key] = &[$(concat!($prefix, $number)),*];
    };
}

numbered!(HUB_READERS, "event_hub_reader_", ["1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16"
    "17" "18" "19"]);
numbered!(BUS_READERS, "service_bus_reader_", ["1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16"
    "17" "18" "19"]);

/// How many readers a hub or a topic may have.
pub(crate) const READERS_MAX: usize = HUB_READERS.len();

fn locked(more: [(&'static str, Value); 1]) -> Value {
    let [more] = more;
    map([
        ("disableLocalAuth", true.into()),
        ("minimumTlsVersion", "1.2".into()),
        ("publicNetworkAccess", "Enabled".into()),
        more,
    ])
}

pub(super) fn event_hubs(config: &Config, template: &mut Template) {
    let Some(hubs) = &config.event_hubs else { return };
    let tier = hubs.tier.name();
    template.add(Resource {
        sku: Some(map([("name", tier.into()), ("tier", tier.into()), ("capacity", hubs.units.into())])),
        properties: locked([("isAutoInflateEnabled", false.into())]),
        ..Resource::top("event_hubs", NAMESPACE, HUBS_API, named(config.names.event_hubs.as_ref(), "-eh-"))
    });
    template.add(hub(hubs, "event_hub", TWIN_EVENTS));
    for (key, reader) in HUB_READERS.iter().zip(&hubs.readers) {
        template.add(Resource::child(key, GROUP, HUBS_API, "event_hub", reader.as_str()));
    }
    template.add(assign("event_hub_to_twins", Role::EventHubsSender, "event_hub", TWINS));
    let after = vec!["event_hub", "event_hub_to_twins"];
    template.add(twins::endpoint(
        config,
        "endpoint_event_hub",
        "EventHub",
        "event-hubs",
        "event_hubs",
        after,
    ));
    let host = join([Text::Name("event_hubs"), format!(".{}", config.cloud.messaging_domain()).into()]);
    template.output("event_hubs_host", "The Event Hubs namespace.", host);
}

/// A hub as the configuration sizes them.
pub(super) fn hub(hubs: &EventHubs, key: Key, name: &'static str) -> Resource {
    let kept = map([("cleanupPolicy", "Delete".into()), ("retentionTimeInHours", hubs.keep_h.into())]);
    Resource {
        properties: map([("partitionCount", hubs.partitions.into()), ("retentionDescription", kept)]),
        ..Resource::child(key, HUB, HUBS_API, "event_hubs", name)
    }
}

pub(super) fn consumer_group(key: Key, hub: Key, name: &'static str) -> Resource {
    Resource::child(key, GROUP, HUBS_API, hub, name)
}

pub(super) fn service_bus(config: &Config, template: &mut Template) {
    let Some(bus) = &config.service_bus else { return };
    let tier = bus.tier.name();
    let mut sku = vec![("name", tier.into()), ("tier", tier.into())];
    if bus.tier == Tier::Premium {
        sku.push(("capacity", bus.units.into()));
    }
    template.add(Resource {
        sku: Some(Value::Map(sku)),
        properties: locked([("zoneRedundant", (bus.tier == Tier::Premium).into())]),
        ..Resource::top(
            "service_bus",
            "Microsoft.ServiceBus/namespaces",
            BUS_API,
            named(config.names.service_bus.as_ref(), "-sb-"),
        )
    });
    template.add(Resource {
        properties: map([("defaultMessageTimeToLive", "P14D".into()), ("supportOrdering", true.into())]),
        ..Resource::child(
            "service_bus_topic",
            "Microsoft.ServiceBus/namespaces/topics",
            BUS_API,
            "service_bus",
            TWIN_EVENTS,
        )
    });
    for (key, reader) in BUS_READERS.iter().zip(&bus.readers) {
        template.add(Resource {
            properties: map([
                ("deadLetteringOnMessageExpiration", true.into()),
                ("lockDuration", "PT1M".into()),
                ("maxDeliveryCount", 10_u32.into()),
            ]),
            ..Resource::child(
                key,
                "Microsoft.ServiceBus/namespaces/topics/subscriptions",
                BUS_API,
                "service_bus_topic",
                reader.as_str(),
            )
        });
    }
    template.add(assign("service_bus_to_twins", Role::ServiceBusSender, "service_bus_topic", TWINS));
    let after = vec!["service_bus_topic", "service_bus_to_twins"];
    template.add(twins::endpoint(
        config,
        "endpoint_service_bus",
        "ServiceBus",
        "service-bus",
        "service_bus",
        after,
    ));
    let host = join([Text::Name("service_bus"), format!(".{}", config.cloud.messaging_domain()).into()]);
    template.output("service_bus_host", "The Service Bus namespace.", host);
}

pub(super) fn event_grid(config: &Config, template: &mut Template) {
    if config.event_grid.is_none() {
        return;
    }
    template.add(Resource {
        properties: map([
            ("inputSchema", "CloudEventSchemaV1_0".into()),
            ("minimumTlsVersionAllowed", "1.2".into()),
            ("publicNetworkAccess", "Enabled".into()),
            // the one place where a key must count: an endpoint of Azure Digital Twins has nothing else to show here
            ("disableLocalAuth", false.into()),
        ]),
        ..Resource::top(
            "event_grid",
            "Microsoft.EventGrid/topics",
            "2025-02-15",
            named(config.names.event_grid.as_ref(), "-eg-"),
        )
    });
    template.add(twins::endpoint_by_key(
        config,
        "endpoint_event_grid",
        "event-grid",
        "event_grid",
        Vec::new(),
    ));
    template.output(
        "event_grid_endpoint",
        "The topic of Event Grid.",
        Text::Read("event_grid", "properties.endpoint"),
    );
}
