//! The template as Terraform.
//!
//! Resources are `azapi_resource`: the same types, versions and properties as in the ARM template. The provider `azurerm`
//! knows no endpoint of Azure Digital Twins with an identity, only with connection strings, which would be secrets in
//! the state; and two vocabularies for one thing would part sooner or later. It has the resource group and the roles.

use std::collections::BTreeSet;

use crate::{
    hcl::{Block, Expression, escaped, no_templates, quoted},
    roles::ASSIGNMENT,
    template::{Identity, Key, Resource, Setting, Template, Text, Value},
};

const HEAD: &str =
    "# Rendered by `voltwin azure deploy render`. What is changed here is lost at the next rendering.\n\n";

/// The name space in which Azure Resource Manager makes its `guid()`.
const GUIDS: &str = "11fb06fb-712d-4ddd-98c7-e71bbd588830";

/// `main.tf`.
pub(crate) fn main(template: &Template) -> String {
    let writer = Writer { template };
    let mut blocks = vec![versions(), writer.azurerm(), writer.azapi()];
    blocks.push(Block::new("data", &["azurerm_client_config", "current"]));
    let group = Block::new("resource", &["azurerm_resource_group", "this"]);
    let group = group.line("name", "var.resource_group_name").line("location", "var.location");
    blocks.push(group.line("tags", "var.tags"));
    blocks.push(writer.locals());
    for resource in &template.resources {
        let secret = resource.properties.split_secrets().1;
        blocks.extend(writer.keys(&secret));
        blocks.push(writer.resource(resource, &secret));
    }
    written(&blocks)
}

/// `variables.tf`.
pub(crate) fn variables(template: &Template) -> String {
    let variable = |name: &str, kind: &str, about: &str| {
        Block::new("variable", &[name]).line("type", kind).line("description", quoted(about))
    };
    let checked = |block: Block, condition: &str, said: &str| {
        let check =
            Block::new("validation", &[]).line("condition", condition).line("error_message", quoted(said));
        block.block(check)
    };
    let tags =
        template.tags.iter().map(|(name, value)| (quoted(name), Expression::Line(quoted(value)))).collect();
    let mut blocks = vec![
        variable("subscription_id", "string", "The subscription that all of it is in."),
        variable("resource_group_name", "string", "The resource group, which is made.")
            .line("default", quoted(&template.resource_group)),
        variable("location", "string", "The region of every resource.")
            .line("default", quoted(&template.location)),
        checked(
            variable("prefix", "string", "What every name begins with.")
                .line("default", quoted(&template.prefix)),
            "can(regex(\"^[a-z][a-z0-9]{1,9}$\", var.prefix))",
            "It must be 2 to 10 lower-case letters and digits, a letter first.",
        ),
        variable("tags", "map(string)", "Tags of every resource.").set("default", Expression::Object(tags)),
    ];
    if template.has_suffix() {
        let about = "What every name ends with that must be the only one in the world; null makes it of the resource group.";
        let suffix = template.suffix.as_ref().map_or_else(|| "null".to_owned(), |suffix| quoted(suffix));
        blocks.push(checked(
            variable("suffix", "string", about).line("default", suffix),
            "var.suffix == null || can(regex(\"^[a-z0-9]{2,8}$\", var.suffix))",
            "It must be 2 to 8 lower-case letters and digits.",
        ));
    }
    if let Some(key) = &template.ssh_public_key {
        let about = "The public key of the person who may sign in.";
        blocks.push(variable("ssh_public_key", "string", about).line("default", quoted(key)));
    }
    written(&blocks)
}

/// `outputs.tf`.
pub(crate) fn outputs(template: &Template) -> String {
    let writer = Writer { template };
    let blocks: Vec<Block> = template
        .outputs
        .iter()
        .map(|output| {
            let block = Block::new("output", &[output.name]).line("description", quoted(output.about));
            block.line("value", writer.text(&output.value))
        })
        .collect();
    written(&blocks)
}

fn written(blocks: &[Block]) -> String {
    let mut out = HEAD.to_owned();
    for (place, block) in blocks.iter().enumerate() {
        if place > 0 {
            out.push('\n');
        }
        block.write(0, &mut out);
    }
    out
}

fn versions() -> Block {
    let provider = |source: &str, version: &str| {
        let line = |text: &str| Expression::Line(quoted(text));
        Expression::Object(vec![("source".to_owned(), line(source)), ("version".to_owned(), line(version))])
    };
    // write-only arguments came with 1.11 and, in azapi, with 2.4
    Block::new("terraform", &[]).line("required_version", quoted(">= 1.11.0")).block(
        Block::new("required_providers", &[])
            .set("azapi", provider("Azure/azapi", "~> 2.4"))
            .set("azurerm", provider("hashicorp/azurerm", "~> 4.40")),
    )
}

struct Writer<'a> {
    template: &'a Template,
}

