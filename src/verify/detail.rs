//! What went wrong, as data and in words.

use super::{
    implementability::{Condition, Indistinct},
    subtype::Shown,
};
use crate::{
    diag::{Code, catalogue::projection, catalogue::verdict as codes},
    event::Event,
    id::{LabelId, RoleId, SortId},
    protocol::{Header, Names},
};

/// A message in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The sender.
    pub from: RoleId,
    /// The receiver.
    pub to: RoleId,
    /// The label.
    pub label: LabelId,
    /// The payload signature.
    pub sort: SortId,
}

/// A role and what it could do next if it were let.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub role: RoleId,
    /// What it waits for.
    pub offers: Vec<Event>,
}

/// What a counterexample shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing can happen, and these may not stop.
    Deadlock(Vec<Waiting>),
    /// The message is never received: its receiver has ended, or all may stop.
    Orphan(Queued),
    /// The role waits before heads that it does not take.
    Unspecified {
        /// Who, and what it would take.
        waiting: Waiting,
        /// What lies before it; empty on synchronous edges.
        heads: Vec<Queued>,
    },
    /// The role can never be served again.
    Starved {
        /// Who, and what it waits for.
        waiting: Waiting,
        /// After how many events of the run that is settled.
        lost_at: usize,
    },
    /// The message can never be received again.
    Unreceived {
        /// The head of the queue.
        message: Queued,
        /// After how many events of the run that is settled.
        lost_at: usize,
    },
    /// The role, or the message, may never be served although it could.
    Unserved {
        /// Who waits, and for which of these.
        waiting: Waiting,
        /// After how many events of the run nobody is bound to serve it any more.
        lost_at: usize,
    },
    /// The role waits for something else from the one that sends this.
    Misunderstood {
        /// Who, and what it would take.
        waiting: Waiting,
        /// What it gets.
        message: Queued,
    },
    /// The run ends.
    Ends,
    /// The run goes on for ever.
    Endless,
    /// The run ends, and not in a final configuration.
    Stuck(Vec<Waiting>),
    /// The cycle can be run again and again, and the queue grows.
    Unbounded {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
    },
    /// The queue holds more than was claimed.
    Overflow {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
        /// What was claimed.
        bound: u32,
    },
    /// Not k-exhaustive: there is no room for the message, and will be none without its sender.
    NoRoom {
        /// What should be sent.
        send: Queued,
        /// How much room there is.
        bound: u32,
        /// However much room there is, some run comes to such an end: these events of the run, from one index to before
        /// another, can be run again and again before the rest.
        again: Option<(usize, usize)>,
    },
    /// Not k-OBI: there is room for one of the messages that the role may send, and none for another.
    HalfChoice {
        /// For this there is.
        can: Queued,
        /// For this there is none.
        cannot: Queued,
        /// How much room there is.
        bound: u32,
        /// However much room there is, so it comes about: the role sends until there is none.
        always: bool,
    },
    /// Not k-CIBI: which of two messages comes first decides what the role does, and nothing decides which.
    Race {
        /// What it receives.
        taken: Queued,
        /// What it might have received instead.
        rival: Queued,
        /// When it received the one, if the other was sent only afterwards, though not because of that.
        taken_at: Option<usize>,
        /// It is so for every k, because this can be sent again and again.
        always: Option<Queued>,
    },
    /// These roles have no local type; what the run of their automata shows, if one goes wrong.
    NotProjectable {
        /// Who.
        roles: Vec<RoleId>,
        /// What the counterexample shows.
        shown: Option<Box<Detail>>,
    },
    /// A condition of implementability does not hold.
    NotImplementable {
        /// Who, which, and the two runs.
        indistinct: Box<Indistinct>,
        /// In words, one line.
        text: Box<str>,
    },
    /// One local type is no subtype of the other.
    NotSubtype(Box<Shown>),
}

