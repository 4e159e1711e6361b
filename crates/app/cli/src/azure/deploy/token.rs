//! A token for Azure Resource Manager, from whoever is signed in here.

use std::time::Duration;

use clap::ValueEnum;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder};
use serde_json::Value as Json;
use tokio::process::Command;
use voltwin_azure_deploy::Cloud;
use voltwin_security::Secret;

use crate::error::CliError;

/// How long the command line of Azure may take: it may have to ask its own directory.
const AZ_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(20);

/// Who asks for the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Credential {
    /// The first of these that this machine has: a client secret, a managed identity of a service, az, a managed
    /// identity of a virtual machine.
    Auto,
    /// `az account get-access-token`.
    Az,
    /// The identity that Azure gave to this machine; AZURE_CLIENT_ID tells which.
    ManagedIdentity,
    /// An application: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
    ClientSecret,
}

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct Tokens {
    client: Client,
    credential: Credential,
    cloud: Cloud,
}

impl Tokens {
    /// Decides who asks.
    pub(crate) async fn new(credential: Credential, cloud: Cloud) -> Result<Self, CliError> {
        let client = Client::builder()
            .timeout(LIMIT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(CliError::failure)?;
        let credential = match credential {
            Credential::Auto if variable("AZURE_CLIENT_SECRET").is_some() => Credential::ClientSecret,
            Credential::Auto if variable("IDENTITY_ENDPOINT").is_some() => Credential::ManagedIdentity,
            Credential::Auto if has_az().await => Credential::Az,
            Credential::Auto => Credential::ManagedIdentity,
            other => other,
        };
        Ok(Self { client, credential, cloud })
    }

    /// A new token.
    pub(crate) async fn token(&self) -> Result<Secret, CliError> {
        match self.credential {
            Credential::Az => self.by_az().await,
            Credential::ClientSecret => self.by_secret().await,
            Credential::ManagedIdentity | Credential::Auto => self.by_identity().await,
        }
    }

    async fn by_az(&self) -> Result<Secret, CliError> {
        let resource = format!("{}/", self.cloud.management_url());
        let mut command = Command::new("az");
        command.args(["account", "get-access-token", "--output", "json", "--resource", &resource]);
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(AZ_LIMIT, command.output()).await;
        let output = output
            .map_err(|_| CliError::input(format!("az gave no token within {} s", AZ_LIMIT.as_secs())))?
            .map_err(|error| CliError::input(format!("az cannot be started: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            return Err(CliError::input(format!("az gives no token: {}", clip(said))));
        }
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
        found(&answer, "accessToken").ok_or_else(|| CliError::input("az printed no token"))
    }

    async fn by_secret(&self) -> Result<Secret, CliError> {
        let needed = |name: &str| {
            variable(name)
                .ok_or_else(|| CliError::input(format!("a client secret needs the variable {name}")))
        };
        let directory = needed("AZURE_TENANT_ID")?;
        if !directory.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)) {
            return Err(CliError::input("AZURE_TENANT_ID must be the id or a domain of a directory"));
        }
        let authority = variable("AZURE_AUTHORITY_HOST").unwrap_or_else(|| self.cloud.login_url().to_owned());
        super::arm::check_url("AZURE_AUTHORITY_HOST", &authority)?;
        let url = format!("{}/{directory}/oauth2/v2.0/token", authority.trim_end_matches('/'));
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", needed("AZURE_CLIENT_ID")?),
            ("client_secret", needed("AZURE_CLIENT_SECRET")?),
            ("scope", format!("{}/.default", self.cloud.management_url())),
        ];
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        self.asked("the directory", request.body(form.join("&"))).await
    }

    async fn by_identity(&self) -> Result<Secret, CliError> {
        let resource = escaped(&format!("{}/", self.cloud.management_url()));
        let client_id = variable("AZURE_CLIENT_ID").map(|id| format!("&client_id={}", escaped(&id)));
        let client_id = client_id.unwrap_or_default();
        let request = match (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
            (Some(endpoint), Some(header)) => {
                let url = format!("{endpoint}?api-version=2019-08-01&resource={resource}{client_id}");
                self.client.get(url).header("x-identity-header", header)
            }
            _ => {
                let place = "http://169.254.169.254/metadata/identity/oauth2/token";
                let url = format!("{place}?api-version=2018-02-01&resource={resource}{client_id}");
                self.client.get(url).header("metadata", "true")
            }
        };
        self.asked("the managed identity", request).await
    }

    async fn asked(&self, whom: &str, request: RequestBuilder) -> Result<Secret, CliError> {
        let failed = |what: String| CliError::input(format!("{whom} gives no token: {what}"));
        let answer = request.send().await.map_err(|error| failed(super::arm::cause(&error)))?;
        let status = answer.status();
        let body = super::arm::body(answer).await.map_err(|error| failed(error.to_string()))?;
        let body: Json = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            let said =
                ["error_description", "message", "error"].iter().find_map(|name| body.get(name)?.as_str());
            let said = said.and_then(|said| said.lines().next()).unwrap_or_default();
            return Err(failed(format!("HTTP {} {}", status.as_u16(), clip(said)).trim_end().to_owned()));
        }
        found(&body, "access_token").ok_or_else(|| failed("the answer has none".to_owned()))
    }
}

fn found(answer: &Json, name: &str) -> Option<Secret> {
    let token = answer.get(name)?.as_str()?;
    // what cannot stand in a header is no token
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Secret::new(token))
}

async fn has_az() -> bool {
    let mut command = Command::new("az");
    command.arg("version").stdin(std::process::Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(AZ_LIMIT, command.output()).await.is_ok_and(|output| output.is_ok())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn clip(text: &str) -> String {
    text.chars().take(300).collect()
}
