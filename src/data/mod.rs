//! Data: sorts, their values, and expressions over them.
//!
//! [`Sort`] says what a value may be, [`Value`] is one. [`read`] makes values of JSON texts by the rules of the language
//! page; [`compile`] makes [`Code`] of an expression of the syntax tree, checked against the sorts of the names that a
//! [`Scope`] knows; [`Code::eval`] gives its value in an [`Env`], or the [`Fault`] that says why there is none.
//!
//! Numbers are exact and of any size, within limits; so is everything else: whatever the values, an evaluation takes a
//! bounded number of steps, and what would be too large is a fault. A fault is never "true".
//!
//! INVARIANT (pure): equal codes in equal environments give equal results.
//!
//! Not here: what a slot stands for, who knows it, and when an expression is evaluated. That is lowering's.

mod bytecode;
mod check;
mod code;
mod collection;
mod conform;
mod edit;
mod externs;
mod extract;
mod fault;
mod function;
pub(crate) mod json;
mod late;
mod meter;
mod number;
mod operator;
mod ordered;
mod quick;
mod read;
mod recall;
mod scalar;
mod scope;
mod sequence;
mod sort;
pub(crate) mod suggest;
mod tree;
mod value;
mod walk;
mod words;
mod write;

pub use check::{called, compile, define, mentioned};
pub use code::{Code, Env};
pub use collection::{BadRecord, Extent, Fields, List, MAX_DEPTH, MAX_WEIGHT, Map, Oversize, Record, Set};
pub use conform::{Misfit, coerce, fits};
pub use edit::{Change, Edit};
pub use externs::{Assumed, Externs};
pub use extract::{Beside, Extract};
pub use fault::{Fault, Why};
pub use function::Function;
pub use json::Flaw;
pub use meter::{MAX_STEPS, MAX_TEXT};
pub use number::{Exact, MAX_BITS, MAX_SCALE, Small};
pub use read::{Empty, read};
pub use scope::{Def, Definition, ExternId, External, Family, FamilyId, Named, Nothing, Place, Scope, Slot, This};
pub use sort::{Builtin, Field, Payload, Sort};
pub use tree::{Macro, Node, Op, Operator, Pattern, Spot};
pub use value::Value;
pub use write::{Redaction, write};
