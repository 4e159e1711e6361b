//! Texts of time that carry no instant.

fn digits(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `YYYY-MM-DD`, a day that exists.
pub(crate) fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut part = |width| parts.next().and_then(|part| digits(part, width));
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `hh:mm:ss`, fractions of a second, and an offset `Z` or `±hh:mm`, the last two optional.
pub(crate) fn is_time(text: &str) -> bool {
    let clock = |text: &str, parts: usize| {
        let limits = [23, 59, 60];
        let fields: Vec<&str> = text.split(':').collect();
        fields.len() == parts
            && fields.iter().zip(limits).all(|(field, limit)| digits(field, 2).is_some_and(|n| n <= limit))
    };
    let Some((time, rest)) = text.split_at_checked(8) else { return false };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            if end == 0 {
                return false;
            }
            &fraction[end..]
        }
        None => rest,
    };
    let offset_fits = matches!(offset, "" | "Z" | "z")
        || offset.strip_prefix(['+', '-']).is_some_and(|offset| clock(offset, 2));
    clock(time, 3) && offset_fits
}

/// ISO 8601 `PnYnMnWnDTnHnMnS`: at least one part, in this order, the last may have a fraction.
pub(crate) fn is_duration(text: &str) -> bool {
    let Some(text) = text.strip_prefix('P') else { return false };
    let (date, time) = match text.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return false,
        None => (text, ""),
    };
    !(date.is_empty() && time.is_empty()) && parts(date, "YMWD", time.is_empty()) && parts(time, "HMS", true)
}

fn parts(mut text: &str, mut units: &str, fraction_allowed: bool) -> bool {
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        let Some(unit) = rest.chars().next() else { return false };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let may_split = fraction_allowed && rest.len() == unit.len_utf8();
        let Some(place) = units.find(unit) else { return false };
        if !is_number(whole) || !is_number(fraction) || (number.contains('.') && !may_split) {
            return false;
        }
        units = &units[place + 1..];
        text = &rest[unit.len_utf8()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_exist() {
        assert!(is_date("2024-02-29") && is_date("0001-12-31"));
        for bad in ["2023-02-29", "1900-02-29", "2024-13-01", "2024-1-01", "2024-01-00", "", "2024-01-01-"] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn times_of_day() {
        for good in ["08:00:00", "23:59:60", "08:00:00Z", "08:00:00.125+01:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in ["8:00:00", "24:00:00", "08:00", "08:00:00.", "08:00:00+1", "äöüß"] {
            assert!(!is_time(bad), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for good in ["PT15M", "P1Y2M3DT4H5M6.5S", "P2W", "PT0.5S"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "P", "PT", "P1H", "PT1H1H", "PT1M1H", "P1.5DT1H", "PT.5S", "1D", "P1", "PTä"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
