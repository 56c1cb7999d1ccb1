//! Stand-in until the room of values lands.
pub use crate::protocol::Sort;
/// A slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);
/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code(std::sync::Arc<str>);
