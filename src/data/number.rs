//! Exact numbers: integers and decimals as one kind, without rounding.
//!
//! A number is `mantissa / 10^scale`. INVARIANT (reduced): the scale is 0, or the mantissa is no multiple of 10; so equal
//! numbers have equal parts, and a number is an integer exactly when its scale is 0. Numbers beyond [`MAX_BITS`] or
//! [`MAX_SCALE`] are refused where they would arise, before the work is done.
//!
//! [`Value`] holds what fits 64 bits without allocation; this module has the general path and the way between.

use std::{cmp::Ordering, fmt, sync::Arc};

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Pow, Signed, ToPrimitive, Zero};

use super::value::Value;

/// The largest mantissa, in bits.
pub const MAX_BITS: u64 = 4_096;
/// The most digits behind the decimal point.
pub const MAX_SCALE: u32 = 1_000;
/// No number within the limits has more significant digits.
const MAX_DIGITS: usize = 1_300;

/// A number beyond the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig;

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNumber {
    /// It does not have the form of a JSON number.
    Form,
    /// It is beyond the limits.
    TooBig,
}

/// A decimal that fits a word, and is no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Small {
    mantissa: i64,
    /// From 1 to 18.
    scale: u8,
}

/// A number of any size, and no other form of it fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exact {
    mantissa: BigInt,
    scale: u32,
}

/// Small decimals have at most this many digits behind the point.
const SMALL_SCALE: u32 = 18;

fn ten_to(n: u32) -> BigInt {
    match 10i64.checked_pow(n) {
        Some(small) => BigInt::from(small),
        None => Pow::pow(BigInt::from(10), n),
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "big integers do not overflow, and no divisor here is zero")]
impl Exact {
    /// Bytes that it holds elsewhere.
    pub(super) fn heap(&self) -> usize {
        usize::try_from(self.mantissa.bits() / 8).unwrap_or(usize::MAX).saturating_add(8)
    }

    /// Reduced, whatever its size.
    fn reduced(mut mantissa: BigInt, mut scale: u32) -> Self {
        if mantissa.is_zero() {
            return Self { mantissa, scale: 0 };
        }
        while scale > 0 {
            // Large steps first: a thousand zeros are not stripped one by one.
            let step = if scale >= 16 { 16 } else { 1 };
            let (quotient, rest) = mantissa.div_rem(&ten_to(step));
            if rest.is_zero() {
                mantissa = quotient;
                scale -= step;
            } else if step == 16 {
                let mut left = 16;
                while left > 0 {
                    let (quotient, rest) = mantissa.div_rem(&BigInt::from(10));
                    if !rest.is_zero() {
                        return Self { mantissa, scale };
                    }
                    mantissa = quotient;
                    scale -= 1;
                    left -= 1;
                }
            } else {
                break;
            }
        }
        Self { mantissa, scale }
    }

    /// Of an integer.
    pub(super) fn integer(mantissa: BigInt) -> Self {
        Self { mantissa, scale: 0 }
    }

