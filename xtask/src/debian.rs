//! Programs that tests need and Debian has: installed when we may.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell::Cmd;

/// A program of one of these names on the path.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// Installs packages; only root on a Debian can.
pub(crate) async fn install(root: &Path, packages: &[&str]) -> Result<()> {
    let is_root = Cmd::new("id", root).arg("-u").read().is_ok_and(|id| id.trim() == "0");
    if !is_root || !Cmd::new("apt-get", root).arg("--version").works() {
        bail!("only root on a Debian can install it: `apt-get install {}`", packages.join(" "));
    }
    let apt = |args: &[&str]| {
        Cmd::new("apt-get", root)
            .args(["-y", "-qq"])
            .args(args.iter().copied())
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    apt(&["update"]).run(|line| println!("{line}")).await?;
    let packages = ["install", "--no-install-recommends"].iter().chain(packages).copied();
    apt(&packages.collect::<Vec<_>>()).run(|line| println!("{line}")).await
}