impl Writer<'_> {
    fn azurerm(&self) -> Block {
        let providers: BTreeSet<&str> =
            self.template.resources.iter().filter_map(|resource| resource.kind.split('/').next()).collect();
        let providers = providers.into_iter().map(|name| Expression::Line(quoted(name))).collect();
        Block::new("provider", &["azurerm"])
            .line("environment", quoted(self.template.cloud.terraform()))
            .line("subscription_id", "var.subscription_id")
            .set("resource_providers_to_register", Expression::List(providers))
            .block(Block::new("features", &[]))
    }

    fn azapi(&self) -> Block {
        Block::new("provider", &["azapi"])
            .line("environment", quoted(self.template.cloud.terraform()))
            .line("subscription_id", "var.subscription_id")
    }

    fn locals(&self) -> Block {
        let mut block = Block::new("locals", &[]);
        if self.template.has_suffix() {
            let unique = "provider::azapi::unique_string([azurerm_resource_group.this.id])";
            block = block.line("suffix", format!("coalesce(var.suffix, substr({unique}, 0, 8))"));
        }
        for (name, text) in self.template.named_texts() {
            let long = self.template.variables.iter().any(|(key, _)| *key == name);
            let value = if long { self.heredoc(text) } else { Expression::Line(self.text(text)) };
            block = block.set(&name, value);
        }
        block
    }

    fn heredoc(&self, text: &Text) -> Expression {
        let parts = match text {
            Text::Join(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let parts = parts.iter().map(|part| match part {
            Text::Plain(plain) => no_templates(plain),
            other => format!("${{{}}}", self.text(other)),
        });
        Expression::Heredoc(parts.collect())
    }

    /// What reads the keys of resources without a trace in the state.
    fn keys(&self, secret: &Value) -> Vec<Block> {
        let mut texts = Vec::new();
        secret.texts(&mut texts);
        texts
            .into_iter()
            .filter_map(|text| {
                let Text::Secret(key, path) = text else { return None };
                let resource = self.template.resource(key)?;
                let label = format!("{key}_keys");
                let block = Block::new("ephemeral", &["azapi_resource_action", &label])
                    .line("type", quoted(&format!("{}@{}", resource.kind, resource.api)))
                    .line("resource_id", self.id(key))
                    .line("action", quoted("listKeys"))
                    .line("method", quoted("POST"))
                    .line("response_export_values", format!("[{}]", quoted(path)));
                Some(block)
            })
            .collect()
    }

    fn resource(&self, resource: &Resource, secret: &Value) -> Block {
        if resource.kind == ASSIGNMENT {
            return self.assignment(resource);
        }
        let (parent, name) = self.place(resource);
        // to make what is there already is an error to Terraform
        let kind = if resource.comes_along { "azapi_update_resource" } else { "azapi_resource" };
        let mut block = Block::new("resource", &[kind, resource.key])
            .line("type", quoted(&format!("{}@{}", resource.kind, resource.api)))
            .line("parent_id", parent)
            .line("name", name);
        if resource.located {
            block = block.line("location", self.text(&Text::Setting(Setting::Location)));
        }
        if resource.tagged {
            block = block.line("tags", "var.tags");
        }
        block = match resource.identity {
            None => block,
            Some(Identity::System) => {
                block.block(Block::new("identity", &[]).line("type", quoted("SystemAssigned")))
            }
            Some(Identity::User(key)) => block.block(
                Block::new("identity", &[])
                    .line("type", quoted("UserAssigned"))
                    .line("identity_ids", format!("[{}]", self.id(key))),
            ),
        };
        let mut body = Vec::new();
        if let Some(flavour) = resource.flavour {
            body.push(("kind".to_owned(), Expression::Line(quoted(flavour))));
        }
        if let Some(sku) = &resource.sku {
            body.push(("sku".to_owned(), self.value(sku)));
        }
        body.push(("properties".to_owned(), self.value(&resource.properties.split_secrets().0)));
        block = block.set("body", Expression::Object(body));
        if !secret.is_empty() {
            let secret = Expression::Object(vec![("properties".to_owned(), self.value(secret))]);
            block = block.set("sensitive_body", secret);
        }
        let exported = self.exported(resource.key);
        if !exported.is_empty() {
            let exported = exported.into_iter().map(|path| Expression::Line(quoted(path))).collect();
            block = block.set("response_export_values", Expression::List(exported));
        }
        if !resource.after.is_empty() {
            let after = resource.after.iter().map(|key| Expression::Line(self.address(key))).collect();
            block = block.set("depends_on", Expression::List(after));
        }
        block
    }

    fn assignment(&self, resource: &Resource) -> Block {
        let property = |name: &str| match &resource.properties {
            Value::Map(entries) => entries.iter().find(|(key, _)| *key == name).map(|(_, value)| value),
            _ => None,
        };
        let text = |name: &str| match property(name) {
            Some(Value::Text(text)) => self.text(text),
            _ => quoted(""),
        };
        Block::new("resource", &["azurerm_role_assignment", resource.key])
            .line("name", self.text(&resource.name))
            .line("scope", resource.scope.map_or_else(|| quoted(""), |scope| self.id(scope)))
            .line("role_definition_id", text("roleDefinitionId"))
            .line("principal_id", text("principalId"))
            .line("principal_type", text("principalType"))
    }

    /// The parent, and the name below it. A type may stand more than one step below its parent.
    fn place(&self, resource: &Resource) -> (String, String) {
        let Some(parent) = resource.parent.and_then(|key| self.template.resource(key)) else {
            let name = format!("local.{}_name", resource.key);
            return ("azurerm_resource_group.this.id".to_owned(), name);
        };
        let id = self.id(parent.key);
        let Text::Plain(name) = &resource.name else { return (id, self.text(&resource.name)) };
        let below = resource.kind.strip_prefix(parent.kind).unwrap_or_default().trim_start_matches('/');
        match (below.rsplit_once('/'), name.rsplit_once('/')) {
            (Some((kinds, _)), Some((names, last))) => {
                let steps = kinds.split('/').zip(names.split('/'));
                let steps: String = steps.map(|(kind, name)| format!("/{kind}/{name}")).collect();
                (format!("\"${{{id}}}{steps}\""), quoted(last))
            }
            _ => (id, quoted(name)),
        }
    }

    fn value(&self, value: &Value) -> Expression {
        match value {
            Value::Bool(value) => Expression::Line(value.to_string()),
            Value::Number(value) => Expression::Line(value.to_string()),
            Value::Text(text) => Expression::Line(self.text(text)),
            Value::List(items) => Expression::List(items.iter().map(|item| self.value(item)).collect()),
            Value::Map(entries) => Expression::Object(
                entries.iter().map(|(name, value)| ((*name).to_owned(), self.value(value))).collect(),
            ),
        }
    }

    fn text(&self, text: &Text) -> String {
        match text {
            Text::Plain(plain) => quoted(plain),
            Text::Join(parts) => {
                let parts = parts.iter().map(|part| match part {
                    Text::Plain(plain) => escaped(plain),
                    other => format!("${{{}}}", self.text(other)),
                });
                format!("\"{}\"", parts.collect::<String>())
            }
            Text::Setting(Setting::Location) => "azurerm_resource_group.this.location".to_owned(),
            Text::Setting(Setting::Prefix) => "var.prefix".to_owned(),
            Text::Setting(Setting::Suffix) => "local.suffix".to_owned(),
            Text::Setting(Setting::SshPublicKey) => "var.ssh_public_key".to_owned(),
            Text::Tenant => "data.azurerm_client_config.current.tenant_id".to_owned(),
            Text::Variable(key) => format!("local.{key}"),
            Text::Name(key) => match self.template.resource(key) {
                Some(resource) if !resource.has_named_name() => self.text(&resource.name),
                _ => format!("local.{key}_name"),
            },
            Text::Id(key) => self.id(key),
            Text::Read(key, "identity.principalId") => {
                format!("azapi_resource.{key}.identity[0].principal_id")
            }
            Text::Read(key, path) => format!("azapi_resource.{key}.output.{path}"),
            Text::Secret(key, path) => format!("ephemeral.azapi_resource_action.{key}_keys.output.{path}"),
            Text::Role(role) => {
                let subscription = "${data.azurerm_client_config.current.subscription_id}";
                let roles = "providers/Microsoft.Authorization/roleDefinitions";
                format!("\"/subscriptions/{subscription}/{roles}/{}\"", role.id())
            }
            Text::Assignment { scope, of, role } => {
                let parts = format!("[{}, {}, {}]", self.id(scope), self.id(of), quoted(role.id()));
                format!("uuidv5({}, join(\"-\", {parts}))", quoted(GUIDS))
            }
            Text::Base64(text) => format!("base64encode({})", self.text(text)),
        }
    }

    fn address(&self, key: Key) -> String {
        let kind = match self.template.resource(key) {
            Some(resource) if resource.kind == ASSIGNMENT => "azurerm_role_assignment",
            Some(resource) if resource.comes_along => "azapi_update_resource",
            _ => "azapi_resource",
        };
        format!("{kind}.{key}")
    }

    fn id(&self, key: Key) -> String {
        format!("{}.id", self.address(key))
    }

    /// What others read of a resource.
    fn exported(&self, key: Key) -> BTreeSet<&'static str> {
        let mut texts = Vec::new();
        self.template.resources.iter().for_each(|resource| resource.properties.texts(&mut texts));
        texts.extend(self.template.variables.iter().map(|(_, text)| text));
        texts.extend(self.template.outputs.iter().map(|output| &output.value));
        let mut paths = BTreeSet::new();
        texts.into_iter().for_each(|text| read(text, key, &mut paths));
        paths
    }
}

fn read(text: &Text, key: Key, paths: &mut BTreeSet<&'static str>) {
    match text {
        Text::Read(of, path) if *of == key && path.starts_with("properties.") => {
            paths.insert(path);
        }
        Text::Join(parts) => parts.iter().for_each(|part| read(part, key, paths)),
        Text::Base64(text) => read(text, key, paths),
        _ => {}
    }
}
