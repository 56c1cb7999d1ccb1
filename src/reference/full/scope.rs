//! Scopes: what may happen in a `par`, a `during` and a `try`, and when each may end.

use super::{
    Full,
    place::{Family, Open, Parts, Place, Round, Stale, Time},
    rest::{First, Way},
    rules::Rule,
    step::{Done, Here, Query, Side},
    view::{Copies, View},
};
use crate::{
    id::{RoleId, ScopeId},
    protocol::{self, Handler, Scope, Set, Trigger},
};

/// A way out, and from when on, if it is not open yet: a time limit without anything to do.
pub(super) type Out = (Way, Option<Time>);

impl<'a> Full<'a> {
    /// A scope as a role comes to it.
    pub(super) fn enter(&self, q: &Query<'_>, scope: ScopeId, copies: &mut Copies, since: Time) -> Option<Open> {
        let mut open = self.come(q.role, scope, Some(&self.view(q, copies)), since);
        // All parts begin with the scope.
        let begun: Vec<&mut Place> = match &mut open.parts {
            Parts::Par(parts) => parts.iter_mut().collect(),
            Parts::During { main, .. } => main.iter_mut().collect(),
            Parts::Try { place, .. } => vec![place],
        };
        let mut passed: Vec<_> = begun.into_iter().flat_map(|place| self.settle(&mut place.rest, q.role)).collect();
        let once = |set: &Set| protocol::place(set.slot).0 == 0 && self.is_nobodys(&copies.path, set.slot);
        if passed.iter().flat_map(|passed| passed.sets).any(once) {
            // What nobody knows is held once: whoever enters first, by a send, assigns it.
            let times = copies.entered.get(&scope).copied().unwrap_or(0);
            let first = q.side == Side::Gives && times == copies.came.get(&scope).copied().unwrap_or(0);
            let times = times.saturating_add(u32::from(first));
            copies.entered.insert(scope, times);
            copies.came.insert(scope, times);
            passed.iter_mut().for_each(|passed| passed.first &= first);
        }
        self.pass(q, copies, &passed)?;
        Some(open)
    }

    fn come(&self, role: RoleId, scope: ScopeId, view: Option<&View<'_>>, since: Time) -> Open {
        let parts = match self.term.scopes.entry(scope) {
            None => Parts::Par(Vec::new()),
            Some(Scope::Par { parts }) => Parts::Par(parts.iter().map(|&part| Self::fresh(part, since)).collect()),
            Some(Scope::During { main, rounds }) => Parts::During {
                main: main.map(|main| Self::fresh(main, since)),
                rounds: rounds
                    .iter()
                    .map(|round| {
                        // [every]  from the scope's start
                        let time = round.every.as_ref().and_then(|every| view?.duration(every));
                        let until = time.map(|time| since.saturating_add(time));
                        match round.family {
                            None => Round::One(None, until),
                            Some(_) => Round::Family(Family { until, ..Family::default() }),
                        }
                    })
                    .collect(),
            },
            Some(Scope::Try { body, handlers }) => {
                let limit = |handler: &Handler| match &handler.trigger {
                    Trigger::Timeout(at, code) | Trigger::Idle(at, code) | Trigger::Deadline(at, code)
                        if *at == role =>
                    {
                        view?.duration(code)
                    }
                    _ => None,
                };
                Parts::Try {
                    at: None,
                    place: Self::fresh(*body, since),
                    came: since,
                    heard: since,
                    limits: handlers.iter().map(limit).collect(),
                }
            }
        };
        Open { scope, parts, heard: Vec::new() }
    }

