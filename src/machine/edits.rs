//! Assignments that can be made in place, once for each message of a program.
//!
//! INVARIANT (deferred): a change that is deferred to the end of a step is of a slot that nothing reads between its
//! assignment and then: no later group of the rule, no invariant and no time limit; nor does the rule assign it twice.

use rustc_hash::FxHashSet;

use super::program::{Program, ScopeParts};
use crate::{
    data::{Code, Edit, Slot},
    protocol::{Rule, Set, Trigger, slot},
};

/// The assignments of a rule that can be made in place, by group (those of the step itself first) and place in it.
pub(super) type Edits = Box<[Box<[Option<Edit>]>]>;

impl Program {
    /// Finds what can be made in place.
    pub(super) fn find_edits(&mut self) {
        let late = self.read_late();
        for travel in self.messages.values_mut() {
            travel.edits = [edits(&travel.rule, &late), edits(&travel.taken, &late)];
        }
    }

    /// Slots that are read when the assignments of a step are known.
    fn read_late(&self) -> FxHashSet<Slot> {
        let mut late = FxHashSet::default();
        let mut note = |code: &Code| late.extend(code.slots().iter().copied());
        for scope in self.scopes.values().flatten() {
            match &scope.parts {
                ScopeParts::Try(_, handlers) => handlers.iter().for_each(|handler| match &handler.trigger {
                    Trigger::Timeout(_, code) | Trigger::Idle(_, code) | Trigger::Deadline(_, code) => note(code),
                    Trigger::Crash(_) | Trigger::Interrupt(_) => {}
                }),
                ScopeParts::During(_, rounds) => rounds.iter().flat_map(|round| &round.every).for_each(&mut note),
                ScopeParts::Par(_) => {}
            }
        }
        for travel in self.messages.values() {
            for rule in [&travel.rule, &travel.taken] {
                rule.within.iter().flat_map(|(from, to)| from.iter().chain([to])).for_each(&mut note);
            }
        }
        for frame in self.frames.values() {
            frame.slots.iter().flat_map(|info| &info.invariant).for_each(&mut note);
        }
        for frame in self.frames.values() {
            let own = frame.slots.iter().zip(0..).filter(|(info, _)| info.invariant.is_some());
            late.extend(own.map(|(_, at)| slot(frame.depth, at)));
        }
        late
    }
}

fn groups(rule: &Rule) -> impl Iterator<Item = &[Set]> {
    std::iter::once(&*rule.sets).chain(rule.after.iter().map(|group| &**group))
}

fn edits(rule: &Rule, late: &FxHashSet<Slot>) -> Edits {
    let of = |(number, group): (usize, &[Set])| {
        let of = |set: &Set| {
            let bound = rule.binds.iter().map(|(_, slot)| *slot);
            let assigned = groups(rule).flatten().map(|other| other.slot).chain(bound).filter(|slot| *slot == set.slot);
            let read = groups(rule)
                .skip(number.saturating_add(1))
                .flatten()
                .any(|other| other.value.slots().contains(&set.slot));
            if assigned.count() != 1 || read || late.contains(&set.slot) {
                None
            } else {
                Edit::of(&set.value, set.slot)
            }
        };
        group.iter().map(of).collect()
    };
    groups(rule).enumerate().map(of).collect()
}
