//! An automaton as statements of the language: loops where it comes back, choices that join again, and named states where
//! neither is enough.
//!
//! In: an automaton in which each state's steps have one sender. Out: the body of a protocol. A state that is come back to
//! is the head of a `rec`; behind a choice stands the state in which its arms join, the nearest that all ways to the end
//! go through. If a state would have to be written twice all the same, or things nest too deeply, all states are written
//! as the blocks of one `states {…}`, which can say any automaton.
//!
//! INVARIANT (bounded): statements nest no deeper than `DEEPEST`.

use std::fmt::Write as _;

use super::{product::Step, quoted};
use crate::protocol::{Header, Names};

const DEEPEST: usize = 24;

/// The body of a protocol.
pub(super) fn print(states: &[Vec<Step>], header: &Header, names: &Names) -> String {
    let flow = Flow::of(states);
    let mut writer = Writer {
        states,
        header,
        names,
        joins: &flow.joins,
        heads: &flow.heads,
        open: Vec::new(),
        written: vec![false; states.len()],
        out: String::new(),
    };
    if writer.from(0, None, 0).is_ok() {
        return writer.out;
    }
    writer.out.clear();
    writer.equations();
    writer.out
}

/// Where loops begin and choices join.
struct Flow {
    heads: Vec<bool>,
    joins: Vec<Option<usize>>,
}

impl Flow {
    fn of(states: &[Vec<Step>]) -> Self {
        let n = states.len();
        let mut heads = vec![false; n];
        // Depth first, in the order in which statements are written: a step to a state that is being left is a way back.
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; n];
        let mut back: Vec<Vec<bool>> = states.iter().map(|steps| vec![false; steps.len()]).collect();
        let mut finished = Vec::with_capacity(n);
        let mut stack = vec![(0_usize, 0_usize)];
        marks.first_mut().into_iter().for_each(|mark| *mark = Mark::Open);
        while let Some((state, at)) = stack.pop() {
            let Some(step) = states.get(state).and_then(|steps| steps.get(at)) else {
                marks.get_mut(state).into_iter().for_each(|mark| *mark = Mark::Done);
                finished.push(state);
                continue;
            };
            stack.push((state, at.saturating_add(1)));
            match marks.get(step.then) {
                Some(Mark::New) => {
                    marks.get_mut(step.then).into_iter().for_each(|mark| *mark = Mark::Open);
                    stack.push((step.then, 0));
                }
                Some(Mark::Open) => {
                    heads.get_mut(step.then).into_iter().for_each(|head| *head = true);
                    back.get_mut(state).and_then(|back| back.get_mut(at)).into_iter().for_each(|back| *back = true);
                }
                _ => {}
            }
        }
        Self { joins: joins(states, &back, &finished), heads }
    }
}

/// For each state, the nearest one that all its ways go through which do not come back first: ways to the end, if it has
/// any. Without the ways back there are no cycles; `finished` has every state behind those that it leads to.
fn joins(states: &[Vec<Step>], back: &[Vec<bool>], finished: &[usize]) -> Vec<Option<usize>> {
    let n = states.len();
    // Whether the end can be reached, how deep a state lies in the tree of joins, and its join.
    let mut ends = vec![false; n];
    let mut depth = vec![0_usize; n];
    let mut join: Vec<Option<usize>> = vec![None; n];
    for &state in finished {
        let Some(steps) = states.get(state) else { continue };
        let on = |at: usize| !back.get(state).and_then(|back| back.get(at)).copied().unwrap_or(false);
        let forward = || steps.iter().enumerate().filter(|&(at, _)| on(at)).map(|(_, step)| step.then);
        let end = steps.is_empty() || forward().any(|then| ends.get(then).copied().unwrap_or(false));
        let wanted = forward().filter(|&then| !end || ends.get(then).copied().unwrap_or(false));
        // A way back, where nothing ends, is one way more, that joins nothing.
        let mut all = !steps.is_empty() && (end || (0..steps.len()).all(on));
        let mut meet: Option<usize> = None;
        for then in wanted {
            meet = match meet {
                None => Some(then),
                Some(other) => common(other, then, &depth, &join),
            };
            all &= meet.is_some();
            if !all {
                break;
            }
        }
        let meet = meet.filter(|_| all);
        let deeper = meet.and_then(|meet| depth.get(meet)).map_or(0, |depth| depth.saturating_add(1));
        depth.get_mut(state).into_iter().for_each(|place| *place = deeper);
        join.get_mut(state).into_iter().for_each(|place| *place = meet);
        ends.get_mut(state).into_iter().for_each(|place| *place = end);
    }
    join
}

fn common(mut one: usize, mut other: usize, depth: &[usize], join: &[Option<usize>]) -> Option<usize> {
    while one != other {
        let deep = |state: usize| depth.get(state).copied().unwrap_or(0);
        let up = |state: usize| join.get(state).copied().flatten();
        if deep(one) >= deep(other) {
            one = up(one)?;
        } else {
            other = up(other)?;
        }
    }
    Some(one)
}

