//! Refusals: normal, audited, and without effect.
//!
//! A [`Refused`] says which of the checks failed first, and carries what a person or a program needs to do better: the
//! complete expected set, the head of the queue, who is to blame. Names are looked up only when it is shown.

use std::fmt;

use super::{
    OpenPlan, Owner, SessionId, Status,
    step::{Direction, Expected},
};
use crate::{
    data::{Fault, Misfit},
    id::{LabelId, MessageId, RoleId},
};

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Code {
    /// No session has this id.
    UnknownSession = 1,
    /// The authority belongs to another store.
    Foreign = 2,
    /// The session has ended.
    Terminal = 4,
    /// The session is draining: nothing is sent any more.
    Draining = 5,
    /// The capability is not live any more.
    Stale = 6,
    /// The capability does not cover what is asked.
    OutOfScope = 7,
    /// The endpoint's type does not allow it.
    NotEnabled = 8,
    /// Nothing is queued.
    Empty = 9,
    /// The head of the queue is another message than the endpoint takes.
    Unexpected = 10,
    /// The edge has no room for now.
    WouldBlock = 11,
    /// The edge has no room.
    Full = 12,
    /// The payload does not fit its sorts.
    Payload = 13,
    /// A condition on data or time is false.
    Condition = 14,
    /// A condition or assignment cannot be computed.
    Fault = 15,
    /// The message requires a witness, and none was given.
    WitnessMissing = 16,
    /// The witness was consumed before.
    WitnessConsumed = 17,
    /// No such witness was issued.
    WitnessUnknown = 18,
    /// The witness is for something else.
    WitnessMismatch = 19,
    /// The generation of the witness's roles has moved on.
    WitnessStale = 20,
    /// The witness has expired.
    WitnessExpired = 21,
    /// What the witness is for is false now.
    WitnessFalse = 22,
    /// The predicate of the witness to be issued is false.
    PredicateFalse = 23,
    /// The specification names no such predicate, or no step of these roles requires it.
    NoPredicate = 24,
    /// A limit of the store or the plan.
    Limit = 25,
    /// The audit log has no room.
    AuditFull = 26,
    /// A role has an owner already.
    AlreadyClaimed = 27,
    /// A transfer of one of the roles is pending.
    TransferPending = 28,
    /// The new scope is not narrower.
    NotNarrower = 29,
    /// The scope is wider than the holder's.
    Wider = 30,
    /// The transfer is not pending.
    NotPending = 31,
    /// The receipt is not that of the transfer, or another owner commits it.
    Mismatch = 32,
    /// The owner changed since the transfer began.
    OwnerChanged = 33,
    /// The owner holds nothing in this session.
    Unclaimed = 34,
    /// A role has not finished.
    Unfinished = 35,
    /// A queue holds something.
    NotEmpty = 36,
    /// The id was issued before, or one above it was.
    NotFresh = 37,
    /// The application key is in use.
    KeyInUse = 38,
    /// A counter has run out.
    Exhausted = 39,
    /// The token is none of this store's, or was altered.
    BadToken = 40,
    /// The token was imported before.
    TokenUsed = 41,
    /// The token is past its time.
    TokenExpired = 42,
    /// There is no such edge.
    NoEdge = 43,
    /// There is no such role.
    NoRole = 44,
    /// There is no such label on the edge.
    NoMessage = 45,
    /// The session moved between reserve and commit.
    Moved = 46,
    /// An offer waits on this synchronous edge already.
    Offered = 47,
    /// An empty scope.
    EmptyScope = 48,
    /// The store is without secrets, which this needs.
    NoSecret = 49,
    /// The message failed its authentication, and stays in the queue.
    Unauthentic = 51,
    /// The deadline is not above the time of the session.
    Past = 52,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 50] = [
        Self::UnknownSession,
        Self::Foreign,
        Self::Terminal,
        Self::Draining,
        Self::Stale,
        Self::OutOfScope,
        Self::NotEnabled,
        Self::Empty,
        Self::Unexpected,
        Self::WouldBlock,
        Self::Full,
        Self::Payload,
        Self::Condition,
        Self::Fault,
        Self::WitnessMissing,
        Self::WitnessConsumed,
        Self::WitnessUnknown,
        Self::WitnessMismatch,
        Self::WitnessStale,
        Self::WitnessExpired,
        Self::WitnessFalse,
        Self::PredicateFalse,
        Self::NoPredicate,
        Self::Limit,
        Self::AuditFull,
        Self::AlreadyClaimed,
        Self::TransferPending,
        Self::NotNarrower,
        Self::Wider,
        Self::NotPending,
        Self::Mismatch,
        Self::OwnerChanged,
        Self::Unclaimed,
        Self::Unfinished,
        Self::NotEmpty,
        Self::NotFresh,
        Self::KeyInUse,
        Self::Exhausted,
        Self::BadToken,
        Self::TokenUsed,
        Self::TokenExpired,
        Self::NoEdge,
        Self::NoRole,
        Self::NoMessage,
        Self::Moved,
        Self::Offered,
        Self::EmptyScope,
        Self::NoSecret,
        Self::Unauthentic,
        Self::Past,
    ];

    /// Its number in records; `PL07` and the number is its name.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Its stable name, such as `PL0708`.
    #[must_use]
    pub fn name(self) -> String {
        format!("PL07{:02}", self.number())
    }

    /// Its word, as programs read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownSession => "unknown-session",
            Self::Foreign => "foreign",
            Self::Terminal => "terminal",
            Self::Draining => "draining",
            Self::Stale => "stale",
            Self::OutOfScope => "out-of-scope",
            Self::NotEnabled => "not-enabled",
            Self::Empty => "empty",
            Self::Unexpected => "unexpected",
            Self::WouldBlock => "would-block",
            Self::Full => "full",
            Self::Payload => "payload",
            Self::Condition => "condition",
            Self::Fault => "fault",
            Self::WitnessMissing => "witness-missing",
            Self::WitnessConsumed => "witness-consumed",
            Self::WitnessUnknown => "witness-unknown",
            Self::WitnessMismatch => "witness-mismatch",
            Self::WitnessStale => "witness-stale",
            Self::WitnessExpired => "witness-expired",
            Self::WitnessFalse => "witness-false",
            Self::PredicateFalse => "predicate-false",
            Self::NoPredicate => "no-predicate",
            Self::Limit => "limit",
            Self::AuditFull => "audit-full",
            Self::AlreadyClaimed => "already-claimed",
            Self::TransferPending => "transfer-pending",
            Self::NotNarrower => "not-narrower",
            Self::Wider => "wider",
            Self::NotPending => "not-pending",
            Self::Mismatch => "mismatch",
            Self::OwnerChanged => "owner-changed",
            Self::Unclaimed => "unclaimed",
            Self::Unfinished => "unfinished",
            Self::NotEmpty => "not-empty",
            Self::NotFresh => "not-fresh",
            Self::KeyInUse => "key-in-use",
            Self::Exhausted => "exhausted",
            Self::BadToken => "bad-token",
            Self::TokenUsed => "token-used",
            Self::TokenExpired => "token-expired",
            Self::NoEdge => "no-edge",
            Self::NoRole => "no-role",
            Self::NoMessage => "no-message",
            Self::Moved => "moved",
            Self::Offered => "offered",
            Self::EmptyScope => "empty-scope",
            Self::NoSecret => "no-secret",
            Self::Unauthentic => "unauthentic",
            Self::Past => "past",
        }
    }
}

