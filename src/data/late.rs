//! Objects that are kept as the text they were: what is only handed on, remembered and compared need not be built.
//!
//! Comes in: a text that is known to be valid JSON, and where an object stands in it. Goes out: how much there is in it, as
//! it will be when it is built. That is told only of what is plain: no escapes, no numbers beyond words, not deep.
//! All else is built at once, as it always was.
//!
//! INVARIANT (same): the extent is that of the record which the text is; and building it cannot fail.

use super::{
    collection::{Extent, MAX_DEPTH, MAX_WEIGHT},
    json::{digits, plain},
};

/// Deeper ones are built.
const DEEP: u16 = 16;
/// Numbers of so many digits fit a word.
const DIGITS: usize = 15;

/// How much there is in an object.
pub(super) struct Measured {
    pub(super) extent: Extent,
    /// How many values, itself included.
    pub(super) values: u64,
    /// Where it ends.
    pub(super) end: usize,
}

/// Measures the object that stands at a byte.
pub(super) fn measure(text: &str, at: usize) -> Option<Measured> {
    let mut measure = Measure { bytes: text.as_bytes(), at, values: 0 };
    let extent = measure.value(DEEP)?;
    let bounded = extent.weight <= MAX_WEIGHT && extent.depth <= MAX_DEPTH;
    bounded.then_some(Measured { extent, values: measure.values, end: measure.at })
}

struct Measure<'a> {
    bytes: &'a [u8],
    at: usize,
    values: u64,
}

impl Measure<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    #[inline]
    fn ws(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.step();
        }
    }

    /// The length of a string without escapes.
    #[inline]
    fn string(&mut self) -> Option<usize> {
        let start = self.at.saturating_add(1);
        let end = plain(self.bytes, start);
        self.at = end.saturating_add(1);
        (self.bytes.get(end) == Some(&b'"')).then_some(end.saturating_sub(start))
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.step();
        }
        let start = self.at;
        self.at = digits(self.bytes, start);
        if self.peek() == Some(b'.') {
            self.at = digits(self.bytes, self.at.saturating_add(1));
        }
        let plain = self.at.saturating_sub(start) <= DIGITS && !matches!(self.peek(), Some(b'e' | b'E'));
        plain.then_some(())
    }

    fn value(&mut self, deep: u16) -> Option<Extent> {
        self.values = self.values.saturating_add(1);
        let mut extent = Extent { weight: 1, depth: 0 };
        let close = match self.peek()? {
            b'"' => return Some(Extent::text(self.string()?)),
            b't' | b'n' => {
                self.at = self.at.saturating_add(4);
                return Some(extent);
            }
            b'f' => {
                self.at = self.at.saturating_add(5);
                return Some(extent);
            }
            b'{' => b'}',
            b'[' => b']',
            _ => return self.number().map(|()| extent),
        };
        let deeper = deep.checked_sub(1)?;
        extent.depth = 1;
        self.step();
        self.ws();
        if self.peek() == Some(close) {
            self.step();
            return Some(extent);
        }
        loop {
            self.ws();
            if close == b'}' {
                self.string()?;
                self.ws();
                self.step();
                self.ws();
            }
            let inner = self.value(deeper)?;
            extent.weight = extent.weight.saturating_add(inner.weight);
            extent.depth = extent.depth.max(inner.depth.saturating_add(1));
            self.ws();
            let last = self.peek()? == close;
            self.step();
            if last {
                return Some(extent);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::hash::{Hash, Hasher};

    use super::{super::Empty, super::read::Build, measure};
    use crate::data::Value;

    /// What is kept as text is what would be built, in all that can be asked of it.
    #[test]
    fn late_is_soon() {
        let texts = [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{"b":-1.50,"a":[1,2,{"c":null}],"long":"0123456789012345678901234567890123456789"}"#,
            r#"{"z":true,"y":false,"x":{"w":{"v":[[],[[]],{}]}},"ä":"ü"}"#,
            "{ \"a\" : [ 1 , 2.0 , -0 , 0.00000000001 , 123456789012345 ] }",
        ];
        let mut built = 0;
        for text in texts {
            let at = text.find('{').unwrap();
            let measured = measure(text, at).unwrap();
            let soon = Build::new(text, &Empty, None).soon().unwrap();
            let late = Build::new(text, &Empty, None).any().unwrap();
            let (Value::Record(a), Value::Record(b)) = (&soon, &late) else { continue };
            built += 1;
            assert!(b.is_late() && !a.is_late(), "{text}");
            assert_eq!((measured.extent, measured.end), (a.extent(), text.trim_end().len()), "{text}");
            assert_eq!(b.extent(), a.extent(), "{text}");
            assert_eq!(Build::new(text, &Empty, None).any().unwrap(), late, "{text}");
            assert!(b.is_late(), "the same text need not be built: {text}");
            assert_ne!(crate::data::Value::text("x"), late);
            assert_eq!(late, soon, "{text}");
            assert_eq!(hash(&late), hash(&soon), "{text}");
            assert_eq!(b.len(), a.len());
        }
        assert_eq!(built, texts.len());
        for text in [r#"{"a":"\n"}"#, r#"{"a\u0041":1}"#, r#"{"a":1e3}"#, r#"{"a":1234567890123456}"#, &deep(17)] {
            assert!(measure(text, 0).is_none(), "{text}");
            let Ok(Value::Record(record)) = Build::new(text, &Empty, None).any() else { panic!("{text}") };
            assert!(!record.is_late());
        }
    }

    fn hash(value: &Value) -> u64 {
        let mut hasher = rustc_hash::FxHasher::default();
        value.hash(&mut hasher);
        hasher.finish()
    }

    fn deep(levels: usize) -> String {
        format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
    }
}
