//! Whether every payload of one message is a payload of another.
//!
//! Comes in: two contents of messages with the same label. Goes out: yes, no with the reason, or unknown with the sort that was
//! not decided; and the sessions that are handed over in the one and the other, whose types are compared by
//! [`super::sessions`]. All relations ask here, through [`Pair::fit`](super::Pair::fit): what is sent may be less than
//! what was promised, what is received must be at least as much.
//!
//! `a` is below `b` when whoever reads a `b` reads every `a`: `uint` below `int` below `decimal`, an enum below one with
//! more names, `uuid` and enums below `string`, everything below `json`, `T` below `option<T>`; a record below one that has
//! no other fields, or is open, and in which what is missing is optional. `int{c}` is below `int{d}` if `c` implies `d`,
//! which [`crate::solve`] decides, or a look at every value where there are few. A secret is not below what is public.
//!
//! It does not compare conditions on variables: those that differ are unknown.

use std::{collections::BTreeSet, sync::Arc};

use super::pair::{Content, Fit};
use crate::{
    data::{Builtin, Code, Env, Field, Op, Payload, Redaction, Slot, Sort, Value, fits, write},
    protocol::{PAYLOAD, Rule, place, slot},
    solve::{Answer, Atoms, Bound, Formula, Linear, Outside, Relation, Term, decide_with},
};

/// Whether one payload is below another, given what is to be said of the sessions that they hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Below {
    /// The answer.
    pub(super) fit: Fit,
    /// Why it is no yes.
    pub(super) why: String,
    /// Sessions as `P@R`: what is given, and what was promised in its place. To be a yes, a process written for the
    /// promised one must be able to stand where the given one is expected.
    pub(super) sessions: Vec<(Box<str>, Box<str>)>,
}

/// What two contents have in common besides the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Common {
    /// They are of one specification: the same session is the same type.
    pub(super) sessions: bool,
    /// Extern predicates have the same numbers.
    pub(super) externs: bool,
}

/// Whether every message of one content is one of another, both of one specification. Sessions that are handed over fit
/// if they are the same.
#[must_use]
pub(super) fn below(small: &Content, large: &Content) -> (Fit, String) {
    let found = compare(small, large, Common { sessions: true, externs: true }, &Outside::default());
    match found.sessions.first() {
        Some((given, promised)) if found.fit == Fit::Yes => {
            (Fit::Unknown, format!("whether a process for `{promised}` can stand for `{given}`"))
        }
        _ => (found.fit, found.why),
    }
}

/// Whether every message of one content is one of another, but for sessions that are handed over.
#[must_use]
pub(super) fn compare(small: &Content, large: &Content, common: Common, outside: &Outside) -> Below {
    let mut walk = Walk { unknown: None, sessions: Vec::new(), common, outside };
    let fields = match (&small.payload, &large.payload) {
        // Nothing is said about the payload: any will do.
        (_, None) => Ok(()),
        (None, Some(payload)) => {
            walk.undecided(format!("nothing is said about a payload that must be `{payload}`"));
            Ok(())
        }
        (Some(small), Some(large)) => walk.payload(small, large),
    };
    let done = fields.and_then(|()| walk.rules(small, large));
    let (fit, why) = match (done, walk.unknown) {
        (Err(why), _) => (Fit::No, why),
        (Ok(()), Some(why)) => (Fit::Unknown, why),
        (Ok(()), None) => (Fit::Yes, String::new()),
    };
    Below { fit, why, sessions: walk.sessions }
}

/// Whether every value of one sort is one of another, and why if it is not, or not known. Sessions fit if they are the
/// same.
#[must_use]
pub fn sort_below(small: &Sort, large: &Sort) -> (Fit, String) {
    let content = |sort: &Sort| {
        let field = Field { name: None, optional: false, sort: sort.clone() };
        let payload = Payload { fields: Box::new([field]), open: false };
        Content { payload: Some(payload), rule: Arc::default() }
    };
    let (fit, why) = below(&content(small), &content(large));
    (fit, why.strip_prefix("field 1: ").map_or(why.clone(), ToOwned::to_owned))
}

/// Lengths of texts that are tried out.
const LONGEST: i64 = 2_000;

struct Walk<'o> {
    /// The first sort or condition that was not decided.
    unknown: Option<String>,
    sessions: Vec<(Box<str>, Box<str>)>,
    common: Common,
    outside: &'o Outside,
}