    /// Every way to take a message in a scope.
    pub(super) fn scope_steps(
        &self,
        q: &Query<'_>,
        open: &Open,
        copies: &Copies,
        (here, since): (Here, Time),
    ) -> Vec<Done<Open>> {
        let mut found: Vec<Done<Parts>> = Vec::new();
        match (&open.parts, self.term.scopes.entry(open.scope)) {
            // [part]  C1 and … and Cn --a--> … Ci' …, when Ci --a--> Ci'
            (Parts::Par(parts), _) => {
                for (number, part) in parts.iter().enumerate() {
                    for done in self.steps(q, part, copies, here) {
                        self.fired.note(Rule::Part);
                        found.push(done.map(|part| Parts::Par(with(parts, number, part))));
                    }
                }
            }
            (Parts::During { main, rounds }, Some(Scope::During { rounds: declared, .. })) => {
                // [main]  the main part goes on between any two steps of rounds
                if let Some(main) = main {
                    for done in self.steps(q, main, copies, here) {
                        self.fired.note(Rule::Main);
                        found.push(done.map(|main| Parts::During { main: Some(main), rounds: rounds.clone() }));
                    }
                }
                let opens = self.opens(q, open, here);
                for (number, (round, declared)) in rounds.iter().zip(declared).enumerate() {
                    let steps = match (round, declared.family) {
                        (Round::One(one, until), _) => {
                            self.round(q, (one.as_ref(), *until), declared, copies, (opens, since))
                        }
                        (Round::Family(family), Some(frame)) => {
                            self.family(q, family, (frame, declared), copies, (opens, since))
                        }
                        _ => Vec::new(),
                    };
                    for done in steps {
                        let main = main.clone();
                        found.push(done.map(|round| Parts::During { main, rounds: with(rounds, number, round) }));
                    }
                }
            }
            (Parts::Try { at, place, came, heard, limits }, Some(Scope::Try { body, handlers })) => {
                let again = if q.side == Side::Takes { q.now } else { *heard };
                // [body]  what is tried, or handled, goes on
                for done in self.steps(q, place, copies, here) {
                    self.fired.note(Rule::Body);
                    let (at, came, limits) = (*at, *came, limits.clone());
                    found.push(done.map(|place| Parts::Try { at, place, came, heard: again, limits }));
                }
                if here == Here::In {
                    // A role in a handler can only be drawn into an earlier one.
                    for (number, handler) in handlers.iter().enumerate().take(at.unwrap_or(handlers.len())) {
                        let limit = limits.get(number).copied().flatten();
                        let Some((rule, crashed)) = self.triggers(q, &handler.trigger, (*came, *heard, limit)) else {
                            continue;
                        };
                        for mut done in self.steps(q, &Self::fresh(handler.body, since), copies, Here::In) {
                            self.fired.note(rule);
                            let mut blocks: Vec<_> = handlers.iter().map(|handler| handler.body).collect();
                            blocks.drain(..=number);
                            if at.is_none() {
                                blocks.push(*body);
                            }
                            let heard = if q.side == Side::Takes { vec![q.from] } else { Vec::new() };
                            done.stale.push(Stale { blocks, heard, epoch: q.seat.epoch.clone() });
                            done.crashed.extend(crashed);
                            let (came, limits) = (*came, limits.clone());
                            found.push(done.map(|place| Parts::Try {
                                at: Some(number),
                                place,
                                came,
                                heard: again,
                                limits,
                            }));
                        }
                    }
                }
            }
            _ => {}
        }
        let scope = open.scope;
        let then = |done: Done<Parts>| done.map(|parts| Open { scope, parts, heard: open.heard.clone() });
        found.into_iter().map(then).collect()
    }

    /// Whether a role may begin a round, or take its beginning.
    fn opens(&self, q: &Query<'_>, open: &Open, here: Here) -> bool {
        let Parts::During { main, .. } = &open.parts else { return false };
        match (here, q.side) {
            // Who has left takes what others begin who have not been heard from beyond.
            (Here::Left, Side::Takes) => q.late && !open.heard.contains(&q.from),
            (Here::Left, Side::Gives) => false,
            (Here::In, Side::Takes) => true,
            // Whose part of the main part is over begins none. Who has no part in it is not bound by it.
            (Here::In, Side::Gives) => main.as_ref().is_none_or(|main| {
                let Some(Scope::During { main: Some(block), .. }) = self.term.scopes.entry(open.scope) else {
                    return true;
                };
                !self.acts_in(*block, q.role) || !self.is_over(q.role, main)
            }),
        }
    }

    /// Whether a role does something in a block.
    fn acts_in(&self, block: crate::id::BlockId, role: RoleId) -> bool {
        let mut found = false;
        self.visit(&[block], &mut |_, _, stmt| {
            found |= match stmt {
                crate::protocol::Stmt::Message { from, to, .. } => *from == role || to.contains(&role),
                crate::protocol::Stmt::Act { role: actor, .. } => *actor == role,
                crate::protocol::Stmt::Scope { scope, .. } => self.takes_part(*scope, role),
                _ => false,
            };
        });
        found
    }

