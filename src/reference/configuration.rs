//! Local types side by side, with a queue per edge.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use super::{
    rewrite::{Next, Rest, Rewriter, Step},
    rules::{Fired, Rule},
};
use crate::{
    event::Event,
    id::{Id, IdVec, LabelId, RoleId, SortId},
    protocol::{EdgeKind, Term},
};

/// What is left of every role's type, and what every queue holds. Equal configurations are equal values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configuration {
    roles: Vec<Rest>,
    /// Oldest first; an edge that holds nothing is absent.
    queues: BTreeMap<(RoleId, RoleId), VecDeque<(LabelId, SortId)>>,
}

impl Configuration {
    /// What is left of a role's type.
    #[must_use]
    pub fn rest(&self, role: RoleId) -> Option<&Rest> {
        self.roles.get(role.index())
    }

    /// What is queued from one role to another, oldest first.
    pub fn queue(&self, from: RoleId, to: RoleId) -> impl Iterator<Item = (LabelId, SortId)> + '_ {
        self.queues.get(&(from, to)).into_iter().flatten().copied()
    }

    /// Every edge that holds something, with what it holds, oldest first.
    pub fn queues(&self) -> impl Iterator<Item = (RoleId, RoleId, impl Iterator<Item = (LabelId, SortId)> + '_)> + '_ {
        self.queues.iter().map(|(&(from, to), queue)| (from, to, queue.iter().copied()))
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.queues.is_empty()
    }

    /// How many messages the fullest queue holds.
    #[must_use]
    pub fn longest_queue(&self) -> usize {
        self.queues.values().map(VecDeque::len).max().unwrap_or(0)
    }

    fn becomes(&self, role: RoleId, rest: &Rest) -> Self {
        let mut then = self.clone();
        if let Some(slot) = then.roles.get_mut(role.index()) {
            *slot = rest.clone();
        }
        then
    }

    fn put(mut self, from: RoleId, to: RoleId, message: (LabelId, SortId)) -> Self {
        self.queues.entry((from, to)).or_default().push_back(message);
        self
    }

    fn empty(mut self, from: RoleId, to: RoleId) -> Self {
        self.queues.remove(&(from, to));
        self
    }

    fn take(mut self, from: RoleId, to: RoleId) -> Self {
        if let Some(queue) = self.queues.get_mut(&(from, to)) {
            queue.pop_front();
            if queue.is_empty() {
                self.queues.remove(&(from, to));
            }
        }
        self
    }
}

/// What can be wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bad {
    /// No event is enabled, it is not final, and no send only lacks room at the exploration's bound.
    Deadlock,
    /// A queued message whose receiver has ended.
    Orphan,
    /// A role that only receives, each of whose edges has a head that it does not take.
    UnspecifiedReception,
}

impl Bad {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deadlock, Self::Orphan, Self::UnspecifiedReception];
}

/// One local term per role, and the rules under which they run.
#[derive(Clone, Debug)]
pub struct System<'a> {
    terms: &'a IdVec<RoleId, Term>,
    channels: &'a [(RoleId, RoleId, EdgeKind)],
    bound: Option<u32>,
    fired: Fired,
    /// What was found out about a rest already; only to be less slow.
    known: RefCell<BTreeMap<(RoleId, Rest), Rc<Next>>>,
}

impl<'a> System<'a> {
    /// The terms, in role order; the declared kinds of edges (of two declarations the last counts, others are
    /// unbounded queues); and what every edge holds at most, 0 making every edge synchronous.
    #[must_use]
    pub fn new(terms: &'a IdVec<RoleId, Term>, channels: &'a [(RoleId, RoleId, EdgeKind)], bound: Option<u32>) -> Self {
        Self { terms, channels, bound, fired: Fired::default(), known: RefCell::default() }
    }

    /// How often each rule was used so far.
    #[must_use]
    pub fn fired(&self) -> &Fired {
        &self.fired
    }

    /// Every role at its start, nothing queued.
    #[must_use]
    pub fn initial(&self) -> Configuration {
        let start = |term| Rewriter { term, fired: &self.fired }.start();
        Configuration { roles: self.terms.values().map(start).collect(), queues: BTreeMap::new() }
    }

