//! What Azure would refuse, said before it is asked.

use std::net::Ipv4Addr;

use crate::{
    config::{Config, DataHistory, EventHubs, IotHub, Server, ServiceBus, Tier},
    parts::READERS_MAX,
};

/// Everything that is wrong, one sentence each.
pub(crate) fn problems(config: &Config) -> Vec<String> {
    let mut found = Found::default();
    found.installation(config);
    found.needs(config);
    if let Some(hubs) = &config.event_hubs {
        found.event_hubs(hubs);
    }
    if let Some(bus) = &config.service_bus {
        found.service_bus(bus);
    }
    if let Some(history) = &config.data_history {
        found.data_history(history);
    }
    if let Some(hub) = &config.iot_hub {
        found.iot_hub(hub);
    }
    if let Some(storage) = &config.storage {
        found.number("storage.keep_deleted_days", storage.keep_deleted_days, 1, 365);
    }
    if let Some(vault) = &config.key_vault {
        found.number("key_vault.keep_deleted_days", vault.keep_deleted_days, 7, 90);
    }
    if let Some(server) = &config.server {
        found.server(server, config);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    /// Says it unless the rule holds.
    fn rule(&mut self, holds: bool, field: &str, rule: impl std::fmt::Display, found: impl std::fmt::Debug) {
        if !holds {
            self.0.push(format!("`{field}` must be {rule}, not {found:?}"));
        }
    }

    fn number(&mut self, field: &str, number: u32, min: u32, max: u32) {
        self.rule((min..=max).contains(&number), field, format_args!("{min} to {max}"), number);
    }

    fn installation(&mut self, config: &Config) {
        let region = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        self.rule(
            (3..=40).contains(&config.location.len()) && region(&config.location),
            "location",
            "a region as Azure names it in short, such as westeurope",
            &config.location,
        );
        let group = |text: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.()".contains(c)) && !text.ends_with('.')
        };
        self.rule(
            (1..=90).contains(&config.resource_group.len()) && group(&config.resource_group),
            "resource_group",
            "1 to 90 letters, digits and - _ . ( ), no full stop last",
            &config.resource_group,
        );
        let prefix = config.prefix.starts_with(|c: char| c.is_ascii_lowercase()) && region(&config.prefix);
        self.rule(
            (2..=10).contains(&config.prefix.len()) && prefix,
            "prefix",
            "2 to 10 lower-case letters and digits, a letter first",
            &config.prefix,
        );
        if let Some(suffix) = &config.suffix {
            self.rule(
                (2..=8).contains(&suffix.len()) && region(suffix),
                "suffix",
                "2 to 8 lower-case letters and digits",
                suffix,
            );
        }
        for (name, rule) in config.names.given() {
            self.rule(rule.holds(name), &format!("names.{}", rule.field), rule.said(), name);
        }
        self.rule(config.tags.len() <= 50, "tags", "50 at most", config.tags.len());
        for (name, value) in &config.tags {
            // a storage account takes shorter names than other resources do
            let fits = (1..=128).contains(&name.chars().count())
                && !name.contains(['<', '>', '%', '&', '\\', '?', '/']);
            self.rule(fits, "tags", "named by 1 to 128 characters without < > % & \\ ? /", name);
            let fits = value.chars().count() <= 256;
            self.rule(fits, &format!("tags.{name}"), "256 characters at most", value);
            // to Azure, capital letters make no other name
            let twice = config.tags.keys().any(|other| other < name && other.eq_ignore_ascii_case(name));
            self.rule(!twice, &format!("tags.{name}"), "there once, capital letters or not", name);
        }
        self.addresses("network.operators", &config.network.operators);
    }

    /// Parts that are nothing without another.
    fn needs(&mut self, config: &Config) {
        let twins = config.digital_twins.is_some();
        let pairs = [
            ("event_hubs", config.event_hubs.is_some(), "digital_twins", twins),
            ("service_bus", config.service_bus.is_some(), "digital_twins", twins),
            ("event_grid", config.event_grid.is_some(), "digital_twins", twins),
            ("data_history", config.data_history.is_some(), "digital_twins", twins),
            ("data_history", config.data_history.is_some(), "event_hubs", config.event_hubs.is_some()),
        ];
        for (part, there, other, other_there) in pairs {
            if there && !other_there {
                self.0.push(format!("[{part}] needs [{other}], which it is an end of"));
            }
        }
        for (name, rule) in config.names.given() {
            let (part, there) = config.bearer(rule.field);
            if !there {
                self.0
                    .push(format!("`names.{}` is {name:?}, and there is no [{part}] to bear it", rule.field));
            }
        }
        let none =
            !twins && config.iot_hub.is_none() && config.storage.is_none() && config.key_vault.is_none();
        if none && config.server.is_none() {
            self.0.push(
                "there is nothing to deploy: name at least one of [digital_twins], [iot_hub], [storage], [key_vault] \
                 and [server]"
                    .to_owned(),
            );
        }
    }

    fn event_hubs(&mut self, hubs: &EventHubs) {
        let most = match hubs.tier {
            Tier::Standard => 40,
            Tier::Premium => 16,
        };
        self.number("event_hubs.units", hubs.units, 1, most);
        self.number("event_hubs.partitions", hubs.partitions, 1, 32);
        self.number("event_hubs.keep_h", hubs.keep_h, 1, 168);
        self.readers("event_hubs.readers", &hubs.readers);
    }

    fn service_bus(&mut self, bus: &ServiceBus) {
        let units: &[u32] = match bus.tier {
            Tier::Standard => &[1],
            Tier::Premium => &[1, 2, 4, 8, 16],
        };
        let rule = match bus.tier {
            Tier::Standard => "1 in Standard",
            Tier::Premium => "1, 2, 4, 8 or 16",
        };
        self.rule(units.contains(&bus.units), "service_bus.units", rule, bus.units);
        self.readers("service_bus.readers", &bus.readers);
        if bus.readers.is_empty() {
            self.0.push(
                "`service_bus.readers` must name at least one: a topic without drops what it gets".to_owned(),
            );
        }
    }

    fn readers(&mut self, field: &str, readers: &[String]) {
        self.rule(readers.len() <= READERS_MAX, field, format_args!("{READERS_MAX} at most"), readers.len());
        for (place, reader) in readers.iter().enumerate() {
            let solid = |c: char| c.is_ascii_alphanumeric();
            let fits = (1..=50).contains(&reader.len())
                && reader.chars().all(|c| solid(c) || "-_.".contains(c))
                && reader.starts_with(solid)
                && reader.ends_with(solid);
            let field = format!("{field}[{place}]");
            self.rule(fits, &field, "1 to 50 letters, digits and - _ . between them", reader);
            let before = readers.iter().take(place).any(|other| other.eq_ignore_ascii_case(reader));
            self.rule(!before, &field, "there once", reader);
        }
    }

    fn data_history(&mut self, history: &DataHistory) {
        let size = |c: char| c.is_ascii_alphanumeric() || "_+() ".contains(c);
        self.rule(
            (1..=60).contains(&history.size.len()) && history.size.chars().all(size),
            "data_history.size",
            "a size of Azure Data Explorer, such as Standard_E2ads_v5",
            &history.size,
        );
        if history.is_dev() {
            self.number("data_history.machines", history.machines, 1, 1);
        } else {
            self.number("data_history.machines", history.machines, 2, 1_000);
        }
        self.number("data_history.keep_days", history.keep_days, 1, 36_500);
        self.number("data_history.hot_days", history.hot_days, 1, history.keep_days.max(1));
        let name = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        self.rule(
            (1..=260).contains(&history.database.len()) && history.database.chars().all(name),
            "data_history.database",
            "1 to 260 letters, digits, spaces and - _ .",
            &history.database,
        );
    }

    fn iot_hub(&mut self, hub: &IotHub) {
        self.number("iot_hub.units", hub.units, 1, hub.size.units_max());
        self.number("iot_hub.partitions", hub.partitions, 2, 32);
        self.number("iot_hub.keep_days", hub.keep_days, 1, 7);
    }

    fn server(&mut self, server: &Server, config: &Config) {
        // they become words of a script, so nothing that a shell would see in them
        let word = |c: char| c.is_ascii_alphanumeric() || "-._~/:%+=?&".contains(c);
        self.rule(
            server.binary_url.starts_with("https://")
                && (12..=2_000).contains(&server.binary_url.len())
                && server.binary_url.chars().all(word),
            "server.binary_url",
            "an address that begins with https://, 2,000 characters at most",
            &server.binary_url,
        );
        self.rule(
            server.binary_sha256.len() == 64 && server.binary_sha256.bytes().all(|b| b.is_ascii_hexdigit()),
            "server.binary_sha256",
            "64 hexadecimal digits",
            &server.binary_sha256,
        );
        self.addresses("server.allowed", &server.allowed);
        if server.allowed.is_empty() {
            self.0.push(
                "`server.allowed` must name who reaches it; 0.0.0.0/0 is everybody, as stations on mobile networks need"
                    .to_owned(),
            );
        }
        self.addresses("server.ssh_allowed", &server.ssh_allowed);
        let key: Vec<&str> = server.ssh_public_key.split_whitespace().collect();
        let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        let fits = matches!(key.as_slice(), ["ssh-ed25519" | "ssh-rsa", body, ..] if body.chars().all(base64))
            && server.ssh_public_key.len() <= 4_096
            && server.ssh_public_key.chars().all(|c| !c.is_control());
        self.rule(
            fits,
            "server.ssh_public_key",
            "a line that begins with ssh-ed25519 or ssh-rsa",
            // whoever pastes the private key must not find it in a log
            server.ssh_public_key.chars().take(11).collect::<String>(),
        );
        let size = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.rule(
            (1..=40).contains(&server.size.len()) && server.size.chars().all(size),
            "server.size",
            "a size of virtual machine, such as Standard_D2s_v5",
            &server.size,
        );
        self.number("server.disk_gib", server.disk_gib, 32, 32_767);
        if let Some(host) = &server.host {
            self.rule(
                is_host(host),
                "server.host",
                "a host name of 4 to 253 characters with a full stop",
                host,
            );
        }
        if let Some(certificate) = &server.certificate {
            let fits = (1..=127).contains(&certificate.len())
                && certificate.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            self.rule(fits, "server.certificate", "1 to 127 letters, digits and hyphens", certificate);
            if config.key_vault.is_none() {
                self.0.push("`server.certificate` needs [key_vault], where it is kept".to_owned());
            }
        }
    }

    fn addresses(&mut self, field: &str, addresses: &[String]) {
        self.rule(addresses.len() <= 100, field, "100 at most", addresses.len());
        for (place, address) in addresses.iter().enumerate() {
            self.rule(
                is_range(address),
                &format!("{field}[{place}]"),
                "an IPv4 address or range whose rest is zero, such as 203.0.113.0/24",
                address,
            );
        }
    }
}

