//! The template as ARM JSON.

use serde_json::{Map, Value as Json, json};

use crate::{
    roles::Role,
    template::{Identity, Key, Resource, Setting, Template, Text, Value},
};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const PARAMETERS: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#";

/// `main.json`.
pub(crate) fn template(template: &Template) -> String {
    let writer = Writer { template };
    let resources: Vec<Json> = template.resources.iter().map(|resource| writer.resource(resource)).collect();
    let outputs: Map<String, Json> = template
        .outputs
        .iter()
        .map(|output| {
            let value = writer.text(&output.value);
            (
                camel(output.name),
                json!({"type": "string", "metadata": {"description": output.about}, "value": value}),
            )
        })
        .collect();
    pretty(&json!({
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {"description": "An installation of Voltwin. Rendered by `voltwin azure deploy render`."},
        "parameters": writer.parameters(),
        "variables": writer.variables(),
        "resources": resources,
        "outputs": outputs,
    }))
}

/// `main.parameters.json`.
pub(crate) fn parameters(template: &Template) -> String {
    let mut values = Map::new();
    let mut value = |name: &str, value: Json| values.insert(name.to_owned(), json!({"value": value}));
    value("location", json!(template.location));
    value("prefix", json!(template.prefix));
    if let Some(suffix) = template.suffix.as_ref().filter(|_| template.has_suffix()) {
        value("suffix", json!(suffix));
    }
    value("tags", json!(template.tags));
    if let Some(key) = &template.ssh_public_key {
        value("sshPublicKey", json!(key));
    }
    pretty(&json!({"$schema": PARAMETERS, "contentVersion": "1.0.0.0", "parameters": values}))
}

fn pretty(document: &Json) -> String {
    format!("{document:#}\n")
}

struct Writer<'a> {
    template: &'a Template,
}

