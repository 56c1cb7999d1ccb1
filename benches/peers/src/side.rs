//! What a store does for each row, and the meter that it does it under.
//!
//! A method gets a number of operations and a [`Meter`]. It prepares what the row needs, does the operations within
//! [`Meter::time`], and returns what came out, which [`Row::expected`](crate::rows::Row::expected) must equal. Then it
//! checks that the store still knows right from wrong; a store that does not is an `Err` with a sentence.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::rows::{Row, Shape};

/// What an allocator has handed out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocated {
    /// How often something was allocated or reallocated.
    pub calls: u64,
    /// The bytes that are out now.
    pub live: i64,
}

/// Measures the operations of a row and nothing else.
#[derive(Debug, Default)]
pub struct Meter {
    /// The time within [`Meter::time`].
    pub clock: Duration,
    /// The allocations within [`Meter::time`]; none are seen without a counter.
    pub calls: u64,
    counter: Option<fn() -> Allocated>,
}

impl Meter {
    /// Measures allocations too.
    #[must_use]
    pub fn counting(counter: fn() -> Allocated) -> Self {
        Self { counter: Some(counter), ..Self::default() }
    }

    /// Measures this; what was measured before is added to.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = self.allocated();
        let start = Instant::now();
        let done = black_box(work());
        self.clock += start.elapsed();
        self.calls += self.allocated().calls - before.calls;
        done
    }

    /// What the allocator has handed out so far; nothing without a counter.
    #[must_use]
    pub fn allocated(&self) -> Allocated {
        self.counter.map_or_else(Allocated::default, |count| count())
    }
}

/// What came out of a row: a number to compare, or what is wrong with the store.
pub type Outcome = Result<u64, String>;

/// A session store, as the rows use it.
pub trait Side {
    /// Who it is, with its version.
    fn name(&self) -> String;

    /// What it does per operation of this row, in one sentence.
    fn says(&self, row: Row) -> &'static str;

    /// Advances local types: `ping` and `pong` in turn in one session ([`specs::PING_PONG`](crate::specs::PING_PONG)),
    /// sender and receiver each; an operation is the advance of one endpoint. Returns the advances taken. Their number
    /// is a multiple of 4, so that the session ends where it began.
    fn ping_pong(&self, advances: u64, meter: &mut Meter) -> Outcome;

    /// The same on a loop that starts with a choice of this many arms ([`specs::arms`](crate::specs::arms)), of which
    /// message `m` takes number `m % arms`. Returns the sum of the numbers of the arms that the receiver found.
    fn arms(&self, arms: u64, advances: u64, meter: &mut Meter) -> Outcome;

    /// As [`Side::ping_pong`], but in this many live sessions, one advance in each before the next in any. Returns the
    /// advances taken. Their number is a multiple of 4 in each session.
    fn round_robin(&self, sessions: u64, advances: u64, meter: &mut Meter) -> Outcome;

    /// Messages with their queue: sent and received, both types advanced. `ping` and `pong` in turn, message `m` carries
    /// `m`; every [`HISTORY`](crate::rows::HISTORY) messages a new session. Returns the sum of the payloads received.
    fn message(&self, messages: u64, meter: &mut Meter) -> Outcome;

    /// As [`Side::message`], where each message is a leaf of its edge's hash tree and is verified when it is received.
    fn authenticated(&self, messages: u64, meter: &mut Meter) -> Outcome;

    /// Opens sessions of two roles from what was prepared once. Returns how many the store says are live.
    fn open(&self, sessions: u64, meter: &mut Meter) -> Outcome;

    /// Closes sessions ([`specs::ONCE`](crate::specs::ONCE)) whose one message was received, so that all roles have
    /// finished. Returns how many the store says are closed.
    fn close(&self, sessions: u64, meter: &mut Meter) -> Outcome;

    /// Moves closed sessions to the archive, all at once. Returns how many the store says are archived.
    fn reap(&self, sessions: u64, meter: &mut Meter) -> Outcome;

    /// Claims a session and releases it; every [`HISTORY`](crate::rows::HISTORY) pairs a new session. Returns how many capabilities were given out.
    fn claim_release(&self, pairs: u64, meter: &mut Meter) -> Outcome;

    /// Issues a readiness witness and consumes it ([`specs::CHECKED`](crate::specs::CHECKED)); every
    /// [`HISTORY`](crate::rows::HISTORY) pairs a new session. Returns how many were consumed.
    fn issue_consume(&self, pairs: u64, meter: &mut Meter) -> Outcome;

    /// Whole sessions of two buyers ([`specs::TWO_BUYER`](crate::specs::TWO_BUYER)): opened, claimed, the seven messages
    /// of a purchase sent and received, closed and reaped. The price in session `n` is [`price`](crate::rows::price),
    /// of which Alice takes half. Returns the sum of the numbers that were received.
    fn two_buyer(&self, sessions: u64, meter: &mut Meter) -> Outcome;

    /// Opens this many sessions and returns the bytes that they keep allocated, store and all but the plan.
    fn resident(&self, shape: Shape, sessions: u64, meter: &Meter) -> Result<i64, String>;

    /// One row.
    fn run(&self, row: Row, operations: u64, meter: &mut Meter) -> Outcome {
        match row {
            Row::PingPong => self.ping_pong(operations, meter),
            Row::Arms(arms) => self.arms(arms, operations, meter),
            Row::RoundRobin(sessions) => self.round_robin(sessions, operations, meter),
            Row::Message => self.message(operations, meter),
            Row::Authenticated => self.authenticated(operations, meter),
            Row::Open => self.open(operations, meter),
            Row::Close => self.close(operations, meter),
            Row::Reap => self.reap(operations, meter),
            Row::ClaimRelease => self.claim_release(operations, meter),
            Row::IssueConsume => self.issue_consume(operations, meter),
            Row::TwoBuyer => self.two_buyer(operations, meter),
        }
    }
}
