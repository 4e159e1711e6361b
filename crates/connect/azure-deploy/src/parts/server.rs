//! A machine that runs Voltwin.
//!
//! A virtual machine and no container instance: Voltwin keeps its journal in SQLite with a write-ahead log, which needs
//! a disk of its own and breaks on the network shares that container instances have.

use crate::{
    config::{Config, Server},
    parts::cloud_init,
    roles::VOLTWIN,
    template::{Identity, Resource, Setting, Template, Text, Value, join, list, map},
};

const NETWORK_API: &str = "2024-01-01";
const ADMIN: &str = "voltwinadmin";

pub(super) fn server(config: &Config, template: &mut Template) {
    let Some(server) = &config.server else { return };
    network(config, server, template);
    template.add(Resource {
        sku: Some(map([("name", "Premium_LRS".into())])),
        properties: map([
            ("creationData", map([("createOption", "Empty".into())])),
            ("diskSizeGB", server.disk_gib.into()),
            ("networkAccessPolicy", "DenyAll".into()),
            ("publicNetworkAccess", "Disabled".into()),
        ]),
        ..Resource::top("data_disk", "Microsoft.Compute/disks", "2023-10-02", prefixed("-data"))
    });
    template.variables.push(("cloud_init", cloud_init::text(config, server)));
    machine(server, template);
    let host = host(server);
    template.output("server_url", "Where Voltwin answers.", join(["https://".into(), host]));
}

/// The name by which it is reached.
pub(super) fn host(server: &Server) -> Text {
    match &server.host {
        Some(host) => host.as_str().into(),
        None => Text::Read("address", "properties.dnsSettings.fqdn"),
    }
}

fn prefixed(end: &str) -> Text {
    join([Text::Setting(Setting::Prefix), end.into()])
}

fn network(config: &Config, server: &Server, template: &mut Template) {
    let mut rules = vec![rule("https", 100, "443", &server.allowed)];
    if !server.ssh_allowed.is_empty() {
        rules.push(rule("ssh", 110, "22", &server.ssh_allowed));
    }
    template.add(Resource {
        properties: map([("securityRules", rules.into())]),
        ..Resource::top("firewall", "Microsoft.Network/networkSecurityGroups", NETWORK_API, prefixed("-nsg"))
    });
    // through these, key vault and storage know the machine by its network
    let near =
        [("Microsoft.KeyVault", config.key_vault.is_some()), ("Microsoft.Storage", config.storage.is_some())];
    let near: Vec<Value> = near
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(service, _)| map([("service", service.into())]))
        .collect();
    let subnet = map([
        ("addressPrefix", "10.20.0.0/27".into()),
        ("networkSecurityGroup", map([("id", Text::Id("firewall").into())])),
        ("serviceEndpoints", near.into()),
    ]);
    template.add(Resource {
        properties: map([
            ("addressSpace", map([("addressPrefixes", list(["10.20.0.0/24".into()]))])),
            ("subnets", list([map([("name", "server".into()), ("properties", subnet)])])),
        ]),
        ..Resource::top("network", "Microsoft.Network/virtualNetworks", NETWORK_API, prefixed("-vnet"))
    });
    let label = join([Text::Setting(Setting::Prefix), "-".into(), Text::Setting(Setting::Suffix)]);
    template.add(Resource {
        sku: Some(map([("name", "Standard".into())])),
        properties: map([
            ("publicIPAllocationMethod", "Static".into()),
            ("dnsSettings", map([("domainNameLabel", label.into())])),
        ]),
        ..Resource::top("address", "Microsoft.Network/publicIPAddresses", NETWORK_API, prefixed("-ip"))
    });
    let place = map([
        ("privateIPAllocationMethod", "Dynamic".into()),
        ("subnet", map([("id", join([Text::Id("network"), "/subnets/server".into()]).into())])),
        ("publicIPAddress", map([("id", Text::Id("address").into())])),
    ]);
    let place = map([("name", "server".into()), ("properties", place)]);
    template.add(Resource {
        properties: map([("ipConfigurations", list([place]))]),
        ..Resource::top("interface", "Microsoft.Network/networkInterfaces", NETWORK_API, prefixed("-nic"))
    });
}

