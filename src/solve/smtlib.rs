//! Questions in the language of other solvers (SMT-LIB 2), and the values that they answer with.
//!
//! In: a formula, which of its variables are whole numbers, and what some of them are that is no sum. Out: a script whose
//! last command is `(check-sat)`; and from what is printed after it, values. Texts are numbers here already, each its own:
//! so equality of texts is that of an uninterpreted sort with distinct constants, and stays in arithmetic.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    Values,
    linear::{Bound, Linear, Ratio, Relation},
    translate::Formula,
};

/// Longer questions are not asked.
const MAX_SCRIPT: usize = 4 << 20;
/// Signs and fractions around a number of an answer.
const MAX_DEPTH: usize = 8;

/// What a variable is that is no sum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Defined {
    Product(Linear, Linear),
    /// By a constant above 0, towards zero.
    Quotient(Linear, i128),
    /// By a constant above 0; the sign is that of the dividend.
    Remainder(Linear, i128),
}

/// A variable and what it is.
pub(crate) type Definition = (u32, Defined);

/// A question.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) formula: &'q Formula,
    pub(crate) whole: &'q dyn Fn(u32) -> bool,
    pub(crate) definitions: &'q [Definition],
}

impl Defined {
    fn each(&self, see: &mut dyn FnMut(&Linear)) {
        match self {
            Self::Product(a, b) => {
                see(a);
                see(b);
            }
            Self::Quotient(a, _) | Self::Remainder(a, _) => see(a),
        }
    }

    /// What it is for values.
    fn value(&self, values: &Values) -> Option<Ratio> {
        let whole = |sum: &Linear| sum.value(values).filter(|value| value.under == 1).map(|value| value.over);
        Some(match self {
            Self::Product(a, b) => {
                let (a, b) = (a.value(values)?, b.value(values)?);
                Ratio::new(a.over.checked_mul(b.over)?, a.under.checked_mul(b.under)?)?
            }
            Self::Quotient(a, by) => Ratio::whole(whole(a)?.checked_div(*by)?),
            Self::Remainder(a, by) => Ratio::whole(whole(a)?.checked_rem(*by)?),
        })
    }
}