    /// The exact value of a finite float; its scale may be beyond the limits.
    pub(super) fn of_float(float: f64) -> Self {
        let bits = float.to_bits();
        let exponent = i32::try_from(bits >> 52 & 0x7FF).unwrap_or(0);
        let fraction = bits & 0x000F_FFFF_FFFF_FFFF;
        let (mantissa, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent.saturating_sub(1075)) };
        let mantissa = if bits >> 63 == 1 { -BigInt::from(mantissa) } else { BigInt::from(mantissa) };
        let size = exponent.unsigned_abs();
        if exponent >= 0 {
            Self::integer(mantissa << size)
        } else {
            Self::reduced(mantissa * Pow::pow(BigInt::from(5), size), size)
        }
    }

    /// The number of a value, if it is one and exact.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(int) => Self::integer(BigInt::from(*int)),
            Value::Small(small) => Self { mantissa: BigInt::from(small.mantissa), scale: u32::from(small.scale) },
            Value::Exact(exact) => (**exact).clone(),
            _ => return None,
        })
    }

    /// As a value, in its smallest form.
    pub(super) fn value(self) -> Result<Value, TooBig> {
        if let Some(mantissa) = self.mantissa.to_i64() {
            if self.scale == 0 {
                return Ok(Value::Int(mantissa));
            }
            if self.scale <= SMALL_SCALE
                && let Ok(scale) = u8::try_from(self.scale)
            {
                return Ok(Value::Small(Small { mantissa, scale }));
            }
        }
        if self.mantissa.bits() > MAX_BITS || self.scale > MAX_SCALE {
            return Err(TooBig);
        }
        Ok(Value::Exact(Arc::new(self)))
    }

    pub(super) fn is_integer(&self) -> bool {
        self.scale == 0
    }

    pub(super) fn is_negative(&self) -> bool {
        self.mantissa.is_negative()
    }

    /// Without what is behind the point.
    pub(super) fn truncated(&self) -> Self {
        Self::integer(&self.mantissa / ten_to(self.scale))
    }

    /// The nearest float.
    pub(super) fn float(&self) -> Option<f64> {
        self.to_string().parse::<f64>().ok().filter(|float| float.is_finite())
    }

    /// Both mantissas at the larger scale.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, u32) {
        let scale = self.scale.max(other.scale);
        let lift = |n: &Self| match scale - n.scale {
            0 => n.mantissa.clone(),
            by => &n.mantissa * ten_to(by),
        };
        (lift(self), lift(other), scale)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let (a, b, scale) = self.aligned(other);
        Self::reduced(a + b, scale)
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        let (a, b, scale) = self.aligned(other);
        Self::reduced(a - b, scale)
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        Self::reduced(&self.mantissa * &other.mantissa, self.scale.saturating_add(other.scale))
    }

    pub(super) fn neg(&self) -> Self {
        Self { mantissa: -&self.mantissa, scale: self.scale }
    }

    /// The quotient of integers, towards zero, and the rest; `None` for a zero divisor.
    pub(super) fn div_rem(&self, other: &Self) -> Option<(Self, Self)> {
        if other.mantissa.is_zero() {
            return None;
        }
        let (quotient, rest) = self.mantissa.div_rem(&other.mantissa);
        Some((Self::integer(quotient), Self::integer(rest)))
    }

    /// The exact quotient: `None` for a zero divisor or one that has no end.
    pub(super) fn quotient(&self, other: &Self) -> Option<Self> {
        if other.mantissa.is_zero() {
            return None;
        }
        let (mut above, mut below, _) = self.aligned(other);
        let common = above.gcd(&below);
        above /= &common;
        below /= &common;
        let twos = u32::try_from(below.trailing_zeros().unwrap_or(0)).ok()?;
        below >>= twos;
        let mut fives = 0u32;
        let five = BigInt::from(5);
        let mut magnitude = below.abs();
        while fives <= MAX_SCALE.saturating_mul(2) {
            let (quotient, rest) = magnitude.div_rem(&five);
            if !rest.is_zero() {
                break;
            }
            magnitude = quotient;
            fives += 1;
        }
        if magnitude != BigInt::from(1) {
            return None;
        }
        let scale = twos.max(fives);
        let lift = Pow::pow(BigInt::from(2), scale - twos) * Pow::pow(five, scale - fives);
        let sign = if below.is_negative() { -1 } else { 1 };
        Some(Self::reduced(above * lift * sign, scale))
    }

    /// The quotient with so many digits behind the point, rounded half away from zero; `None` for a zero divisor.
    pub(super) fn rounded(&self, other: &Self, digits: u32) -> Option<Self> {
        if other.mantissa.is_zero() {
            return None;
        }
        let (above, below, _) = self.aligned(other);
        let (quotient, rest) = (above * ten_to(digits)).div_rem(&below);
        let up = rest.abs() * 2 >= below.abs();
        let negative = (rest.sign() == Sign::Minus) != (below.sign() == Sign::Minus);
        let step = BigInt::from(i32::from(up)) * if negative { -1 } else { 1 };
        Some(Self::reduced(quotient + step, digits))
    }

    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        match (self.mantissa.sign(), other.mantissa.sign()) {
            (a, b) if a != b => a.cmp(&b),
            _ if self.scale == other.scale => self.mantissa.cmp(&other.mantissa),
            _ => {
                let (a, b, _) = self.aligned(other);
                a.cmp(&b)
            }
        }
    }

    /// The number that a text is, by the grammar of JSON numbers; a leading `+` or zeros are none.
    pub(super) fn parse(text: &str) -> Result<Self, NotNumber> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let signed = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
        if !digits(whole)
            || whole.len() > 1 && whole.starts_with('0')
            || fraction.is_some_and(|text| !digits(text))
            || signed.is_some_and(|text| !digits(text))
        {
            return Err(NotNumber::Form);
        }
        let fraction = fraction.unwrap_or("").trim_end_matches('0');
        let whole = whole.trim_start_matches('0');
        if whole.is_empty() && fraction.is_empty() {
            return Ok(Self::integer(BigInt::zero()));
        }
        // The significant digits, and where the point stands among them.
        let (lead, tail) = if fraction.is_empty() {
            let short = whole.trim_end_matches('0');
            (short, whole.len().saturating_sub(short.len()))
        } else {
            (whole, 0)
        };
        let fraction_digits = if whole.is_empty() { fraction.trim_start_matches('0') } else { fraction };
        if lead.len().saturating_add(fraction_digits.len()) > MAX_DIGITS {
            return Err(NotNumber::TooBig);
        }
        let exponent = match exponent {
            None => 0i64,
            Some(text) => {
                let limit = if text.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
                text.parse::<i64>().map_or(limit, |e| e.clamp(i64::MIN / 4, i64::MAX / 4))
            }
        };
        let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX / 4);
        let exponent = exponent.saturating_add(length(tail)).saturating_sub(length(fraction.len()));
        let all = format!("{lead}{fraction_digits}");
        if exponent > MAX_DIGITS as i64 || exponent < -i64::from(MAX_SCALE) - MAX_DIGITS as i64 {
            return Err(NotNumber::TooBig);
        }
        let mantissa: BigInt = match all.parse::<i64>() {
            Ok(small) => small.into(),
            Err(_) => all.parse().map_err(|_| NotNumber::Form)?,
        };
        let mantissa = if negative { -mantissa } else { mantissa };
        let size = u32::try_from(exponent.unsigned_abs()).unwrap_or(u32::MAX);
        Ok(if exponent >= 0 { Self::integer(mantissa * ten_to(size)) } else { Self::reduced(mantissa, size) })
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, &self.mantissa.magnitude().to_string(), self.mantissa.is_negative(), self.scale as usize)
    }
}