/// What there is to say besides the code.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// The session is in this state.
    Status(Status),
    /// Generations: the capability's, and the one that counts.
    Generation {
        /// The one that counts; 0 if the role is unowned.
        expected: u32,
        /// The one that was handed in.
        actual: u32,
    },
    /// A role has this owner.
    Owner {
        /// The role.
        role: RoleId,
        /// Who owns it.
        owner: Owner,
    },
    /// A role, which has not finished, or is not covered.
    Role(RoleId),
    /// A queue holds so many messages.
    Queue {
        /// From whom.
        from: RoleId,
        /// To whom.
        to: RoleId,
        /// How many.
        messages: usize,
    },
    /// The id that was given, and the next that would be fresh.
    Fresh {
        /// Given.
        given: SessionId,
        /// Fresh.
        next: SessionId,
    },
    /// What does not fit.
    Misfit(Misfit),
    /// What cannot be computed.
    Fault(Fault),
    /// A condition, as it is written, with the values that made it false.
    Condition {
        /// As the author wrote it.
        text: Box<str>,
        /// Names and what they held, secrets as digests.
        values: Vec<(Box<str>, Box<str>)>,
    },
    /// In words.
    Text(Box<str>),
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which way.
    pub direction: Direction,
    /// Who acts.
    pub role: RoleId,
    /// With whom; itself if it acts alone.
    pub peer: RoleId,
    /// The label, if one was said.
    pub label: Option<LabelId>,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused(pub(super) Box<Refusal>);