/// A refusal, in words.
type No = String;

impl Walk<'_> {
    fn undecided(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    // INVARIANT (small) of sorts bounds the depth of this recursion.
    fn sort(&mut self, small: &Sort, large: &Sort) -> Result<(), No> {
        let (base, conditions, secret) = peel(small);
        let (wanted, more, hidden) = peel(large);
        if secret && !hidden {
            return Err(format!("`{small}` is secret, `{large}` is not"));
        }
        match (base, wanted) {
            (Sort::Option(_) | Sort::Builtin(Builtin::Unit), Sort::Option(_)) => self.base(small, base, wanted)?,
            (_, Sort::Option(of)) => self.sort(small, of)?,
            _ => self.base(small, base, wanted)?,
        }
        for condition in more {
            if !conditions.contains(&condition) || (!self.common.externs && !condition.externals().is_empty()) {
                self.implied(small, base, &conditions, condition)?;
            }
        }
        Ok(())
    }

    fn base(&mut self, whole: &Sort, small: &Sort, large: &Sort) -> Result<(), No> {
        let is_not = || Err(format!("`{whole}` is not `{large}`"));
        match (small, large) {
            (Sort::Opaque(given), Sort::Opaque(promised)) => match (is_session(given), is_session(promised)) {
                (true, true) => {
                    if !(self.common.sessions && given == promised) {
                        self.sessions.push((given.clone(), promised.clone()));
                    }
                    Ok(())
                }
                _ if given == promised => Ok(()),
                _ => is_not(),
            },
            (Sort::Opaque(name), Sort::Builtin(Builtin::Json)) if !is_session(name) => Ok(()),
            (Sort::Opaque(_), _) | (_, Sort::Opaque(_)) => is_not(),
            (_, Sort::Builtin(Builtin::Json)) => Ok(()),
            (Sort::Builtin(a), Sort::Builtin(b)) => {
                let wider = match a {
                    Builtin::Uint => matches!(b, Builtin::Uint | Builtin::Int | Builtin::Decimal),
                    Builtin::Int => matches!(b, Builtin::Int | Builtin::Decimal),
                    Builtin::Uuid => matches!(b, Builtin::Uuid | Builtin::String),
                    _ => a == b,
                };
                if wider { Ok(()) } else { is_not() }
            }
            (Sort::Enum(_), Sort::Builtin(Builtin::String)) => Ok(()),
            (Sort::Enum(some), Sort::Enum(names)) => match some.iter().find(|name| !names.contains(name)) {
                Some(name) => Err(format!("`{large}` has no `{name}`")),
                None => Ok(()),
            },
            (Sort::Builtin(Builtin::Unit), Sort::Option(_)) => Ok(()),
            (Sort::List(a), Sort::List(b)) | (Sort::Set(a), Sort::Set(b)) | (Sort::Option(a), Sort::Option(b)) => {
                self.sort(a, b)
            }
            (Sort::Map(key, value), Sort::Map(keys, values)) => {
                self.sort(key, keys)?;
                self.sort(value, values)
            }
            (Sort::Record(a), Sort::Record(b)) => self.payload(a, b),
            _ => is_not(),
        }
    }

    fn payload(&mut self, small: &Payload, large: &Payload) -> Result<(), No> {
        let unnamed = |payload: &'_ Payload| payload.fields.iter().filter(|field| field.name.is_none()).count();
        let (given, wanted) = (unnamed(small), unnamed(large));
        if given != wanted {
            return Err(format!("`{small}` is not `{large}`: it has {given} unnamed fields, not {wanted}"));
        }
        let positions = small.fields.iter().filter(|field| field.name.is_none());
        for (at, (a, b)) in positions.zip(large.fields.iter().filter(|field| field.name.is_none())).enumerate() {
            let place = at.saturating_add(1);
            self.sort(&a.sort, &b.sort).map_err(|why| format!("field {place}: {why}"))?;
        }
        for field in &large.fields {
            let Some(name) = &field.name else { continue };
            match small.field(name) {
                Some(own) => self.field(name, own, field)?,
                None if !field.optional => return Err(format!("field `{name}` is missing")),
                // An unknown field with this name may hold anything.
                None if small.open && !matches!(field.sort.plain(), Sort::Builtin(Builtin::Json)) => {
                    return Err(format!("field `{name}` may be there by `...`, and be no `{}`", field.sort));
                }
                None => {}
            }
        }
        if large.open {
            return Ok(());
        }
        let more = small.fields.iter().find(|field| field.name.as_deref().is_some_and(|n| large.field(n).is_none()));
        if let Some(name) = more.and_then(|field| field.name.as_deref()) {
            return Err(format!("field `{name}` is not expected"));
        }
        if small.open { Err("further fields (`...`) are not expected".to_owned()) } else { Ok(()) }
    }

    fn field(&mut self, name: &str, small: &Field, large: &Field) -> Result<(), No> {
        if small.optional && !large.optional {
            return Err(format!("field `{name}` may be absent"));
        }
        self.sort(&small.sort, &large.sort).map_err(|why| format!("field `{name}`: {why}"))
    }

    /// Whether the values of a sort, of which some conditions hold, satisfy another.
    fn implied(&mut self, whole: &Sort, base: &Sort, conditions: &[&Code], wanted: &Code) -> Result<(), No> {
        let all = || conditions.iter().copied().chain([wanted]);
        if all().any(|code| !code.externals().is_empty() || code.reads_now() || !code.families().is_empty()) {
            self.undecided(format!("whether `{whole}` satisfies `{wanted}`"));
            return Ok(());
        }
        let breaks = |value: &Value| {
            let holds = |code: &Code| code.holds(&OfThis(value)) == Ok(true);
            fits(base, value, &OfThis(value)).is_ok() && conditions.iter().all(|code| holds(code)) && !holds(wanted)
        };
        let refuse = |value: &Value| Err(format!("{} of `{whole}` does not satisfy `{wanted}`", shown(value)));
        if let Some(few) = every(base) {
            return few.iter().find(|value| breaks(value)).map_or(Ok(()), refuse);
        }
        let mut atoms = Atoms::default();
        let mut parts: Vec<Formula> = conditions.iter().map(|code| atoms.formula(code.tree())).collect();
        parts.push(atoms.formula(wanted.tree()).negated());
        if base.builtin() == Some(Builtin::Uint)
            && let Some((this, _)) = atoms.slot(Slot::THIS)
            && let Some(sum) = Linear::variable(this).times(-1)
        {
            parts.push(Formula::Is(Bound { sum, is: Relation::AtMost }));
        }
        let answer = decide_with(&mut atoms, Formula::All(parts), self.outside);
        let found = match answer {
            Answer::No => return Ok(()),
            Answer::Yes(values) => values.into_iter().find_map(|(term, value)| {
                matches!(term, Term::Slot(Slot::THIS, _)).then_some(value).filter(|value| breaks(value))
            }),
            Answer::Unknown(_) => None,
        };
        match found.or_else(|| samples(base, all()).into_iter().find(|value| breaks(value))) {
            Some(value) => refuse(&value),
            None => {
                self.undecided(format!("whether `{whole}` satisfies `{wanted}`"));
                Ok(())
            }
        }
    }

    /// What messages demand and change besides their payload.
    fn rules(&mut self, small: &Content, large: &Content) -> Result<(), No> {
        let (given, wanted) = (&*small.rule, &*large.rule);
        let asks_host = given.demands().chain(wanted.demands()).any(|code| !code.externals().is_empty());
        if given == wanted && (self.common.externs || !asks_host) {
            return Ok(());
        }
        let bare = |rule: &Rule| Rule { conditions: Box::default(), instance: None, ..rule.clone() };
        let alone = |rule: &Rule| Rule { instance: None, ..rule.clone() }.reads_payload_alone();
        if bare(given) != bare(wanted) || given.instance != wanted.instance || asks_host {
            self.undecided("what the messages demand and change besides their payloads".to_owned());
            return Ok(());
        }
        let has = |code: &Code| given.conditions.iter().any(|known| known.code == *code);
        for code in wanted.conditions.iter().map(|one| &one.code).filter(|code| !has(code)) {
            if alone(given) && alone(wanted) {
                self.demanded(small, large, code)?;
            } else {
                self.undecided(format!("whether `{code}` always holds"));
            }
        }
        Ok(())
    }

    /// Whether a condition on the payload follows from what is demanded and from the sorts of the fields.
    fn demanded(&mut self, small: &Content, large: &Content, wanted: &Code) -> Result<(), No> {
        let none = Payload::default();
        let own = &small.payload.as_ref().unwrap_or(&none).fields;
        let theirs = &large.payload.as_ref().unwrap_or(&none).fields;
        let names = |fields: &[Field]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
        // Slots count the fields: they must be the same ones.
        if names(own) != names(theirs) {
            self.undecided(format!("whether `{wanted}` always holds"));
            return Ok(());
        }
        let mut atoms = Atoms::default();
        let mut parts: Vec<Formula> =
            small.rule.conditions.iter().map(|condition| atoms.formula(condition.code.tree())).collect();
        for (at, field) in (0_u32..).zip(own) {
            let name: Arc<str> = field.name.clone().unwrap_or_else(|| "".into());
            for condition in peel(&field.sort).1.into_iter().filter(|_| !field.optional) {
                parts.push(atoms.formula_of(condition.tree(), slot(PAYLOAD, at), &name));
            }
        }
        parts.push(atoms.formula(wanted.tree()).negated());
        let optional =
            wanted.slots().iter().any(|&at| own.get(place(at).1 as usize).is_none_or(|field| field.optional));
        match decide_with(&mut atoms, Formula::All(parts), self.outside) {
            Answer::No if !optional => Ok(()),
            Answer::Yes(values) if !optional => {
                let values: Vec<String> = values
                    .iter()
                    .filter_map(|(term, value)| match term {
                        Term::Slot(_, name) => Some(format!("`{name}` = {}", shown(value))),
                        _ => None,
                    })
                    .collect();
                let with = if values.is_empty() { String::new() } else { format!(": with {}", values.join(", ")) };
                Err(format!("`{wanted}` need not hold{with}"))
            }
            _ => {
                self.undecided(format!("whether `{wanted}` always holds"));
                Ok(())
            }
        }
    }
}