/// A state would have to be written twice, or too deeply.
struct Unfit;

struct Writer<'a> {
    states: &'a [Vec<Step>],
    header: &'a Header,
    names: &'a Names,
    joins: &'a [Option<usize>],
    heads: &'a [bool],
    /// Loops that are being written, with their numbers.
    open: Vec<usize>,
    written: Vec<bool>,
    out: String,
}

impl Writer<'_> {
    fn steps(&self, state: usize) -> &[Step] {
        self.states.get(state).map_or(&[], |steps| steps)
    }

    /// Statements from a state on, up to where something else follows. Recurses once per nesting, which is bounded.
    fn from(&mut self, mut state: usize, follow: Option<usize>, depth: usize) -> Result<(), Unfit> {
        if depth > DEEPEST {
            return Err(Unfit);
        }
        loop {
            if follow == Some(state) {
                return Ok(());
            }
            if self.open.contains(&state) {
                let _ = writeln!(self.out, "continue {};", self.variable(state));
                return Ok(());
            }
            if self.steps(state).is_empty() {
                return if follow.is_none() { Ok(()) } else { Err(Unfit) };
            }
            match self.written.get_mut(state) {
                Some(written @ false) => *written = true,
                _ => return Err(Unfit),
            }
            if self.heads.get(state).copied().unwrap_or(false) {
                let _ = writeln!(self.out, "rec {} {{", self.variable(state));
                self.open.push(state);
                let next = self.one(state, follow, depth.saturating_add(1))?;
                if let Some(next) = next {
                    self.from(next, follow, depth.saturating_add(1))?;
                }
                self.open.pop();
                self.out.push_str("}\n");
                return Ok(());
            }
            match self.one(state, follow, depth)? {
                Some(next) => state = next,
                None => return Ok(()),
            }
        }
    }

    /// What happens in one state; and what follows it, if that was not written with it.
    fn one(&mut self, state: usize, follow: Option<usize>, depth: usize) -> Result<Option<usize>, Unfit> {
        let steps = self.steps(state).to_vec();
        if let [step] = steps.as_slice() {
            self.message(step);
            return Ok(Some(step.then));
        }
        let join = self.joins.get(state).copied().flatten().filter(|&join| !self.steps(join).is_empty());
        let behind = join.or(follow);
        let Some(first) = steps.first() else { return Ok(None) };
        let _ = write!(self.out, "choice at {} ", quoted(self.header.role_name(first.from)));
        for (at, step) in steps.iter().enumerate() {
            self.out.push_str(if at == 0 { "{\n" } else { " or {\n" });
            self.message(step);
            self.from(step.then, behind, depth.saturating_add(1))?;
            self.out.push('}');
        }
        self.out.push('\n');
        Ok(join.filter(|_| join != follow))
    }

    fn message(&mut self, step: &Step) {
        let role = |role| quoted(self.header.role_name(role));
        let label = quoted(self.names.label_text(step.label));
        let payload = self.names.payload(step.sort).map_or_else(String::new, ToString::to_string);
        let (from, to) = (role(step.from), role(step.to));
        let _ = if step.from == step.to {
            writeln!(self.out, "{from}: {label}{payload};")
        } else {
            writeln!(self.out, "{from} -> {to}: {label}{payload};")
        };
    }

    /// The name of a loop.
    fn variable(&self, head: usize) -> String {
        const LETTERS: [&str; 3] = ["X", "Y", "Z"];
        let number = (0..head).filter(|&other| self.heads.get(other).copied().unwrap_or(false)).count();
        let all = self.heads.iter().filter(|head| **head).count();
        let taken = |name: &str| self.header.role(name).is_some();
        match LETTERS.get(number) {
            Some(&letter) if all <= LETTERS.len() && !taken(letter) => letter.to_owned(),
            _ => format!("X{}", number.saturating_add(1)),
        }
    }

    /// All states by name.
    fn equations(&mut self) {
        self.out.push_str("states {\n");
        for state in 0..self.states.len() {
            let steps = self.steps(state).to_vec();
            if steps.is_empty() {
                continue;
            }
            let _ = writeln!(self.out, "s{state} {{");
            let last = |writer: &mut Self, step: &Step| {
                writer.message(step);
                if !writer.steps(step.then).is_empty() {
                    let _ = writeln!(writer.out, "continue s{};", step.then);
                }
            };
            match steps.as_slice() {
                [step] => last(self, step),
                steps => {
                    let from = steps.first().map_or("?", |step| self.header.role_name(step.from));
                    let _ = write!(self.out, "choice at {} ", quoted(from));
                    for (at, step) in steps.iter().enumerate() {
                        self.out.push_str(if at == 0 { "{\n" } else { " or {\n" });
                        last(self, step);
                        self.out.push('}');
                    }
                    self.out.push('\n');
                }
            }
            self.out.push_str("}\n");
        }
        self.out.push_str("}\n");
    }
}
