//! Exact numbers and the texts of dates, identifiers and octets, judged without building them.

use std::borrow::Cow;

use super::super::json::{Reader, kind, members, scalar_text};
use crate::protocol::{Builtin, Sort};

/// A decimal number by its digits: `digits × 10^exponent`, without zeros at either end.
///
/// A number of any size is as long as its text: `1e999999999` is three digits here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i128,
}

impl Decimal {
    /// The number that a text is, by the grammar of JSON numbers; nothing else is one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut reader = Reader::new(text);
        reader.number().ok()?;
        if reader.at() != text.len() {
            return None;
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let stripped = all.len().saturating_sub(all.trim_end_matches('0').len());
        // An exponent of more digits than fit is compared as the largest there is: no two texts of different value and
        // less than 2^64 bytes come out the same but for exponents beyond 10^38.
        let limit = if exponent.starts_with('-') { i128::MIN / 2 } else { i128::MAX / 2 };
        let exponent = exponent.parse::<i128>().unwrap_or(limit);
        let exponent = exponent.saturating_add(stripped as i128).saturating_sub(fraction.len() as i128);
        Some(Self { negative, digits: digits.to_owned(), exponent })
    }

    pub(crate) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// Less than zero; `-0` is not.
    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }
}

/// A text that two values of a sort share if and only if they are equal.
pub(super) fn canonical(sort: &Sort, value: &str) -> String {
    let numeric = matches!(sort, Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal | Builtin::Float));
    let inner = |of: &Sort| {
        let parts: Vec<String> = members(value).map(|(_, value)| canonical(of, value)).collect();
        format!("[{}]", parts.join(","))
    };
    match sort {
        Sort::Option(of) | Sort::Secret(of) => canonical(of, value),
        Sort::List(of) => inner(of),
        Sort::Set(of) => {
            let mut parts: Vec<String> = members(value).map(|(_, value)| canonical(of, value)).collect();
            parts.sort_unstable();
            format!("[{}]", parts.join(","))
        }
        Sort::Builtin(Builtin::Uuid) => value.to_ascii_lowercase(),
        _ if numeric => scalar_text(value).map_or_else(|| plain(value), |text| plain(&text)),
        _ => plain(value),
    }
}

/// The same for JSON values of no sort in particular.
fn plain(value: &str) -> String {
    if let Some(n) = Decimal::of(value) {
        return format!("{}{}e{}", if n.negative { "-" } else { "" }, n.digits, n.exponent);
    }
    match kind(value) {
        "an object" => {
            let mut parts: Vec<(Cow<'_, str>, &str)> = members(value).collect();
            parts.sort_unstable();
            let parts: Vec<String> = parts.iter().map(|(key, value)| format!("{key:?}:{}", plain(value))).collect();
            format!("{{{}}}", parts.join(","))
        }
        "an array" => format!("[{}]", members(value).map(|(_, value)| plain(value)).collect::<Vec<_>>().join(",")),
        "a string" => scalar_text(value).map_or_else(String::new, |text| format!("{text:?}")),
        _ => value.to_owned(),
    }
}

/// RFC 4648, the usual or the URL-safe alphabet; padding may be left out, but is right if it is there.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    let usual = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let url_safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let wanted = match body.len() % 4 {
        0 => 0,
        2 => 2,
        3 => 1,
        _ => return false,
    };
    (padding == 0 || padding == wanted) && (body.bytes().all(usual) || body.bytes().all(url_safe))
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// `5s`, `250ms`, `2m`, `1h`
pub(super) fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && matches!(unit, "ms" | "s" | "m" | "h")
}

/// RFC 3339: `2026-11-21T02:11:11.234Z`, with an offset instead of `Z`, `t`, `z` or a blank allowed as it says.
pub(super) fn is_rfc3339(text: &str) -> bool {
    fn number(text: &str, from: usize, to: usize) -> Option<u32> {
        let part = text.get(from..to)?;
        if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
    }
    fn all(text: &str) -> Option<bool> {
        let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
        let (hour, minute, second) = (number(text, 11, 13)?, number(text, 14, 16)?, number(text, 17, 19)?);
        let marks = [(4, "-"), (7, "-"), (13, ":"), (16, ":")];
        let marked = marks.iter().all(|&(at, mark)| text.get(at..).is_some_and(|rest| rest.starts_with(mark)));
        let separated = text.get(10..11).is_some_and(|c| matches!(c, "T" | "t" | " "));
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let rest = text.get(19..)?;
        let rest = match rest.strip_prefix('.') {
            Some(fraction) => {
                let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                if rest.len() == fraction.len() {
                    return None;
                }
                rest
            }
            None => rest,
        };
        let zone = match rest {
            "Z" | "z" => true,
            _ => {
                rest.len() == 6
                    && rest.starts_with(['+', '-'])
                    && rest.get(3..4) == Some(":")
                    && number(rest, 1, 3)? < 24
                    && number(rest, 4, 6)? < 60
            }
        };
        // A leap second is the sixtieth.
        let clock = hour < 24 && minute < 60 && second <= 60;
        Some(marked && separated && (1..=days).contains(&day) && clock && zone)
    }
    all(text) == Some(true)
}
