//! Matchers for the patterns of the metamodel, by hand: each is linear and needs no engine of regular expressions.

use crate::metamodel::Pattern;

impl Pattern {
    pub(crate) fn matches(self, text: &str) -> bool {
        match self {
            Self::Name => is_name(text),
            Self::Dtmi => is_dtmi(text, false),
            Self::DtmiWhole => is_dtmi(text, true),
            Self::GroupId => !text.is_empty() && text.bytes().all(is_label),
            Self::Topic => is_topic(text),
        }
    }

    /// The pattern in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Name => "letters, digits and underscores, a letter first, no underscore last",
            Self::Dtmi => "a DTMI such as dtmi:com:example:Thing;1",
            Self::DtmiWhole => "a DTMI with a whole version such as dtmi:com:example:Thing;1",
            Self::GroupId => "printable characters other than space, \", +, #, {, } and /",
            Self::Topic => "labels or tokens in braces, between slashes",
        }
    }
}

/// `^[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?$`
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last))
        if first.is_ascii_alphabetic() && last.is_ascii_alphanumeric())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// A DTMI without a fragment. Version 2 asks for a whole version (`whole`); later ones take none, or one of two parts.
pub(crate) fn is_dtmi(text: &str, whole: bool) -> bool {
    let Some(rest) = text.strip_prefix("dtmi:") else { return false };
    let (path, version) = match rest.split_once(';') {
        Some((path, version)) => (path, Some(version)),
        None => (rest, None),
    };
    path.split(':').all(is_name)
        && match version {
            None => !whole,
            Some(version) if whole => is_version(version, 9),
            Some(version) => match version.split_once('.') {
                Some((major, minor)) => is_version(major, 9) && is_version(minor, 6),
                None => is_version(version, 9),
            },
        }
}

/// A positive number without leading zeros, of few digits.
pub(crate) fn is_version(text: &str, digits: usize) -> bool {
    !text.starts_with('0')
        && (1..=digits).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[!$-*,-.0-z|~]`
fn is_label(byte: u8) -> bool {
    matches!(byte, b'!' | b'$'..=b'*' | b','..=b'.' | b'0'..=b'z' | b'|' | b'~')
}

fn is_topic(text: &str) -> bool {
    text.split('/').enumerate().all(|(place, level)| {
        let label =
            !level.is_empty() && level.bytes().all(is_label) && (place > 0 || !level.starts_with('$'));
        label || is_token(level)
    })
}

/// `{(?:[A-Za-z]+:)?[A-Za-z]+}`
fn is_token(level: &str) -> bool {
    let Some(inner) = level.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return false };
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    match inner.split_once(':') {
        Some((space, name)) => word(space) && word(name),
        None => word(inner),
    }
}

/// `^[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`
pub(crate) fn is_language(code: &str) -> bool {
    let mut parts = code.split('-').peekable();
    let of = |part: &str, test: fn(&u8) -> bool| part.as_bytes().iter().all(test);
    let Some(language) = parts.next() else { return false };
    if !(2..=4).contains(&language.len()) || !of(language, u8::is_ascii_lowercase) {
        return false;
    }
    let script = |part: &&str| {
        part.len() == 4
            && part.as_bytes()[0].is_ascii_uppercase()
            && part.as_bytes()[1..].iter().all(u8::is_ascii_lowercase)
    };
    parts.next_if(script);
    let region = |part: &str| {
        (part.len() == 2 && of(part, u8::is_ascii_uppercase))
            || (part.len() == 3 && of(part, u8::is_ascii_digit))
    };
    parts.next().is_none_or(region) && parts.next().is_none()
}

/// A duration of ISO 8601: years and months, or weeks; days; hours, minutes, seconds. Only the last part may have
/// decimals.
pub(crate) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return false,
        Some((date, time)) => (date, time),
        None if rest.is_empty() => return false,
        None => (rest, ""),
    };
    let weeks = date.contains('W');
    let units = if weeks { "WD" } else { "YMD" };
    parts(date, units, time.is_empty()) && parts(time, "HMS", true)
}

/// Numbers with their units, in the order of `units`; decimals only at the end, and there only if `last`.
fn parts(text: &str, units: &str, last: bool) -> bool {
    let (mut rest, mut left) = (text, units);
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(rest);
        let mut number = whole;
        if rest.as_bytes().get(whole) == Some(&b'.') {
            let decimals = digits(rest.get(whole + 1..).unwrap_or_default());
            if decimals == 0 {
                return false;
            }
            number += 1 + decimals;
        }
        let Some(unit) = rest.get(number..number + 1) else { return false };
        let Some(at) = left.find(unit) else { return false };
        left = left.get(at + 1..).unwrap_or_default();
        rest = rest.get(number + 1..).unwrap_or_default();
        if whole == 0 || (number > whole && !(last && rest.is_empty())) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dtmis() {
        assert!(
            is_name("a")
                && is_name("a_1")
                && !is_name("a_")
                && !is_name("_a")
                && !is_name("1a")
                && !is_name("é")
        );
        for good in ["dtmi:a;1", "dtmi:a:b_c:d9;999999999"] {
            assert!(is_dtmi(good, true) && is_dtmi(good, false), "{good}");
        }
        for later in ["dtmi:a", "dtmi:a;1.2", "dtmi:a:b;1.999999"] {
            assert!(!is_dtmi(later, true) && is_dtmi(later, false), "{later}");
        }
        for bad in [
            "",
            "dtmi:",
            "dtmi:a;0",
            "dtmi:a;01",
            "dtmi:a;1.0",
            "dtmi:a;1000000000",
            "dtmi:a:;1",
            "dtmi:_a;1",
            "dtmi:a;",
            "dtmi:a;1.2.3",
            "dtmi:a;1#x",
            "DTMI:a;1",
            "dtmi:a;1.1234567",
        ] {
            assert!(!is_dtmi(bad, true) && !is_dtmi(bad, false), "{bad}");
        }
    }

    #[test]
    fn languages() {
        for good in ["en", "gsw", "en-US", "zh-Hans", "zh-Hans-CN", "es-419"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "e", "EN", "english", "en-us", "en-US-x", "zh-hans", "en-4", "en-", "en-US-Hans"] {
            assert!(!is_language(bad), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for good in ["P1Y", "P1Y2M3D", "P1W", "PT1H", "PT1.5S", "P1DT2H", "P1.5Y", "P2W3D", "PT0S"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in [
            "", "P", "PT", "1Y", "P1", "P1.5Y2M", "P1H", "PT1D", "P1DT", "P1M1Y", "P1.Y", "P1Y1W", "PT1.5H1M",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn topics() {
        for good in ["a", "a/b", "{x}/b", "a/{ex:token}/c", "a/$b"] {
            assert!(Pattern::Topic.matches(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "$a", "a+", "a b", "{}", "{1}", "{a:b:c}", "a{b}"] {
            assert!(!Pattern::Topic.matches(bad), "{bad}");
        }
        assert!(
            Pattern::GroupId.matches("group-1")
                && !Pattern::GroupId.matches("a/b")
                && !Pattern::GroupId.matches("")
        );
    }
}
