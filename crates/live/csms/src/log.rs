//! What of a frame or command may be kept: everything but secrets.

use serde_json::Value as Json;

/// Characters of a frame that the message log keeps.
const PAYLOAD_MAX: usize = 4_096;

/// Parts of the names of keys, variables and fields whose values never reach a log, in lower case.
const SECRETS: [&str; 2] = ["authorizationkey", "password"];

/// Fields that hold what a key or variable is set to.
const VALUES: [&str; 2] = ["value", "attributeValue"];

/// What stands before the token of a file address of ours.
const FILES: &str = "/files/";

/// The message by which a station tells what it knows of a customer.
const PERSONAL: &str = "NotifyCustomerInformation";

/// Stands where a secret was.
pub(crate) const MASK: &str = "***";

/// Whether a text holds the name of a secret; OCPP 1.6 keys and 2.x variables do not care about case.
pub(crate) fn names_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRETS.iter().any(|secret| text.contains(secret))
}

/// A command's payload or answer as it may be recorded: what it sets a secret to is masked, the rest stays.
#[must_use]
pub fn recordable(json: Json) -> Json {
    masked(json, false)
}

/// `within` tells that it is part of what is said of a secret, such as the attributes of a password's variable.
fn masked(json: Json, within: bool) -> Json {
    match json {
        Json::Object(fields) => {
            let names = |value: &Json| match value {
                Json::String(name) => names_secret(name),
                Json::Object(variable) => {
                    variable.get("name").and_then(Json::as_str).is_some_and(names_secret)
                }
                _ => false,
            };
            let of_secret =
                within || ["key", "variable"].iter().any(|name| fields.get(*name).is_some_and(names));
            let of_vpn = fields.contains_key("server") && fields.contains_key("user");
            let hidden = |name: &str| {
                names_secret(name)
                    || (of_secret && VALUES.contains(&name))
                    || name.eq_ignore_ascii_case("simPin")
                    || (of_vpn && name == "key")
            };
            let field = |(name, value): (String, Json)| match value {
                Json::Null | Json::Object(_) | Json::Array(_) => (name, masked(value, of_secret)),
                _ if hidden(&name) => (name, Json::from(MASK)),
                _ => (name, masked(value, false)),
            };
            Json::Object(fields.into_iter().map(field).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(|item| masked(item, within)).collect()),
        Json::String(text) => Json::String(without_tokens(without_login(text))),
        other => other,
    }
}

/// A URL without the login that it may carry: `ftp://user:secret@host` becomes `ftp://***@host`.
fn without_login(text: String) -> String {
    let Some(start) = text.find("://").map(|place| place + 3) else { return text };
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |place| start + place);
    match text[start..end].rfind('@') {
        Some(at) => format!("{}{MASK}{}", &text[..start], &text[start + at..]),
        None => text,
    }
}

/// A frame as it may be shown, in full. One that may hold a secret is shown without it, or not at all when it
/// cannot be read.
pub(crate) fn shown(frame: &str) -> std::borrow::Cow<'_, str> {
    let login = frame.contains("://") && frame.contains('@');
    let marks = ["\"apn\"", "\"vpn\"", FILES, PERSONAL];
    if !(names_secret(frame) || marks.iter().any(|mark| frame.contains(mark)) || login) {
        return frame.into();
    }
    match serde_json::from_str::<Json>(frame) {
        Ok(json) => recordable(without_customer(json)).to_string().into(),
        Err(_) => "\"(may hold a secret and is not shown)\"".into(),
    }
}

/// What a station tells of a customer is shown to whoever asked for it, and in no log.
fn without_customer(mut frame: Json) -> Json {
    let personal = frame.get(2).and_then(Json::as_str) == Some(PERSONAL);
    if let Some(data) = frame.get_mut(3).and_then(|payload| payload.get_mut("data")).filter(|_| personal) {
        *data = MASK.into();
    }
    frame
}

/// A frame as the message log keeps it: a long one loses its end.
pub(crate) fn presentable(frame: &str) -> String {
    let shown = shown(frame);
    match shown.char_indices().nth(PAYLOAD_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.into_owned(),
    }
}

