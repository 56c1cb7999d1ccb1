//! When handlers of time limits are due: for whoever has a clock and wants to be woken.
//!
//! What is done about it is [`Live::expire`]'s.

use super::{Attempt, Live, Parts, Time};
use crate::{
    id::RoleId,
    machine::program::{Program, ScopeParts},
    protocol::Trigger,
};

impl Live {
    /// Whether a role has crashed.
    #[must_use]
    pub fn is_crashed(&self, role: RoleId) -> bool {
        self.seats.entry(role).is_some_and(|seat| seat.crashed)
    }

    /// The earliest time limit of a `try` that a role is in and has not noticed to have run out, and whose it is.
    #[must_use]
    pub fn next_limit(&self, program: &Program) -> Option<(Time, RoleId)> {
        let mut next: Option<(Time, RoleId)> = None;
        for (role, seat) in self.seats.iter().filter(|(_, seat)| !seat.crashed) {
            seat.act.visit(&mut |inside| {
                let Parts::Try { at, limits, .. } = &inside.parts else { return };
                let Some(ScopeParts::Try(_, handlers)) =
                    program.scopes.entry(inside.scope).and_then(Option::as_ref).map(|info| &info.parts)
                else {
                    return;
                };
                let open = at.open(handlers.len());
                for (number, (handler, limit)) in handlers.iter().zip(limits).take(open).enumerate() {
                    let own = match handler.trigger {
                        Trigger::Timeout(who, _) | Trigger::Idle(who, _) | Trigger::Deadline(who, _) => who == role,
                        _ => false,
                    };
                    if let Some((_, until)) = *limit
                        && own
                        && *at != Attempt::Expired(number)
                        && next.is_none_or(|known| (until, role) < known)
                    {
                        next = Some((until, role));
                    }
                }
            });
        }
        next
    }
}
