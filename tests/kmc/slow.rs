//! The definitions as they stand, by a search from each configuration: slow, and plainly right.

use std::collections::{HashMap, VecDeque};

use polylogue::{
    id::{EdgeId, IdVec, RoleId},
    machine::{Cells, Configuration, Move, Semantics, System},
    protocol::{Act, Local},
};

/// All configurations under a bound, and where each move leads.
pub(crate) struct Space {
    pub(crate) system: System,
    pub(crate) bound: u32,
    pub(crate) all: Vec<Configuration>,
    pub(crate) moves: Vec<Vec<(Move, usize)>>,
}

pub(crate) fn actor(step: Move) -> RoleId {
    match step {
        Move::Send { role, .. } | Move::Receive { role, .. } | Move::Lose { role, .. } | Move::Act { role, .. } => role,
        Move::Sync { sender, .. } => sender.0,
    }
}

impl Space {
    /// Nothing, if there are more configurations than the limit.
    pub(crate) fn of(locals: &IdVec<RoleId, Local>, bound: u32, limit: usize) -> Option<Self> {
        let system = super::common::system(locals, &[]);
        let semantics = Semantics { bound: Some(bound) };
        let start = Configuration::initial(&system);
        let mut known = HashMap::from([(start.clone(), 0)]);
        let mut all = vec![start];
        let mut moves: Vec<Vec<(Move, usize)>> = Vec::new();
        while moves.len() < all.len() {
            let at = all[moves.len()].clone();
            let mut enabled = Vec::new();
            system.enabled(semantics, &at, &mut enabled, |_, _| {});
            let mut row = Vec::new();
            for step in enabled {
                let mut then = at.clone();
                system.step(&mut then, step);
                let next = all.len();
                let to = *known.entry(then.clone()).or_insert(next);
                if to == next {
                    all.push(then);
                }
                row.push((step, to));
            }
            if all.len() > limit {
                return None;
            }
            moves.push(row);
        }
        Some(Self { system, bound, all, moves })
    }

    /// Whether some way of allowed moves from here ends with one that is wanted.
    pub(crate) fn reaches(&self, from: usize, allowed: impl Fn(Move) -> bool, wanted: impl Fn(Move) -> bool) -> bool {
        let mut seen = vec![false; self.all.len()];
        seen[from] = true;
        let mut open = VecDeque::from([from]);
        while let Some(at) = open.pop_front() {
            for &(step, to) in &self.moves[at] {
                if wanted(step) {
                    return true;
                }
                if allowed(step) && !seen[to] {
                    seen[to] = true;
                    open.push_back(to);
                }
            }
        }
        false
    }

    /// What the sends of a role in a configuration are, by edge, and whether there is room.
    pub(crate) fn sends(&self, at: usize, role: RoleId) -> Vec<(EdgeId, bool)> {
        let machine = &self.system.machines()[role];
        let offers = machine.offers(self.all[at].state(role)).iter();
        let sends = offers.filter(|offer| matches!(machine.actions()[offer.action].act, Act::Send(_)));
        let edges = sends.map(|offer| self.system.messages()[self.system.message_of(role, offer.action).unwrap()].edge);
        edges.map(|edge| (edge, self.all[at].queued(edge) < self.bound as usize)).collect()
    }

    /// [ER] and [PG].
    pub(crate) fn is_safe(&self) -> bool {
        (0..self.all.len()).all(|at| {
            let received = self.system.edges().ids().all(|edge| {
                self.all[at].queued(edge) == 0
                    || self.reaches(at, |_| true, |step| matches!(step, Move::Receive { edge: of, .. } if of == edge))
            });
            let served = self.system.machines().iter().all(|(role, machine)| {
                let state = self.all[at].state(role);
                let waits = machine.only_receives(state) || machine.offers(state).is_empty();
                !waits
                    || machine.may_stop(state)
                    || self.reaches(at, |_| true, |step| matches!(step, Move::Receive { role: of, .. } if of == role))
            });
            received && served
        })
    }

    /// Every send that is offered can be enabled without its sender.
    pub(crate) fn is_exhaustive(&self) -> bool {
        (0..self.all.len()).all(|at| {
            self.system.machines().ids().all(|role| {
                self.sends(at, role).iter().all(|&(edge, room)| {
                    room || self.reaches(
                        at,
                        |step| actor(step) != role,
                        |step| matches!(step, Move::Receive { edge: of, .. } if of == edge && actor(step) != role),
                    )
                })
            })
        })
    }

    /// Some send lacks room somewhere.
    pub(crate) fn is_cut(&self) -> bool {
        (0..self.all.len())
            .any(|at| self.system.machines().ids().any(|role| self.sends(at, role).iter().any(|&(_, room)| !room)))
    }

    /// Room for all or for none.
    pub(crate) fn is_output_independent(&self) -> bool {
        (0..self.all.len()).all(|at| {
            self.system.machines().ids().all(|role| {
                let sends = self.sends(at, role);
                sends.iter().all(|&(_, room)| room) || sends.iter().all(|&(_, room)| !room)
            })
        })
    }

