//! The only interner: labels, payload signatures and recursion variables of one specification.

use std::fmt;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::rule::Rule;
use crate::id::{Id, LabelId, SortId, TooMany, VarId};

type Set<T> = IndexSet<T, FxBuildHasher>;

/// The sort of one payload field, resolved: aliases are unfolded, so equal sorts are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// `int`, `string` and so on: a built-in sort without arguments.
    Builtin(Builtin),
    /// A name that nobody declared: equal only to itself, any value fits.
    Opaque(Box<str>),
    /// `list<T>`
    List(Box<Sort>),
    /// `set<T>`
    Set(Box<Sort>),
    /// `map<K, V>`
    Map(Box<Sort>, Box<Sort>),
    /// `option<T>`
    Option(Box<Sort>),
    /// `secret<T>`
    Secret(Box<Sort>),
    /// `{x: int, y?: string, ...}`
    Record(Payload),
    /// `enum {a, b}`
    Enum(Box<[Box<str>]>),
}

/// A built-in sort without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builtin {
    /// The one value.
    Unit,
    /// `true`, `false`
    Bool,
    /// Exact, of any size.
    Int,
    /// Not negative.
    Uint,
    /// Exact.
    Decimal,
    /// A 64-bit float.
    Float,
    /// Text.
    String,
    /// Octets.
    Bytes,
    /// A UUID.
    Uuid,
    /// A point in time.
    Timestamp,
    /// A span of time.
    Duration,
    /// Any JSON value.
    Json,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Unit,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Decimal,
        Self::Float,
        Self::String,
        Self::Bytes,
        Self::Uuid,
        Self::Timestamp,
        Self::Duration,
        Self::Json,
    ];

    /// Its word in the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Decimal => "decimal",
            Self::Float => "float",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Json => "json",
        }
    }
}

/// The fields of a message or of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Payload {
    /// In order.
    pub fields: Box<[Field]>,
    /// Further fields are allowed (`...`).
    pub open: bool,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// It may be absent.
    pub optional: bool,
    /// Its sort.
    pub sort: Sort,
}

/// The names of one specification.
#[derive(Clone, Debug)]
pub struct Names {
    labels: Set<Box<str>>,
    sorts: Set<(Option<Payload>, Rule)>,
    vars: Set<Box<str>>,
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl Names {
    /// No names yet, but for the payloads [`Names::unspecified`] and [`Names::empty`].
    #[must_use]
    pub fn new() -> Self {
        let mut sorts = Set::default();
        sorts.insert((None, Rule::default()));
        sorts.insert((Some(Payload::default()), Rule::default()));
        Self { labels: Set::default(), sorts, vars: Set::default() }
    }

    /// The payload of a bare label: nothing is said about it.
    #[must_use]
    pub fn unspecified() -> SortId {
        SortId::from_raw(0)
    }

    /// The payload `()`.
    #[must_use]
    pub fn empty() -> SortId {
        SortId::from_raw(1)
    }

    /// The id of a label, new or known.
    pub fn label(&mut self, text: &str) -> Result<LabelId, TooMany> {
        intern(&mut self.labels, text)
    }

    /// The id of a recursion variable's text.
    pub fn var(&mut self, text: &str) -> Result<VarId, TooMany> {
        intern(&mut self.vars, text)
    }

    /// The id of a payload signature; `None` is that of a bare label.
    pub fn sort(&mut self, payload: Option<Payload>) -> Result<SortId, TooMany> {
        self.signature(payload, Rule::default())
    }

    /// The id of a payload signature under a rule.
    pub fn signature(&mut self, payload: Option<Payload>, rule: Rule) -> Result<SortId, TooMany> {
        SortId::new(self.sorts.insert_full((payload, rule)).0)
    }

    /// The id of a signature for one instance of a family: the same message, with keys to tell it from others.
    pub fn instance(&mut self, sort: SortId, keys: &str) -> Result<SortId, TooMany> {
        let payload = self.payload(sort).cloned();
        let mut rule = self.rule(sort).cloned().unwrap_or_default();
        rule.instance = Some(keys.into());
        self.signature(payload, rule)
    }

    /// What a message demands and changes besides its payload.
    #[must_use]
    pub fn rule(&self, sort: SortId) -> Option<&Rule> {
        self.sorts.get_index(sort.index()).map(|(_, rule)| rule)
    }

    /// The ids of all payload signatures.
    pub fn sorts(&self) -> impl Iterator<Item = SortId> + use<> {
        (0..self.sorts.len()).map_while(|at| SortId::new(at).ok())
    }

    /// The id of a label, if the specification has it.
    #[must_use]
    pub fn find_label(&self, text: &str) -> Option<LabelId> {
        self.labels.get_index_of(text).and_then(|at| LabelId::new(at).ok())
    }

    /// The text of a label.
    #[must_use]
    pub fn label_text(&self, label: LabelId) -> &str {
        self.labels.get_index(label.index()).map_or("?", |text| text)
    }

    /// The texts of all labels, in the order of their ids.
    pub fn label_texts(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|text| &**text)
    }

    /// The text of a recursion variable.
    #[must_use]
    pub fn var_text(&self, var: VarId) -> &str {
        self.vars.get_index(var.index()).map_or("?", |text| text)
    }

    /// A payload signature; `None` is that of a bare label.
    #[must_use]
    pub fn payload(&self, sort: SortId) -> Option<&Payload> {
        self.sorts.get_index(sort.index()).and_then(|(payload, _)| payload.as_ref())
    }

    /// How many labels there are.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels.len()
    }

    /// `label(x: int)` as the author wrote it; the label alone when it was bare.
    #[must_use]
    pub fn message(&self, label: LabelId, sort: SortId) -> String {
        let text = self.label_text(label);
        let instance = self.rule(sort).and_then(|rule| rule.instance.as_deref());
        let instance = instance.map(|keys| format!("[{keys}]")).unwrap_or_default();
        match self.payload(sort) {
            Some(payload) => format!("{text}{instance}{payload}"),
            None => format!("{text}{instance}"),
        }
    }
}

fn intern<K: Id>(set: &mut Set<Box<str>>, text: &str) -> Result<K, TooMany> {
    match set.get_index_of(text) {
        Some(at) => K::new(at),
        None => K::new(set.insert_full(text.into()).0),
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        write_fields(self, f)?;
        f.write_str(")")
    }
}

fn write_fields(payload: &Payload, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut comma = "";
    for field in &payload.fields {
        f.write_str(comma)?;
        comma = ", ";
        if let Some(name) = &field.name {
            write!(f, "{name}{}: ", if field.optional { "?" } else { "" })?;
        }
        write!(f, "{}", field.sort)?;
    }
    if payload.open {
        write!(f, "{comma}...")?;
    }
    Ok(())
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(builtin) => f.write_str(builtin.word()),
            Self::Opaque(name) => f.write_str(name),
            Self::List(of) => write!(f, "list<{of}>"),
            Self::Set(of) => write!(f, "set<{of}>"),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
            Self::Option(of) => write!(f, "option<{of}>"),
            Self::Secret(of) => write!(f, "secret<{of}>"),
            Self::Record(payload) => {
                f.write_str("{")?;
                write_fields(payload, f)?;
                f.write_str("}")
            }
            Self::Enum(names) => write!(f, "enum {{{}}}", names.join(", ")),
        }
    }
}
