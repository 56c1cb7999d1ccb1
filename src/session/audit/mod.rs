//! What the store was asked and what it did, bounded, sealed and verifiable.
//!
//! Every step, refusal and change of authority is a [`Record`] of 64 bytes in a ring, the [`Audit`]. Batches of up to
//! 1,024 records are sealed: a [`Seal`] has the Merkle root of its batch and a chain value over all seals before, and,
//! with [`Secrets`], an authenticator. Sealed batches go to a [`Sink`], or the ring keeps the latest. A log of them is
//! verified by [`verify()`], which says what it could check and what not; one record is shown to be in it by a [`Proof`].
//!
//! In: records, with the caller's time. Out: batches, logs, proofs. Invariants: memory is bounded by the options;
//! sequences rise by one, and what is missing was dropped and counted; a record is never changed. Not here: files, clocks
//! and secrets, which are the caller's; the meaning of roles, messages and codes, which is the store's.
//!
//! ```
//! use polylogue::session::audit::{Anchor, Audit, Kind, Options, Record, SessionRef, Verdict, verify};
//!
//! let mut audit = Audit::new(Options { store: 7, segments: 4, ..Options::default() });
//! let session = SessionRef { slot: 1, generation: 1 };
//! audit.push(Record { role: 2, time: 1_000, ..Record::new(session, Kind::Send, Verdict::Accepted) })?;
//! let kept = Anchor::new(*audit.seal().expect("something was recorded"));
//!
//! let log = audit.log();
//! assert!(verify(log.as_bytes(), Some(&kept), None).holds());
//! assert_eq!(audit.prove(0).expect("it is sealed").verify(&kept)?.role, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digest;
mod history;
mod log;
mod proof;
mod read;
mod record;
mod refusals;
mod ring;
mod seal;
mod tree;
mod verify;

pub use digest::{Digest, Secrets};
pub use log::{LineError, Log, to_lines};
pub use proof::{Proof, ProofError};
pub use record::{Bytes, Kind, Record, SIZE, SessionRef, UnknownNumber, Verdict};
pub use refusals::FIRST;
pub use ring::{Audit, AuditFull, Batch, Later, Noted, Options, Sink};
pub use seal::{Anchor, BATCH, SEAL_SIZE, Seal};
pub use verify::{Fault, Problem, Unchecked, Verification, verify};