/// `203.0.113.7` or `203.0.113.0/24`, with no bit set beyond the mask, as Azure wants it.
fn is_range(text: &str) -> bool {
    let (address, mask) = text.split_once('/').unwrap_or((text, "32"));
    let Ok(address) = address.parse::<Ipv4Addr>() else { return false };
    let Ok(mask @ 0..=32) = mask.parse::<u32>() else { return false };
    let rest = u32::MAX.checked_shr(mask).unwrap_or(0);
    address.to_bits() & rest == 0
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (4..=253).contains(&text.len()) && text.contains('.') && text.split('.').all(label)
}

impl Config {
    /// The table whose resource bears the name in a field of `[names]`, and whether it is there.
    fn bearer(&self, field: &'static str) -> (&'static str, bool) {
        match field {
            "digital_twins" => (field, self.digital_twins.is_some()),
            "event_hubs" => (field, self.event_hubs.is_some()),
            "service_bus" => (field, self.service_bus.is_some()),
            "event_grid" => (field, self.event_grid.is_some()),
            "data_explorer" => ("data_history", self.data_history.is_some()),
            "iot_hub" => (field, self.iot_hub.is_some()),
            "storage" => (field, self.storage.is_some()),
            _ => ("key_vault", self.key_vault.is_some()),
        }
    }
}