fn rule(name: &'static str, priority: u32, port: &'static str, from: &[String]) -> Value {
    let mut properties = vec![
        ("access", "Allow".into()),
        ("direction", "Inbound".into()),
        ("priority", priority.into()),
        ("protocol", "Tcp".into()),
        ("sourcePortRange", "*".into()),
        ("destinationAddressPrefix", "*".into()),
        ("destinationPortRange", port.into()),
    ];
    let everybody = from.iter().any(|range| range == "0.0.0.0/0");
    properties.push(if everybody {
        ("sourceAddressPrefix", "Internet".into())
    } else {
        ("sourceAddressPrefixes", Value::List(from.iter().map(|range| range.as_str().into()).collect()))
    });
    map([("name", name.into()), ("properties", Value::Map(properties))])
}

fn machine(server: &Server, template: &mut Template) {
    let image = map([
        ("publisher", "Canonical".into()),
        ("offer", "ubuntu-24_04-lts".into()),
        ("sku", "server".into()),
        ("version", "latest".into()),
    ]);
    let system = map([
        ("createOption", "FromImage".into()),
        ("deleteOption", "Delete".into()),
        ("managedDisk", map([("storageAccountType", "Premium_LRS".into())])),
    ]);
    // it outlives the machine: it is the installation
    let data = map([
        ("lun", 0_u32.into()),
        ("createOption", "Attach".into()),
        ("deleteOption", "Detach".into()),
        ("caching", "None".into()),
        ("managedDisk", map([("id", Text::Id("data_disk").into())])),
    ]);
    let key = map([
        ("path", format!("/home/{ADMIN}/.ssh/authorized_keys").into()),
        ("keyData", Text::Setting(Setting::SshPublicKey).into()),
    ]);
    let linux = map([
        ("disablePasswordAuthentication", true.into()),
        ("provisionVMAgent", true.into()),
        ("ssh", map([("publicKeys", list([key]))])),
        (
            "patchSettings",
            map([
                ("patchMode", "AutomaticByPlatform".into()),
                ("assessmentMode", "AutomaticByPlatform".into()),
            ]),
        ),
    ]);
    template.add(Resource {
        identity: Some(Identity::User(VOLTWIN.of)),
        properties: map([
            ("hardwareProfile", map([("vmSize", server.size.as_str().into())])),
            (
                "storageProfile",
                map([("imageReference", image), ("osDisk", system), ("dataDisks", list([data]))]),
            ),
            (
                "osProfile",
                map([
                    ("computerName", "voltwin".into()),
                    ("adminUsername", ADMIN.into()),
                    ("customData", Text::Base64(Box::new(Text::Variable("cloud_init"))).into()),
                    ("linuxConfiguration", linux),
                ]),
            ),
            (
                "securityProfile",
                map([
                    ("securityType", "TrustedLaunch".into()),
                    ("uefiSettings", map([("secureBootEnabled", true.into()), ("vTpmEnabled", true.into())])),
                ]),
            ),
            (
                "networkProfile",
                map([(
                    "networkInterfaces",
                    list([map([
                        ("id", Text::Id("interface").into()),
                        ("properties", map([("deleteOption", "Detach".into())])),
                    ])]),
                )]),
            ),
            ("diagnosticsProfile", map([("bootDiagnostics", map([("enabled", true.into())]))])),
        ]),
        after: template.resource("key_vault_to_voltwin").map(|role| role.key).into_iter().collect(),
        ..Resource::top("server", "Microsoft.Compute/virtualMachines", "2024-03-01", prefixed("-vm"))
    });
}
