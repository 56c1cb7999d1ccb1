//! polylogue: a multiparty session-type runtime and verifier.

#[cfg(feature = "cli")]
pub mod cli;
pub mod crosscheck;
pub mod diag;
pub mod event;
pub mod generate;
pub mod id;
pub mod load;
pub mod machine;
pub mod protocol;
pub mod reference;
pub mod report;
pub mod syntax;
pub mod trace;
pub mod verify;
