//! Clients that this project did not write, run against a real server: `tests/clients`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::shell::Cmd;

/// A Python with the pinned packages of `tests/clients/requirements.txt`, kept under `target/`.
pub(crate) async fn python(root: &Path) -> Result<PathBuf> {
    let wanted =
        fs::read_to_string(root.join("tests/clients/requirements.txt")).context("requirements.txt")?;
    let venv = root.join("target/clients-venv");
    let python = venv.join("bin/python");
    let stamp = venv.join("installed.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("{} has what requirements.txt asks for", venv.display());
        return Ok(python);
    }
    let show = |line: &str| println!("{line}");
    Cmd::new("python3", root)
        .args(["-m", "venv", "--clear"])
        .arg(&venv)
        .run(show)
        .await
        .context("Python 3.10 or newer with its venv module is needed (Debian: python3-venv)")?;
    Cmd::new(&python, root)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg("tests/clients/requirements.txt")
        .limit(Duration::from_secs(10 * 60))
        .run(show)
        .await?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// One of the scripts, with the server that it starts.
pub(crate) fn script(root: &Path, python: &Path, name: &str, voltwin: &Path) -> Cmd {
    Cmd::new(python, root)
        .arg(format!("tests/clients/{name}"))
        .arg("--voltwin")
        .arg(voltwin)
        .env("PYTHONUNBUFFERED", "1")
        .limit(Duration::from_secs(10 * 60))
}

/// The packages of `tests/clients/node/package-lock.json`, none of whose scripts run, kept under `target/`.
pub(crate) async fn node_modules(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/clients-node");
    fs::create_dir_all(&folder)?;
    let mut wanted = String::new();
    for name in ["package.json", "package-lock.json"] {
        let text = fs::read_to_string(root.join("tests/clients/node").join(name)).context(name)?;
        fs::write(folder.join(name), &text)?;
        wanted.push_str(&text);
    }
    let modules = folder.join("node_modules");
    let stamp = folder.join("installed.txt");
    if modules.is_dir() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("{} has what package-lock.json asks for", folder.display());
        return Ok(modules);
    }
    Cmd::new("npm", &folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .limit(Duration::from_secs(10 * 60))
        .run(|line: &str| println!("{line}"))
        .await?;
    fs::write(&stamp, wanted)?;
    Ok(modules)
}
