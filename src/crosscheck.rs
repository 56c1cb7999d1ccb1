//! Machine and reference in lockstep: the first disagreement, with the run that leads there.
//!
//! Comes in: a system of machines and the terms that they were made from. At every pair of configurations that a run
//! leads to, *every* event of the id space is offered to both, foreign roles, labels and payloads included: both must
//! take it or both refuse it. What they say is enabled, final, bad or short of room must be the same, and so must be
//! what is queued. It goes on from every pair of successors until the budget is used up.
//!
//! A term or machine that offers one event twice has several successors. Then a pair is all configurations of the one
//! that the run can lead to, and all of the other; what the members of one side look like must be what the members of
//! the other side look like.
//!
//! INVARIANT (queues): what is queued is decided by the run alone, so all members of a pair hold the same queues.

pub mod full;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use crate::{
    event::Event,
    id::{EdgeId, Id, IdVec, LabelId, MessageId, RoleId, SortId, StateId},
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{Act, EdgeKind, Stmt, Term},
    reference::{self, Bad, Fired},
};

/// How much a lockstep may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Pairs to visit.
    pub pairs: usize,
    /// Events to offer, over all pairs; at least one pair is always judged.
    pub offers: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { pairs: 2_000, offers: 10_000_000 }
    }
}

/// What a lockstep without a disagreement has seen.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Pairs visited.
    pub pairs: usize,
    /// Events offered to both.
    pub offered: u64,
    /// How many of these both have taken.
    pub admitted: u64,
    /// Pairs that are final.
    pub finals: u64,
    /// Pairs that are bad, by kind.
    pub bad: BTreeMap<Bad, u64>,
    /// Pairs in which a send lacked room at the exploration's bound.
    pub cut: u64,
    /// Pairs with more than one member on a side.
    pub forked: u64,
    /// The longest queue.
    pub longest_queue: usize,
    /// Every reachable pair was visited.
    pub complete: bool,
    /// How often the reference used each rule.
    pub fired: Fired,
}

impl Stats {
    /// Adds what another lockstep has seen.
    pub fn absorb(&mut self, other: &Self) {
        self.pairs = self.pairs.saturating_add(other.pairs);
        self.offered = self.offered.saturating_add(other.offered);
        self.admitted = self.admitted.saturating_add(other.admitted);
        self.finals = self.finals.saturating_add(other.finals);
        for (&bad, &count) in &other.bad {
            let mine = self.bad.entry(bad).or_default();
            *mine = mine.saturating_add(count);
        }
        self.cut = self.cut.saturating_add(other.cut);
        self.forked = self.forked.saturating_add(other.forked);
        self.longest_queue = self.longest_queue.max(other.longest_queue);
        self.complete &= other.complete;
        self.fired.absorb(&other.fired);
    }
}

/// Where machine and reference disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// A shortest run that leads there.
    pub run: Vec<Event>,
    /// About what.
    pub about: Difference,
}

/// What machine and reference disagree about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// One takes the event, the other refuses it.
    Admits {
        /// The event.
        event: Event,
        /// Whether the machine takes it.
        machine: bool,
        /// Whether the reference takes it.
        reference: bool,
    },
    /// One side says that an event is enabled which it does not admit, or the other way round.
    Enabled {
        /// The event.
        event: Event,
        /// It is the machine that contradicts itself, else the reference.
        machine: bool,
    },
    /// The machine admits an event by a move that is not the first of the enabled ones that are this event.
    Move {
        /// The event.
        event: Event,
        /// The move.
        step: Move,
    },
    /// What is queued.
    Queues {
        /// By the machine.
        machine: Queues,
        /// By the reference.
        reference: Queues,
    },
    /// What is enabled, final, bad or short of room.
    Looks {
        /// By the machine.
        machine: BTreeSet<Look>,
        /// By the reference.
        reference: BTreeSet<Look>,
    },
}

/// What each edge holds, oldest first; edges that hold nothing are absent.
pub type Queues = BTreeMap<(RoleId, RoleId), Vec<(LabelId, SortId)>>;

