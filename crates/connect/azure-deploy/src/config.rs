//! What an installation has, as a person writes it down.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{check, error::ConfigError};

/// A configuration that was checked. A part is there when its table is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The region, such as `westeurope`.
    pub location: String,
    /// The resource group that all of it is in.
    pub resource_group: String,
    /// What every name begins with: 2 to 10 lower-case letters and digits.
    pub prefix: String,
    /// What every name ends with that must be the only one in the world; without it, a hash of the resource group.
    pub suffix: Option<String>,
    /// Which Azure.
    #[serde(default)]
    pub cloud: Cloud,
    /// Tags of every resource.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Names that are not made of prefix and suffix.
    #[serde(default)]
    pub names: Names,
    /// Who is let in where a firewall stands.
    #[serde(default)]
    pub network: Network,
    /// An instance of Azure Digital Twins.
    pub digital_twins: Option<DigitalTwins>,
    /// Event Hubs, and the instance's endpoint to it.
    pub event_hubs: Option<EventHubs>,
    /// Service Bus, and the instance's endpoint to it.
    pub service_bus: Option<ServiceBus>,
    /// An Event Grid topic, and the instance's endpoint to it.
    pub event_grid: Option<EventGrid>,
    /// Azure Data Explorer, and the instance's data history in it.
    pub data_history: Option<DataHistory>,
    /// An IoT Hub.
    pub iot_hub: Option<IotHub>,
    /// Blobs: import jobs, and dead letters of the endpoints.
    pub storage: Option<Storage>,
    /// A key vault.
    pub key_vault: Option<KeyVault>,
    /// A machine that runs Voltwin.
    pub server: Option<Server>,
}

impl Config {
    /// Reads and checks a configuration (TOML).
    ///
    /// # Errors
    /// Every field that breaks a rule, with the rule.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        let problems = check::problems(&config);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError::Fields(problems)) }
    }
}

/// What must be there: fields of the whole, and of tables that are there.
const REQUIRED: [(&str, &[&str]); 2] = [
    ("", &["location", "resource_group", "prefix"]),
    ("server", &["binary_url", "binary_sha256", "allowed", "ssh_public_key"]),
];

/// Why a text is no configuration. The reader tells one missing field at a time; a person is told all of them.
fn unreadable(text: &str, error: &toml::de::Error) -> ConfigError {
    let said = one_line(&error.to_string());
    let Ok(whole) = text.parse::<toml::Table>() else { return ConfigError::Text(said) };
    let mut problems = Vec::new();
    for (part, fields) in REQUIRED {
        let table = if part.is_empty() { Some(&whole) } else { whole.get(part).and_then(|t| t.as_table()) };
        let missing = fields.iter().filter(|field| table.is_some_and(|table| !table.contains_key(**field)));
        let dot = if part.is_empty() { "" } else { "." };
        problems.extend(missing.map(|field| format!("`{part}{dot}{field}` is missing")));
    }
    if problems.is_empty() {
        return ConfigError::Text(said);
    }
    if !error.message().starts_with("missing field") {
        problems.push(said);
    }
    ConfigError::Fields(problems)
}

/// The reader of TOML draws the place in several lines; its first line and its last say the same.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, .., last] => format!("{first}: {last}"),
    }
}

/// A cloud of Azure, with the names of its services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The one that most use.
    #[default]
    Public,
    /// Of the government of the United States.
    UsGovernment,
    /// Run by 21Vianet in China.
    China,
}

impl Cloud {
    /// Where Azure Resource Manager answers.
    #[must_use]
    pub fn management_url(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// Where its directories give out tokens.
    #[must_use]
    pub fn login_url(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The domain of Event Hubs and Service Bus.
    pub(crate) fn messaging_domain(self) -> &'static str {
        match self {
            Self::Public => "servicebus.windows.net",
            Self::UsGovernment => "servicebus.usgovcloudapi.net",
            Self::China => "servicebus.chinacloudapi.cn",
        }
    }

    /// What a token for key vaults is meant for.
    pub(crate) fn vault_audience(self) -> &'static str {
        match self {
            Self::Public => "https://vault.azure.net",
            Self::UsGovernment => "https://vault.usgovcloudapi.net",
            Self::China => "https://vault.azure.cn",
        }
    }

    /// As the Terraform providers call it.
    pub(crate) fn terraform(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGovernment => "usgovernment",
            Self::China => "china",
        }
    }
}

/// Names in place of those of prefix and suffix. Each is held to the rule of its resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// The instance of Azure Digital Twins.
    pub digital_twins: Option<String>,
    /// The Event Hubs namespace.
    pub event_hubs: Option<String>,
    /// The Service Bus namespace.
    pub service_bus: Option<String>,
    /// The Event Grid topic.
    pub event_grid: Option<String>,
    /// The cluster of Azure Data Explorer.
    pub data_explorer: Option<String>,
    /// The IoT Hub.
    pub iot_hub: Option<String>,
    /// The storage account.
    pub storage: Option<String>,
    /// The key vault.
    pub key_vault: Option<String>,
}

/// Who is let in where a firewall stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Public IPv4 addresses and ranges of the people who run it: to the key vault, and to blobs where nothing of
    /// Azure needs them.
    pub operators: Vec<String>,
}

/// An instance of Azure Digital Twins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DigitalTwins {
    /// What Voltwin may do there.
    pub voltwin: Access,
}

/// What is allowed at the data plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read and write, for two-way synchronisation.
    #[default]
    Owner,
    /// Read.
    Reader,
}