impl fmt::Display for Small {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, &self.mantissa.unsigned_abs().to_string(), self.mantissa < 0, usize::from(self.scale))
    }
}

fn write_scaled(f: &mut fmt::Formatter<'_>, digits: &str, negative: bool, scale: usize) -> fmt::Result {
    let sign = if negative { "-" } else { "" };
    if scale == 0 {
        return write!(f, "{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(scale));
    write!(f, "{sign}{whole}.{fraction}")
}

impl Small {
    /// The parts: the mantissa, and how many of its digits stand behind the point.
    #[must_use]
    pub fn parts(self) -> (i64, u8) {
        (self.mantissa, self.scale)
    }

    /// Reduced, if the number fits a word and is no integer.
    pub(super) fn reduced(mut mantissa: i128, mut scale: u32) -> Option<Value> {
        while scale > 0 && mantissa.checked_rem(10) == Some(0) {
            mantissa = mantissa.checked_div(10)?;
            scale = scale.saturating_sub(1);
        }
        let mantissa = i64::try_from(mantissa).ok()?;
        match u8::try_from(scale).ok()? {
            0 => Some(Value::Int(mantissa)),
            scale if u32::from(scale) <= SMALL_SCALE => Some(Value::Small(Self { mantissa, scale })),
            _ => None,
        }
    }
}

/// The number that a text is, as a value.
pub(super) fn parse(text: &str) -> Result<Value, NotNumber> {
    if text.len() <= 18 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        if text.len() > 1 && text.starts_with('0') {
            return Err(NotNumber::Form);
        }
        if let Ok(small) = text.parse() {
            return Ok(Value::Int(small));
        }
    }
    Exact::parse(text)?.value().map_err(|TooBig| NotNumber::TooBig)
}
