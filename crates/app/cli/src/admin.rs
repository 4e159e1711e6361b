//! `voltwin admin`: the registry from the command line.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use voltwin_core::{TenantId, TwinId};
use voltwin_ocpp::StationIdentity;
use voltwin_runtime::{Clock, SystemClock};
use voltwin_security::{ApiKey, PasswordHash, Role, Secret, generate_password};
use voltwin_store::{Store, StoreOptions, TokenPolicy, TokenStatus};

use crate::authority::{self, Ca};
use crate::error::CliError;
use crate::instance::{self, Instance};
use crate::print_line;

/// Who the audit trail names for what is done here.
pub(crate) const BY: &str = "command line";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Tenants: each sees only itself.
    #[command(subcommand)]
    Tenant(Tenant),
    /// API keys.
    #[command(subcommand)]
    Key(Key),
    /// People who sign in with a password.
    #[command(subcommand)]
    User(User),
    /// Charging stations that may connect.
    #[command(subcommand)]
    Station(Station),
    /// Tokens (RFID cards, vehicle ids …) that may or may not charge.
    #[command(subcommand)]
    Token(Token),
    /// A tenant as an instance of Azure Digital Twins.
    #[command(subcommand)]
    Instance(Instance),
    /// The built-in certificate authority, for TLS and for stations that show a certificate.
    #[command(subcommand)]
    Ca(Ca),
}

