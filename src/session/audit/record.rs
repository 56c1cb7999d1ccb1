//! One record of the audit: 64 bytes, in memory and as bytes.
//!
//! All numbers are little endian.
//!
//! | at | size | field | |
//! |---:|---:|---|---|
//! | 0 | 4 | `session.slot` | |
//! | 4 | 4 | `session.generation` | which session of that slot |
//! | 8 | 8 | `sequence` | number of the record in its store, given by [`Audit`](super::Audit) |
//! | 16 | 8 | `time` | microseconds, signed, the caller's |
//! | 24 | 8 | `witness` | 0 is none |
//! | 32 | 4 | `role` | |
//! | 36 | 4 | `peer` | |
//! | 40 | 4 | `message` | |
//! | 44 | 4 | `generation` | of the capability |
//! | 48 | 4 | `detail` | |
//! | 52 | 4 | `count` | how many equal refusals it stands for, 1 for all else |
//! | 56 | 4 | `plan` | |
//! | 60 | 2 | `code` | why it was refused |
//! | 62 | 1 | [`kind`](Kind) | |
//! | 63 | 1 | [`verdict`](Verdict) | |
//!
//! In: what the store did. Out: the byte form, and a JSON form whose names are the field names. Numbers that no kind or
//! verdict has are an error; every other byte is a value. This module does not know what a role, message, code or detail
//! means.

use std::{error, fmt};

use serde::{Deserialize, Serialize};

/// Bytes of a record.
pub const SIZE: usize = 64;

/// A record as bytes.
pub type Bytes = [u8; SIZE];

/// A fieldless enumeration with a byte for each value.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $value:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$what])* $value = $number,)*
        }

        impl $name {
            /// All values, by number.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The byte of this value.
            #[inline]
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The value of a byte.
            #[must_use]
            pub const fn of(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$value),)*
                    _ => None,
                }
            }
        }
    };
}

numbered! {
    /// What a record is about.
    Kind {
        /// A step: the session was opened.
        Open = 1,
        /// A step: a message was sent.
        Send = 2,
        /// A step: a message was received.
        Receive = 3,
        /// A step: a message on a `sync` edge was handed over.
        Sync = 4,
        /// A step: a role acted by itself.
        Act = 5,
        /// A step: a timeout was taken.
        Timeout = 6,
        /// A step: an obligation lapsed.
        Lapse = 7,
        /// A step: a role crashed.
        Crash = 8,
        /// A step: a scope was interrupted.
        Interrupt = 9,
        /// A change of status: no new sends.
        Drained = 16,
        /// A change of status: over, as it should be.
        Closed = 17,
        /// A change of status: over, on request.
        Cancelled = 18,
        /// A change of status: over, by a fault.
        Faulted = 19,
        /// A change of status: archived and forgotten.
        Reaped = 20,
        /// Authority: a capability.
        Capability = 32,
        /// Authority: the receipt of a transfer.
        Receipt = 33,
        /// Authority: a readiness witness.
        Readiness = 34,
        /// Authority: a cancellation witness.
        Cancellation = 35,
        /// Authority: a timeout witness.
        TimeoutWitness = 36,
    }
}

numbered! {
    /// What became of it.
    Verdict {
        /// A step or change was taken.
        Accepted = 1,
        /// A capability, receipt or witness came into being.
        Issued = 2,
        /// It was used up.
        Consumed = 3,
        /// It is worth nothing from now on.
        Invalidated = 4,
        /// A transfer was completed.
        Committed = 5,
        /// A transfer was taken back.
        RolledBack = 6,
        /// Refused; nothing changed.
        Rejected = 7,
        /// Its time is over.
        Expired = 8,
    }
}

/// The session that a record is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[repr(C)]
pub struct SessionRef {
    /// Its slot in the store.
    pub slot: u32,
    /// Which session of that slot.
    pub generation: u32,
}

/// One thing that the store did or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[repr(C)]
pub struct Record {
    /// The session.
    pub session: SessionRef,
    /// Number of the record in its store. [`Audit`](super::Audit) gives it; what the caller writes here is replaced.
    pub sequence: u64,
    /// Microseconds, the caller's clock.
    pub time: i64,
    /// The witness that was issued or used, 0 for none.
    pub witness: u64,
    /// Who acted.
    pub role: u32,
    /// The other end.
    pub peer: u32,
    /// What was said.
    pub message: u32,
    /// The generation of the capability.
    pub generation: u32,
    /// What else there is to say, by kind.
    pub detail: u32,
    /// How many equal refusals this stands for; 1 for all else.
    pub count: u32,
    /// The plan of the session.
    pub plan: u32,
    /// Why it was refused, 0 when it was not.
    pub code: u16,
    /// What it is about.
    pub kind: Kind,
    /// What became of it.
    pub verdict: Verdict,
}

