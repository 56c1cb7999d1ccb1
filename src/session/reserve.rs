//! A step in phases: reserve, check, commit. Dropping any stage is a rollback, because nothing has changed before commit.
//!
//! A reservation holds no lock: commit finds out whether the session has moved since, and refuses then
//! ([`Code::Moved`]), so that what was checked is what is done.

use super::{Capability, Code, Done, Refused, Step, block::Head, store::Store};

/// A step that is asked for and may come.
#[derive(Debug)]
#[must_use = "a reservation that is not committed changes nothing"]
pub struct Reserved<'c, 's> {
    capability: &'c Capability,
    step: Step<'s>,
    /// How many steps the session had taken.
    steps: u64,
}

/// A step that was checked and may be taken, unless the session moves before.
#[derive(Debug)]
#[must_use = "what was checked is not done before it is committed"]
pub struct Checked<'c, 's> {
    reserved: Reserved<'c, 's>,
}

/// When a step was reserved, without what it borrows: for hosts that keep it beside a capability and a step of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    steps: u64,
}

impl Ticket {
    /// The reservation again. Which step it is of is the host's word, and gives no power: all that a step demands is
    /// looked at when it is taken.
    pub fn attach<'c, 's>(self, capability: &'c Capability, step: Step<'s>) -> Reserved<'c, 's> {
        Reserved { capability, step, steps: self.steps }
    }
}

impl<'s> Reserved<'_, 's> {
    /// When it was reserved.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        Ticket { steps: self.steps }
    }

    /// What it is about.
    #[must_use]
    pub fn step(&self) -> Step<'s> {
        self.step
    }
}

impl Store {
    /// The steps that a session has taken.
    fn moves(&self, capability: &Capability) -> Option<u64> {
        let head: Head = self.head(capability.session)?;
        let high = u64::from(self.rest.spill.carried(capability.session.slot));
        Some((high << 16) | u64::from(head.steps))
    }

    /// Asks for a step: the session is there and live, and the capability covers its role.
    ///
    /// # Errors
    ///
    /// As [`Store::step`], for the first checks alone.
    pub fn reserve<'c, 's>(&mut self, capability: &'c Capability, step: Step<'s>) -> Result<Reserved<'c, 's>, Refused> {
        match self.may_ask(capability, &step) {
            Ok(steps) => Ok(Reserved { capability, step, steps }),
            Err(code) => Err(self.refused_step(capability, &step, code.into())),
        }
    }

    fn may_ask(&self, capability: &Capability, step: &Step<'_>) -> Result<u64, Code> {
        if capability.store != self.id {
            return Err(Code::Foreign);
        }
        let (page, place) = self.pages.look(capability.session).ok_or(Code::UnknownSession)?;
        let block = page.block(place);
        let (role, sends) = match step {
            Step::Send(send) => (send.from, true),
            Step::Receive(receive) => (receive.role, false),
            Step::Act(act) => (act.role, true),
        };
        let head = self.head(capability.session).ok_or(Code::UnknownSession)?;
        super::step::alive(head, capability.session, sends)?;
        super::step::covers(block, &page.plan.0, capability, role)?;
        self.moves(capability).ok_or(Code::UnknownSession)
    }

    /// The step may still be asked for, and the session has not moved since it was.
    fn unmoved(&self, capability: &Capability, step: &Step<'_>, steps: u64) -> Result<(), Code> {
        if self.may_ask(capability, step)? == steps { Ok(()) } else { Err(Code::Moved) }
    }

    /// Checks all the rest, as if the step were taken now, and changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Store::step`], and [`Code::Moved`].
    pub fn check<'c, 's>(&mut self, reserved: Reserved<'c, 's>) -> Result<Checked<'c, 's>, Refused> {
        let Reserved { capability, step, steps } = &reserved;
        if let Err(code) = self.unmoved(capability, step, *steps) {
            return Err(self.refused_step(capability, step, code.into()));
        }
        match self.try_dry(capability, step) {
            Ok(()) => Ok(Checked { reserved }),
            Err(miss) => Err(self.refused_step(capability, step, miss)),
        }
    }

    /// Takes a step that was checked.
    ///
    /// # Errors
    ///
    /// [`Code::Moved`] if the session has moved since it was reserved; else as [`Store::step`] for what can change
    /// without a step, such as the liveness of the capability, a witness that expired, or the room in the audit.
    pub fn commit(&mut self, checked: Checked<'_, '_>) -> Result<Done, Refused> {
        let Reserved { capability, step, steps } = checked.reserved;
        if let Err(code) = self.unmoved(capability, &step, steps) {
            return Err(self.refused_step(capability, &step, code.into()));
        }
        self.step(capability, step)
    }
}
