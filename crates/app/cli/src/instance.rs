//! `voltwin admin instance`: a tenant as an instance of Azure Digital Twins.

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use voltwin_runtime::{Clock, SystemClock};
use voltwin_store::InstanceRole;

use crate::admin::{BY, Printer, Scope, open_tenant};
use crate::error::CliError;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Dialect {
    /// Azure's query language, limits and rates, and no more.
    StrictAdt,
    /// All that there is.
    Superset,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Assigned {
    /// Azure Digital Twins Data Owner.
    Owner,
    /// Azure Digital Twins Data Reader.
    Reader,
    /// Takes the role away.
    None,
}

#[derive(Subcommand)]
pub(crate) enum Instance {
    /// Say which query language, limits and rates hold.
    Dialect {
        /// Which.
        #[arg(value_enum)]
        dialect: Dialect,
        #[command(flatten)]
        scope: Scope,
    },
    /// Directories of issuers (`serve --oidc-issuer`) whose principals are let in.
    #[command(subcommand)]
    Directory(Directory),
    /// Give a principal a role, where its tokens name none.
    Role {
        /// The object id (`oid`) of its tokens, else their subject (`sub`).
        principal: String,
        /// The role.
        #[arg(value_enum)]
        role: Assigned,
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Subcommand)]
pub(crate) enum Directory {
    /// Let the principals of a directory in.
    Add {
        /// The tenant id (`tid`) that stands in the issuer's name, else the issuer itself.
        directory: String,
        #[command(flatten)]
        scope: Scope,
    },
    /// Let them in no more.
    Remove {
        /// The directory.
        directory: String,
        #[command(flatten)]
        scope: Scope,
    },
    /// List the directories.
    List {
        #[command(flatten)]
        scope: Scope,
    },
}

pub(crate) async fn run(instance: Instance, printer: &Printer) -> Result<(), CliError> {
    let now = SystemClock.now();
    match instance {
        Instance::Dialect { dialect, scope } => {
            let store = open_tenant(&scope).await?;
            let (strict, name) = match dialect {
                Dialect::StrictAdt => (true, "strict-adt"),
                Dialect::Superset => (false, "superset"),
            };
            store.tenant(&scope.tenant).set_strict(strict, BY, now).await?;
            let line = format!("tenant {} holds to {name}", scope.tenant);
            printer.line(&line, &json!({"tenant": scope.tenant, "dialect": name}));
            store.close().await;
        }
        Instance::Directory(directory) => run_directory(directory, printer).await?,
        Instance::Role { principal, role, scope } => {
            let store = open_tenant(&scope).await?;
            let role = match role {
                Assigned::Owner => Some(InstanceRole::Owner),
                Assigned::Reader => Some(InstanceRole::Reader),
                Assigned::None => None,
            };
            store.tenant(&scope.tenant).assign(&principal, role, BY, now).await?;
            let shown = role.map_or("no role".to_owned(), |role| format!("{role:?}"));
            printer.line(&format!("{principal}: {shown}"), &json!({"principal": principal, "role": role}));
            store.close().await;
        }
    }
    Ok(())
}

async fn run_directory(directory: Directory, printer: &Printer) -> Result<(), CliError> {
    let now = SystemClock.now();
    match directory {
        Directory::Add { directory, scope } => {
            let store = open_tenant(&scope).await?;
            let directory = directory.trim_end_matches('/');
            store.tenant(&scope.tenant).add_directory(directory, BY, now).await?;
            let line = format!("tenant {} lets the directory {directory} in", scope.tenant);
            printer.line(&line, &json!({"tenant": scope.tenant, "directory": directory}));
            store.close().await;
        }
        Directory::Remove { directory, scope } => {
            let store = open_tenant(&scope).await?;
            store.tenant(&scope.tenant).remove_directory(&directory, BY, now).await?;
            let line = format!("tenant {} lets the directory {directory} in no more", scope.tenant);
            printer.line(&line, &json!({"removed": directory}));
            store.close().await;
        }
        Directory::List { scope } => {
            let store = open_tenant(&scope).await?;
            for directory in store.tenant(&scope.tenant).directories().await? {
                printer.line(&directory, &json!({"directory": directory}));
            }
            store.close().await;
        }
    }
    Ok(())
}
