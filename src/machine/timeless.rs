//! Programs for which it does not matter when something happens, nor how often the same happened before: where a session
//! goes from a configuration depends on that and on the message alone, and configurations come again.
//!
//! Comes in: a program. Goes out: whether it is plainly such a one. INVARIANT (timeless): nothing in it reads the time, asks
//! the host, remembers keys, names instances or waits.

use super::program::{Program, ScopeParts};
use crate::{
    data::Code,
    protocol::{Rule, Set, Trigger},
};

impl Program {
    /// Whether what may follow is told by a configuration but for its times, whatever happened before.
    #[must_use]
    pub fn is_timeless(&self) -> bool {
        !self.timed
            && !self.written
            && self.messages.values().all(|travel| is_still(&travel.rule) && is_still(&travel.taken))
            && self.regions.values().all(|region| region.entry.iter().all(|(_, sets)| sets.iter().all(gives)))
            && self.scopes.values().flatten().all(|scope| {
                let behind = scope.behind.iter().flat_map(|(_, entry)| entry);
                let plain = match &scope.parts {
                    ScopeParts::Par(_) => true,
                    ScopeParts::During(_, rounds) => {
                        rounds.iter().all(|round| round.family.is_none() && round.every.is_none())
                    }
                    ScopeParts::Try(_, handlers) => handlers
                        .iter()
                        .all(|handler| matches!(handler.trigger, Trigger::Interrupt(_) | Trigger::Crash(_))),
                };
                plain && behind.flat_map(|(_, sets)| sets).all(gives)
            })
            && self
                .frames
                .values()
                .flat_map(|frame| &frame.slots)
                .all(|slot| !slot.sort.has_condition() && slot.invariant.as_ref().is_none_or(reads))
    }
}

/// Whether an expression reads but variables and payload.
fn reads(code: &Code) -> bool {
    !code.reads_now() && code.externals().is_empty() && code.families().is_empty()
}

fn gives(set: &Set) -> bool {
    reads(&set.value)
}

fn is_still(rule: &Rule) -> bool {
    let Rule { conditions, requires, sets, after, keys, within, unique, idempotent, .. } = rule;
    requires.is_empty()
        && keys.is_empty()
        && within.is_none()
        && unique.is_empty()
        && idempotent.is_empty()
        && !rule.may_retry
        && conditions.iter().all(|condition| reads(&condition.code))
        && sets.iter().chain(after.iter().flat_map(|group| group.iter())).all(gives)
}
