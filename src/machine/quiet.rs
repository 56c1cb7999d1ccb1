//! What a step need not ask, whatever the data: found once for each program.
//!
//! Both are about what cannot be: a role that is told of a message and assigns nothing with it (most often because what is
//! assigned nobody knows, which is held once, and assigned by the sender), and a program in which nothing has to happen
//! in time.

use super::program::{End, Program, ScopeParts, Travel};
use crate::protocol::{Trigger, Who, place};

impl Program {
    pub(super) fn find_quiet(&mut self) {
        self.timed = self.is_timed();
        let quiet: Vec<[bool; 2]> = self
            .messages
            .values()
            .map(|travel| [End::From, End::To].map(|end| self.has_no_part(travel, end)))
            .collect();
        for (travel, quiet) in self.messages.values_mut().zip(quiet) {
            travel.quiet = quiet;
        }
    }

    fn is_timed(&self) -> bool {
        let rules = self.messages.values().flat_map(|travel| [&travel.rule, &travel.taken]);
        let mut scopes = self.scopes.values().flatten();
        let timed =
            |trigger: &Trigger| matches!(trigger, Trigger::Timeout(..) | Trigger::Idle(..) | Trigger::Deadline(..));
        rules.into_iter().any(|rule| rule.within.is_some())
            || scopes.any(|scope| match &scope.parts {
                ScopeParts::Try(_, handlers) => handlers.iter().any(|handler| timed(&handler.trigger)),
                ScopeParts::During(_, rounds) => rounds.iter().any(|round| round.every.is_some()),
                ScopeParts::Par(_) => false,
            })
    }

    /// Whether one end of a message assigns nothing: of the session's variables it is known which are its own.
    fn has_no_part(&self, travel: &Travel, end: End) -> bool {
        let role = if end == End::From { travel.from } else { travel.to };
        let rule = travel.rule_of(end);
        let root = self.frames.entry(self.root_frame(role));
        let not_mine = |set: &crate::protocol::Set| {
            let (depth, at) = place(set.slot);
            let Some(info) = root.and_then(|root| root.slots.get(at as usize)) else { return false };
            depth == 0
                && if info.roles.is_empty() {
                    end == End::To
                } else {
                    match &set.who {
                        Who::Ends => !info.roles.contains(&role),
                        Who::Roles(roles) => !roles.contains(&role),
                    }
                }
        };
        rule.binds.is_empty() && rule.sets.iter().chain(rule.after.iter().flat_map(|group| group.iter())).all(not_mine)
    }
}