/// What a refusal says.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// More of it.
    pub detail: Detail,
    /// The session, if it is known.
    pub session: Option<SessionId>,
    /// The step that was refused, if it was one.
    pub asked: Option<Asked>,
    /// Everything that the role could do instead.
    pub expected: Vec<Expected>,
    /// The head of the queue that was asked.
    pub head: Option<MessageId>,
    /// Who is to blame, if it is a matter of the protocol.
    pub blame: Option<RoleId>,
    /// The number of its record in the audit, if it has one of its own.
    pub record: Option<u64>,
    pub(super) plan: Option<OpenPlan>,
}

impl Refused {
    pub(super) fn new(code: Code) -> Self {
        Self(Box::new(Refusal {
            code,
            detail: Detail::None,
            session: None,
            asked: None,
            expected: Vec::new(),
            head: None,
            blame: None,
            record: None,
            plan: None,
        }))
    }

    pub(super) fn with(code: Code, detail: Detail) -> Self {
        let mut refused = Self::new(code);
        refused.0.detail = detail;
        refused
    }

    /// Why.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The plan of the session, if it is known.
    #[must_use]
    pub fn plan(&self) -> Option<&OpenPlan> {
        self.0.plan.as_ref()
    }
}

impl std::ops::Deref for Refused {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl PartialEq for Refused {
    fn eq(&self, other: &Self) -> bool {
        let of = |refused: &Self| (refused.code, refused.session, refused.asked, refused.head, refused.blame);
        of(self) == of(other) && self.detail == other.detail && self.expected == other.expected
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = |role: RoleId| {
            self.plan.as_ref().map_or_else(|| format!("{role:?}"), |plan| plan.role_name(role).to_owned())
        };
        write!(f, "{}", self.code.word())?;
        if let Some(session) = self.session {
            write!(f, " in session {session}")?;
        }
        if let Some(asked) = &self.asked {
            let label = asked.label.and_then(|label| Some(self.plan.as_ref()?.label_text(label).to_owned()));
            let label = label.map(|label| format!(":{label}")).unwrap_or_default();
            match asked.direction {
                Direction::Send => write!(f, ": {}!{}{label}", role(asked.role), role(asked.peer))?,
                Direction::Receive => write!(f, ": {}?{}{label}", role(asked.role), role(asked.peer))?,
                Direction::Act => write!(f, ": {}{label}", role(asked.role))?,
            }
        }
        match &self.detail {
            Detail::None => {}
            Detail::Status(status) => write!(f, "; the session is {status}")?,
            Detail::Generation { expected: 0, actual } => {
                write!(f, "; the capability is of generation {actual}, and the role has no owner")?;
            }
            Detail::Generation { expected, actual } => {
                write!(f, "; the capability is of generation {actual}, the role is at {expected}")?;
            }
            Detail::Owner { role: whose, owner } => write!(f, "; `{}` belongs to owner {}", role(*whose), owner.0)?,
            Detail::Role(whose) => write!(f, "; role `{}`", role(*whose))?,
            Detail::Queue { from, to, messages } => {
                write!(f, "; {messages} on the edge from `{}` to `{}`", role(*from), role(*to))?;
            }
            Detail::Fresh { given, next } => write!(f, "; {given} is not fresh, {next} would be")?,
            Detail::Misfit(misfit) => write!(f, "; {misfit}")?,
            Detail::Fault(fault) => write!(f, "; {fault}")?,
            Detail::Condition { text, values } => {
                write!(f, "; `{text}` is false")?;
                for (at, (name, value)) in values.iter().enumerate() {
                    write!(f, "{} {name} = {value}", if at == 0 { ";" } else { "," })?;
                }
            }
            Detail::Text(text) => write!(f, "; {text}")?,
        }
        if let (Some(plan), true) = (&self.plan, self.asked.is_some()) {
            let expected: Vec<String> = self.expected.iter().map(|one| one.text(plan)).collect();
            let expected = if expected.is_empty() { "nothing".to_owned() } else { expected.join(", ") };
            write!(f, "; expected {expected}")?;
        }
        write!(f, " [{}]", self.code.name())
    }
}

impl std::error::Error for Refused {}
