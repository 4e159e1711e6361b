//! The infrastructure of an installation on Azure, from one source to two texts.
//!
//! A [`Config`] says which parts there are and how large. From it follows one list of resources in terms of Azure
//! Resource Manager, and this list is written as an ARM template ([`Rendered::arm`]) and as Terraform
//! ([`Rendered::terraform`]). Both writers see the same properties, so that the two cannot part.
//!
//! # Invariants
//! - The same configuration gives the same texts.
//! - No text holds a secret, and no output is one. The one key that Azure insists on (Event Grid takes no identity
//!   from Azure Digital Twins) is read by Azure while it deploys, and by Terraform into a write-only argument.
//! - What a text refers to, it declares.
//! - A configuration that Azure would refuse for a name, a length or a number is refused here, field by field.
//!
//! # Example
//! ```
//! use voltwin_azure_deploy::{Config, render};
//!
//! let config = Config::parse("location = 'westeurope'\nresource_group = 'twin'\nprefix = 'acme'\n[digital_twins]\n")?;
//! let rendered = render(&config);
//! assert!(rendered.arm.contains("Microsoft.DigitalTwins/digitalTwinsInstances"));
//! assert!(rendered.terraform.main.contains("azapi_resource"));
//!
//! let wrong = "location = 'westeurope'\nresource_group = 'twin'\nprefix = 'A'\n[key_vault]\n";
//! let wrong = Config::parse(wrong).unwrap_err();
//! assert_eq!(wrong.to_string(), "`prefix` must be 2 to 10 lower-case letters and digits, a letter first, not \"A\"");
//! # Ok::<(), voltwin_azure_deploy::ConfigError>(())
//! ```

mod arm;
mod check;
mod config;
mod error;
mod hcl;
mod names;
mod parts;
mod roles;
mod template;
mod terraform;

pub use config::{
    Access, Cloud, Config, DataHistory, DigitalTwins, EventGrid, EventHubs, HubSize, IotHub, KeyVault, Names,
    Network, Redundancy, Server, ServiceBus, Storage, Tier,
};
pub use error::ConfigError;

/// The texts of one installation. Each ends with a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// `main.json`: the ARM template, of the schema `2019-04-01/deploymentTemplate.json`.
    pub arm: String,
    /// `main.parameters.json`: the values of its parameters.
    pub parameters: String,
    /// The Terraform files.
    pub terraform: Terraform,
}

/// The Terraform files, as `terraform fmt` would leave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terraform {
    /// `main.tf`: providers and resources.
    pub main: String,
    /// `variables.tf`: what can be said from outside.
    pub variables: String,
    /// `outputs.tf`: what a caller wants to know afterwards.
    pub outputs: String,
}

/// Writes the texts.
#[must_use]
pub fn render(config: &Config) -> Rendered {
    let template = parts::template(config);
    Rendered {
        arm: arm::template(&template),
        parameters: arm::parameters(&template),
        terraform: Terraform {
            main: terraform::main(&template),
            variables: terraform::variables(&template),
            outputs: terraform::outputs(&template),
        },
    }
}
