//! Global types: synchronous words, and what their roles may do asynchronously.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    rewrite::{Rest, Rewriter, Step},
    rules::{Fired, Rule},
};
use crate::{event::Event, id::RoleId, protocol::Term};

/// A global protocol and the rules by which it is rewritten.
///
/// A word of it is a list of [`Event::Sync`] (`p -> q: l`, seen in one instant) and [`Event::Act`].
#[derive(Clone, Debug)]
pub struct Global<'a> {
    term: &'a Term,
    fired: Fired,
}

impl<'a> Global<'a> {
    /// The rules of a global term.
    #[must_use]
    pub fn new(term: &'a Term) -> Self {
        Self { term, fired: Fired::default() }
    }

    /// How often each rule was used so far.
    #[must_use]
    pub fn fired(&self) -> &Fired {
        &self.fired
    }

    fn rewriter(&self) -> Rewriter<'_> {
        Rewriter { term: self.term, fired: &self.fired }
    }

    /// The whole protocol.
    #[must_use]
    pub fn initial(&self) -> Rest {
        self.rewriter().start()
    }

    /// Every step of the protocol with what is left after it, in order.
    #[must_use]
    pub fn steps(&self, rest: &Rest) -> Vec<(Event, Rest)> {
        let mut steps = Vec::new();
        for (step, then) in self.rewriter().next(rest).steps {
            match step {
                // [g-msg]  p -> q: l(S). G --(p,q):l--> G
                Step::Message { from, to, label, sort } => {
                    self.fired.note(Rule::GlobalMessage);
                    steps.push((Event::Sync { from, to, label, sort }, then));
                }
                // [g-act]  p: l(S). G --p:l--> G
                Step::Act { role, label, sort } => {
                    self.fired.note(Rule::GlobalAct);
                    steps.push((Event::Act { role, label, sort }, then));
                }
                // A global term has no local steps.
                Step::Send { .. } | Step::Receive { .. } => {}
            }
        }
        steps
    }

    /// Whether the protocol may be over.
    #[must_use]
    pub fn is_final(&self, rest: &Rest) -> bool {
        self.rewriter().next(rest).may_stop
    }
}

/// How much of what each role did a word has accounted for.
type Accounted = BTreeMap<RoleId, usize>;

impl Global<'_> {
    /// Whether what the roles did is what they may do when messages take time: whether some word of the protocol, each
    /// message split into its send and its receive, begins for every role with exactly what the role did. Independent
    /// events may overtake each other; nobody is ahead of the protocol.
    ///
    /// A shortest such word comes out. That a receive follows its send is up to whoever made the run.
    #[must_use]
    pub fn explain(&self, run: &[Event]) -> Option<Vec<Event>> {
        let mut done: BTreeMap<RoleId, Vec<Event>> = BTreeMap::new();
        for &event in run {
            for part in parts(event) {
                done.entry(part.subject()).or_default().push(part);
            }
        }
        let mut seen: BTreeSet<(Rest, Accounted)> = BTreeSet::new();
        let mut open = VecDeque::from([(self.initial(), Accounted::new(), Vec::new())]);
        while let Some((rest, accounted, word)) = open.pop_front() {
            if done.iter().all(|(role, events)| accounted.get(role) == Some(&events.len())) {
                return Some(word);
            }
            if !seen.insert((rest.clone(), accounted.clone())) {
                continue;
            }
            for (letter, then) in self.steps(&rest) {
                if let Some(accounted) = account(&done, &accounted, letter) {
                    let mut word = word.clone();
                    word.push(letter);
                    open.push_back((then, accounted, word));
                }
            }
        }
        None
    }
}

/// `p -> q: l` is p!q:l and q?p:l.
fn parts(event: Event) -> Vec<Event> {
    match event {
        Event::Sync { from, to, label, sort } => {
            vec![Event::Send { from, to, label, sort }, Event::Receive { from, to, label, sort }]
        }
        other => vec![other],
    }
}

/// Accounts for one more letter: every role that takes part in it did that next, or has done nothing more.
fn account(done: &BTreeMap<RoleId, Vec<Event>>, accounted: &Accounted, letter: Event) -> Option<Accounted> {
    let mut accounted = accounted.clone();
    for part in parts(letter) {
        let Some(events) = done.get(&part.subject()) else { continue };
        let at = accounted.entry(part.subject()).or_default();
        match events.get(*at) {
            Some(event) if *event == part => *at = at.saturating_add(1),
            Some(_) => return None,
            None => {}
        }
    }
    Some(accounted)
}