    /// Every state speaks with one peer in one direction.
    pub(crate) fn is_directed(&self) -> bool {
        self.system.machines().values().all(|machine| {
            machine.state_ids().all(|state| {
                let mut acts = machine.offers(state).iter().map(|offer| machine.actions()[offer.action].act);
                let first = acts.next();
                acts.all(|act| Some(act) == first)
            })
        })
    }

    /// No role can receive two messages.
    pub(crate) fn is_input_independent(&self) -> bool {
        self.moves.iter().all(|moves| {
            self.system.machines().ids().all(|role| {
                moves.iter().filter(|(step, _)| matches!(step, Move::Receive { role: of, .. } if *of == role)).count()
                    < 2
            })
        })
    }

    /// After a role has received from one, what another sends that it could have received instead is sent because of that.
    /// Runs of at most `depth` moves after the reception are looked at one by one; `None` if there are too many.
    pub(crate) fn is_chained(&self, depth: usize, limit: usize) -> Option<bool> {
        if !self.is_input_independent() {
            return Some(false);
        }
        let mut looks = 0;
        for at in 0..self.all.len() {
            for &(step, to) in &self.moves[at] {
                let Move::Receive { role, edge, .. } = step else { continue };
                let machine = &self.system.machines()[role];
                let rivals: Vec<_> = machine
                    .offers(self.all[at].state(role))
                    .iter()
                    .filter_map(|offer| self.system.message_of(role, offer.action))
                    .filter(|&message| {
                        self.system.messages()[message].edge != edge
                            && self.system.edges()[self.system.messages()[message].edge].to == role
                    })
                    .collect();
                if rivals.is_empty() {
                    continue;
                }
                // What is under way was sent before; `Some(i)` stands for the i-th event of the run.
                let queues = self.system.edges().ids().map(|of| vec![None; self.all[to].queued(of)]).collect();
                let mut open = vec![(to, vec![(step, Vec::<usize>::new())], queues)];
                while let Some((now, run, queues)) = open.pop() {
                    looks += 1;
                    if looks > limit {
                        return None;
                    }
                    for &(next, then) in &self.moves[now] {
                        let mut queues: Vec<Vec<Option<usize>>> = Clone::clone(&queues);
                        let mine = run.len();
                        let mut on: Vec<usize> =
                            (0..mine).rev().find(|&i| actor(run[i].0) == actor(next)).into_iter().collect();
                        match next {
                            Move::Send { edge, .. } => queues[polylogue::id::Id::index(edge)].push(Some(mine)),
                            Move::Receive { edge, .. } => on.extend(queues[polylogue::id::Id::index(edge)].remove(0)),
                            _ => {}
                        }
                        let mut because = vec![false; mine + 1];
                        because[mine] = true;
                        let mut longer = run.clone();
                        longer.push((next, on));
                        for i in (0..=mine).rev() {
                            if because[i] {
                                for &j in &longer[i].1 {
                                    because[j] = true;
                                }
                            }
                        }
                        if let Move::Send { message, .. } = next
                            && rivals.contains(&message)
                            && !because[0]
                        {
                            return Some(false);
                        }
                        if longer.len() < depth {
                            open.push((then, longer, queues));
                        }
                    }
                }
            }
        }
        Some(true)
    }
}

/// Some configuration is a deadlock, has an orphan or an unspecified reception.
pub(crate) fn faulty(space: &Space) -> bool {
    let system = &space.system;
    (0..space.all.len()).any(|at| {
        let conf = &space.all[at];
        let orphan = system
            .edges()
            .iter()
            .any(|(id, edge)| conf.queued(id) > 0 && system.machines()[edge.to].is_end(conf.state(edge.to)));
        let unspecified = system.machines().iter().any(|(role, machine)| {
            let state = conf.state(role);
            let mut peers = machine.offers(state).iter().filter_map(|offer| {
                system.message_of(role, offer.action).map(|message| system.messages()[message].edge)
            });
            machine.only_receives(state)
                && peers.all(|edge| conf.head(edge).is_some_and(|head| system.admits_receive(conf, head).is_none()))
        });
        let wants = system.machines().ids().any(|role| space.sends(at, role).iter().any(|&(_, room)| !room));
        let idle = space.moves[at].is_empty() && !wants;
        orphan || unspecified || idle && !system.is_final(conf)
    })
}

/// Deterministic, no mixed state, no local action, no state in which a role may stop and may go on.
pub(crate) fn is_csa(system: &System) -> bool {
    system.machines().values().all(|machine| {
        machine.state_ids().all(|state| {
            let offers = machine.offers(state);
            let acts: Vec<_> = offers.iter().map(|offer| machine.actions()[offer.action]).collect();
            let sends = acts.iter().filter(|action| matches!(action.act, Act::Send(_))).count();
            let receives = acts.iter().filter(|action| matches!(action.act, Act::Receive(_))).count();
            acts.iter().all(|action| action.twin == 0)
                && sends.max(receives) == acts.len()
                && (acts.is_empty() || !machine.may_stop(state))
        })
    })
}
