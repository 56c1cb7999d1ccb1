//! A judge and the steps that it has seen before: they are looked up, and those that are new are kept.
//!
//! Nothing is decided here; what is not known goes the long way. What is built for tests asks the long way each time, and
//! compares.

use super::{
    Event, Judge, Sitting, Time,
    again::{Again, Number, Unkept},
    observe::{self, Room},
    spare,
};
use crate::machine::live::Sides;

impl Judge<'_> {
    /// Looks no steps up.
    pub(in crate::trace) fn take_anew(&mut self) {
        self.give_up();
    }

    /// How many steps were looked up.
    pub(in crate::trace) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// The configurations of a session, to be changed.
    pub(super) fn unfold(&mut self, slot: u32) {
        if let (Some(again), Some(Some(sitting))) = (&self.again, self.sittings.get_mut(slot as usize)) {
            sitting.unfold(again);
        }
    }

    /// Steps are not kept any more.
    #[cold]
    pub(super) fn give_up(&mut self) {
        if let Some(again) = self.again.take() {
            self.sittings.iter_mut().flatten().for_each(|sitting| sitting.unfold(&again));
        }
    }

    /// A step that was taken before is taken again.
    #[inline]
    pub(super) fn step_again(&mut self, slot: u32, event: &Event<'_>, now: Time) -> Repeated {
        let sides = self.watch.sides(event);
        let (Some(again), Some(Some(sitting))) = (&mut self.again, self.sittings.get_mut(slot as usize)) else {
            return Repeated::No;
        };
        let Some(from) = sitting.known else { return Repeated::No };
        if event.blank || !matches!(sides, Sides::Both | Sides::Give | Sides::Take) {
            return Repeated::No;
        }
        let all = event.candidates.iter().map(|&message| (message, 0));
        let mut read = Self::read(&self.readings, &self.entries, all, event, now, &mut self.spare);
        let Some(then) = again.next(from, sides, &read) else { return Repeated::New(from, sides, read) };
        debug_assert!(
            {
                let mut set = again.config(from).to_vec();
                let found =
                    observe::next_in(self.program, &self.watch, &mut set, event, &mut read, now, &mut Room::default());
                set.iter_mut().for_each(|config| config.live.settle());
                found.is_ok() && set == again.config(then)
            },
            "the step leads elsewhere"
        );
        sitting.known = Some(then);
        self.repeated = self.repeated.saturating_add(1);
        spare(read, &mut self.spare);
        Repeated::Yes
    }

    /// Keeps a step, and the configuration that it led to.
    pub(super) fn keep(&mut self, slot: u32, from: Number, (sides, read): (Sides, &observe::Candidates), taken: bool) {
        let (Some(again), Some(Some(sitting))) = (&mut self.again, self.sittings.get_mut(slot as usize)) else {
            return;
        };
        if !taken {
            (sitting.known, sitting.set) = (Some(from), Vec::new());
            return;
        }
        // Where the specification leaves open what happened, the session goes on without.
        let [config] = &*sitting.set else { return };
        match again.number(self.program, config.clone()) {
            Ok(then) => {
                again.learn(from, sides, read, then);
                (sitting.known, sitting.set) = (Some(then), Vec::new());
            }
            // The session goes on without.
            Err(Unkept::Unlike) => {}
            Err(Unkept::Futile) => self.give_up(),
        }
    }
}

impl Sitting {
    /// Its configuration is its own again.
    fn unfold(&mut self, again: &Again) {
        if let Some(number) = self.known.take() {
            self.set = again.config(number).to_vec();
        }
    }
}

/// Whether a step was taken before.
pub(super) enum Repeated {
    Yes,
    /// It is not known.
    No,
    /// Not from this configuration; with what is to be known of it.
    New(Number, Sides, observe::Candidates),
}