impl Detail {
    /// The code of such a finding.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Deadlock(_) => codes::DEADLOCK,
            Self::Orphan(_) => codes::ORPHAN,
            Self::Unspecified { .. } | Self::Misunderstood { .. } => codes::UNSPECIFIED_RECEPTION,
            Self::Starved { .. } | Self::Unreceived { .. } => codes::STARVATION,
            Self::Unserved { .. } => codes::UNSERVED,
            Self::Ends => codes::ENDS,
            Self::Endless => codes::ENDLESS,
            Self::Stuck(_) => codes::STUCK,
            Self::Unbounded { .. } => codes::UNBOUNDED,
            Self::Overflow { .. } => codes::OVERFLOW,
            Self::NoRoom { .. } | Self::HalfChoice { .. } | Self::Race { .. } => codes::NOT_COMPATIBLE,
            Self::NotProjectable { .. } => codes::NOT_PROJECTABLE,
            Self::NotImplementable { indistinct, .. } => match indistinct.condition {
                Condition::NoOptionalTermination => projection::MAY_STOP,
                _ => projection::NOT_IMPLEMENTABLE,
            },
            Self::NotSubtype(_) => codes::NOT_SUBTYPE,
        }
    }

    /// The roles that fail, wait or starve.
    #[must_use]
    pub fn roles(&self) -> Vec<RoleId> {
        let all = |waiting: &[Waiting]| waiting.iter().map(|waiting| waiting.role).collect();
        match self {
            Self::Deadlock(waiting) => all(waiting),
            Self::Stuck(waiting) => all(waiting),
            Self::Unspecified { waiting, .. } | Self::Starved { waiting, .. } | Self::Unserved { waiting, .. } => {
                vec![waiting.role]
            }
            Self::Misunderstood { message, .. } => vec![message.to, message.from],
            Self::Orphan(message) | Self::Unreceived { message, .. } => vec![message.to],
            Self::Unbounded { from, to } | Self::Overflow { from, to, .. } => vec![*from, *to],
            Self::NoRoom { send, .. } => vec![send.from, send.to],
            Self::HalfChoice { can, cannot, .. } => vec![can.from, can.to, cannot.to],
            Self::Race { taken, rival, .. } => vec![taken.to, taken.from, rival.from],
            Self::Ends | Self::Endless => Vec::new(),
            Self::NotProjectable { roles, .. } => roles.clone(),
            Self::NotImplementable { indistinct, .. } => vec![indistinct.role],
            Self::NotSubtype(_) => Vec::new(),
        }
    }

    /// In words, one line.
    #[must_use]
    pub fn text(&self, header: &Header, names: &Names) -> String {
        let role = |role: RoleId| format!("`{}`", header.role_name(role));
        let message = |label, sort| format!("`{}`", names.message(label, sort));
        let waits = |waiting: &Waiting| format!("{} {}", role(waiting.role), offers(&waiting.offers, header, names));
        let all = |waiting: &[Waiting]| waiting.iter().map(waits).collect::<Vec<_>>().join("; ");
        match self {
            Self::Deadlock(waiting) => format!("deadlock: {}", all(waiting)),
            Self::Stuck(waiting) if waiting.is_empty() => "the run ends with a message left in a queue".to_owned(),
            Self::Stuck(waiting) => format!("the run ends too early: {}", all(waiting)),
            Self::Orphan(queued) => format!(
                "orphan message: {} from {} is left when {} has ended",
                message(queued.label, queued.sort),
                role(queued.from),
                role(queued.to)
            ),
            Self::Unspecified { waiting, heads } => {
                let heads: Vec<String> = heads
                    .iter()
                    .map(|head| format!("{} from {}", message(head.label, head.sort), role(head.from)))
                    .collect();
                if heads.is_empty() {
                    format!("unspecified reception: {}, and its partner offers nothing of it", waits(waiting))
                } else {
                    format!("unspecified reception: {}, but next is {}", waits(waiting), heads.join(" and "))
                }
            }
            Self::Starved { waiting, .. } => {
                format!("starvation: {}, and nothing can serve it any more", waits(waiting))
            }
            Self::Unreceived { message: queued, .. } => format!(
                "starvation: {} from {} can never be received by {} any more",
                message(queued.label, queued.sort),
                role(queued.from),
                role(queued.to)
            ),
            Self::Unserved { waiting, .. } => {
                format!("starvation: {}, and need never be served", waits(waiting))
            }
            Self::Misunderstood { waiting, message: sent } => format!(
                "unspecified reception: {}, and {} sends it {}",
                waits(waiting),
                role(sent.from),
                message(sent.label, sent.sort)
            ),
            Self::Ends => "the run ends".to_owned(),
            Self::Endless => "the run goes on for ever".to_owned(),
            Self::Unbounded { from, to } => {
                format!("unbounded queue: with each turn of the cycle more lies from {} to {}", role(*from), role(*to))
            }
            Self::Overflow { from, to, bound } => {
                format!("more than {bound} messages lie from {} to {}", role(*from), role(*to))
            }
            Self::NoRoom { send, bound, again } => {
                let what = message(send.label, send.sort);
                let (from, to) = (role(send.from), role(send.to));
                match again {
                    Some((start, end)) => format!(
                        "not k-exhaustive for any k: when steps {} to {end} are run again and again, more and more lies from \
                         {from} to {to}, and then {from} waits for room for {what} while nobody else can do anything",
                        start.saturating_add(1)
                    ),
                    None => format!(
                        "not {bound}-exhaustive: {from} wants to send {what}, {} from {from} to {to}, and without {from} none \
                         of them is received",
                        if *bound == 1 { "1 message lies".to_owned() } else { format!("{bound} messages lie") }
                    ),
                }
            }
            Self::HalfChoice { can, cannot, bound, always } => format!(
                "not {}-output bound independent{}: {} has room for {} to {}, but none for {} to {}",
                if *always { "k".to_owned() } else { bound.to_string() },
                if *always { " for any k" } else { "" },
                role(can.from),
                message(can.label, can.sort),
                role(can.to),
                message(cannot.label, cannot.sort),
                if *always {
                    format!("{}, to whom it can send until there is no room", role(cannot.to))
                } else {
                    role(cannot.to)
                }
            ),
            Self::Race { taken, rival, taken_at, always } => {
                let both = format!(
                    "{} can receive {} from {} or {} from {}",
                    role(taken.to),
                    message(taken.label, taken.sort),
                    role(taken.from),
                    message(rival.label, rival.sort),
                    role(rival.from)
                );
                let race = match taken_at {
                    None => format!("race: {both}, and both are there"),
                    Some(_) => format!("race: {both}, and the other one is not sent because of the one"),
                };
                match always {
                    None => race,
                    Some(more) => format!(
                        "{race}; that is so for every k, and none is so large that all has room, since {} can send {} to {} \
                         again and again",
                        role(more.from),
                        message(more.label, more.sort),
                        role(more.to)
                    ),
                }
            }
            Self::NotImplementable { text, .. } => text.to_string(),
            Self::NotSubtype(shown) => shown.text.clone(),
            Self::NotProjectable { roles, shown } => {
                let roles: Vec<String> = roles.iter().map(|&id| role(id)).collect();
                let text = match roles.len() {
                    0 => "not projectable".to_owned(),
                    1 => format!("no local type for role {}", roles.join(", ")),
                    _ => format!("no local type for roles {}", roles.join(", ")),
                };
                match shown {
                    Some(shown) => format!("{text}; {}", shown.text(header, names)),
                    None => text,
                }
            }
        }
    }
}

/// What a role waits for, in words.
fn offers(offers: &[Event], header: &Header, names: &Names) -> String {
    if offers.is_empty() {
        return "has nothing left to do and may not stop".to_owned();
    }
    // Long lists are cut: the counterexample shows the rest.
    const SHOWN: usize = 4;
    let role = |role: RoleId| format!("`{}`", header.role_name(role));
    let mut words: Vec<String> = Vec::new();
    for &event in offers.iter().take(SHOWN) {
        words.push(match event {
            Event::Send { to, label, sort, .. } | Event::Sync { to, label, sort, .. } => {
                format!("to send `{}` to {}", names.message(label, sort), role(to))
            }
            Event::Receive { from, label, sort, .. } => {
                format!("for `{}` from {}", names.message(label, sort), role(from))
            }
            Event::Act { label, sort, .. } => format!("to do `{}`", names.message(label, sort)),
            Event::Timeout { .. } | Event::Lapse { .. } | Event::Crash { .. } | Event::Interrupt { .. } => {
                "for something without a meaning yet".to_owned()
            }
        });
    }
    if offers.len() > SHOWN {
        words.push(format!("{} more", offers.len().saturating_sub(SHOWN)));
    }
    format!("waits {}", words.join(" or "))
}
