//! `cargo xtask codegen`: what is generated from code, written again. Tests prove that the committed files are fresh.

use anyhow::Result;

use crate::{shell::Cmd, web, workspace};

/// The reference of the kinds of twin, wire vectors and layouts, the OpenAPI document, the TypeScript types of both, the
/// schemas that forms are tested with, and the templates of the example on Azure.
pub(crate) async fn run() -> Result<()> {
    let root = workspace::root();
    let show = |line: &str| println!("{line}");
    web::install_quietly(&root).await?;
    for package in ["voltwin-ontology", "voltwin-wire", "voltwin-server", "voltwin-azure-deploy"] {
        Cmd::cargo(&root)
            .args(["test", "--locked", "--package", package])
            .env("VOLTWIN_BLESS", "1")
            .run(show)
            .await?;
    }
    const SCHEMA: &str = "src/api/schema.generated.ts";
    let npx = || Cmd::new("npx", &root.join("web")).arg("--no-install");
    npx().args(["openapi-typescript", "../docs/openapi.json", "-o", SCHEMA]).run(show).await?;
    npx().args(["prettier", "--write", SCHEMA]).run(show).await
}
