//! Finds the field at a byte offset of a JSON text, so that an error can name it.

/// The path of the value that holds (or ends at) byte `offset` of `json`, such as `meterValue[0].timestamp`.
/// Reads as far as the offset and never fails: in text that is not JSON it names as much as it could follow.
pub(super) fn at(json: &str, offset: usize) -> String {
    let bytes = json.as_bytes();
    let end = offset.min(bytes.len());
    let mut steps: Vec<Step> = Vec::new();
    let mut i = 0;
    while i < end {
        match bytes[i] {
            b'{' => steps.push(Step::Key(String::new())),
            b'[' => steps.push(Step::Index(0)),
            // A bracket that closes exactly at the offset belongs to the error: "missing field" is found there.
            b'}' | b']' if i + 1 < end => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(n)) => *n += 1,
                Some(Step::Key(key)) => key.clear(),
                None => {}
            },
            b'"' => {
                let (text, after) = string_at(bytes, i);
                let colon = bytes[after..].iter().position(|b| !b.is_ascii_whitespace()).map(|n| after + n);
                if let (Some(Step::Key(key)), Some(colon)) = (steps.last_mut(), colon)
                    && key.is_empty()
                    && bytes.get(colon) == Some(&b':')
                {
                    *key = text;
                }
                i = after;
                continue;
            }
            b'}' | b']' => {
                // The object itself: its last key is not at fault.
                if let Some(Step::Key(key)) = steps.last_mut() {
                    key.clear();
                } else {
                    steps.pop();
                }
            }
            _ => {}
        }
        i += 1;
    }
    let mut path = String::new();
    for step in steps.iter().take(32) {
        match step {
            Step::Index(n) => path.push_str(&format!("[{n}]")),
            Step::Key(key) if key.is_empty() => {}
            Step::Key(key) => join(&mut path, key),
        }
    }
    path
}

/// Appends `.key`, or `key` to an empty path.
pub(super) fn join(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.extend(key.chars().take(64));
}

enum Step {
    Key(String),
    Index(usize),
}

/// The raw text of the string that starts at `from`, and the offset after it.
fn string_at(bytes: &[u8], from: usize) -> (String, usize) {
    let mut i = from + 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    let end = i.min(bytes.len());
    (String::from_utf8_lossy(&bytes[from + 1..end]).into_owned(), (end + 1).min(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_offset() {
        let json = r#"{"a":{"b":[1,{"c":"xy"},3]},"d":4}"#;
        let find = |needle: &str| at(json, json.find(needle).unwrap() + needle.len());
        assert_eq!(find("1"), "a.b[0]");
        assert_eq!(find("\"xy\""), "a.b[1].c");
        assert_eq!(find("\"xy\"}"), "a.b[1]");
        assert_eq!(find(",3"), "a.b[2]");
        assert_eq!(find("4"), "d");
        assert_eq!(at(json, json.len()), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in ".*", offset in 0usize..200) {
            let _ = at(&text, offset);
        }
    }
}
