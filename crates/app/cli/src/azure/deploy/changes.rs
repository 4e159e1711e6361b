//! What a deployment would change, as a table.

use serde_json::Value as Json;

/// The longest value that is shown.
const SHOWN_MAX: usize = 60;

/// Parts of paths whose values are not shown.
const HIDDEN: [&str; 5] = ["key", "secret", "password", "connectionstring", "customdata"];

/// The changes of a deployment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The table, a line each.
    pub(crate) lines: Vec<String>,
    /// Whether there is anything to do.
    pub(crate) any: bool,
}

impl Changes {
    /// Reads the answer of Azure.
    pub(crate) fn read(answer: &Json) -> Self {
        let changes = answer.get("properties").and_then(|properties| properties.get("changes"));
        let changes: &[Json] = changes.and_then(Json::as_array).map_or(&[], Vec::as_slice);
        let mut rows: Vec<(Sort, String, String, Vec<String>)> = changes.iter().map(row).collect();
        rows.sort_by(|one, other| (one.0, &one.1, &one.2).cmp(&(other.0, &other.1, &other.2)));
        let width = rows.iter().map(|(_, kind, ..)| kind.chars().count()).max().unwrap_or_default();
        let mut lines = Vec::new();
        for (sort, kind, name, deltas) in rows.iter().filter(|(sort, ..)| *sort != Sort::Ignored) {
            lines.push(format!("{} {kind:width$}  {name}", sort.sign()));
            lines.extend(deltas.iter().map(|delta| format!("    {delta}")));
        }
        let count = |wanted: &[Sort]| rows.iter().filter(|(sort, ..)| wanted.contains(sort)).count();
        let parts = [
            (count(&[Sort::Create]), "to make"),
            (count(&[Sort::Modify]), "to change"),
            (count(&[Sort::Delete]), "to delete"),
            (count(&[Sort::Unknown]), "that Azure cannot foretell"),
            (count(&[Sort::Same]), "as they should be"),
            (count(&[Sort::Ignored]), "of others"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !parts.is_empty() {
            lines.push(parts.join(", "));
        }
        let any = rows.iter().any(|(sort, ..)| !matches!(sort, Sort::Same | Sort::Ignored));
        Self { lines, any }
    }

    /// Before there is a resource group Azure foretells nothing; everything will be made.
    pub(crate) fn all_new(template: &Json) -> Self {
        let resources = template.get("resources").and_then(Json::as_array);
        let kinds = resources.into_iter().flatten().filter_map(|resource| resource.get("type")?.as_str());
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for kind in kinds {
            match counted.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => counted.push((kind, 1)),
            }
        }
        let all: usize = counted.iter().map(|(_, count)| count).sum();
        let mut lines: Vec<String> = counted
            .iter()
            .map(
                |(kind, count)| if *count == 1 { format!("+ {kind}") } else { format!("+ {kind} ({count})") },
            )
            .collect();
        lines.push(format!("{all} to make"));
        Self { lines, any: true }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Create,
    Modify,
    Delete,
    Unknown,
    Same,
    Ignored,
}

impl Sort {
    fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Modify => '~',
            Self::Delete => '-',
            Self::Unknown => '?',
            Self::Same => '=',
            Self::Ignored => '*',
        }
    }
}

fn row(change: &Json) -> (Sort, String, String, Vec<String>) {
    let said = |name: &str| change.get(name).and_then(Json::as_str).unwrap_or_default();
    let sort = match said("changeType") {
        "Create" => Sort::Create,
        "Modify" => Sort::Modify,
        "Delete" => Sort::Delete,
        "NoChange" | "NoEffect" => Sort::Same,
        "Ignore" => Sort::Ignored,
        _ => Sort::Unknown,
    };
    let (kind, name) = kind_and_name(said("resourceId"));
    let mut deltas = Vec::new();
    for delta in change.get("delta").and_then(Json::as_array).into_iter().flatten() {
        differences(delta, "", 0, &mut deltas);
    }
    (sort, kind, name, deltas)
}

