//! The plain search over the reference: the judge of the verifier.

use std::collections::{BTreeMap, VecDeque};

use super::configuration::{Bad, Configuration, System};
use crate::event::Event;

/// What a search has seen.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Every configuration, in the order of its distance from the start.
    pub configurations: Vec<Configuration>,
    /// Every transition: source, event, target; indices of `configurations`.
    pub transitions: Vec<(usize, Event, usize)>,
    /// How each configuration was reached first: source and event.
    pub parents: Vec<Option<(usize, Event)>>,
    /// The final ones.
    pub finals: Vec<usize>,
    /// The bad ones of each kind, ascending.
    pub bad: BTreeMap<Bad, Vec<usize>>,
    /// Those in which some send only lacks room at the exploration's bound.
    pub cut: Vec<usize>,
    /// Those in which nothing can happen but for such sends, and which are not final: no deadlocks.
    pub full: Vec<usize>,
    /// The limit was reached: there may be more.
    pub capped: bool,
}

impl Explored {
    /// How many configurations are bad in this way.
    #[must_use]
    pub fn count(&self, bad: Bad) -> usize {
        self.bad.get(&bad).map_or(0, Vec::len)
    }

    /// A shortest run to a configuration.
    #[must_use]
    pub fn run_to(&self, index: usize) -> Vec<Event> {
        let mut run = Vec::new();
        let mut at = index;
        while let Some(&Some((from, event))) = self.parents.get(at) {
            run.push(event);
            at = from;
        }
        run.reverse();
        run
    }

    /// A shortest run to a configuration that is bad in this way.
    #[must_use]
    pub fn run_to_bad(&self, bad: Bad) -> Option<Vec<Event>> {
        self.bad.get(&bad).and_then(|all| all.first()).map(|&index| self.run_to(index))
    }
}

/// Visits every configuration, breadth first, until `limit` of them are known.
#[must_use]
pub fn explore(system: &System<'_>, limit: usize) -> Explored {
    let mut seen = Explored::default();
    let mut known: BTreeMap<Configuration, usize> = BTreeMap::new();
    let mut open = VecDeque::new();
    let start = system.initial();
    known.insert(start.clone(), 0);
    seen.configurations.push(start.clone());
    seen.parents.push(None);
    open.push_back((0, start));
    while let Some((at, conf)) = open.pop_front() {
        let is_final = system.is_final(&conf);
        if is_final {
            seen.finals.push(at);
        }
        for bad in system.bad(&conf) {
            seen.bad.entry(bad).or_default().push(at);
        }
        let enabled = system.enabled(&conf);
        if !system.cut(&conf).is_empty() {
            seen.cut.push(at);
            if enabled.is_empty() && !is_final {
                seen.full.push(at);
            }
        }
        for event in enabled {
            for then in system.successors(&conf, event) {
                let to = match known.get(&then) {
                    Some(&to) => to,
                    None if seen.configurations.len() >= limit => {
                        seen.capped = true;
                        continue;
                    }
                    None => {
                        let to = seen.configurations.len();
                        known.insert(then.clone(), to);
                        seen.configurations.push(then.clone());
                        seen.parents.push(Some((at, event)));
                        open.push_back((to, then));
                        to
                    }
                };
                seen.transitions.push((at, event, to));
            }
        }
    }
    seen
}
