//! `voltwin azure deploy apply`.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use voltwin_azure_deploy::{Config, render};

use super::{
    arm::{Answer, Arm, told},
    changes::{Changes, kind_and_name},
    token::{Credential, Tokens},
};
use crate::{error::CliError, print_line};

const API: &str = "api-version=2021-04-01";
/// How often a deployment is looked at where Azure does not say.
const LOOK: Duration = Duration::from_secs(5);
/// Pages of operations that are read: a hundred each, more than any installation has.
const PAGES_MAX: usize = 20;

#[derive(clap::Args)]
pub(crate) struct ApplyArgs {
    /// The configuration (TOML).
    #[arg(long, value_name = "FILE", default_value = "azure.toml")]
    config: PathBuf,
    /// The subscription, by its id.
    #[arg(long, value_name = "ID", env = "AZURE_SUBSCRIPTION_ID")]
    subscription: String,
    /// The name under which Azure keeps the deployment.
    #[arg(long, value_name = "NAME", default_value = "voltwin")]
    name: String,
    /// Show what would change, and end.
    #[arg(long, conflicts_with = "yes")]
    what_if: bool,
    /// Change it without asking.
    #[arg(long)]
    yes: bool,
    /// Who asks for the token.
    #[arg(long, value_enum, default_value_t = Credential::Auto)]
    credential: Credential,
    /// Where Azure Resource Manager answers. [default: that of the cloud in the configuration]
    #[arg(long, value_name = "URL", env = "VOLTWIN_ARM_URL")]
    arm_url: Option<String>,
    /// Minutes to wait for the end. The deployment goes on in Azure without us.
    #[arg(long, value_name = "MINUTES", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    wait_min: u32,
}

pub(crate) async fn run(args: ApplyArgs, cancel: CancellationToken) -> Result<(), CliError> {
    check_id("--subscription", &args.subscription)?;
    check_name(&args.name)?;
    let config = super::read(&args.config)?;
    let rendered = render(&config);
    let parse = |text: &str| serde_json::from_str::<Json>(text).map_err(CliError::failure);
    let parameters = parse(&rendered.parameters)?.get("parameters").cloned().unwrap_or_default();
    let work = Work {
        template: parse(&rendered.arm)?,
        parameters,
        group: format!("/subscriptions/{}/resourcegroups/{}", args.subscription, config.resource_group),
        end: Instant::now() + Duration::from_secs(60 * u64::from(args.wait_min)),
        config,
        args,
    };
    tokio::select! {
        outcome = work.done() => outcome,
        () = cancel.cancelled() => {
            Err(anyhow!("told to end; what Azure has begun goes on there, and `apply` once more follows it").into())
        }
    }
}

struct Work {
    args: ApplyArgs,
    config: Config,
    template: Json,
    parameters: Json,
    /// The path of the resource group.
    group: String,
    end: Instant,
}

impl Work {
    async fn done(&self) -> Result<(), CliError> {
        let tokens = Tokens::new(self.args.credential, self.config.cloud).await?;
        let url = self.args.arm_url.as_deref().unwrap_or(self.config.cloud.management_url());
        let mut arm = Arm::new(url, tokens).await?;
        let there = self.group_is_there(&mut arm).await?;
        let changes = if there {
            self.foretold(&mut arm).await?
        } else {
            print_line(&format!("there is no resource group {} yet", self.config.resource_group));
            Changes::all_new(&self.template)
        };
        changes.lines.iter().for_each(|line| print_line(line));
        if !changes.any {
            print_line("nothing to do");
            return Ok(());
        }
        if self.args.what_if {
            return Ok(());
        }
        if !self.args.yes {
            confirm(&self.config.resource_group)?;
        }
        if !there {
            self.make_group(&mut arm).await?;
        }
        self.begin(&mut arm).await?;
        let ended = self.follow(&mut arm).await?;
        self.report(&mut arm, &ended).await
    }

