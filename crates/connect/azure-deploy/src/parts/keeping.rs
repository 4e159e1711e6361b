//! Where things are kept: blobs, and secrets.

use crate::{
    config::Config,
    parts::named,
    roles::{Role, TWINS, VOLTWIN, assign},
    template::{Key, Resource, Template, Text, Value, join, map},
};

const STORAGE_API: &str = "2023-05-01";
const CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";

pub(super) fn storage(config: &Config, template: &mut Template) {
    let Some(storage) = &config.storage else { return };
    // Azure Digital Twins reads imports and writes dead letters from addresses that no firewall here knows
    let open = config.digital_twins.is_some();
    template.add(Resource {
        sku: Some(map([("name", storage.redundancy.sku().into())])),
        flavour: Some("StorageV2"),
        properties: map([
            ("accessTier", "Hot".into()),
            ("allowBlobPublicAccess", false.into()),
            ("allowCrossTenantReplication", false.into()),
            ("allowSharedKeyAccess", false.into()),
            ("defaultToOAuthAuthentication", true.into()),
            ("minimumTlsVersion", "TLS1_2".into()),
            ("supportsHttpsTrafficOnly", true.into()),
            ("publicNetworkAccess", "Enabled".into()),
            ("networkAcls", firewall(config, open, true)),
        ]),
        ..Resource::top(
            "storage",
            "Microsoft.Storage/storageAccounts",
            STORAGE_API,
            named(config.names.storage.as_ref(), "st"),
        )
    });
    let kept = || map([("enabled", true.into()), ("days", storage.keep_deleted_days.into())]);
    template.add(Resource {
        comes_along: true,
        properties: map([("deleteRetentionPolicy", kept()), ("containerDeleteRetentionPolicy", kept())]),
        ..Resource::child(
            "blobs",
            "Microsoft.Storage/storageAccounts/blobServices",
            STORAGE_API,
            "storage",
            "default",
        )
    });
    template.add(container("imports", "imports"));
    template.add(assign("imports_to_voltwin", Role::BlobContributor, "imports", VOLTWIN));
    if open {
        template.add(assign("imports_to_twins", Role::BlobContributor, "imports", TWINS));
        template.add(container("dead_letters", "dead-letters"));
        template.add(assign("dead_letters_to_twins", Role::BlobContributor, "dead_letters", TWINS));
    }
    template.output(
        "blob_url",
        "Where blobs are.",
        Text::Read("storage", "properties.primaryEndpoints.blob"),
    );
}

fn container(key: Key, name: &'static str) -> Resource {
    Resource {
        properties: map([("publicAccess", "None".into())]),
        ..Resource::child(key, CONTAINER, STORAGE_API, "blobs", name)
    }
}

pub(super) fn key_vault(config: &Config, template: &mut Template) {
    let Some(vault) = &config.key_vault else { return };
    // nobody to let in: then the network is shut, and not only guarded
    let reachable = !config.network.operators.is_empty() || config.server.is_some();
    template.add(Resource {
        properties: map([
            ("tenantId", Text::Tenant.into()),
            ("sku", map([("family", "A".into()), ("name", "standard".into())])),
            ("enableRbacAuthorization", true.into()),
            ("enableSoftDelete", true.into()),
            ("enablePurgeProtection", true.into()),
            ("softDeleteRetentionInDays", vault.keep_deleted_days.into()),
            ("enabledForDeployment", false.into()),
            ("enabledForDiskEncryption", false.into()),
            ("enabledForTemplateDeployment", false.into()),
            ("publicNetworkAccess", if reachable { "Enabled" } else { "Disabled" }.into()),
            ("networkAcls", firewall(config, false, false)),
        ]),
        ..Resource::top(
            "key_vault",
            "Microsoft.KeyVault/vaults",
            "2023-07-01",
            named(config.names.key_vault.as_ref(), "-kv-"),
        )
    });
    if config.server.as_ref().is_some_and(|server| server.certificate.is_some()) {
        template.add(assign("key_vault_to_voltwin", Role::VaultSecretsUser, "key_vault", VOLTWIN));
    }
    template.output("key_vault_url", "The key vault.", Text::Read("key_vault", "properties.vaultUri"));
}

/// Who gets through: the operators, and the machine of ours.
fn firewall(config: &Config, open: bool, with_action: bool) -> Value {
    let allowed = |name: &'static str, what: Value| {
        let action = with_action.then(|| ("action", "Allow".into()));
        Value::Map([(name, what)].into_iter().chain(action).collect())
    };
    let (mut operators, mut networks) = (Vec::new(), Vec::new());
    if !open {
        // Azure takes a single address without its mask alone
        let ranges = config.network.operators.iter().map(|range| range.trim_end_matches("/32"));
        operators.extend(ranges.map(|range| allowed("value", range.into())));
        if config.server.is_some() {
            networks.push(allowed("id", join([Text::Id("network"), "/subnets/server".into()]).into()));
        }
    }
    map([
        ("bypass", "AzureServices".into()),
        ("defaultAction", if open { "Allow" } else { "Deny" }.into()),
        ("ipRules", Value::List(operators)),
        ("virtualNetworkRules", Value::List(networks)),
    ])
}