impl Record {
    /// A record that says no more than what and what became of it.
    #[inline]
    #[must_use]
    pub const fn new(session: SessionRef, kind: Kind, verdict: Verdict) -> Self {
        Self {
            session,
            sequence: 0,
            time: 0,
            witness: 0,
            role: 0,
            peer: 0,
            message: 0,
            generation: 0,
            detail: 0,
            count: 1,
            plan: 0,
            code: 0,
            kind,
            verdict,
        }
    }

    /// The byte form.
    #[inline]
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = [0; SIZE];
        bytes[0..4].copy_from_slice(&self.session.slot.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.session.generation.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.time.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.witness.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.role.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.peer.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.message.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.generation.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.detail.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.count.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.plan.to_le_bytes());
        bytes[60..62].copy_from_slice(&self.code.to_le_bytes());
        bytes[62] = self.kind.number();
        bytes[63] = self.verdict.number();
        bytes
    }

    /// Reads the byte form.
    ///
    /// # Errors
    ///
    /// When the kind or the verdict has a number that there is not.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, UnknownNumber> {
        let long = |at: [u8; 8]| u64::from_le_bytes(at);
        let [
            s0,
            s1,
            s2,
            s3,
            g0,
            g1,
            g2,
            g3, //
            q0,
            q1,
            q2,
            q3,
            q4,
            q5,
            q6,
            q7, //
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7, //
            w0,
            w1,
            w2,
            w3,
            w4,
            w5,
            w6,
            w7, //
            rest @ ..,
        ] = *bytes;
        let [
            r0,
            r1,
            r2,
            r3,
            p0,
            p1,
            p2,
            p3, //
            m0,
            m1,
            m2,
            m3,
            c0,
            c1,
            c2,
            c3, //
            d0,
            d1,
            d2,
            d3,
            n0,
            n1,
            n2,
            n3, //
            l0,
            l1,
            l2,
            l3,
            e0,
            e1,
            kind,
            verdict,
        ] = rest;
        Ok(Self {
            session: SessionRef {
                slot: u32::from_le_bytes([s0, s1, s2, s3]),
                generation: u32::from_le_bytes([g0, g1, g2, g3]),
            },
            sequence: long([q0, q1, q2, q3, q4, q5, q6, q7]),
            time: i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            witness: long([w0, w1, w2, w3, w4, w5, w6, w7]),
            role: u32::from_le_bytes([r0, r1, r2, r3]),
            peer: u32::from_le_bytes([p0, p1, p2, p3]),
            message: u32::from_le_bytes([m0, m1, m2, m3]),
            generation: u32::from_le_bytes([c0, c1, c2, c3]),
            detail: u32::from_le_bytes([d0, d1, d2, d3]),
            count: u32::from_le_bytes([n0, n1, n2, n3]),
            plan: u32::from_le_bytes([l0, l1, l2, l3]),
            code: u16::from_le_bytes([e0, e1]),
            kind: Kind::of(kind).ok_or(UnknownNumber { field: "kind", number: kind })?,
            verdict: Verdict::of(verdict).ok_or(UnknownNumber { field: "verdict", number: verdict })?,
        })
    }
}

/// The sequence of a record, if the bytes are one: all of [`Record::from_bytes`] that can fail.
pub(super) fn sequence_of(bytes: &Bytes) -> Result<u64, UnknownNumber> {
    let &[_, _, _, _, _, _, _, _, q0, q1, q2, q3, q4, q5, q6, q7, .., kind, verdict] = bytes;
    if Kind::of(kind).is_none() {
        return Err(UnknownNumber { field: "kind", number: kind });
    }
    if Verdict::of(verdict).is_none() {
        return Err(UnknownNumber { field: "verdict", number: verdict });
    }
    Ok(u64::from_le_bytes([q0, q1, q2, q3, q4, q5, q6, q7]))
}

/// A byte that no kind or verdict has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownNumber {
    /// `kind` or `verdict`.
    pub field: &'static str,
    /// The byte.
    pub number: u8,
}

impl fmt::Display for UnknownNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no `{}` has the number {}", self.field, self.number)
    }
}

impl error::Error for UnknownNumber {}
