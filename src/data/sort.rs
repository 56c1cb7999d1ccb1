//! Sorts: what a value may be, as declared, with aliases unfolded so that equal sorts are equal values.

use std::{fmt, sync::Arc};

use super::Code;

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
    Enum(Box<[Arc<str>]>),
    /// `int{this > 0}`: the values of a sort that a condition on [`Slot::THIS`](super::Slot::THIS) admits.
    Refined(Box<Sort>, Code),
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
    pub name: Option<Arc<str>>,
    /// It may be absent.
    pub optional: bool,
    /// Its sort.
    pub sort: Sort,
}

impl Sort {
    /// The sort `json`, of any value.
    pub const ANY: Self = Self::Builtin(Builtin::Json);
    /// The sort `bool`.
    pub const BOOL: Self = Self::Builtin(Builtin::Bool);
    /// The sort `int`.
    pub const INT: Self = Self::Builtin(Builtin::Int);

    /// The sort without conditions and secrecy at its top.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::Refined(of, _) | Self::Secret(of) => of.plain(),
            other => other,
        }
    }

    /// Whether its values are judged only when they are there: `json` and opaque sorts.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        matches!(self.plain(), Self::Builtin(Builtin::Json) | Self::Opaque(_))
    }

    /// Whether it is an option, whose none is no value.
    #[must_use]
    pub fn is_option(&self) -> bool {
        matches!(self.plain(), Self::Option(_))
    }

    /// Whether it, or a part of it, is secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(of) | Self::Set(of) | Self::Option(of) | Self::Refined(of, _) => of.has_secret(),
            Self::Map(key, of) => key.has_secret() || of.has_secret(),
            Self::Record(payload) => payload.has_secret(),
            Self::Builtin(_) | Self::Opaque(_) | Self::Enum(_) => false,
        }
    }

    /// Whether a value that is one of it by its form may still not be one: it, or a part of it, has a condition.
    #[must_use]
    pub fn has_condition(&self) -> bool {
        match self {
            Self::Refined(..) => true,
            Self::Builtin(builtin) => *builtin == Builtin::Uint,
            Self::Opaque(_) | Self::Enum(_) => false,
            Self::List(of) | Self::Set(of) | Self::Option(of) | Self::Secret(of) => of.has_condition(),
            Self::Map(key, of) => key.has_condition() || of.has_condition(),
            Self::Record(payload) => payload.fields.iter().any(|field| field.sort.has_condition()),
        }
    }

    /// The built-in sort that it is, conditions and secrecy aside.
    #[must_use]
    pub fn builtin(&self) -> Option<Builtin> {
        match self.plain() {
            Self::Builtin(builtin) => Some(*builtin),
            _ => None,
        }
    }
}

impl Payload {
    /// Whether a part of it is secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.fields.iter().any(|field| field.sort.has_secret())
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_deref() == Some(name))
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
            Self::Refined(of, condition) => write!(f, "{of}{{{condition}}}"),
        }
    }
}