/// Type and name of a resource by its id: what follows the last `/providers/`.
pub(crate) fn kind_and_name(id: &str) -> (String, String) {
    let end = id.rsplit_once("/providers/").map_or(id, |(_, end)| end);
    let mut parts = end.split('/');
    let mut kind = parts.next().unwrap_or_default().to_owned();
    let mut names = Vec::new();
    while let (Some(one), name) = (parts.next(), parts.next()) {
        kind.push('/');
        kind.push_str(one);
        names.extend(name);
    }
    (kind, names.join("/"))
}

fn differences(delta: &Json, above: &str, depth: usize, lines: &mut Vec<String>) {
    let said = |name: &str| delta.get(name).and_then(Json::as_str).unwrap_or_default();
    let path = match (above, said("path")) {
        ("", path) => path.to_owned(),
        (above, path) => format!("{above}.{path}"),
    };
    let children: &[Json] = delta.get("children").and_then(Json::as_array).map_or(&[], Vec::as_slice);
    if !children.is_empty() && depth < 16 {
        children.iter().for_each(|child| differences(child, &path, depth + 1, lines));
        return;
    }
    let hidden = path.to_ascii_lowercase();
    let hidden = HIDDEN.iter().any(|word| hidden.contains(word));
    let shown = |name: &str| match delta.get(name) {
        None | Some(Json::Null) => "nothing".to_owned(),
        Some(_) if hidden => "(not shown)".to_owned(),
        Some(value) => {
            let text = value.to_string();
            if text.chars().count() > SHOWN_MAX {
                text.chars().take(SHOWN_MAX).chain(['…']).collect()
            } else {
                text
            }
        }
    };
    lines.push(format!("{path}: {} -> {}", shown("before"), shown("after")));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_a_table_with_what_differs() {
        let base = "/subscriptions/s/resourceGroups/g/providers";
        let answer = json!({"status": "Succeeded", "properties": {"changes": [
            {"resourceId": format!("{base}/Microsoft.KeyVault/vaults/kv"), "changeType": "NoChange"},
            {"resourceId": format!("{base}/Microsoft.EventHub/namespaces/n/eventhubs/h"), "changeType": "Modify", "delta": [
                {"path": "properties", "propertyChangeType": "Modify", "children": [
                    {"path": "partitionCount", "propertyChangeType": "Modify", "before": 2, "after": 4},
                    {"path": "primaryKey", "propertyChangeType": "Modify", "before": "x", "after": "y"},
                ]},
                {"path": "tags.a", "propertyChangeType": "Create", "before": null, "after": "b"},
            ]},
            {"resourceId": format!("{base}/Microsoft.Devices/IotHubs/i"), "changeType": "Create"},
            {"resourceId": format!("{base}/Microsoft.Web/sites/other"), "changeType": "Ignore"},
            {"resourceId": format!("{base}/M.E/n/n/providers/Microsoft.Authorization/roleAssignments/r"), "changeType": "Unsupported"},
        ]}});
        let changes = Changes::read(&answer);
        assert!(changes.any);
        assert_eq!(
            changes.lines,
            [
                "+ Microsoft.Devices/IotHubs                i",
                "~ Microsoft.EventHub/namespaces/eventhubs  n/h",
                "    properties.partitionCount: 2 -> 4",
                "    properties.primaryKey: (not shown) -> (not shown)",
                "    tags.a: nothing -> \"b\"",
                "? Microsoft.Authorization/roleAssignments  r",
                "= Microsoft.KeyVault/vaults                kv",
                "1 to make, 1 to change, 1 that Azure cannot foretell, 1 as they should be, 1 of others",
            ]
        );
        let same = json!({"properties": {"changes": [{"resourceId": "x", "changeType": "NoChange"}]}});
        assert!(!Changes::read(&same).any && !Changes::read(&json!({})).any);
    }
}