/// What can be told of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// The events that may happen.
    pub enabled: BTreeSet<Event>,
    /// Whether it is final.
    pub is_final: bool,
    /// What is bad about it.
    pub bad: BTreeSet<Bad>,
    /// The edges on which a send only lacks room at the exploration's bound.
    pub cut: BTreeSet<(RoleId, RoleId)>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let takes = |yes| if yes { "takes" } else { "refuses" };
        match &self.about {
            Difference::Admits { event, machine, reference } => {
                write!(f, "the machine {} `{event:?}` and the reference {} it", takes(*machine), takes(*reference))?
            }
            Difference::Enabled { event, machine } => {
                let who = if *machine { "machine" } else { "reference" };
                write!(f, "what the {who} lists as enabled and what it admits differ in `{event:?}`")?;
            }
            Difference::Move { event, step } => {
                write!(f, "the machine admits `{event:?}` by the move `{step:?}`, which is not its first enabled one")?;
            }
            Difference::Queues { machine, reference } => {
                write!(f, "the machine's queues hold `{machine:?}` and the reference's `{reference:?}`")?;
            }
            Difference::Looks { machine, reference } => {
                write!(f, "the machine looks like `{machine:?}` and the reference like `{reference:?}`")?;
            }
        }
        write!(f, " after {} events: {:?}", self.run.len(), self.run)
    }
}

impl std::error::Error for Disagreement {}

/// Runs machine and reference in lockstep from the start.
///
/// `terms` are what the machines were made from, in role order, and `channels` the declared kinds of edges.
pub fn crosscheck(
    system: &System,
    terms: &IdVec<RoleId, Term>,
    channels: &[(RoleId, RoleId, EdgeKind)],
    semantics: Semantics,
    budget: Budget,
) -> Result<Stats, Box<Disagreement>> {
    let reference = reference::System::new(terms, channels, semantics.bound);
    let lockstep = Lockstep { system, semantics, reference, universe: universe(terms) };
    lockstep.run(budget)
}

/// A configuration of the machines as a value that can be sorted.
type Key = (Vec<StateId>, Vec<Vec<MessageId>>);

/// All configurations that one run can lead to, on both sides.
#[derive(Clone)]
struct Pair {
    machine: BTreeMap<Key, Configuration>,
    reference: BTreeSet<reference::Configuration>,
}

struct Lockstep<'a> {
    system: &'a System,
    semantics: Semantics,
    reference: reference::System<'a>,
    universe: Vec<Event>,
}

