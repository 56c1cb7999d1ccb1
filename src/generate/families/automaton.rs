//! One role's automaton as a family writes it, and how it becomes text.
//!
//! INVARIANT (states): state 0 is the first one, every step leads to a state; a state without steps is the end.

#![expect(clippy::indexing_slicing, reason = "by INVARIANT (states), and peers and labels index the family's names")]

use std::fmt::Write as _;

use super::super::rng::Rng;

/// Something that a state offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) sends: bool,
    pub(super) peer: usize,
    pub(super) label: usize,
    pub(super) then: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Automaton {
    pub(super) states: Vec<Vec<Step>>,
}

/// `!` or `?`, the peer and the label.
pub(super) type Word = (bool, usize, usize);

impl Automaton {
    /// A state that does nothing yet.
    pub(super) fn state(&mut self) -> usize {
        self.states.push(Vec::new());
        self.states.len().saturating_sub(1)
    }

    pub(super) fn step(&mut self, from: usize, (sends, peer, label): Word, then: usize) {
        self.states[from].push(Step { sends, peer, label, then });
    }

    /// The words one after the other from a state on; the state after the last.
    pub(super) fn line(&mut self, mut from: usize, words: &[Word]) -> usize {
        for &word in words {
            let then = self.state();
            self.step(from, word, then);
            from = then;
        }
        from
    }

    /// The words from a state on, and then `then`.
    pub(super) fn line_to(&mut self, from: usize, words: &[Word], then: usize) {
        if let Some((&last, before)) = words.split_last() {
            let at = self.line(from, before);
            self.step(at, last, then);
        }
    }

    /// What is sent is received and the other way round; by which role is `peer` is for the caller to say.
    pub(super) fn dual(&self, peer: usize) -> Self {
        let turn = |step: &Step| Step { sends: !step.sends, peer, ..*step };
        Self { states: self.states.iter().map(|steps| steps.iter().map(turn).collect()).collect() }
    }

    /// `states { q0 = +{ p!a(). q1 }; … }`; with a generator, states and steps come in random order.
    pub(super) fn text(&self, roles: &[String], labels: &[String], rng: Option<&mut Rng>) -> String {
        let mut order: Vec<usize> = (1..self.states.len()).collect();
        let mut states = self.states.clone();
        if let Some(rng) = rng {
            rng.shuffle(&mut order);
            for steps in &mut states {
                rng.shuffle(steps);
            }
        }
        // The first one stays the first: there the role begins.
        let order: Vec<usize> = std::iter::once(0).chain(order).collect();
        let mut name = vec![0; states.len()];
        for (at, &state) in order.iter().enumerate() {
            name[state] = at;
        }
        let mut text = "states {\n".to_owned();
        for (at, &state) in order.iter().enumerate() {
            let steps = &states[state];
            if steps.is_empty() {
                let _ = writeln!(text, "    q{at} = end;");
                continue;
            }
            let sends = steps.iter().filter(|step| step.sends).count();
            let sign = if sends == steps.len() {
                '+'
            } else if sends == 0 {
                '&'
            } else {
                '*'
            };
            let steps: Vec<String> = steps
                .iter()
                .map(|step| {
                    let act = if step.sends { '!' } else { '?' };
                    format!("{}{act}{}(). q{}", roles[step.peer], labels[step.label], name[step.then])
                })
                .collect();
            let _ = writeln!(text, "    q{at} = {sign}{{ {} }};", steps.join(", "));
        }
        text.push_str("  }");
        text
    }
}