/// The price level of Event Hubs and Service Bus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Tier {
    /// Shared machines.
    #[default]
    Standard,
    /// Machines of one's own.
    Premium,
}

impl Tier {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Premium => "Premium",
        }
    }
}

/// Event Hubs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventHubs {
    /// The price level.
    pub tier: Tier,
    /// Throughput units (1 to 40), or processing units in Premium (1 to 16).
    pub units: u32,
    /// Partitions of each hub, 1 to 32. They cannot be changed later in Standard.
    pub partitions: u32,
    /// Hours that an event stays, 1 to 168.
    pub keep_h: u32,
    /// Consumer groups of the hub of twin events, one for each program that reads it.
    pub readers: Vec<String>,
}

impl Default for EventHubs {
    fn default() -> Self {
        Self { tier: Tier::Standard, units: 1, partitions: 4, keep_h: 24, readers: Vec::new() }
    }
}

/// Service Bus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceBus {
    /// The price level.
    pub tier: Tier,
    /// Messaging units in Premium: 1, 2, 4, 8 or 16.
    pub units: u32,
    /// Subscriptions of the topic of twin events, one for each program that reads it.
    pub readers: Vec<String>,
}

impl Default for ServiceBus {
    fn default() -> Self {
        Self { tier: Tier::Standard, units: 1, readers: vec!["events".to_owned()] }
    }
}

/// An Event Grid topic. It has nothing to set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventGrid {}

/// Azure Data Explorer with the data history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataHistory {
    /// The machines, such as `Dev(No SLA)_Standard_E2a_v4` or `Standard_E2ads_v5`.
    pub size: String,
    /// How many: 1 of a `Dev` size, else 2 to 1,000.
    pub machines: u32,
    /// Days that rows stay, 1 to 36,500.
    pub keep_days: u32,
    /// Days of them in the cache of the machines, 1 to `keep_days`.
    pub hot_days: u32,
    /// The database.
    pub database: String,
}

impl Default for DataHistory {
    fn default() -> Self {
        Self {
            size: "Dev(No SLA)_Standard_E2a_v4".to_owned(),
            machines: 1,
            keep_days: 400,
            hot_days: 31,
            database: "twin-history".to_owned(),
        }
    }
}

/// The size of an IoT Hub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum HubSize {
    /// 400,000 messages a day and unit.
    #[default]
    S1,
    /// 6,000,000.
    S2,
    /// 300,000,000.
    S3,
}

impl HubSize {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
        }
    }

    pub(crate) fn units_max(self) -> u32 {
        match self {
            Self::S1 | Self::S2 => 200,
            Self::S3 => 10,
        }
    }
}

/// An IoT Hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IotHub {
    /// Its size.
    pub size: HubSize,
    /// How many units: 1 to 200, of S3 to 10.
    pub units: u32,
    /// Partitions of the built-in endpoint, 2 to 32. They cannot be changed later.
    pub partitions: u32,
    /// Days that a message stays there, 1 to 7.
    pub keep_days: u32,
}

impl Default for IotHub {
    fn default() -> Self {
        Self { size: HubSize::S1, units: 1, partitions: 4, keep_days: 1 }
    }
}

/// How often blobs are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Redundancy {
    /// Three times in one building.
    #[serde(rename = "LRS")]
    Local,
    /// In three buildings.
    #[default]
    #[serde(rename = "ZRS")]
    Zone,
    /// In two regions.
    #[serde(rename = "GRS")]
    Geo,
    /// In three buildings and another region.
    #[serde(rename = "GZRS")]
    GeoZone,
}

impl Redundancy {
    pub(crate) fn sku(self) -> &'static str {
        match self {
            Self::Local => "Standard_LRS",
            Self::Zone => "Standard_ZRS",
            Self::Geo => "Standard_GRS",
            Self::GeoZone => "Standard_GZRS",
        }
    }
}

/// A storage account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// How often everything is kept.
    pub redundancy: Redundancy,
    /// Days in which what was deleted can be had back, 1 to 365.
    pub keep_deleted_days: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self { redundancy: Redundancy::Zone, keep_deleted_days: 14 }
    }
}

/// A key vault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyVault {
    /// Days in which what was deleted can be had back and not be purged, 7 to 90. They cannot be changed later.
    pub keep_deleted_days: u32,
}

impl Default for KeyVault {
    fn default() -> Self {
        Self { keep_deleted_days: 90 }
    }
}

/// A machine that runs Voltwin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where the `voltwin` binary for Linux on x86-64 is fetched from, over HTTPS.
    pub binary_url: String,
    /// The SHA-256 that it must have, in hexadecimal.
    pub binary_sha256: String,
    /// IPv4 addresses and ranges that reach port 443: stations, browsers, programs.
    pub allowed: Vec<String>,
    /// Those that reach port 22. Without any it is closed.
    #[serde(default)]
    pub ssh_allowed: Vec<String>,
    /// The public key of the person who may sign in, as in `id_ed25519.pub`.
    pub ssh_public_key: String,
    /// The size of the machine.
    #[serde(default = "machine")]
    pub size: String,
    /// GiB of the disk with the data, 32 to 32,767.
    #[serde(default = "disk_gib")]
    pub disk_gib: u32,
    /// The name by which it is reached, where it is not the one that Azure gives.
    #[serde(default)]
    pub host: Option<String>,
    /// A certificate of the key vault, with its content as PEM; without it, the server's own authority makes one.
    #[serde(default)]
    pub certificate: Option<String>,
}

fn machine() -> String {
    "Standard_D2s_v5".to_owned()
}

fn disk_gib() -> u32 {
    64
}