impl Lockstep<'_> {
    fn run(&self, budget: Budget) -> Result<Stats, Box<Disagreement>> {
        let mut stats = Stats { complete: true, ..Stats::default() };
        let start = Configuration::initial(self.system);
        let start = Pair {
            machine: BTreeMap::from([(self.key(&start), start)]),
            reference: BTreeSet::from([self.reference.initial()]),
        };
        let mut known = BTreeSet::from([identity(&start)]);
        let mut parents: Vec<Option<(usize, Event)>> = vec![None];
        let mut open = VecDeque::from([(0usize, start)]);
        while let Some((at, pair)) = open.pop_front() {
            if stats.pairs >= budget.pairs || (stats.pairs > 0 && stats.offered >= budget.offers) {
                stats.complete = false;
                break;
            }
            let taken = self
                .judge(&pair, &mut stats)
                .map_err(|about| Box::new(Disagreement { run: run(&parents, at), about }))?;
            for event in taken {
                let then = self.after(&pair, event);
                if known.insert(identity(&then)) {
                    parents.push(Some((at, event)));
                    open.push_back((parents.len().saturating_sub(1), then));
                }
            }
        }
        stats.fired.absorb(self.reference.fired());
        Ok(stats)
    }

    /// Compares the two sides of a pair; the events that both take.
    fn judge(&self, pair: &Pair, stats: &mut Stats) -> Result<Vec<Event>, Difference> {
        let mut machine = BTreeSet::new();
        let mut reference = BTreeSet::new();
        for conf in pair.machine.values() {
            machine.insert(self.machine_look(conf)?);
        }
        for conf in &pair.reference {
            reference.insert(self.reference_look(conf)?);
        }
        let takes = |looks: &BTreeSet<Look>, event| looks.iter().any(|look| look.enabled.contains(event));
        let mut taken = Vec::new();
        for event in &self.universe {
            let (by_machine, by_reference) = (takes(&machine, event), takes(&reference, event));
            if by_machine != by_reference {
                return Err(Difference::Admits { event: *event, machine: by_machine, reference: by_reference });
            }
            if by_machine {
                taken.push(*event);
            }
        }
        if machine != reference {
            return Err(Difference::Looks { machine, reference });
        }
        self.judge_queues(pair, stats)?;
        let count = |n: &mut u64, yes: bool| *n = n.saturating_add(u64::from(yes));
        stats.pairs = stats.pairs.saturating_add(1);
        stats.offered = stats.offered.saturating_add(self.universe.len() as u64);
        stats.admitted = stats.admitted.saturating_add(taken.len() as u64);
        count(&mut stats.finals, machine.iter().any(|look| look.is_final));
        count(&mut stats.cut, machine.iter().any(|look| !look.cut.is_empty()));
        count(&mut stats.forked, pair.machine.len() > 1 || pair.reference.len() > 1);
        for bad in Bad::ALL {
            if machine.iter().any(|look| look.bad.contains(&bad)) {
                count(stats.bad.entry(bad).or_default(), true);
            }
        }
        Ok(taken)
    }

    fn judge_queues(&self, pair: &Pair, stats: &mut Stats) -> Result<(), Difference> {
        let all = pair.reference.iter().map(|conf| {
            let held = conf.queues().map(|(from, to, held)| ((from, to), held.collect::<Vec<_>>()));
            held.collect::<Queues>()
        });
        // Where something may be lost, one run leads to several.
        let reference: BTreeSet<Queues> = all.collect();
        let machine: BTreeSet<Queues> = pair.machine.values().map(|conf| self.queues(conf)).collect();
        let longest = reference.iter().flat_map(BTreeMap::values).map(Vec::len).max().unwrap_or(0);
        stats.longest_queue = stats.longest_queue.max(longest);
        if machine != reference {
            let first = |mine: &BTreeSet<Queues>, other: &BTreeSet<Queues>| {
                mine.difference(other).next().or(mine.first()).cloned().unwrap_or_default()
            };
            let (machine, reference) = (first(&machine, &reference), first(&reference, &machine));
            return Err(Difference::Queues { machine, reference });
        }
        Ok(())
    }

    fn queues(&self, conf: &Configuration) -> Queues {
        let mut queues = Queues::new();
        for (id, edge) in self.system.edges().iter() {
            let held = conf.queue(id).map(|message| {
                let message = self.system.messages()[message];
                (message.label, message.sort)
            });
            let held: Vec<_> = held.collect();
            if !held.is_empty() {
                queues.insert((edge.from, edge.to), held);
            }
        }
        queues
    }

    /// Everything that one event can lead to.
    fn after(&self, pair: &Pair, event: Event) -> Pair {
        let mut then = Pair { machine: BTreeMap::new(), reference: BTreeSet::new() };
        for conf in pair.machine.values() {
            let mut moves = Vec::new();
            self.system.enabled(self.semantics, conf, &mut moves, |_, _| {});
            for step in moves {
                if self.system.event(step) == event {
                    let mut next = conf.clone();
                    self.system.step(&mut next, step);
                    then.machine.insert(self.key(&next), next);
                }
            }
        }
        for conf in &pair.reference {
            then.reference.extend(self.reference.successors(conf, event));
        }
        then
    }

    fn key(&self, conf: &Configuration) -> Key {
        let states = self.system.machines().ids().map(|role| conf.state(role)).collect();
        let queues = self.system.edges().ids().map(|edge| conf.queue(edge).collect()).collect();
        (states, queues)
    }

    fn reference_look(&self, conf: &reference::Configuration) -> Result<Look, Difference> {
        let reference = &self.reference;
        let enabled: BTreeSet<Event> = reference.enabled(conf).into_iter().collect();
        if let Some(&event) =
            self.universe.iter().find(|event| reference.admits(conf, **event) != enabled.contains(event))
        {
            return Err(Difference::Enabled { event, machine: false });
        }
        let cut = reference.cut(conf).into_iter().filter_map(|event| match event {
            Event::Send { from, to, .. } => Some((from, to)),
            _ => None,
        });
        Ok(Look {
            cut: cut.collect(),
            is_final: reference.is_final(conf),
            bad: reference.bad(conf).into_iter().collect(),
            enabled,
        })
    }

    fn machine_look(&self, conf: &Configuration) -> Result<Look, Difference> {
        let system = self.system;
        let mut moves = Vec::new();
        let mut cut = BTreeSet::new();
        system.enabled(self.semantics, conf, &mut moves, |edge, by_bound| {
            if by_bound {
                let edge = system.edges()[edge];
                cut.insert((edge.from, edge.to));
            }
        });
        let enabled: BTreeSet<Event> = moves.iter().map(|&step| system.event(step)).collect();
        for &event in &self.universe {
            let admitted = system.admits(self.semantics, conf, event);
            if admitted.is_some() != enabled.contains(&event) {
                return Err(Difference::Enabled { event, machine: true });
            }
            let first = moves.iter().copied().find(|&step| system.event(step) == event);
            if let Some(step) = admitted
                && first != Some(step)
            {
                return Err(Difference::Move { event, step });
            }
        }
        let is_final = system.is_final(conf);
        let mut bad = BTreeSet::new();
        if moves.is_empty() && !is_final && cut.is_empty() {
            bad.insert(Bad::Deadlock);
        }
        for (id, edge) in system.edges().iter() {
            if conf.queued(id) > 0 && system.machines()[edge.to].is_end(conf.state(edge.to)) {
                bad.insert(Bad::Orphan);
            }
        }
        if system.machines().ids().any(|role| self.misreceives(conf, role)) {
            bad.insert(Bad::UnspecifiedReception);
        }
        Ok(Look { enabled, is_final, bad, cut })
    }

    /// A role that only receives, each of its edges with a head that it does not take.
    fn misreceives(&self, conf: &Configuration, role: RoleId) -> bool {
        let machine = &self.system.machines()[role];
        let state = conf.state(role);
        let blocked =
            |edge: EdgeId| conf.head(edge).is_some_and(|message| self.system.admits_receive(conf, message).is_none());
        machine.only_receives(state)
            && machine.offers(state).iter().all(|offer| match machine.actions()[offer.action].act {
                Act::Receive(from) => self.system.edge(from, role).is_some_and(blocked),
                // The machine has just said that there is no such offer.
                _ => true,
            })
    }
}

