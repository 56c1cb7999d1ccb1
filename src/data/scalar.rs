//! Texts of dates, spans of time, octets and identifiers, to values and back.
//!
//! Time counts in microseconds; what is finer is cut off.

use std::sync::Arc;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{number, number::Exact, value::Value};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const USUAL: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// RFC 4648, the usual or the URL-safe alphabet; padding may be left out, but is right if it is there.
pub(super) fn bytes(text: &str) -> Option<Value> {
    let engine = if text.contains(['-', '_']) { &FOR_URLS } else { &USUAL };
    engine.decode(text).ok().map(|bytes| Value::Bytes(bytes.into()))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    USUAL.encode(bytes)
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn uuid(text: &str) -> Option<Value> {
    let dashes = [8, 13, 18, 23];
    let shaped = text.len() == 36 && dashes.iter().all(|&at| text.as_bytes().get(at) == Some(&b'-'));
    let mut digits = text.chars().filter(|&c| c != '-');
    let mut value = [0u8; 16];
    for byte in &mut value {
        let (high, low) = (digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    (shaped && digits.next().is_none()).then_some(Value::Uuid(value))
}

pub(super) fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Microseconds from a number of milliseconds.
pub(super) fn millis(value: &Value) -> Option<i64> {
    match value {
        Value::Int(millis) => millis.checked_mul(1_000),
        other => {
            let thousand = Exact::integer(1_000.into());
            match other.exact()?.mul(&thousand).truncated().value() {
                Ok(Value::Int(micros)) => Some(micros),
                _ => None,
            }
        }
    }
}

/// `5s`, `250ms`, `1h30m`, `1.5s`, with a sign before it; in microseconds, and whether that is all of it.
pub(super) fn duration(text: &str) -> Option<(i64, bool)> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut nanos: i128 = 0;
    if rest.is_empty() || rest.len() > 200 {
        return None;
    }
    while !rest.is_empty() {
        let whole = rest.len().saturating_sub(rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let (digits, tail) = rest.split_at_checked(whole)?;
        let (fraction, tail) = match tail.strip_prefix('.') {
            None => ("", tail),
            Some(tail) => {
                let length = tail.len().saturating_sub(tail.trim_start_matches(|c: char| c.is_ascii_digit()).len());
                tail.split_at_checked(length).filter(|(fraction, _)| !fraction.is_empty())?
            }
        };
        let (unit, tail) = [
            ("ns", 1i128),
            ("us", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ]
        .into_iter()
        .find_map(|(word, unit)| {
            let tail = tail.strip_prefix(word)?;
            (!tail.starts_with(|c: char| c.is_ascii_alphabetic())).then_some((unit, tail))
        })?;
        rest = tail;
        let count: i128 = digits.parse().ok()?;
        nanos = nanos.checked_add(count.checked_mul(unit)?)?;
        let mut place = unit;
        for digit in fraction.chars() {
            place = place.checked_div(10)?;
            nanos = nanos.checked_add(place.checked_mul(i128::from(digit.to_digit(10)?))?)?;
        }
    }
    let nanos = if negative { nanos.checked_neg()? } else { nanos };
    Some((i64::try_from(nanos.div_euclid(1_000)).ok()?, nanos.rem_euclid(1_000) == 0))
}

/// The shortest text that [`duration`] reads back.
pub(super) fn duration_text(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let size = micros.unsigned_abs();
    for (unit, word) in [(3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms")] {
        if size != 0 && size.is_multiple_of(unit) {
            return format!("{sign}{}{word}", size.checked_div(unit).unwrap_or(0));
        }
    }
    if size == 0 { "0s".to_owned() } else { format!("{sign}{size}us") }
}

/// RFC 3339: `2026-11-21T02:11:11.234Z`, with an offset instead of `Z`, `t`, `z` or a blank allowed as it says.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        let mut value = 0i64;
        for &b in part {
            let digit = b.is_ascii_digit().then_some(i64::from(b & 15))?;
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
        Some(value)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if !marks.iter().all(|&(at, mark)| bytes.get(at) == Some(&mark)) {
        return None;
    }
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second is the sixtieth, and the same instant as the next minute's first.
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut fraction = 0i64;
    if bytes.get(at) == Some(&b'.') {
        let mut place = 100_000i64;
        let digits = bytes.get(20..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for &b in bytes.get(20..)?.iter().take(digits).take(6) {
            fraction = fraction.saturating_add(place.saturating_mul(i64::from(b & 15)));
            place = place.checked_div(10)?;
        }
        at = digits.saturating_add(20);
    }
    let offset = match bytes.get(at..)? {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (h, m) = (
                number(at.saturating_add(1), at.saturating_add(3))?,
                number(at.saturating_add(4), at.saturating_add(6))?,
            );
            if h > 23 || m > 59 {
                return None;
            }
            let minutes = h.saturating_mul(60).saturating_add(m);
            if *sign == b'-' { minutes.saturating_neg() } else { minutes }
        }
        _ => return None,
    };
    let days = days_from_civil(year, month, day)?;
    let minutes =
        days.checked_mul(1_440)?.checked_add(hour.checked_mul(60)?)?.checked_add(minute)?.checked_sub(offset)?;
    minutes.checked_mul(60)?.checked_add(second)?.checked_mul(1_000_000)?.checked_add(fraction)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = month.checked_add(9)?.rem_euclid(12);
    let of_year = month.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let of_era = of_era
        .checked_mul(365)?
        .checked_add(of_era.div_euclid(4))?
        .checked_sub(of_era.div_euclid(100))?
        .checked_add(of_year)?;
    era.checked_mul(146_097)?.checked_add(of_era)?.checked_sub(719_468)
}

/// RFC 3339 with as many digits as are needed; years beyond it as microseconds.
pub(super) fn timestamp_text(micros: i64) -> String {
    let text = || -> Option<String> {
        let seconds = micros.div_euclid(1_000_000);
        let fraction = micros.rem_euclid(1_000_000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let days = days.checked_add(719_468)?;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = of_era
            .checked_sub(of_era.div_euclid(1_460))?
            .checked_add(of_era.div_euclid(36_524))?
            .checked_sub(of_era.div_euclid(146_096))?
            .div_euclid(365);
        let before = year.checked_mul(365)?.checked_add(year.div_euclid(4))?.checked_sub(year.div_euclid(100))?;
        let of_year = of_era.checked_sub(before)?;
        let month = of_year.checked_mul(5)?.checked_add(2)?.div_euclid(153);
        let day = of_year.checked_sub(month.checked_mul(153)?.checked_add(2)?.div_euclid(5))?.checked_add(1)?;
        let month = if month < 10 { month.checked_add(3)? } else { month.checked_sub(9)? };
        let year = year.checked_add(era.checked_mul(400)?)?.checked_add(i64::from(month <= 2))?;
        if !(0..=9_999).contains(&year) {
            return None;
        }
        let (hour, minute, second) =
            (of_day.div_euclid(3_600), of_day.div_euclid(60).rem_euclid(60), of_day.rem_euclid(60));
        let fraction = match fraction {
            0 => String::new(),
            f if f.rem_euclid(1_000) == 0 => format!(".{:03}", f.div_euclid(1_000)),
            f => format!(".{f:06}"),
        };
        Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
    };
    text().unwrap_or_else(|| format!("{micros}us"))
}

/// A float from the text of a number; one that is not finite is none.
pub(super) fn float(text: &str) -> Option<Value> {
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Value::Float(if float == 0.0 { 0.0 } else { float }))
}

/// The text of a scalar, as `string(x)` gives it; none of a collection.
pub(super) fn text(value: &Value) -> Option<Arc<str>> {
    Some(match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(int) => int.to_string().into(),
        Value::Small(small) => small.to_string().into(),
        Value::Exact(exact) => exact.to_string().into(),
        Value::Float(float) => float.to_string().into(),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.into(),
        Value::Uuid(uuid) => uuid_text(uuid).into(),
        Value::Timestamp(micros) => timestamp_text(*micros).into(),
        Value::Duration(micros) => duration_text(*micros).into(),
        Value::Unit | Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Record(_) => return None,
    })
}

/// The number that a text is, or why not.
pub(super) fn number(text: &str) -> Result<Value, number::NotNumber> {
    number::parse(text)
}

#[cfg(test)]
mod tests {
    use super::{duration, duration_text, timestamp, timestamp_text};

    #[test]
    fn times() {
        for (text, expect) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00.5+01:30", Some(951_820_200_500_000)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("2026-11-21T02:11:11.123456789Z", Some(1_795_227_071_123_456)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800_000_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2023-02-28T00:00:00", None),
            ("2023-02-28T00:00:00+1:00", None),
            ("", None),
        ] {
            assert_eq!(timestamp(text), expect, "{text}");
        }
        for micros in [0, -1, 951_820_200_500_000, -62_167_219_200_000_000, 253_402_300_799_999_999] {
            assert_eq!(timestamp(&timestamp_text(micros)), Some(micros), "{}", timestamp_text(micros));
        }
        for (text, expect) in [
            ("5s", Some((5_000_000, true))),
            ("1h30m", Some((5_400_000_000, true))),
            ("1.5ms", Some((1_500, true))),
            ("1500ns", Some((1, false))),
            ("-2m", Some((-120_000_000, true))),
            ("5", None),
            ("s", None),
            ("", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(duration(text), expect, "{text}");
        }
        for micros in [0, 1, -1, 1_000, 90_000_000, 7_200_000_000, i64::MAX, i64::MIN] {
            assert_eq!(duration(&duration_text(micros)), Some((micros, true)), "{micros}");
        }
    }
}