#[derive(clap::Args)]
pub(crate) struct Folder {
    /// The data folder; `tenant add` makes it when missing.
    #[arg(long, value_name = "DIR", env = "VOLTWIN_DATA")]
    pub(crate) data: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct Scope {
    /// The tenant.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: TenantId,
    #[command(flatten)]
    pub(crate) folder: Folder,
}

#[derive(Clone, Copy, ValueEnum)]
enum Unknown {
    Accept,
    Reject,
}

#[derive(Subcommand)]
enum Tenant {
    /// Add a tenant.
    Add {
        /// Its name: a-z, 0-9 and -, up to 48 characters.
        name: TenantId,
        /// What to do with tokens that are not listed.
        #[arg(long, value_enum, default_value = "accept")]
        unknown_tokens: Unknown,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the tenants.
    List {
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Subcommand)]
enum Key {
    /// Add an API key and print it, once.
    Add {
        #[command(flatten)]
        scope: Scope,
        /// admin, operator or viewer.
        #[arg(long)]
        role: Role,
        /// What the key is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List the keys, without their secrets.
    List {
        #[command(flatten)]
        scope: Scope,
    },
    /// Revoke a key by the public part of it (the 8 characters after `vk_`).
    Revoke {
        /// The public part.
        id: String,
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Subcommand)]
enum User {
    /// Add a user; the password is read from the environment variable VOLTWIN_PASSWORD or generated and printed.
    Add {
        /// The name to sign in with.
        name: String,
        #[command(flatten)]
        scope: Scope,
        /// admin, operator or viewer.
        #[arg(long)]
        role: Role,
    },
}

#[derive(Subcommand)]
enum Station {
    /// Register a charging station and its password; a missing password is generated and printed, once.
    Add {
        /// The OCPP identity.
        id: TwinId,
        #[command(flatten)]
        scope: Scope,
        /// The password for Basic authentication.
        #[arg(long, value_name = "P")]
        password: Option<String>,
        /// A name for people.
        #[arg(long)]
        name: Option<String>,
    },
    /// Register many stations from a CSV file with the columns station, name, password, all or none of them. An empty
    /// or missing password is generated; generated ones are printed as CSV (station,password), once.
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        scope: Scope,
    },
    /// Remove a station: it may not connect any more. What it did stays.
    Remove {
        /// The OCPP identity.
        id: TwinId,
        #[command(flatten)]
        scope: Scope,
    },
    /// Say how a station must come: 0 = anybody with its name, 1 = password, 2 = password over TLS, 3 = client
    /// certificate.
    Profile {
        /// The OCPP identity.
        id: TwinId,
        /// OCPP security profile.
        #[arg(value_parser = clap::value_parser!(u8).range(0..=3))]
        profile: u8,
        #[command(flatten)]
        scope: Scope,
    },
    /// List the registered stations.
    List {
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Listed {
    Accepted,
    Blocked,
    Expired,
    Invalid,
}

#[derive(Subcommand)]
enum Token {
    /// List a token with a status, or change its status.
    Set {
        /// The token as stations send it (1.6 `idTag`, 2.x `idToken`).
        token: String,
        /// Its status.
        #[arg(long, value_enum, default_value = "accepted")]
        status: Listed,
        #[command(flatten)]
        scope: Scope,
    },
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let printer = Printer { json: args.json };
    match args.what {
        What::Tenant(tenant) => run_tenant(tenant, &printer).await,
        What::Key(key) => run_key(key, &printer).await,
        What::User(user) => run_user(user, &printer).await,
        What::Station(station) => run_station(station, &printer).await,
        What::Token(token) => run_token(token, &printer).await,
        What::Instance(instance) => instance::run(instance, &printer).await,
        What::Ca(ca) => authority::run(ca, &printer).await,
    }
}

pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    pub(crate) fn line(&self, text: &str, value: &serde_json::Value) {
        print_line(if self.json { value.to_string() } else { text.to_owned() }.as_str());
    }
}

async fn open(folder: &Folder) -> Result<Store, CliError> {
    if !folder.data.join("voltwin.db").exists() {
        let data = folder.data.display();
        return Err(CliError::input(format!(
            "there is no Voltwin data in {data}; `voltwin admin tenant add NAME --data {data}` begins it"
        )));
    }
    make_or_open(folder).await
}

async fn make_or_open(folder: &Folder) -> Result<Store, CliError> {
    // a server that runs on the same folder sees what is added here at once
    Ok(Store::open_with(&folder.data, &StoreOptions { beside: true, ..StoreOptions::default() }).await?)
}

/// Opens the folder and makes sure that the tenant is there.
pub(crate) async fn open_tenant(scope: &Scope) -> Result<Store, CliError> {
    let store = open(&scope.folder).await?;
    if store.tenant_exists(&scope.tenant).await? {
        return Ok(store);
    }
    let data = scope.folder.data.display();
    Err(CliError::input(format!(
        "there is no tenant `{}` in {data}; add it with `voltwin admin tenant add`",
        scope.tenant
    )))
}

async fn run_tenant(tenant: Tenant, printer: &Printer) -> Result<(), CliError> {
    match tenant {
        Tenant::Add { name, unknown_tokens, folder } => {
            let store = make_or_open(&folder).await?;
            let policy = match unknown_tokens {
                Unknown::Accept => TokenPolicy::Accept,
                Unknown::Reject => TokenPolicy::Reject,
            };
            store.add_tenant(&name, policy, BY, SystemClock.now()).await?;
            printer.line(&format!("tenant {name} added"), &json!({"tenant": name}));
            store.close().await;
        }
        Tenant::List { folder } => {
            let store = open(&folder).await?;
            for tenant in store.tenants().await? {
                printer.line(tenant.tenant.as_str(), &json!(tenant));
            }
            store.close().await;
        }
    }
    Ok(())
}

async fn run_key(key: Key, printer: &Printer) -> Result<(), CliError> {
    let now = SystemClock.now();
    match key {
        Key::Add { scope, role, label } => {
            let store = open_tenant(&scope).await?;
            let key = ApiKey::generate().map_err(CliError::failure)?;
            let tenant = store.tenant(&scope.tenant);
            tenant.add_key(key.public_id(), &key.hash(), role, &label, BY, now).await?;
            let revealed = key.reveal();
            printer.line(revealed.expose(), &json!({"key": revealed.expose(), "role": role}));
            store.close().await;
        }
        Key::List { scope } => {
            let store = open_tenant(&scope).await?;
            for key in store.tenant(&scope.tenant).keys(None, 500).await?.items {
                let state = if key.revoked_at.is_some() { "revoked" } else { "valid" };
                let line =
                    format!("{}  {:?}  {state}  {}  {}", key.public_id, key.role, key.created_at, key.label);
                printer.line(&line, &json!(key));
            }
            store.close().await;
        }
        Key::Revoke { id, scope } => {
            let store = open_tenant(&scope).await?;
            store.tenant(&scope.tenant).revoke_key(&id, BY, now).await?;
            printer.line(&format!("key {id} revoked"), &json!({"revoked": id}));
            store.close().await;
        }
    }
    Ok(())
}

async fn run_user(User::Add { name, scope, role }: User, printer: &Printer) -> Result<(), CliError> {
    let store = open_tenant(&scope).await?;
    let given = std::env::var("VOLTWIN_PASSWORD").ok().filter(|password| !password.is_empty());
    let generated = given.is_none();
    let password = match given {
        Some(password) => Secret::new(password),
        None => generate_password().map_err(CliError::failure)?,
    };
    let hash = PasswordHash::hash(&password).await.map_err(|error| CliError::input(error.to_string()))?;
    store.tenant(&scope.tenant).add_user(&name, &hash, role, BY, SystemClock.now()).await?;
    let shown = if generated { password.expose() } else { "(from VOLTWIN_PASSWORD)" };
    printer.line(&format!("user {name} added, password {shown}"), &json!({"user": name, "password": shown}));
    store.close().await;
    Ok(())
}

async fn run_station(station: Station, printer: &Printer) -> Result<(), CliError> {
    match station {
        Station::Add { id, scope, password, name } => {
            let id = identity(id.as_str())?;
            let store = open_tenant(&scope).await?;
            let generated = password.is_none();
            let (password, hash) = station_password(password).await?;
            let name = name.unwrap_or_else(|| id.to_string());
            let tenant = store.tenant(&scope.tenant);
            tenant.add_station(id.as_str(), &name, Some(&hash), BY, SystemClock.now()).await?;
            let (text, value) = if generated {
                (
                    format!("station {id} added, password {}", password.expose()),
                    json!({"station": id, "password": password.expose()}),
                )
            } else {
                (format!("station {id} added"), json!({"station": id}))
            };
            printer.line(&text, &value);
            store.close().await;
        }
        Station::Import { file, scope } => {
            let rows = station_rows(&file)?;
            for row in &rows {
                identity(row.station.as_str())?;
            }
            let store = open_tenant(&scope).await?;
            let mut generated = Vec::new();
            let mut stations = Vec::with_capacity(rows.len());
            for row in rows {
                let given = row.password.filter(|password| !password.is_empty());
                let drawn = given.is_none();
                let (password, hash) = station_password(given).await?;
                if drawn {
                    generated.push((row.station.clone(), password.expose().to_owned()));
                }
                let name =
                    row.name.filter(|name| !name.is_empty()).unwrap_or_else(|| row.station.to_string());
                stations.push((row.station.to_string(), name, Some(hash)));
            }
            store.tenant(&scope.tenant).add_stations(&stations, BY, SystemClock.now()).await?;
            for (station, password) in generated {
                printer.line(
                    &format!("{station},{password}"),
                    &json!({"station": station, "password": password}),
                );
            }
            store.close().await;
        }
        Station::Remove { id, scope } => {
            let store = open_tenant(&scope).await?;
            store.tenant(&scope.tenant).remove_station(id.as_str(), BY, SystemClock.now()).await?;
            printer.line(&format!("station {id} removed"), &json!({"station": id}));
            store.close().await;
        }
        Station::Profile { id, profile, scope } => {
            let store = open_tenant(&scope).await?;
            let tenant = store.tenant(&scope.tenant);
            tenant.set_station_profile(id.as_str(), profile, BY, SystemClock.now()).await?;
            printer.line(
                &format!("station {id} must come with security profile {profile}"),
                &json!({"station": id, "profile": profile}),
            );
            store.close().await;
        }
        Station::List { scope } => {
            let store = open_tenant(&scope).await?;
            let mut cursor = None;
            loop {
                let page = store.tenant(&scope.tenant).stations(cursor.as_deref(), 500).await?;
                for station in page.items {
                    printer.line(&format!("{}  {}", station.station, station.name), &json!(station));
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            store.close().await;
        }
    }
    Ok(())
}

/// An identity under which a station can connect.
fn identity(text: &str) -> Result<TwinId, CliError> {
    let identity = StationIdentity::new(text).map_err(|error| CliError::input(error.to_string()))?;
    Ok(identity.twin_id().clone())
}

/// The shortest password of a station, by the standard.
const STATION_PASSWORD_MIN: usize = 16;

/// A station's password and its hash: as given, or drawn.
async fn station_password(given: Option<String>) -> Result<(Secret, PasswordHash), CliError> {
    let Some(given) = given else { return PasswordHash::generate().map_err(CliError::failure) };
    if given.len() < STATION_PASSWORD_MIN {
        return Err(CliError::input(format!(
            "a station's password must have {STATION_PASSWORD_MIN} characters or more"
        )));
    }
    let password = Secret::new(given);
    let hash = PasswordHash::hash(&password).await.map_err(|error| CliError::input(error.to_string()))?;
    Ok((password, hash))
}

async fn run_token(Token::Set { token, status, scope }: Token, printer: &Printer) -> Result<(), CliError> {
    let store = open_tenant(&scope).await?;
    let status = match status {
        Listed::Accepted => TokenStatus::Accepted,
        Listed::Blocked => TokenStatus::Blocked,
        Listed::Expired => TokenStatus::Expired,
        Listed::Invalid => TokenStatus::Invalid,
    };
    store.tenant(&scope.tenant).set_token(&token, status, BY, SystemClock.now()).await?;
    printer.line(&format!("token {token} is {status:?}"), &json!({"token": token, "status": status}));
    store.close().await;
    Ok(())
}

/// The most stations of one file.
const IMPORT_ROWS_MAX: usize = 100_000;

#[derive(serde::Deserialize)]
struct StationRow {
    station: TwinId,
    name: Option<String>,
    password: Option<String>,
}

fn station_rows(file: &std::path::Path) -> Result<Vec<StationRow>, CliError> {
    let cannot = |what: String| CliError::input(format!("{}: {what}", file.display()));
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|e| cannot(e.to_string()))?;
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        if rows.len() == IMPORT_ROWS_MAX {
            return Err(cannot(format!("more than {IMPORT_ROWS_MAX} stations")));
        }
        rows.push(row.map_err(|e| cannot(e.to_string()))?);
    }
    Ok(rows)
}