    /// What a role can do next; nothing, if there is no such role.
    fn next(&self, conf: &Configuration, role: RoleId) -> Rc<Next> {
        let (Some(term), Some(rest)) = (self.terms.entry(role), conf.rest(role)) else { return Rc::default() };
        let key = (role, rest.clone());
        if let Some(next) = self.known.borrow().get(&key) {
            return Rc::clone(next);
        }
        let next = Rc::new(Rewriter { term, fired: &self.fired }.next(rest));
        self.known.borrow_mut().insert(key, Rc::clone(&next));
        next
    }

    /// What an edge holds as declared; `None` is any number, 0 makes send and receive one step.
    fn declared(&self, from: RoleId, to: RoleId) -> Option<u32> {
        match self.channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to)) {
            None | Some((.., EdgeKind::Fifo | EdgeKind::Lossy | EdgeKind::Latest)) => None,
            Some((.., EdgeKind::Bounded(n))) => Some(*n),
            Some((.., EdgeKind::Sync)) => Some(0),
        }
    }

    /// What an edge holds under the exploration's bound as well.
    fn capacity(&self, from: RoleId, to: RoleId) -> Option<u32> {
        match (self.declared(from, to), self.bound) {
            (Some(declared), Some(bound)) => Some(declared.min(bound)),
            (declared, bound) => declared.or(bound),
        }
    }

    fn is_sync(&self, from: RoleId, to: RoleId) -> bool {
        self.capacity(from, to) == Some(0)
    }

    fn kind(&self, from: RoleId, to: RoleId) -> EdgeKind {
        let declared = self.channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
        declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
    }

    fn fits(&self, conf: &Configuration, from: RoleId, to: RoleId, capacity: Option<u32>) -> bool {
        if self.kind(from, to) == EdgeKind::Latest {
            return capacity != Some(0);
        }
        capacity.is_none_or(|n| conf.queue(from, to).count() < n as usize)
    }

    /// Everything that an event can lead to; nothing, if it may not happen.
    #[must_use]
    pub fn successors(&self, conf: &Configuration, event: Event) -> Vec<Configuration> {
        let mut then = Vec::new();
        match event {
            // [send]  p: q!l(S).L --p!q:l--> L, pq := pq·l(S), when pq has room
            Event::Send { from, to, label, sort } => {
                let fits = self.fits(conf, from, to, self.capacity(from, to));
                let kind = self.kind(from, to);
                for rest in self.next(conf, from).after(Step::Send { to, label, sort }) {
                    let sent = conf.becomes(from, rest);
                    // [lose]  p: q!l(S).L --p!q:l--> L, when pq is lossy and queues: lost now or later
                    if kind == EdgeKind::Lossy && !self.is_sync(from, to) {
                        self.fired.note(Rule::Lose);
                        then.push(sent.clone());
                    }
                    // [replace]  p: q!l(S).L --p!q:l--> L,  pq := l(S), when pq keeps the latest
                    if fits && kind == EdgeKind::Latest {
                        self.fired.note(Rule::Replace);
                        then.push(sent.empty(from, to).put(from, to, (label, sort)));
                    } else if fits {
                        self.fired.note(Rule::Send);
                        then.push(sent.put(from, to, (label, sort)));
                    }
                }
            }
            // [receive]  q: p?l(S).L, pq = l(S)·w --q?p:l--> L, pq := w
            Event::Receive { from, to, label, sort } => {
                if conf.queue(from, to).next() == Some((label, sort)) {
                    for rest in self.next(conf, to).after(Step::Receive { from, label, sort }) {
                        self.fired.note(Rule::Receive);
                        then.push(conf.becomes(to, rest).take(from, to));
                    }
                }
            }
            // [sync]  p: q!l(S).L, q: p?l(S).M --(p,q):l--> L, M, on a synchronous edge, p ≠ q
            Event::Sync { from, to, label, sort } => {
                if from != to && self.is_sync(from, to) {
                    for sender in self.next(conf, from).after(Step::Send { to, label, sort }) {
                        for receiver in self.next(conf, to).after(Step::Receive { from, label, sort }) {
                            self.fired.note(Rule::Sync);
                            then.push(conf.becomes(from, sender).becomes(to, receiver));
                        }
                    }
                }
            }
            // [act]  p: l(S).L --p:l--> L
            Event::Act { role, label, sort } => {
                for rest in self.next(conf, role).after(Step::Act { role, label, sort }) {
                    self.fired.note(Rule::Act);
                    then.push(conf.becomes(role, rest));
                }
            }
            // No rule.
            Event::Timeout { .. } | Event::Lapse { .. } | Event::Crash { .. } | Event::Interrupt { .. } => {}
        }
        then
    }

    /// Whether an event may happen.
    #[must_use]
    pub fn admits(&self, conf: &Configuration, event: Event) -> bool {
        !self.successors(conf, event).is_empty()
    }

    /// Every event that may happen, in order.
    #[must_use]
    pub fn enabled(&self, conf: &Configuration) -> Vec<Event> {
        let mut events = BTreeSet::new();
        for role in self.terms.ids() {
            for &(step, _) in &self.next(conf, role).steps {
                events.insert(match step.event(role) {
                    Event::Send { from, to, label, sort } if self.is_sync(from, to) => {
                        Event::Sync { from, to, label, sort }
                    }
                    event => event,
                });
            }
        }
        events.into_iter().filter(|&event| self.admits(conf, event)).collect()
    }

    /// The sends that only lack room at the exploration's bound: a declared bound is a real one.
    #[must_use]
    pub fn cut(&self, conf: &Configuration) -> Vec<Event> {
        let mut events = Vec::new();
        for role in self.terms.ids() {
            for &(step, _) in &self.next(conf, role).steps {
                if let Step::Send { to, .. } = step
                    && !self.is_sync(role, to)
                    && !self.fits(conf, role, to, self.bound)
                    && self.fits(conf, role, to, self.declared(role, to))
                {
                    events.push(step.event(role));
                }
            }
        }
        events.dedup();
        events
    }

    /// Every role at `end` or where it may stop, and all queues empty.
    #[must_use]
    pub fn is_final(&self, conf: &Configuration) -> bool {
        conf.is_quiet() && self.terms.ids().all(|role| self.next(conf, role).may_stop)
    }

    /// Whether a configuration is bad in this way.
    #[must_use]
    pub fn is(&self, conf: &Configuration, bad: Bad) -> bool {
        match bad {
            Bad::Deadlock => self.enabled(conf).is_empty() && !self.is_final(conf) && self.cut(conf).is_empty(),
            Bad::Orphan => conf.queues.keys().any(|&(_, to)| self.next(conf, to).is_end()),
            Bad::UnspecifiedReception => self.terms.ids().any(|role| self.misreceives(conf, role)),
        }
    }

    /// Everything that is bad about a configuration.
    #[must_use]
    pub fn bad(&self, conf: &Configuration) -> Vec<Bad> {
        Bad::ALL.into_iter().filter(|&bad| self.is(conf, bad)).collect()
    }

    /// The role only receives, and each of its edges has a head that it does not take.
    fn misreceives(&self, conf: &Configuration, role: RoleId) -> bool {
        let next = self.next(conf, role);
        let mut wanted: BTreeMap<RoleId, BTreeSet<(LabelId, SortId)>> = BTreeMap::new();
        for &(step, _) in &next.steps {
            let Step::Receive { from, label, sort } = step else { return false };
            wanted.entry(from).or_default().insert((label, sort));
        }
        !wanted.is_empty()
            && wanted
                .iter()
                .all(|(&from, takes)| conf.queue(from, role).next().is_some_and(|head| !takes.contains(&head)))
    }

    /// All configurations that a run can lead to; the index of the first event that may not happen otherwise.
    pub fn replay(&self, run: &[Event]) -> Result<BTreeSet<Configuration>, usize> {
        let mut at = BTreeSet::from([self.initial()]);
        for (index, &event) in run.iter().enumerate() {
            at = at.iter().flat_map(|conf| self.successors(conf, event)).collect();
            if at.is_empty() {
                return Err(index);
            }
        }
        Ok(at)
    }
}