fn identity(pair: &Pair) -> (Vec<Key>, Vec<reference::Configuration>) {
    (pair.machine.keys().cloned().collect(), pair.reference.iter().cloned().collect())
}

fn run(parents: &[Option<(usize, Event)>], mut at: usize) -> Vec<Event> {
    let mut run = Vec::new();
    while let Some(&Some((from, event))) = parents.get(at) {
        run.push(event);
        at = from;
    }
    run.reverse();
    run
}

/// All events over the roles, labels and payloads that occur are offered if they are no more than this.
const MAX_UNIVERSE: usize = 200_000;

/// Every event over the roles, labels and payloads that occur, and over one more of each that does not. Where these are
/// too many: what occurs, and everything that differs from it in one respect.
fn universe(terms: &IdVec<RoleId, Term>) -> Vec<Event> {
    let mut occur: BTreeSet<(RoleId, RoleId, LabelId, SortId)> = BTreeSet::new();
    for (own, term) in terms.iter() {
        for stmt in term.blocks.values().flatten() {
            match *stmt {
                Stmt::Send { to, label, sort, .. } => occur.insert((own, to, label, sort)),
                Stmt::Receive { from, label, sort, .. } => occur.insert((from, own, label, sort)),
                Stmt::Act { role, label, sort, .. } => occur.insert((role, role, label, sort)),
                _ => continue,
            };
        }
    }
    let labels: BTreeSet<LabelId> = occur.iter().map(|&(_, _, label, _)| label).collect();
    let sorts: BTreeSet<SortId> = occur.iter().map(|&(.., sort)| sort).collect();
    let after = |last: Option<u32>| last.map_or(0, |raw| raw.saturating_add(1));
    let foreign_label = LabelId::from_raw(after(labels.last().map(|label| label.raw())));
    let foreign_sort = SortId::from_raw(after(sorts.last().map(|sort| sort.raw())));
    let foreign_role = RoleId::new(terms.len()).unwrap_or_default();
    let mut roles: Vec<RoleId> = terms.ids().collect();
    roles.push(foreign_role);
    let mut events = BTreeSet::new();
    for &role in &roles {
        events.extend([Event::Timeout { role }, Event::Lapse { role }, Event::Crash { role }]);
        events.insert(Event::Interrupt { role, label: labels.first().copied().unwrap_or_default() });
    }
    let all_labels = || labels.iter().copied().chain([foreign_label]);
    let all_sorts = || sorts.iter().copied().chain([foreign_sort]);
    let messages = all_labels().count().saturating_mul(all_sorts().count());
    let size = roles.len().saturating_mul(roles.len()).saturating_mul(messages).saturating_mul(3);
    if size <= MAX_UNIVERSE {
        for &from in &roles {
            for &to in &roles {
                for label in all_labels() {
                    events.extend(all_sorts().flat_map(|sort| all_ways(from, to, label, sort)));
                }
            }
        }
    } else {
        for (from, to, label, sort) in occur {
            events.extend(all_ways(from, to, label, sort));
            events.extend(all_ways(to, from, label, sort));
            events.extend(all_ways(foreign_role, to, label, sort));
            events.extend(all_ways(from, foreign_role, label, sort));
            events.extend(all_ways(from, to, foreign_label, sort));
            events.extend(all_ways(from, to, label, foreign_sort));
        }
    }
    events.into_iter().collect()
}

/// The events by which one role may tell another something; by which it may do it alone, if they are the same.
fn all_ways(from: RoleId, to: RoleId, label: LabelId, sort: SortId) -> impl Iterator<Item = Event> {
    let alone = (from == to).then_some(Event::Act { role: from, label, sort });
    let told = [
        Event::Send { from, to, label, sort },
        Event::Receive { from, to, label, sort },
        Event::Sync { from, to, label, sort },
    ];
    told.into_iter().chain(alone)
}