impl Question<'_> {
    /// Whether values are an answer.
    pub(crate) fn holds(&self, values: &Values) -> bool {
        let defined = |(var, is): &Definition| {
            let result = values.get(var).copied().unwrap_or(Ratio::whole(0));
            is.value(values) == Some(result)
        };
        let whole = values.iter().all(|(&var, value)| !(self.whole)(var) || value.under == 1);
        whole && self.formula.holds(values) && self.definitions.iter().all(defined)
    }

    /// Values with what is no sum made right, if that is an answer.
    pub(crate) fn repaired(&self, mut values: Values) -> Option<Values> {
        for (var, is) in self.definitions {
            let value = is.value(&values)?;
            values.insert(*var, value);
        }
        self.holds(&values).then_some(values)
    }

    fn variables(&self) -> BTreeSet<u32> {
        let mut all = BTreeSet::new();
        self.formula.each(&mut |bound| all.extend(bound.sum.terms.keys().copied()));
        for (var, is) in self.definitions {
            all.insert(*var);
            is.each(&mut |sum| all.extend(sum.terms.keys().copied()));
        }
        all
    }

    /// The question as a script; none if it would be too long.
    pub(crate) fn script(&self) -> Option<String> {
        let all = self.variables();
        let logic = match (all.iter().all(|&var| (self.whole)(var)), self.definitions.is_empty()) {
            (true, true) => "QF_LIA",
            (true, false) => "QF_NIA",
            _ => "ALL",
        };
        let mut script = format!("(set-option :produce-models true)\n(set-logic {logic})\n");
        for &var in &all {
            let sort = if (self.whole)(var) { "Int" } else { "Real" };
            let _ = writeln!(script, "(declare-fun x{var} () {sort})");
        }
        for (var, is) in self.definitions {
            let real = !(self.whole)(*var);
            script.push_str("(assert (= ");
            self.sum(&Linear::variable(*var), real, &mut script);
            script.push(' ');
            self.defined(is, real, &mut script);
            script.push_str("))\n");
        }
        script.push_str("(assert ");
        self.formula(self.formula, &mut script)?;
        script.push_str(")\n(check-sat)\n");
        Some(script)
    }

    /// The command that asks for the values.
    pub(crate) fn values(&self) -> String {
        let names: Vec<String> = self.variables().iter().map(|var| format!("x{var}")).collect();
        if names.is_empty() { String::new() } else { format!("(get-value ({}))\n", names.join(" ")) }
    }

    fn formula(&self, formula: &Formula, out: &mut String) -> Option<()> {
        if out.len() > MAX_SCRIPT {
            return None;
        }
        let parts = |word: &str, parts: &[Formula], out: &mut String| {
            out.push('(');
            out.push_str(word);
            for part in parts {
                out.push(' ');
                self.formula(part, out)?;
            }
            out.push(')');
            Some(())
        };
        match formula {
            Formula::True => out.push_str("true"),
            Formula::False => out.push_str("false"),
            Formula::Is(bound) => self.bound(bound, out),
            Formula::All(all) if all.is_empty() => out.push_str("true"),
            Formula::Any(any) if any.is_empty() => out.push_str("false"),
            Formula::All(all) => parts("and", all, out)?,
            Formula::Any(any) => parts("or", any, out)?,
        }
        Some(())
    }

    fn bound(&self, bound: &Bound, out: &mut String) {
        let real = self.is_real(&bound.sum);
        out.push_str(match bound.is {
            Relation::Zero => "(= ",
            Relation::AtMost => "(<= ",
            Relation::Below => "(< ",
        });
        self.sum(&bound.sum, real, out);
        out.push(' ');
        number(0, real, out);
        out.push(')');
    }

    fn is_real(&self, sum: &Linear) -> bool {
        sum.terms.keys().any(|&var| !(self.whole)(var))
    }

    fn sum(&self, sum: &Linear, real: bool, out: &mut String) {
        out.push_str("(+ 0");
        out.push_str(if real { ".0 " } else { " " });
        number(sum.constant, real, out);
        for (&var, &by) in &sum.terms {
            out.push_str(" (* ");
            number(by, real, out);
            let _ = if real && (self.whole)(var) { write!(out, " (to_real x{var}))") } else { write!(out, " x{var})") };
        }
        out.push(')');
    }

    fn defined(&self, is: &Defined, real: bool, out: &mut String) {
        // `div` and `mod` of the standard round down: the sign is put back.
        let mut divided = |word: &str, a: &Linear, by: i128| {
            out.push_str("(ite (>= ");
            self.sum(a, false, out);
            let _ = write!(out, " 0) ({word} ");
            self.sum(a, false, out);
            let _ = write!(out, " {by}) (- ({word} (- ");
            self.sum(a, false, out);
            let _ = write!(out, ") {by})))");
        };
        match is {
            Defined::Product(a, b) => {
                out.push_str("(* ");
                self.sum(a, real, out);
                out.push(' ');
                self.sum(b, real, out);
                out.push(')');
            }
            Defined::Quotient(a, by) => divided("div", a, *by),
            Defined::Remainder(a, by) => divided("mod", a, *by),
        }
    }
}

fn number(number: i128, real: bool, out: &mut String) {
    let point = if real { ".0" } else { "" };
    let _ = match number {
        0.. => write!(out, "{number}{point}"),
        _ => write!(out, "(- {}{point})", number.unsigned_abs()),
    };
}

/// `((x0 5) (x1 (- 3)) (x2 (/ 1.0 3.0)))`; none if it is something else.
pub(crate) fn read(text: &str) -> Option<Values> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let mut values = Values::new();
    (words.next()? == "(").then_some(())?;
    loop {
        match words.next()? {
            ")" => break,
            "(" => {
                let var = words.next()?.strip_prefix('x')?.parse().ok()?;
                let value = value(&mut words, MAX_DEPTH)?;
                (words.next()? == ")").then_some(())?;
                values.insert(var, value);
            }
            _ => return None,
        }
    }
    words.next().is_none().then_some(values)
}

fn value<'w>(words: &mut impl Iterator<Item = &'w str>, depth: usize) -> Option<Ratio> {
    let depth = depth.checked_sub(1)?;
    let word = words.next()?;
    if word != "(" {
        let (whole, rest) = word.split_once('.').unwrap_or((word, ""));
        let rest = rest.trim_end_matches('0');
        let under = 10_i128.checked_pow(u32::try_from(rest.len()).ok()?)?;
        return Ratio::new(format!("{whole}{rest}").parse().ok()?, under);
    }
    let found = match words.next()? {
        "-" => value(words, depth)?.negated()?,
        "/" => {
            let (over, under) = (value(words, depth)?, value(words, depth)?);
            Ratio::new(over.over.checked_mul(under.under)?, over.under.checked_mul(under.over)?)?
        }
        _ => return None,
    };
    (words.next()? == ")").then_some(found)
}
