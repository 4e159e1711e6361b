//! The parts of an installation, each with its resources and the roles that it gives.

mod cloud_init;
mod history;
mod iot_hub;
mod keeping;
mod messaging;
mod server;
mod twins;

pub(crate) use messaging::READERS_MAX;

use crate::{
    config::Config,
    template::{Resource, Setting, Template, Text, join},
};

/// The name of the hub and of the topic that twin events go to.
const TWIN_EVENTS: &str = "twin-events";

/// All resources of an installation.
pub(crate) fn template(config: &Config) -> Template {
    let mut template = Template::new(config);
    // who Voltwin is, whether it runs here or there
    let name = join([Text::Setting(Setting::Prefix), "-id".into()]);
    template.add(Resource::top(
        "voltwin",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "2023-01-31",
        name,
    ));
    template.output(
        "voltwin_client_id",
        "The client id of Voltwin's identity.",
        Text::Read("voltwin", "properties.clientId"),
    );
    keeping::storage(config, &mut template);
    keeping::key_vault(config, &mut template);
    twins::instance(config, &mut template);
    messaging::event_hubs(config, &mut template);
    messaging::service_bus(config, &mut template);
    messaging::event_grid(config, &mut template);
    history::data_history(config, &mut template);
    iot_hub::iot_hub(config, &mut template);
    server::server(config, &mut template);
    template
}

/// `acme-dt-abcd1234`, or the name that was given.
fn named(given: Option<&String>, between: &str) -> Text {
    match given {
        Some(name) => name.clone().into(),
        None => join([Text::Setting(Setting::Prefix), between.into(), Text::Setting(Setting::Suffix)]),
    }
}