/// Whether an opaque sort is a session that is handed over.
pub(super) fn is_session(name: &str) -> bool {
    name.contains('@')
}

/// A sort without its conditions and secrecy, its conditions, and whether it is secret.
fn peel(sort: &Sort) -> (&Sort, Vec<&Code>, bool) {
    let (mut at, mut conditions, mut secret) = (sort, Vec::new(), false);
    loop {
        at = match at {
            Sort::Refined(of, condition) => {
                conditions.push(condition);
                of
            }
            Sort::Secret(of) => {
                secret = true;
                of
            }
            _ => return (at, conditions, secret),
        };
    }
}

/// All values of a sort, if they are few.
fn every(sort: &Sort) -> Option<Vec<Value>> {
    match sort {
        Sort::Builtin(Builtin::Unit) => Some(vec![Value::Unit]),
        Sort::Builtin(Builtin::Bool) => Some(vec![Value::Bool(false), Value::Bool(true)]),
        Sort::Enum(names) => Some(names.iter().map(|name| Value::Text(Arc::clone(name))).collect()),
        _ => None,
    }
}

/// Some values of a sort that conditions may tell apart.
fn samples<'c>(sort: &Sort, conditions: impl Iterator<Item = &'c Code>) -> Vec<Value> {
    let mut numbers: BTreeSet<i64> = BTreeSet::from([0, 1]);
    let mut texts: BTreeSet<Arc<str>> = BTreeSet::new();
    for code in conditions {
        code.tree().visit(&mut |node| match &node.op {
            Op::Const(Value::Int(value)) => {
                numbers.extend((-2..=2).map(|by| value.saturating_add(by)));
            }
            Op::Const(Value::Text(text)) => {
                texts.insert(Arc::clone(text));
            }
            _ => {}
        });
    }
    match sort {
        Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal) => numbers.into_iter().map(Value::Int).collect(),
        Sort::Builtin(Builtin::Duration) => numbers.into_iter().map(Value::Duration).collect(),
        Sort::Builtin(Builtin::Timestamp) => numbers.into_iter().map(Value::Timestamp).collect(),
        Sort::Builtin(Builtin::String) => {
            let long = |length: i64| usize::try_from(length).ok().filter(|_| length <= LONGEST).map(|n| "a".repeat(n));
            let lengths = numbers.into_iter().filter_map(long).map(|text| Value::text(&text));
            texts.into_iter().map(Value::Text).chain(lengths).collect()
        }
        _ => Vec::new(),
    }
}

/// A value as reports write it.
fn shown(value: &Value) -> String {
    write(value, None, &Redaction::new(b""), &|_| false)
}

/// What the condition of a sort reads.
struct OfThis<'v>(&'v Value);

impl Env for OfThis<'_> {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        (slot == Slot::THIS).then_some(self.0)
    }
}
