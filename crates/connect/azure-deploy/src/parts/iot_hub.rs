//! An IoT Hub. Devices come with keys or certificates of their own; programs with a token of the directory.

use crate::{
    config::Config,
    parts::named,
    template::{Identity, Resource, Template, Text, map},
};

const API: &str = "2023-06-30";

pub(super) fn iot_hub(config: &Config, template: &mut Template) {
    let Some(hub) = &config.iot_hub else { return };
    let built_in =
        map([("partitionCount", hub.partitions.into()), ("retentionTimeInDays", hub.keep_days.into())]);
    template.add(Resource {
        sku: Some(map([("name", hub.size.name().into()), ("capacity", hub.units.into())])),
        identity: Some(Identity::System),
        properties: map([
            ("disableLocalAuth", true.into()),
            ("minTlsVersion", "1.2".into()),
            ("publicNetworkAccess", "Enabled".into()),
            ("eventHubEndpoints", map([("events", built_in)])),
        ]),
        ..Resource::top(
            "iot_hub",
            "Microsoft.Devices/IotHubs",
            API,
            named(config.names.iot_hub.as_ref(), "-iot-"),
        )
    });
    template.add(Resource {
        properties: map([("name", "voltwin".into())]),
        ..Resource::child(
            "iot_hub_reader",
            "Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups",
            API,
            "iot_hub",
            "events/voltwin",
        )
    });
    template.output(
        "iot_hub_host",
        "Where devices connect to.",
        Text::Read("iot_hub", "properties.hostName"),
    );
}