    async fn group_is_there(&self, arm: &mut Arm) -> Result<bool, CliError> {
        let answer = arm.ask(Method::GET, &format!("{}?{API}", self.group), None).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND if answer.code() != Some("SubscriptionNotFound") => Ok(false),
            _ => Err(refused("the resource group cannot be read", &answer)),
        }
    }

    async fn make_group(&self, arm: &mut Arm) -> Result<(), CliError> {
        let body = json!({"location": self.config.location, "tags": self.config.tags});
        let answer = arm.ask(Method::PUT, &format!("{}?{API}", self.group), Some(&body)).await?;
        if !answer.status.is_success() {
            return Err(refused("the resource group cannot be made", &answer));
        }
        print_line(&format!("resource group {} made", self.config.resource_group));
        Ok(())
    }

    fn deployment(&self, end: &str) -> String {
        format!("{}/providers/Microsoft.Resources/deployments/{}{end}?{API}", self.group, self.args.name)
    }

    fn body(&self) -> Json {
        json!({"mode": "Incremental", "template": self.template, "parameters": self.parameters})
    }

    /// Asks Azure what would change. It answers at once or says where to ask again.
    async fn foretold(&self, arm: &mut Arm) -> Result<Changes, CliError> {
        let body = json!({"properties": self.body()});
        let mut answer = arm.ask(Method::POST, &self.deployment("/whatIf"), Some(&body)).await?;
        let mut place: Option<String> = None;
        while answer.status == StatusCode::ACCEPTED {
            let location = answer.headers.get("location").and_then(|location| location.to_str().ok());
            place = location.map(str::to_owned).or(place);
            let Some(place) = &place else {
                return Err(
                    anyhow!("Azure works on what would change and does not say where to ask for it").into()
                );
            };
            self.pause(&answer).await?;
            answer = arm.ask(Method::GET, place, None).await?;
        }
        if !answer.status.is_success() {
            return Err(refused("Azure refuses to say what would change", &answer));
        }
        match answer.body.get("error") {
            Some(error) if !error.is_null() => {
                Err(anyhow!("Azure cannot say what would change: {}", told(error)).into())
            }
            _ => Ok(Changes::read(&answer.body)),
        }
    }

    async fn begin(&self, arm: &mut Arm) -> Result<(), CliError> {
        let body = json!({"properties": self.body()});
        let answer = arm.ask(Method::PUT, &self.deployment(""), Some(&body)).await?;
        // an attempt whose answer was lost may have begun it
        let ours = answer.uncertain && answer.code() == Some("DeploymentActive");
        if !answer.status.is_success() && !ours {
            return Err(refused("Azure refuses the deployment", &answer));
        }
        print_line(&format!("deployment {} has begun", self.args.name));
        Ok(())
    }

    /// Prints each resource when something happens to it, until all of it has an end.
    async fn follow(&self, arm: &mut Arm) -> Result<Json, CliError> {
        let mut known = BTreeMap::new();
        loop {
            let answer = arm.ask(Method::GET, &self.deployment(""), None).await?;
            if !answer.status.is_success() {
                return Err(refused("the deployment cannot be read", &answer));
            }
            for operation in self.operations(arm).await? {
                self.show(&operation, &mut known);
            }
            let properties = answer.body.get("properties").cloned().unwrap_or_default();
            match properties.get("provisioningState").and_then(Json::as_str) {
                Some("Succeeded" | "Failed" | "Canceled") => return Ok(properties),
                _ => self.pause(&answer).await?,
            }
        }
    }

    async fn operations(&self, arm: &mut Arm) -> Result<Vec<Json>, CliError> {
        let mut operations = Vec::new();
        let mut place = Some(self.deployment("/operations"));
        for _ in 0..PAGES_MAX {
            let Some(next) = place else { break };
            let mut answer = arm.ask(Method::GET, &next, None).await?;
            if !answer.status.is_success() {
                return Err(refused("the operations of the deployment cannot be read", &answer));
            }
            if let Some(Json::Array(page)) = answer.body.get_mut("value").map(Json::take) {
                operations.extend(page);
            }
            place = answer.body.get("nextLink").and_then(Json::as_str).map(str::to_owned);
        }
        Ok(operations)
    }

    fn show(&self, operation: &Json, known: &mut BTreeMap<String, String>) {
        let Some((id, state)) = target(operation) else { return };
        if known.get(id).is_some_and(|before| before == state) {
            return;
        }
        known.insert(id.to_owned(), state.to_owned());
        let (kind, name) = kind_and_name(id);
        print_line(&format!("{state:<10} {kind}  {name}"));
    }

    async fn report(&self, arm: &mut Arm, ended: &Json) -> Result<(), CliError> {
        let state = ended.get("provisioningState").and_then(Json::as_str).unwrap_or_default();
        if state == "Succeeded" {
            let outputs = ended.get("outputs").and_then(Json::as_object);
            for (name, output) in outputs.into_iter().flatten() {
                let value = output.get("value").map(|value| match value {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                });
                print_line(&format!("{name} = {}", value.unwrap_or_default()));
            }
            print_line("done");
            return Ok(());
        }
        // what failed in which resource is said by its operation, and only summed up in the whole
        for operation in self.operations(arm).await? {
            let Some((id, "Failed")) = target(&operation) else { continue };
            let said = operation.get("properties").and_then(|properties| properties.get("statusMessage"));
            let error =
                said.and_then(|said| said.get("error")).map_or_else(|| "no reason given".to_owned(), told);
            let (kind, name) = kind_and_name(id);
            print_line(&format!("{kind}  {name}\n  {}", error.replace('\n', "\n  ")));
        }
        let error = ended.get("error").map_or_else(|| state.to_owned(), told);
        Err(anyhow!("the deployment ended as {state}: {error}").into())
    }

    async fn pause(&self, answer: &Answer) -> Result<(), CliError> {
        let pause = answer.retry_after().unwrap_or(LOOK);
        if Instant::now() + pause > self.end {
            let minutes = self.args.wait_min;
            return Err(
                anyhow!("no end within {minutes} min; the deployment goes on in Azure without us").into()
            );
        }
        sleep(pause).await;
        Ok(())
    }
}

/// The resource of an operation, and how far it is.
fn target(operation: &Json) -> Option<(&str, &str)> {
    let properties = operation.get("properties")?;
    let id = properties.get("targetResource")?.get("id")?.as_str()?;
    Some((id, properties.get("provisioningState")?.as_str()?))
}

fn refused(what: &str, answer: &Answer) -> CliError {
    anyhow!("{what}: {}", answer.error()).into()
}

fn confirm(group: &str) -> Result<(), CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::input(
            "nothing was changed: there is nobody to ask; --yes changes it without asking",
        ));
    }
    let mut out = std::io::stderr().lock();
    write!(out, "Change the resource group {group} so? (yes/no) ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::Read::take(std::io::stdin().lock(), 64).read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(CliError::input("nothing was changed")) }
}

fn check_id(option: &str, id: &str) -> Result<(), CliError> {
    let fits = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let wrong =
        || CliError::input(format!("{option} must be an id such as 00000000-0000-0000-0000-000000000000"));
    if fits { Ok(()) } else { Err(wrong()) }
}

fn check_name(name: &str) -> Result<(), CliError> {
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.()".contains(c));
    let wrong =
        || CliError::input(format!("--name must be 1 to 64 letters, digits and - _ . ( ), not {name:?}"));
    if fits { Ok(()) } else { Err(wrong()) }
}