/// The text with the tokens of our own file addresses (`/files/` and 43 characters) masked: whoever holds one may
/// send or fetch that file.
fn without_tokens(text: String) -> String {
    const TOKEN_CHARS: usize = 43;
    if !text.contains(FILES) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(place) = rest.find(FILES) {
        let (head, tail) = rest.split_at(place + FILES.len());
        out.push_str(head);
        let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let chars = tail.chars().take_while(|c| token(*c)).count();
        rest = if chars == TOKEN_CHARS {
            out.push_str(MASK);
            &tail[chars..]
        } else {
            tail
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_floods_do_not_reach_the_log() {
        let change = r#"[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]"#;
        assert_eq!(presentable(change), change.replace("0123456789abcdef", MASK));
        assert!(!presentable(&change.to_lowercase()).contains("0123"));
        assert!(!presentable(&change[..change.len() - 2]).contains("0123"));
        let log = r#"[2,"1","GetDiagnostics",{"location":"ftp://me:0123@host:21/a@b"}]"#;
        assert_eq!(presentable(log), log.replace("me:0123", MASK));
        let harmless = r#"[2,"1","GetDiagnostics",{"location":"https://host/a@b"}]"#;
        assert_eq!(presentable(harmless), harmless);
        assert_eq!(presentable(&"é".repeat(5_000)).chars().count(), PAYLOAD_MAX + 1);
        assert_eq!(presentable("{}"), "{}");
    }

    #[test]
    fn secrets_are_masked_where_a_command_is_recorded() {
        let secret = "0123456789abcdef";
        let set = |name: &str| {
            serde_json::json!({"setVariableData": [
                {"component": {"name": "C"}, "variable": {"name": name}, "attributeValue": secret}]})
        };
        let network = serde_json::json!({"connectionData": {
            "apn": {"apn": "internet", "apnPassword": secret, "simPin": 1234},
            "vpn": {"server": "s", "user": "u", "password": secret, "key": secret}}});
        let all = [
            serde_json::json!({"key": "authorizationKEY", "value": secret}),
            serde_json::json!({"configurationKey": [{"key": "AuthorizationKey", "readonly": false, "value": secret}]}),
            set("BasicAuthPassword"),
            network,
            serde_json::json!({"reportData": [{"component": {"name": "C"},
                "variable": {"name": "BasicAuthPassword"}, "variableAttribute": [{"value": secret}]}]}),
        ];
        for json in all {
            let recorded = recordable(json).to_string();
            assert!(!recorded.contains("0123") && !recorded.contains("1234"), "{recorded}");
            assert!(recorded.contains(MASK), "{recorded}");
        }
        let harmless =
            [set("HeartbeatInterval"), serde_json::json!({"key": "HeartbeatInterval", "value": "60"})];
        for json in harmless {
            assert_eq!(recordable(json.clone()), json);
        }
    }

    #[test]
    fn what_is_known_of_a_customer_is_in_no_log() {
        let frame = r#"[2,"1","NotifyCustomerInformation",{"data":"jane doe","requestId":1}]"#;
        assert_eq!(presentable(frame), frame.replace("jane doe", MASK));
        assert!(!presentable(&frame[..frame.len() - 1]).contains("jane"));
    }

    #[test]
    fn the_token_of_a_file_is_not_shown() {
        let address = format!("https://csms.example/files/{}/log.zip", "aB3_".repeat(11).split_at(43).0);
        assert_eq!(without_tokens(address.clone()), "https://csms.example/files/***/log.zip");
        let location = serde_json::json!({"log": {"remoteLocation": address}, "n": 1});
        assert!(!recordable(location).to_string().contains("aB3_"));
        let frame = serde_json::json!([2, "1", "GetDiagnostics", {"location": address}]).to_string();
        assert!(!presentable(&frame).contains("aB3_"));
        for other in ["/files/short", "no address", "/files/"] {
            assert_eq!(without_tokens(other.to_owned()), other);
        }
    }
}
