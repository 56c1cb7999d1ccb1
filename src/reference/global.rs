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

/// What the roles of a global protocol may do when messages take time: a word of the protocol that explains what was
/// seen so far, and what each role has not done of it yet.
///
/// A run is one of the protocol if some word of it, each message split into its send and its receive, has the run's
/// events as a prefix for every role (independent events may overtake each other). What is kept is the word's end,
/// [`Rest`], and per role its part of the word that is still to come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Causal {
    rest: Rest,
    /// Per role, oldest first; a role with nothing is absent.
    owed: BTreeMap<RoleId, VecDeque<Event>>,
}

impl Causal {
    /// Whether every role has done its part of the word.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.owed.is_empty()
    }

    fn owes(&mut self, event: Event) {
        self.owed.entry(event.subject()).or_default().push_back(event);
    }

    fn longest(&self) -> usize {
        self.owed.values().map(VecDeque::len).max().unwrap_or(0)
    }
}

impl Global<'_> {
    /// Nothing done yet.
    #[must_use]
    pub fn causal(&self) -> Causal {
        Causal { rest: self.initial(), owed: BTreeMap::new() }
    }

    /// Every explanation of what was seen so far and now `event`. The word is continued as long as no role falls
    /// behind it by more than `lag` events; nothing comes out if no such word explains the event.
    #[must_use]
    pub fn explain(&self, causal: &Causal, event: Event, lag: usize) -> BTreeSet<Causal> {
        let mut explained = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![causal.clone()];
        while let Some(mut causal) = open.pop() {
            if !seen.insert(causal.clone()) {
                continue;
            }
            let subject = event.subject();
            if let Some(part) = causal.owed.get_mut(&subject) {
                // The role's next event is settled by the word; it is this one or the word is the wrong one.
                if part.front() == Some(&event) {
                    part.pop_front();
                    if part.is_empty() {
                        causal.owed.remove(&subject);
                    }
                    explained.insert(causal);
                }
                continue;
            }
            // The word goes on.
            for (step, rest) in self.steps(&causal.rest) {
                let mut longer = Causal { rest, owed: causal.owed.clone() };
                match step {
                    // p -> q: l  is  p!q:l then q?p:l
                    Event::Sync { from, to, label, sort } => {
                        longer.owes(Event::Send { from, to, label, sort });
                        longer.owes(Event::Receive { from, to, label, sort });
                    }
                    other => longer.owes(other),
                }
                if longer.longest() <= lag {
                    open.push(longer);
                }
            }
        }
        explained
    }
}
