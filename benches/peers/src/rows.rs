//! What is measured: the rows, how often each operation is done, what must come out, which ratio is the goal.

use std::fmt;

/// Every queue has room for this many messages.
pub const BOUND: usize = 8;

/// Messages, claims or witnesses per session: what a session keeps of its history counts, but not without end. The
/// published store keeps every record and a hash tree of all messages, and slows with both; 1,000 is mild to it.
pub const HISTORY: u64 = 1_000;

/// Sessions that are live at once when bytes are counted.
pub const RESIDENT: u64 = 100_000;

/// The ratio to reach for bytes.
pub const RESIDENT_GOAL: f64 = 50.0;

/// One line of the table of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Advancing types, one arm.
    PingPong,
    /// Advancing types, this many arms.
    Arms(u64),
    /// Advancing types in this many sessions in turn.
    RoundRobin(u64),
    /// A message through its queue.
    Message,
    /// The same where messages are authenticated.
    Authenticated,
    /// Opening.
    Open,
    /// Closing.
    Close,
    /// Reaping.
    Reap,
    /// Ownership given and taken back.
    ClaimRelease,
    /// A witness issued and consumed.
    IssueConsume,
    /// Whole sessions.
    TwoBuyer,
}

/// What sessions are counted for their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Two roles, two edges: `PING_PONG`.
    Two,
    /// Three roles, six edges at most: `TWO_BUYER`.
    Three,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Two, Self::Three];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Two => "two roles (ping-pong)",
            Self::Three => "three roles (two-buyer)",
        })
    }
}

impl Row {
    /// All of them, as they are printed.
    pub const ALL: [Self; 13] = [
        Self::PingPong,
        Self::Arms(4),
        Self::Arms(16),
        Self::Arms(64),
        Self::RoundRobin(10_000),
        Self::Message,
        Self::Authenticated,
        Self::Open,
        Self::Close,
        Self::Reap,
        Self::ClaimRelease,
        Self::IssueConsume,
        Self::TwoBuyer,
    ];

    /// How many operations one run does.
    #[must_use]
    pub fn operations(self) -> u64 {
        match self {
            Self::PingPong | Self::RoundRobin(_) => 400_000,
            Self::Arms(arms) => 400_000 / arms,
            Self::Message | Self::Authenticated | Self::ClaimRelease | Self::IssueConsume => 20_000,
            Self::Open | Self::Close | Self::Reap => 10_000,
            Self::TwoBuyer => 2_000,
        }
    }

    /// How many times as fast polylogue wants to be; `None` where the issue names no goal.
    #[must_use]
    pub fn goal(self) -> Option<f64> {
        match self {
            Self::PingPong | Self::Arms(_) | Self::RoundRobin(_) | Self::Message | Self::Open => Some(50.0),
            Self::Close | Self::Reap => Some(20.0),
            Self::ClaimRelease | Self::IssueConsume => Some(5.0),
            Self::Authenticated | Self::TwoBuyer => None,
        }
    }

    /// What must come out of this many operations, computed without any store.
    #[must_use]
    pub fn expected(self, operations: u64) -> u64 {
        match self {
            Self::Arms(arms) => (0..operations / 2).map(|message| message % arms).sum(),
            Self::Message | Self::Authenticated => (0..operations).sum(),
            Self::TwoBuyer => (0..operations).map(|session| 2 * price(session) + price(session) / 2).sum(),
            Self::PingPong
            | Self::RoundRobin(_)
            | Self::Open
            | Self::Close
            | Self::Reap
            | Self::ClaimRelease
            | Self::IssueConsume => operations,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PingPong => f.write_str("advance, ping-pong"),
            Self::Arms(arms) => write!(f, "advance, {arms} arms"),
            Self::RoundRobin(sessions) => write!(f, "advance, {sessions} sessions in turn"),
            Self::Message => f.write_str("message with its queue"),
            Self::Authenticated => f.write_str("message, authenticated"),
            Self::Open => f.write_str("open from a plan"),
            Self::Close => f.write_str("close"),
            Self::Reap => f.write_str("reap"),
            Self::ClaimRelease => f.write_str("claim + release"),
            Self::IssueConsume => f.write_str("issue + consume a witness"),
            Self::TwoBuyer => f.write_str("whole two-buyer session"),
        }
    }
}

/// What the book costs in this session.
#[must_use]
pub fn price(session: u64) -> u64 {
    30 + session % 7
}

/// The title of the book.
pub const TITLE: &str = "Ulysses";
/// Where it goes.
pub const ADDRESS: &str = "Eccles Street 7";
/// When it comes.
pub const DAY: &str = "16 June";
/// Who owns the sessions.
pub const OWNER: &str = "bench/owner";
/// What a witness is for.
pub const PREDICATE: &str = "positive";
