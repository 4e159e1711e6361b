//! `voltwin ocpp`: the protocol without a station.

use std::io::{BufRead as _, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use voltwin_ocpp::{Kind, Origin, Validation, Version, judge, known_actions, known_sends};

use crate::error::CliError;

/// The longest line that is read.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Judge messages: one JSON object a line in, one verdict a line out.
    ///
    /// In: {"id", "version": "1.6|2.0.1|2.1", "action", "kind": "request|response", "payload",
    /// "validation": "strict|lenient"}. Out: {"id", "valid", "code", "field", "detail"}: of what is wrong, the first.
    Check(CheckArgs),
    /// List every message of every version: one JSON object a line.
    ///
    /// {"version", "action", "from": "station|system|both", "answered"}; what is not answered is a SEND.
    Actions,
}

#[derive(clap::Args)]
struct CheckArgs {
    /// Read lines from standard input until it ends.
    #[arg(long, required = true)]
    stream: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case<'a> {
    id: serde_json::Value,
    version: String,
    action: String,
    kind: Kind,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(default)]
    validation: Validation,
}

#[derive(Serialize)]
struct Verdict {
    id: serde_json::Value,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    match &args.command {
        Command::Check(CheckArgs { stream: _ }) => check_stream(),
        Command::Actions => Ok(write!(std::io::stdout().lock(), "{}", listed())?),
    }
}

/// Every message of every version, those of a version by name.
fn listed() -> String {
    let mut lines = String::new();
    for version in [Version::V16, Version::V201, Version::V21] {
        let answered = known_actions(version).map(|(action, origin)| (action, origin, true));
        let sends = known_sends(version).iter().map(|action| (*action, Origin::Station, false));
        let mut all: Vec<_> = answered.chain(sends).collect();
        all.sort_unstable_by_key(|(action, ..)| *action);
        for (action, origin, answered) in all {
            let from = match origin {
                Origin::Station => "station",
                Origin::System => "system",
                Origin::Both => "both",
            };
            let line =
                json!({"version": version.to_string(), "action": action, "from": from, "answered": answered});
            lines.push_str(&format!("{line}\n"));
        }
    }
    lines
}

fn check_stream() -> Result<(), CliError> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if std::io::Read::take(&mut input, LINE_BYTES_MAX as u64 + 1).read_line(&mut line)? == 0 {
            break;
        }
        if line.len() > LINE_BYTES_MAX {
            return Err(CliError::input(format!("line {number} has more than {LINE_BYTES_MAX} bytes")));
        }
        if line.trim().is_empty() {
            continue;
        }
        let verdict = check(&line).map_err(|error| CliError::input(format!("line {number}: {error}")))?;
        let text = serde_json::to_string(&verdict).map_err(CliError::failure)?;
        writeln!(output, "{text}")?;
        output.flush()?;
    }
    Ok(())
}

fn check(line: &str) -> Result<Verdict, String> {
    let case: Case<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let version: Version =
        case.version.parse().map_err(|error: voltwin_ocpp::OcppError| error.to_string())?;
    let judged = judge(version, &case.action, case.kind, case.payload, case.validation);
    let first = judged.violations.into_iter().next();
    Ok(Verdict {
        id: case.id,
        valid: judged.valid,
        code: first.as_ref().map(|violation| violation.code.as_str(version)),
        field: first.as_ref().map(|violation| violation.field.clone()),
        detail: first.map(|violation| violation.detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_verdict_or_says_what_it_lacks() {
        let case = r#"{"id":7,"version":"1.6","action":"Heartbeat","kind":"request","payload":{"x":1}}"#;
        let verdict = check(case).unwrap();
        assert_eq!((verdict.valid, verdict.code), (false, Some("FormationViolation")));
        assert_eq!(verdict.field.as_deref(), Some("x"));
        let lenient = case.replace("}}", r#"},"validation":"lenient"}"#);
        assert!(check(&lenient).unwrap().valid);
        assert!(check(&case.replace("1.6", "3")).err().unwrap().contains("not an OCPP version"));
        assert!(check("{}").err().unwrap().contains("id"));
    }
    #[test]
    fn every_message_is_listed_with_who_sends_it() {
        let lines: Vec<serde_json::Value> =
            listed().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |version: &str| lines.iter().filter(|line| line["version"] == version).count();
        assert_eq!((of("1.6"), of("2.0.1"), of("2.1")), (39, 64, 91));
        let sends: Vec<_> = lines.iter().filter(|line| line["answered"] == false).collect();
        assert_eq!(sends.len(), 1);
        assert_eq!((&sends[0]["version"], &sends[0]["from"]), (&json!("2.1"), &json!("station")));
    }
}
