//! From text to a syntax tree and back.
//!
//! [`parse`] reads `.mpst`, Scribble (`.scr`) and nuScr (`.nuscr`) texts alike; any text gives a [`tree::File`] and
//! diagnostics (codes PL01xx). Nothing is looked up here: a tree may name what does not exist.

#[doc(hidden)]
pub mod check;
mod lexer;
mod outline;
mod parser;
pub mod print;
mod sink;
mod suggest;
pub mod tree;

pub(crate) use outline::outline;
pub use parser::{MAX_BYTES, MAX_DEPTH, parse, too_large};
pub use print::{Style, print};
pub use sink::MAX_DIAGNOSTICS;
#[cfg(feature = "cli")]
pub(crate) use suggest::nearest;
