//! The example of `deploy/azure` against its templates beside it, which `cargo xtask codegen` writes again, and what holds
//! for every configuration.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use voltwin_azure_deploy::{Config, Rendered, render};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy/azure")
}

fn rendered(more: &str) -> Rendered {
    let head = "location = 'westeurope'\nresource_group = 'twin'\nprefix = 'acme'\n";
    render(&Config::parse(&format!("{head}{more}")).unwrap())
}

#[test]
fn the_templates_beside_the_example_are_fresh() {
    let config = Config::parse(&fs::read_to_string(folder().join("azure.toml")).unwrap()).unwrap();
    let rendered = render(&config);
    for (name, text) in [
        ("main.json", &rendered.arm),
        ("main.parameters.json", &rendered.parameters),
        ("main.tf", &rendered.terraform.main),
        ("variables.tf", &rendered.terraform.variables),
        ("outputs.tf", &rendered.terraform.outputs),
    ] {
        let path = folder().join("templates").join(name);
        if std::env::var_os("VOLTWIN_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(*text == there, "deploy/azure/templates/{name} is stale: run `cargo xtask codegen`");
    }
}

#[test]
fn a_part_is_there_when_its_table_is() {
    let kinds = |more: &str| -> BTreeSet<String> {
        let template: Json = serde_json::from_str(&rendered(more).arm).unwrap();
        let resources = template["resources"].as_array().unwrap();
        resources.iter().map(|resource| resource["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        kinds("[key_vault]"),
        ["Microsoft.KeyVault/vaults", "Microsoft.ManagedIdentity/userAssignedIdentities"]
            .map(str::to_owned)
            .into()
    );
    let twins = kinds("[digital_twins]\n[service_bus]");
    assert!(twins.contains("Microsoft.DigitalTwins/digitalTwinsInstances/endpoints"));
    assert!(!twins.iter().any(|kind| kind.contains("EventHub") || kind.contains("Storage")));
    assert!(kinds("[iot_hub]").contains("Microsoft.Devices/IotHubs"));
}

#[test]
fn no_text_has_a_secret() {
    let config = Config::parse(&fs::read_to_string(folder().join("azure.toml")).unwrap()).unwrap();
    let Rendered { arm, terraform, .. } = render(&config);
    // the one key is read where it is used, by Azure itself or into a write-only argument
    assert_eq!(arm.matches("listKeys(").count(), 1);
    assert_eq!(terraform.main.matches("ephemeral.azapi_resource_action").count(), 1);
    let body = terraform.main.split("sensitive_body").nth(1).unwrap();
    assert!(body.split('}').next().unwrap().contains("ephemeral."), "{body}");
    let template: Json = serde_json::from_str(&arm).unwrap();
    for output in [template["outputs"].to_string(), terraform.outputs] {
        assert!(!output.contains("listKeys") && !output.contains("ephemeral"), "{output}");
    }
    for word in ["connectionString", "SharedAccessKey", "AccountKey"] {
        assert!(!arm.contains(word) && !terraform.main.contains(word), "{word}");
    }
}

#[test]
fn what_is_closed_stays_closed() {
    let template: Json = serde_json::from_str(&rendered("[storage]\n[key_vault]").arm).unwrap();
    let find = |kind: &str| {
        let resources = template["resources"].as_array().unwrap();
        resources.iter().find(|resource| resource["type"] == kind).unwrap()["properties"].clone()
    };
    let storage = find("Microsoft.Storage/storageAccounts");
    assert_eq!(
        (&storage["allowSharedKeyAccess"], &storage["minimumTlsVersion"]),
        (&false.into(), &"TLS1_2".into())
    );
    assert_eq!(storage["networkAcls"]["defaultAction"], "Deny");
    let vault = find("Microsoft.KeyVault/vaults");
    assert_eq!(vault["publicNetworkAccess"], "Disabled");
    assert_eq!(
        (&vault["enablePurgeProtection"], &vault["enableRbacAuthorization"]),
        (&true.into(), &true.into())
    );
}
