//! A configuration whose queues are empty, as bare states: what nearly every session is when everything is seen at
//! once. The same [`System::step`] changes it.

use super::{Refusal, SEMANTICS, Trail};
use crate::{
    id::{EdgeId, Id, LabelId, MessageId, RoleId, SortId, StateId},
    machine::{Cells, Configuration, Move, System},
    protocol::{Act, Observer},
};

/// States per role, and at most one message on its way.
pub(crate) struct Flat<'s> {
    pub(crate) states: &'s mut [StateId],
    flight: Option<(EdgeId, MessageId)>,
}

impl<'s> Flat<'s> {
    pub(crate) fn new(states: &'s mut [StateId]) -> Self {
        Self { states, flight: None }
    }
}

impl Cells for Flat<'_> {
    #[inline]
    fn state(&self, role: RoleId) -> StateId {
        self.states.get(role.index()).copied().unwrap_or_default()
    }

    #[inline]
    fn set_state(&mut self, role: RoleId, state: StateId) {
        if let Some(entry) = self.states.get_mut(role.index()) {
            *entry = state;
        }
    }

    #[inline]
    fn queued(&self, edge: EdgeId) -> usize {
        usize::from(self.head(edge).is_some())
    }

    #[inline]
    fn head(&self, edge: EdgeId) -> Option<MessageId> {
        self.flight.filter(|&(at, _)| at == edge).map(|(_, message)| message)
    }

    #[inline]
    fn push(&mut self, edge: EdgeId, message: MessageId) {
        self.flight = Some((edge, message));
    }

    #[inline]
    fn pop(&mut self, _: EdgeId) {
        self.flight = None;
    }
}

/// The states of a configuration whose queues are empty.
pub(crate) fn flatten(system: &System, at: &Configuration, states: &mut [StateId]) -> bool {
    for (role, state) in system.machines().ids().zip(states.iter_mut()) {
        *state = at.state(role);
    }
    system.edges().ids().all(|edge| at.queued(edge) == 0)
}

/// The configuration of bare states.
pub(crate) fn raise(system: &System, states: &[StateId]) -> Configuration {
    let mut at = Configuration::initial(system);
    for (role, &state) in system.machines().ids().zip(states) {
        at.set_state(role, state);
    }
    at
}

/// A message sent and received in one instant, or seen by an endpoint, by machines without twins. On refusal nothing
/// has changed. Says whether a role that took part has ended.
#[inline]
pub(crate) fn message(
    system: &System,
    observer: Observer,
    states: &mut [StateId],
    message: MessageId,
    trail: Option<&mut Trail>,
) -> Result<bool, Refusal> {
    let info = system.messages()[message];
    let edge = system.edges()[info.edge];
    if let Observer::Endpoint(role) = observer {
        let (column, refusal) =
            if role == edge.from { (info.send, Refusal::Sender) } else { (info.receive, Refusal::Receiver) };
        let machine = &system.machines()[role];
        let Some(state) = states.get_mut(role.index()) else { return Err(refusal) };
        let before = *state;
        let then = column.map_or(StateId::default(), |column| machine.next(before, column));
        if then == StateId::default() {
            return Err(refusal);
        }
        if let (Some(trail), Some(column)) = (trail, column) {
            trail.push((role, before, column));
        }
        *state = then;
        return Ok(machine.is_end(then));
    }
    let mut flat = Flat::new(states);
    let before = (flat.state(edge.from), flat.state(edge.to));
    let (sender, receiver) = if SEMANTICS.capacity(edge.kind) == Some(0) {
        match system.admits_sync(SEMANTICS, &flat, message) {
            Some(step @ Move::Sync { sender, receiver, .. }) => {
                system.step(&mut flat, step);
                ((sender.1, sender.2), (receiver.1, receiver.2))
            }
            _ => {
                let sends = info.send.map(|column| system.machines()[edge.from].next(before.0, column));
                let sends = sends.is_some_and(|then| then != StateId::default());
                return Err(if sends { Refusal::Receiver } else { Refusal::Sender });
            }
        }
    } else {
        let Some(send @ Move::Send { action, then, .. }) = system.admits_send(SEMANTICS, &flat, message) else {
            return Err(Refusal::Sender);
        };
        let sender = (action, then);
        system.step(&mut flat, send);
        let Some(take @ Move::Receive { action, then, .. }) = system.admits_receive(&flat, message) else {
            flat.set_state(edge.from, before.0);
            return Err(Refusal::Receiver);
        };
        system.step(&mut flat, take);
        (sender, (action, then))
    };
    if let Some(trail) = trail {
        trail.push((edge.from, before.0, sender.0));
        trail.push((edge.to, before.1, receiver.0));
    }
    Ok(system.machines()[edge.from].is_end(sender.1) || system.machines()[edge.to].is_end(receiver.1))
}

/// A local action, by machines without twins.
pub(crate) fn act(
    system: &System,
    states: &mut [StateId],
    role: RoleId,
    (label, sort): (LabelId, SortId),
    trail: Option<&mut Trail>,
) -> Result<bool, Refusal> {
    let machine = &system.machines()[role];
    let Some(state) = states.get_mut(role.index()) else { return Err(Refusal::Sender) };
    let offer = machine.offers(*state).iter().find(|offer| {
        let action = machine.actions()[offer.action];
        (action.act, action.label, action.sort) == (Act::Act, label, sort)
    });
    let Some(offer) = offer else { return Err(Refusal::Sender) };
    if let Some(trail) = trail {
        trail.push((role, *state, offer.action));
    }
    *state = offer.then;
    Ok(machine.is_end(offer.then))
}