impl DataHistory {
    /// Whether the cluster is of the size without a promise, which has one machine.
    pub(crate) fn is_dev(&self) -> bool {
        self.size.starts_with("Dev(No SLA)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "location = 'westeurope'\nresource_group = 'twin'\nprefix = 'acme'\n";

    fn said(more: &str) -> String {
        match Config::parse(&format!("{GOOD}{more}")) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_good_is_taken() {
        for good in [
            "[digital_twins]",
            "[digital_twins]\nvoltwin = 'reader'\n[event_hubs]\nreaders = ['billing']\n[data_history]",
            "[storage]\nredundancy = 'GZRS'",
            "suffix = 'ab12'\n[key_vault]",
            "cloud = 'us-government'\n[iot_hub]\nsize = 'S3'\nunits = 10",
        ] {
            assert_eq!(said(good), "", "{good}");
        }
    }

    #[test]
    fn each_error_names_its_field_and_its_limit() {
        for (more, wanted) in [
            ("", "there is nothing to deploy"),
            ("[digital_twin]", "unknown field `digital_twin`"),
            ("[event_hubs]\n", "[event_hubs] needs [digital_twins]"),
            ("[digital_twins]\n[data_history]", "[data_history] needs [event_hubs]"),
            ("[digital_twins]\n[event_hubs]\nunits = 41", "`event_hubs.units` must be 1 to 40, not 41"),
            (
                "[digital_twins]\n[event_hubs]\nreaders = ['a', 'A']",
                "`event_hubs.readers[1]` must be there once",
            ),
            ("[digital_twins]\n[service_bus]\nunits = 2", "`service_bus.units` must be 1 in Standard, not 2"),
            ("[digital_twins]\n[service_bus]\nreaders = []", "`service_bus.readers` must name at least one"),
            (
                "[digital_twins]\n[event_hubs]\n[data_history]\nmachines = 2",
                "`data_history.machines` must be 1 to 1, not 2",
            ),
            (
                "[digital_twins]\n[event_hubs]\n[data_history]\nkeep_days = 7\nhot_days = 8",
                "`data_history.hot_days` must be 1 to 7, not 8",
            ),
            ("[iot_hub]\nsize = 'S3'\nunits = 11", "`iot_hub.units` must be 1 to 10, not 11"),
            ("[key_vault]\nkeep_deleted_days = 6", "`key_vault.keep_deleted_days` must be 7 to 90, not 6"),
            ("[storage]\nredundancy = 'XRS'", "unknown variant `XRS`"),
            (
                "[storage]\n[names]\nstorage = 'ab-c'",
                "`names.storage` must be 3 to 24 lower-case letters and digits",
            ),
            (
                "[storage]\n[network]\noperators = ['203.0.113.1/24']",
                "`network.operators[0]` must be an IPv4",
            ),
            ("[storage]\n[tags]\n'a/b' = 'c'", "`tags` must be named by 1 to 128 characters"),
            ("[storage]\n[tags]\nEnv = 'a'\nenv = 'b'", "`tags.env` must be there once"),
        ] {
            let found = said(more);
            assert!(found.contains(wanted), "{more}: {found}");
            assert!(!found.contains('\n'), "{found}");
        }
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let said = |text: &str| Config::parse(text).unwrap_err().to_string();
        let all = "`location` is missing; `resource_group` is missing; `prefix` is missing";
        assert_eq!(said("[storage]"), all);
        assert_eq!(said("prefix = \"ev\"\n[storage]\nx = 1").matches("is missing").count(), 2);
        assert!(said("prefix = \"ev\"\n[storage]\nx = 1").contains("unknown field `x`"));
        let server = said("location = \"a\"\n[server]\nallowed = []");
        for field in
            ["resource_group", "prefix", "server.binary_url", "server.binary_sha256", "server.ssh_public_key"]
        {
            assert!(server.contains(&format!("`{field}` is missing")), "{field}: {server}");
        }
        assert!(!server.contains("allowed"), "{server}");
    }

    #[test]
    fn a_name_needs_the_part_that_bears_it() {
        let head = "location = \"westeurope\"\nresource_group = \"ev\"\nprefix = \"ev\"\n";
        let parse = |text: &str| Config::parse(&format!("{head}{text}"));
        for (field, part) in [
            ("digital_twins", "digital_twins"),
            ("event_hubs", "event_hubs"),
            ("service_bus", "service_bus"),
            ("event_grid", "event_grid"),
            ("data_explorer", "data_history"),
            ("iot_hub", "iot_hub"),
            ("storage", "storage"),
        ] {
            let names = format!("[names]\n{field} = \"mynames01\"\n[key_vault]\n");
            let error = parse(&names).unwrap_err().to_string();
            assert!(error.contains(&format!("there is no [{part}] to bear it")), "{field}: {error}");
        }
        assert!(parse("[names]\nstorage = \"mynames01\"\n[storage]\n").is_ok());
        let error = parse("[names]\nkey_vault = \"mynames01\"\n[storage]\n").unwrap_err().to_string();
        assert!(error.contains("no [key_vault]"), "{error}");
    }

    #[test]
    fn a_server_is_told_apart_from_a_script() {
        let server = |url: &str, key: &str| {
            let sha = "a".repeat(64);
            said(&format!(
                "[server]\nbinary_url = '{url}'\nbinary_sha256 = '{sha}'\nallowed = ['0.0.0.0/0']\nssh_public_key = '{key}'"
            ))
        };
        let (url, key) = ("https://example.org/voltwin", "ssh-ed25519 AAAA me");
        assert_eq!(server(url, key), "");
        for bad in
            ["http://example.org/voltwin", "https://example.org/$(id)", "https://example.org/a b", "https://"]
        {
            assert!(server(bad, key).contains("`server.binary_url`"), "{bad}");
        }
        let found = server(url, "-----BEGIN OPENSSH PRIVATE KEY-----");
        assert!(found.contains("`server.ssh_public_key`") && !found.contains("PRIVATE"), "{found}");
    }

    #[test]
    fn ranges_have_no_bits_beyond_their_mask() {
        for good in ["0.0.0.0/0", "203.0.113.7", "203.0.113.0/24", "10.0.0.1/32"] {
            assert!(is_range(good), "{good}");
        }
        for bad in ["203.0.113.7/24", "1.2.3", "1.2.3.4/33", "::1", "1.2.3.4/", "1.2.3.4/-1", "0.0.0.1/0"] {
            assert!(!is_range(bad), "{bad}");
        }
    }
}