    /// Rounds one after the other.
    fn round(
        &self,
        q: &Query<'_>,
        (one, until): (Option<&Place>, Option<Time>),
        declared: &crate::protocol::Round,
        copies: &Copies,
        (opens, since): (bool, Time),
    ) -> Vec<Done<Round>> {
        let mut found = Vec::new();
        if let Some(place) = one {
            for done in self.steps(q, place, copies, Here::In) {
                self.fired.note(Rule::Round);
                found.push((done, until));
            }
        }
        // The next may begin when the last one may be over.
        if opens && one.is_none_or(|place| self.ends(q.role, place, None).contains(&(Way::End, None))) {
            for done in self.steps(q, &Self::fresh(declared.body, since), copies, Here::In) {
                let Some(until) = self.beat(q, until, declared, &done.copies) else { continue };
                self.fired.note(if q.late { Rule::LateRound } else { Rule::Begin });
                found.push((done, until));
            }
        }
        let over = |place: Place, until| match self.is_over(q.role, &place) {
            // [over]  a round that has ended is gone
            true => {
                self.fired.note(Rule::Over);
                Round::One(None, until)
            }
            false => Round::One(Some(place), until),
        };
        found.into_iter().map(|(done, until)| done.map(|place| over(place, until))).collect()
    }

    /// `[every]`: whoever begins a round does so in time, and has so much time for the next; nothing if it is late.
    pub(super) fn beat(
        &self,
        q: &Query<'_>,
        until: Option<Time>,
        declared: &crate::protocol::Round,
        after: &Copies,
    ) -> Option<Option<Time>> {
        let Some(every) = declared.every.as_ref().filter(|_| q.side == Side::Gives) else { return Some(until) };
        self.fired.note(Rule::Every);
        if until.is_some_and(|until| q.now > until) {
            return None;
        }
        Some(self.view(q, after).duration(every).map(|time| q.now.saturating_add(time)))
    }

    /// Whether a handler may be entered, and as what; and whose crash that proves.
    fn triggers(
        &self,
        q: &Query<'_>,
        trigger: &Trigger,
        (came, heard, limit): (Time, Time, Option<Time>),
    ) -> Option<(Rule, Option<RoleId>)> {
        let due = |from: Time| limit.is_none_or(|limit| q.now >= from.saturating_add(limit));
        match trigger {
            // [interrupt]  the role leaves by sending
            Trigger::Interrupt(at) if *at == q.role => Some((Rule::Interrupt, None)),
            // [timeout], [idle]  nothing was received for so long
            Trigger::Timeout(at, _) if *at == q.role => due(heard).then_some((Rule::Timeout, None)),
            Trigger::Idle(at, _) if *at == q.role => due(heard).then_some((Rule::Idle, None)),
            // [deadline]  the scope took so long
            Trigger::Deadline(at, _) if *at == q.role => due(came).then_some((Rule::Deadline, None)),
            // [detect]  the crash of another, which every peer detects on its own
            Trigger::Crash(other) if *other != q.role => Some((Rule::Detect, Some(*other))),
            // [told]  everybody else learns of it from a message
            _ if q.side == Side::Takes => Some((Rule::Told, None)),
            _ => None,
        }
    }

    // ---- when something is over

