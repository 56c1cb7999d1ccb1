//! polylogue: a multiparty session-type runtime and verifier.

pub mod diag;
pub mod event;
pub mod id;
pub mod syntax;