impl Writer<'_> {
    fn parameters(&self) -> Json {
        let about = |text: &str| json!({"description": text});
        let mut parameters = json!({
            "location": {
                "type": "string",
                "defaultValue": "[resourceGroup().location]",
                "metadata": about("The region of every resource."),
            },
            "prefix": {
                "type": "string",
                "minLength": 2,
                "maxLength": 10,
                "metadata": about("What every name begins with: lower-case letters and digits, a letter first."),
            },
            "tags": {"type": "object", "defaultValue": {}, "metadata": about("Tags of every resource.")},
        });
        if self.template.has_suffix() {
            parameters["suffix"] = json!({
                "type": "string",
                "defaultValue": "[take(uniqueString(resourceGroup().id), 8)]",
                "minLength": 2,
                "maxLength": 8,
                "metadata": about("What every name ends with that must be the only one in the world."),
            });
        }
        if self.template.ssh_public_key.is_some() {
            parameters["sshPublicKey"] =
                json!({"type": "string", "metadata": about("The public key of the person who may sign in.")});
        }
        parameters
    }

    fn variables(&self) -> Json {
        let texts = self.template.named_texts();
        let texts = texts.into_iter().filter(|(_, text)| !is_late(text));
        texts.map(|(name, text)| (camel(&name), self.text(text))).collect::<Map<_, _>>().into()
    }

    fn resource(&self, resource: &Resource) -> Json {
        let mut written = Map::new();
        let mut put = |name: &str, value: Json| written.insert(name.to_owned(), value);
        put("type", json!(resource.kind));
        put("apiVersion", json!(resource.api));
        put("name", self.full_name(resource));
        if let Some(scope) = resource.scope {
            put("scope", json!(format!("[{}]", self.id(scope))));
        }
        if resource.located {
            put("location", json!("[parameters('location')]"));
        }
        if resource.tagged {
            put("tags", json!("[parameters('tags')]"));
        }
        match resource.identity {
            None => {}
            Some(Identity::System) => {
                put("identity", json!({"type": "SystemAssigned"}));
            }
            Some(Identity::User(key)) => {
                let id = format!("[{}]", self.id(key));
                put("identity", json!({"type": "UserAssigned", "userAssignedIdentities": {id: {}}}));
            }
        }
        if let Some(flavour) = resource.flavour {
            put("kind", json!(flavour));
        }
        if let Some(sku) = &resource.sku {
            put("sku", self.value(sku));
        }
        let before = self.template.before(resource);
        if !before.is_empty() {
            put("dependsOn", before.iter().map(|key| json!(format!("[{}]", self.id(key)))).collect());
        }
        put("properties", self.value(&resource.properties));
        written.into()
    }

    fn value(&self, value: &Value) -> Json {
        match value {
            Value::Bool(value) => json!(value),
            Value::Number(value) => json!(value),
            Value::Text(text) => self.text(text),
            Value::List(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), self.value(value)));
                entries.collect::<Map<_, _>>().into()
            }
        }
    }

    /// A text as it stands in JSON: an expression in brackets, or itself.
    fn text(&self, text: &Text) -> Json {
        match text {
            Text::Plain(plain) if plain.starts_with('[') => json!(format!("[{plain}")),
            Text::Plain(plain) => json!(plain),
            other => json!(format!("[{}]", self.expression(other))),
        }
    }

    fn expression(&self, text: &Text) -> String {
        match text {
            Text::Plain(plain) => quoted(plain),
            Text::Join(parts) => format!("concat({})", self.listed(parts.iter())),
            Text::Setting(setting) => format!("parameters('{}')", parameter(*setting)),
            Text::Tenant => "subscription().tenantId".to_owned(),
            Text::Variable(key) => {
                let found = self.template.variables.iter().find(|(name, _)| name == key);
                match found {
                    // variables are settled before there are resources
                    Some((_, text)) if is_late(text) => self.expression(text),
                    _ => format!("variables('{}')", camel(key)),
                }
            }
            Text::Name(key) => self.name(key),
            Text::Id(key) => self.id(key),
            Text::Read(key, path) => self.read(key, path),
            Text::Secret(key, path) => {
                format!("listKeys({}, {}).{path}", self.id(key), quoted(self.api(key)))
            }
            Text::Role(role) => role_id(*role),
            Text::Assignment { scope, of, role } => {
                format!("guid({}, {}, {})", self.id(scope), self.id(of), quoted(role.id()))
            }
            Text::Base64(text) => format!("base64({})", self.expression(text)),
        }
    }

    fn listed<'a>(&self, texts: impl Iterator<Item = &'a Text>) -> String {
        texts.map(|text| self.expression(text)).collect::<Vec<_>>().join(", ")
    }

    fn api(&self, key: Key) -> &'static str {
        self.template.resource(key).map_or("", |resource| resource.api)
    }

    fn read(&self, key: Key, path: &str) -> String {
        match path.strip_prefix("properties.") {
            Some(path) => format!("reference({}, {}).{path}", self.id(key), quoted(self.api(key))),
            None => format!("reference({}, {}, 'Full').{path}", self.id(key), quoted(self.api(key))),
        }
    }

    /// The name of one resource, without those that it is a child of.
    fn name(&self, key: Key) -> String {
        match self.template.resource(key) {
            Some(resource) if resource.has_named_name() => {
                format!("variables('{}')", camel(&format!("{key}_name")))
            }
            Some(resource) => self.expression(&resource.name),
            None => quoted(""),
        }
    }

    /// The names from the outermost resource on, as expressions.
    fn names(&self, resource: &Resource) -> Vec<String> {
        let line = self.template.line(resource);
        line.iter()
            .flat_map(|resource| match &resource.name {
                Text::Plain(name) if !resource.has_named_name() => name.split('/').map(quoted).collect(),
                _ => vec![self.name(resource.key)],
            })
            .collect()
    }

    fn full_name(&self, resource: &Resource) -> Json {
        let names = self.names(resource);
        match names.as_slice() {
            [one] => json!(format!("[{one}]")),
            [first, rest @ ..] => {
                let rest: Vec<&str> = rest.iter().map(|name| name.trim_matches('\'')).collect();
                json!(format!("[concat({first}, {})]", quoted(&format!("/{}", rest.join("/")))))
            }
            [] => json!(""),
        }
    }

    fn id(&self, key: Key) -> String {
        let Some(resource) = self.template.resource(key) else { return quoted("") };
        let kind = quoted(resource.kind);
        match resource.scope {
            Some(scope) => {
                format!(
                    "extensionResourceId({}, {kind}, {})",
                    self.id(scope),
                    self.expression(&resource.name)
                )
            }
            None => format!("resourceId({kind}, {})", self.names(resource).join(", ")),
        }
    }
}

/// Whether a text is known only when resources are there.
fn is_late(text: &Text) -> bool {
    match text {
        Text::Read(..) | Text::Secret(..) => true,
        Text::Join(parts) => parts.iter().any(is_late),
        Text::Base64(text) => is_late(text),
        _ => false,
    }
}

fn role_id(role: Role) -> String {
    format!("subscriptionResourceId('Microsoft.Authorization/roleDefinitions', {})", quoted(role.id()))
}

fn parameter(setting: Setting) -> &'static str {
    match setting {
        Setting::Location => "location",
        Setting::Prefix => "prefix",
        Setting::Suffix => "suffix",
        Setting::SshPublicKey => "sshPublicKey",
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut capital = false;
    for c in name.chars() {
        if c == '_' {
            capital = true;
        } else if std::mem::take(&mut capital) {
            camel.push(c.to_ascii_uppercase());
        } else {
            camel.push(c);
        }
    }
    camel
}
