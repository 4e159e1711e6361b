//! Data history: a cluster of Azure Data Explorer, and the connection that fills it.
//!
//! Azure Digital Twins makes the tables and the ingestion by itself while the connection is made, with its own
//! identity. For that it must own the hub in between, be contributor of the database, and administer it. Its reach ends
//! at these two.

use crate::{
    config::Config,
    parts::{messaging, named, twins},
    roles::{Role, TWINS, assign},
    template::{Identity, Resource, Template, Text, Value, join, map},
};

const API: &str = "2023-08-15";
const HUB_NAME: &str = "twin-history";
const GROUP_NAME: &str = "data-explorer";

pub(super) fn data_history(config: &Config, template: &mut Template) {
    let (Some(history), Some(hubs)) = (&config.data_history, &config.event_hubs) else { return };
    template.add(messaging::hub(hubs, "history_hub", HUB_NAME));
    template.add(messaging::consumer_group("history_group", "history_hub", GROUP_NAME));
    template.add(assign("history_hub_to_twins", Role::EventHubsOwner, "history_hub", TWINS));
    let tier = if history.is_dev() { "Basic" } else { "Standard" };
    template.add(Resource {
        sku: Some(map([
            ("name", history.size.as_str().into()),
            ("tier", tier.into()),
            ("capacity", history.machines.into()),
        ])),
        identity: Some(Identity::System),
        properties: map([
            ("enableDiskEncryption", true.into()),
            ("enableStreamingIngest", true.into()),
            ("enablePurge", false.into()),
            ("publicNetworkAccess", "Enabled".into()),
        ]),
        ..Resource::top(
            "explorer",
            "Microsoft.Kusto/clusters",
            API,
            named(config.names.data_explorer.as_ref(), "adx"),
        )
    });
    let days = |days: u32| Value::from(format!("P{days}D"));
    template.add(Resource {
        located: true,
        flavour: Some("ReadWrite"),
        properties: map([
            ("softDeletePeriod", days(history.keep_days)),
            ("hotCachePeriod", days(history.hot_days)),
        ]),
        ..Resource::child(
            "history_database",
            "Microsoft.Kusto/clusters/databases",
            API,
            "explorer",
            history.database.as_str(),
        )
    });
    template.add(assign("history_database_to_twins", Role::Contributor, "history_database", TWINS));
    template.add(Resource {
        properties: map([
            ("principalId", Text::Read(TWINS.of, TWINS.id).into()),
            ("principalType", "App".into()),
            ("role", "Admin".into()),
            ("tenantId", Text::Tenant.into()),
        ]),
        ..Resource::child(
            "history_admin",
            "Microsoft.Kusto/clusters/databases/principalAssignments",
            API,
            "history_database",
            "digital-twins",
        )
    });
    let hub_uri = join([
        "sb://".into(),
        Text::Name("event_hubs"),
        format!(".{}/", config.cloud.messaging_domain()).into(),
    ]);
    template.add(Resource {
        properties: map([
            ("connectionType", "AzureDataExplorer".into()),
            ("adxResourceId", Text::Id("explorer").into()),
            ("adxEndpointUri", Text::Read("explorer", "properties.uri").into()),
            ("adxDatabaseName", history.database.as_str().into()),
            ("adxTableName", "property_updates".into()),
            ("adxTwinLifecycleEventsTableName", "twin_events".into()),
            ("adxRelationshipLifecycleEventsTableName", "relationship_events".into()),
            ("eventHubEndpointUri", hub_uri.into()),
            ("eventHubEntityPath", HUB_NAME.into()),
            ("eventHubNamespaceResourceId", Text::Id("event_hubs").into()),
            ("eventHubConsumerGroup", GROUP_NAME.into()),
            ("recordPropertyAndItemRemovals", "true".into()),
            ("identity", map([("type", "SystemAssigned".into())])),
        ]),
        after: vec!["history_group", "history_hub_to_twins", "history_database_to_twins", "history_admin"],
        ..Resource::child(
            "data_history",
            "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections",
            twins::API,
            "twins",
            "data-history",
        )
    });
    template.output(
        "data_explorer_url",
        "The cluster of Azure Data Explorer.",
        Text::Read("explorer", "properties.uri"),
    );
}
