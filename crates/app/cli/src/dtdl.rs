//! `voltwin dtdl`: models of the Digital Twins Definition Language.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
};

use voltwin_dtdl::{Error, Options, UndefinedExtensions, parse, stream};

use crate::error::CliError;

/// The longest line, and the longest file, that is read: a model may be a whole ontology.
const BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Judge models of DTDL 2, 3 and 4: the files of one model, or many models as a stream of lines.
    ///
    /// A stream has one JSON object a line in, one verdict a line out. In: {"id", "options", "input": [TEXT, …]}, each
    /// TEXT a JSON value or a string that holds one; options are AllowUndefinedExtensions and
    /// DisallowUndefinedExtensions. Out: {"id", "valid", "errors": [{"validationId", "message"}]}.
    Check(CheckArgs),
}

#[derive(clap::Args)]
struct CheckArgs {
    /// Read lines from standard input until it ends.
    #[arg(long, conflicts_with_all = ["files", "extensions"])]
    stream: bool,
    /// The files of one model. What a folder holds as .json, at any depth, is part of it.
    #[arg(required_unless_present = "stream")]
    files: Vec<PathBuf>,
    /// What to do with contexts of extensions that are not known; by default version 2 accepts them, later ones do not.
    #[arg(long, value_name = "allow|deny")]
    extensions: Option<Extensions>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Extensions {
    Allow,
    Deny,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let Command::Check(args) = &args.command;
    if args.stream { check_stream() } else { check_files(args) }
}

fn check_stream() -> Result<(), CliError> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if std::io::Read::take(&mut input, BYTES_MAX as u64 + 1).read_line(&mut line)? == 0 {
            break;
        }
        if line.len() > BYTES_MAX {
            return Err(CliError::input(format!("line {number} has more than {BYTES_MAX} bytes")));
        }
        if line.trim().is_empty() {
            continue;
        }
        let answer =
            stream::answer(&line).map_err(|error| CliError::input(format!("line {number}: {error}")))?;
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn check_files(args: &CheckArgs) -> Result<(), CliError> {
    let mut paths = Vec::new();
    for path in &args.files {
        collect(path, &mut paths)?;
    }
    let texts = paths.iter().map(|path| text(path)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let undefined_extensions = match args.extensions {
        None => UndefinedExtensions::ByVersion,
        Some(Extensions::Allow) => UndefinedExtensions::Allow,
        Some(Extensions::Deny) => UndefinedExtensions::Deny,
    };
    let mut output = std::io::stdout().lock();
    match parse(&texts, &Options { undefined_extensions, ..Options::default() }) {
        Ok(model) => {
            let (interfaces, elements) = (model.interfaces().count(), model.elements().count());
            writeln!(output, "valid: {interfaces} interfaces, {elements} elements")?;
            Ok(())
        }
        Err(error) => {
            write!(output, "{}", described(&error, &paths))?;
            output.flush()?;
            let count = error.violations().len();
            Err(CliError::input(match error {
                Error::Invalid(_) => format!("the model is not valid: {count} breaches"),
                Error::Unresolved(_) => error.to_string(),
            }))
        }
    }
}

/// Each breach in a line, with its file.
fn described(error: &Error, paths: &[PathBuf]) -> String {
    let line = |violation: &voltwin_dtdl::Violation| {
        let place = violation.place.and_then(|(text, line)| Some((paths.get(text)?, line)));
        let at = place.map_or_else(String::new, |(path, line)| format!("{}:{line}: ", path.display()));
        format!("{at}{} ({})\n", violation.what(), violation.rule.id())
    };
    error.violations().iter().map(line).collect()
}

/// A file, or the JSON files of a folder in the order of their names.
fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let wrong = |error: std::io::Error| CliError::input(format!("{}: {error}", path.display()));
    if !std::fs::metadata(path).map_err(wrong)?.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(wrong)?;
    let mut entries =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    entries.sort_unstable();
    for entry in entries {
        // links are not followed, so that no circle of them is walked
        let kind = std::fs::symlink_metadata(&entry).map_err(wrong)?.file_type();
        if kind.is_dir() || (kind.is_file() && entry.extension().is_some_and(|end| end == "json")) {
            collect(&entry, paths)?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, CliError> {
    let wrong = |error: std::io::Error| CliError::input(format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(wrong)?.len() > BYTES_MAX as u64 {
        return Err(CliError::input(format!("{} has more than {BYTES_MAX} bytes", path.display())));
    }
    std::fs::read_to_string(path).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_model_and_a_breach_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let interface = |id: &str, rest: &str| {
            format!(
                "{{\n\"@context\":\"dtmi:dtdl:context;3\",\"@id\":\"{id}\",\"@type\":\"Interface\"{rest}}}"
            )
        };
        std::fs::create_dir(folder.path().join("b")).unwrap();
        let inner = folder.path().join("b/inner.json");
        std::fs::write(&inner, interface("dtmi:t:b;1", "")).unwrap();
        std::fs::write(folder.path().join("a.json"), interface("dtmi:t:a;1", ",\"extends\":\"dtmi:t:b;1\""))
            .unwrap();
        std::fs::write(folder.path().join("readme.txt"), "no model").unwrap();
        let args = CheckArgs { stream: false, files: vec![folder.path().to_owned()], extensions: None };
        check_files(&args).unwrap();
        std::fs::write(&inner, interface("dtmi:t:b;1", ",\"name\":1")).unwrap();
        assert_eq!(check_files(&args).unwrap_err().to_string(), "the model is not valid: 1 breaches");
        let texts = [std::fs::read_to_string(&inner).unwrap()];
        let error = parse(&[&texts[0]], &Options::default()).unwrap_err();
        let lines = described(&error, &[inner]);
        assert!(lines.contains("inner.json:2: dtmi:t:b;1 property `name`"), "{lines}");
    }
}