    /// The ways by which a block may end without another step of the role; asked by whoever wants to go on behind it
    /// with a message, or (without one) for good.
    pub(super) fn ends(&self, role: RoleId, at: &Place, q: Option<(&Query<'_>, &Copies)>) -> Vec<Out> {
        let blocked = at.left.iter().any(|left| match q.map(|(q, _)| q.side) {
            None => !self.is_quiet(role, left),
            Some(Side::Gives) => self.owes_in(role, left),
            Some(Side::Takes) => false,
        });
        if blocked {
            return Vec::new();
        }
        let mut out = Vec::new();
        match &at.open {
            None => self.ends_of(role, &at.rest, at.since, q, &mut Vec::new(), &mut out),
            Some(open) => {
                for (way, due) in self.scope_ends(role, open, q) {
                    let mut behind = Vec::new();
                    self.ends_of(role, &self.go(&at.rest, way), at.since, q, &mut Vec::new(), &mut behind);
                    out.extend(behind.into_iter().map(|(way, then)| (way, due.max(then))));
                }
            }
        }
        out
    }

    fn ends_of(
        &self,
        role: RoleId,
        rest: &super::rest::Rest,
        since: Time,
        q: Option<(&Query<'_>, &Copies)>,
        round: &mut Vec<super::rest::Rest>,
        out: &mut Vec<Out>,
    ) {
        if round.contains(rest) {
            return;
        }
        round.push(rest.clone());
        for front in self.fronts(rest, role) {
            match front.first {
                First::Way(way) => out.push((way, None)),
                First::Message { .. } => {}
                First::Scope(scope) => {
                    let view = q.map(|(q, copies)| self.view(q, copies));
                    for (way, due) in self.scope_ends(role, &self.come(role, scope, view.as_ref(), since), q) {
                        let mut behind = Vec::new();
                        let rest = self.go(&front.rest, way);
                        self.ends_of(role, &rest, since, q, round, &mut behind);
                        out.extend(behind.into_iter().map(|(way, then)| (way, due.max(then))));
                    }
                }
            }
        }
    }

    /// The ways by which a scope may end.
    pub(super) fn scope_ends(&self, role: RoleId, open: &Open, q: Option<(&Query<'_>, &Copies)>) -> Vec<Out> {
        let end = |place: &Place| {
            let ends = self.ends(role, place, q).into_iter().filter(|(way, _)| *way == Way::End).map(|(_, due)| due);
            ends.min()
        };
        match (&open.parts, self.term.scopes.entry(open.scope)) {
            (Parts::Par(parts), _) => {
                let ends: Option<Vec<Option<Time>>> = parts.iter().map(end).collect();
                ends.map(|dues| (Way::End, dues.into_iter().max().flatten())).into_iter().collect()
            }
            (Parts::During { main, rounds }, _) => {
                let due = match main {
                    None => None,
                    Some(main) => match end(main) {
                        None => return Vec::new(),
                        Some(due) => due,
                    },
                };
                let may = |place: &Place| self.ends(role, place, None).iter().any(|(way, _)| *way == Way::End);
                let blocks = |place: &Place| {
                    !may(place)
                        && match q.map(|(q, _)| q.side) {
                            // For good only when all rounds are over.
                            None => true,
                            // To send beyond only when it owes nothing.
                            Some(Side::Gives) => self.owes(role, place),
                            Some(Side::Takes) => false,
                        }
                };
                let blocked = rounds.iter().any(|round| match round {
                    Round::One(one, _) => one.as_ref().is_some_and(blocks),
                    Round::Family(family) => family.live.iter().any(|one| blocks(&one.place)),
                });
                if blocked { Vec::new() } else { vec![(Way::End, due)] }
            }
            (Parts::Try { at, place, came, heard, limits }, Some(Scope::Try { handlers, .. })) => {
                let mut out = self.ends(role, place, q);
                // A crash of another, or a time limit of its own, after which the role has nothing to do.
                for (handler, limit) in handlers.iter().zip(limits).take(at.unwrap_or(handlers.len())) {
                    let due = match &handler.trigger {
                        Trigger::Crash(other) if *other != role => None,
                        Trigger::Timeout(at, _) | Trigger::Idle(at, _) if *at == role => {
                            limit.map(|limit| heard.saturating_add(limit))
                        }
                        Trigger::Deadline(at, _) if *at == role => limit.map(|limit| came.saturating_add(limit)),
                        _ => continue,
                    };
                    let mut ends = Vec::new();
                    self.ends_of(role, &Self::block(handler.body), *came, q, &mut Vec::new(), &mut ends);
                    out.extend(ends.into_iter().map(|(way, then)| (way, due.max(then))));
                }
                out
            }
            _ => Vec::new(),
        }
    }

    /// Whether no round that was begun in a scope must go on.
    pub(super) fn is_quiet(&self, role: RoleId, open: &Open) -> bool {
        let inside =
            |place: &Place| place.open.as_deref().into_iter().chain(&place.left).all(|open| self.is_quiet(role, open));
        let may = |place: &Place| self.ends(role, place, None).iter().any(|(way, _)| *way == Way::End);
        match &open.parts {
            Parts::Par(parts) => parts.iter().all(inside),
            Parts::Try { place, .. } => inside(place),
            Parts::During { main, rounds } => {
                main.as_ref().is_none_or(inside)
                    && rounds.iter().all(|round| match round {
                        Round::One(one, _) => one.as_ref().is_none_or(may),
                        Round::Family(family) => family.live.iter().all(|one| may(&one.place)),
                    })
            }
        }
    }

    /// Whether it is a role's turn in a block: what comes next can be a message or an action of its own.
    fn owes(&self, role: RoleId, at: &Place) -> bool {
        if at.left.iter().any(|left| self.owes_in(role, left)) {
            return true;
        }
        match &at.open {
            None => self.owes_rest(role, &at.rest, &mut Vec::new()),
            Some(open) => {
                self.owes_in(role, open)
                    || self
                        .scope_ends(role, open, None)
                        .into_iter()
                        .any(|(way, _)| self.owes_rest(role, &self.go(&at.rest, way), &mut Vec::new()))
            }
        }
    }

    fn owes_rest(&self, role: RoleId, rest: &super::rest::Rest, round: &mut Vec<super::rest::Rest>) -> bool {
        if round.contains(rest) {
            return false;
        }
        round.push(rest.clone());
        self.fronts(rest, role).into_iter().any(|front| match front.first {
            First::Way(_) => false,
            First::Message { from, .. } => from == role,
            First::Scope(scope) => {
                let open = self.come(role, scope, None, 0);
                self.owes_in(role, &open)
                    || self
                        .scope_ends(role, &open, None)
                        .into_iter()
                        .any(|(way, _)| self.owes_rest(role, &self.go(&front.rest, way), round))
            }
        })
    }

    pub(super) fn owes_in(&self, role: RoleId, open: &Open) -> bool {
        let owes = |place: &Place| {
            !self.ends(role, place, None).iter().any(|(way, _)| *way == Way::End) && self.owes(role, place)
        };
        match &open.parts {
            Parts::Par(parts) => parts.iter().any(owes),
            Parts::Try { place, .. } => owes(place),
            Parts::During { main, rounds } => {
                main.as_ref().is_some_and(owes)
                    || rounds.iter().any(|round| match round {
                        Round::One(one, _) => one.as_ref().is_some_and(owes),
                        Round::Family(family) => family.live.iter().any(|one| owes(&one.place)),
                    })
            }
        }
    }

    /// Whether a role can do nothing more in a block, which is over.
    pub(super) fn is_over(&self, role: RoleId, at: &Place) -> bool {
        if !at.left.iter().all(|left| self.is_quiet(role, left)) {
            return false;
        }
        match &at.open {
            None => self.is_over_rest(role, &at.rest),
            Some(open) => {
                self.is_spent(role, open)
                    && self
                        .scope_ends(role, open, None)
                        .into_iter()
                        .all(|(way, _)| self.is_over_rest(role, &self.go(&at.rest, way)))
            }
        }
    }

    fn is_over_rest(&self, role: RoleId, rest: &super::rest::Rest) -> bool {
        self.fronts(rest, role).into_iter().all(|front| matches!(front.first, First::Way(_)))
    }

    /// Whether nothing can happen in a scope any more. A handler of a body that is over does not keep it open.
    fn is_spent(&self, role: RoleId, open: &Open) -> bool {
        match &open.parts {
            Parts::Par(parts) => parts.iter().all(|part| self.is_over(role, part)),
            Parts::Try { place, .. } => self.is_over(role, place),
            Parts::During { main, rounds } => {
                main.as_ref().is_some_and(|main| self.is_over(role, main))
                    && rounds.iter().all(|round| match round {
                        Round::One(one, _) => one.is_none(),
                        Round::Family(family) => family.live.is_empty(),
                    })
            }
        }
    }
}

/// The list with one entry replaced.
pub(super) fn with<T: Clone>(list: &[T], at: usize, value: T) -> Vec<T> {
    let mut list = list.to_vec();
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
    list
}
