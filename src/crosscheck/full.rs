//! Programs and the reference beyond the kernel in lockstep, event by event.
//!
//! Comes in: a protocol with data or scopes, and events ([`Seen`]) one after the other. Every event is asked of both
//! sides: both must admit it or both refuse it, both must take it for a repetition or neither, and afterwards both must
//! say the same about whether the session may end. Each side is the set of all configurations that the run so far can
//! lead to.
//!
//! Which events are worth asking for is not decided here.

use std::{cell::Cell, collections::BTreeSet};

use crate::{
    data::{Assumed, Value},
    id::{MessageId, RoleId},
    machine::{
        Program, ProgramError, Shared,
        live::{self, Live, Why, digest},
    },
    protocol::{Names, Protocol},
    reference::full::{self, Configuration, Full, Seen, Sides},
};

/// More ways than this are followed no further.
pub const MOST: usize = 8;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A message or a local action.
    Seen(Seen),
    /// A role crashes.
    Crash(RoleId),
}

/// What both sides say about an event.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It may happen.
    Admitted {
        /// It is a repetition.
        duplicate: bool,
    },
    /// It may not; why, in the program's words.
    Refused(Vec<Why>),
}

/// What the two sides disagree about.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// The straight way is not the long one.
    Straight,
    /// Whether an event may happen.
    Admits {
        /// The program says so.
        program: bool,
        /// The reference says so.
        reference: bool,
        /// Why the program does not.
        why: Vec<Why>,
    },
    /// Whether it is a repetition.
    Duplicate {
        /// The program says so.
        program: bool,
        /// The reference says so.
        reference: bool,
    },
    /// The arguments of the witnesses that it consumes, way by way.
    Required {
        /// What the program says.
        program: Vec<Vec<Vec<Value>>>,
        /// What the reference says.
        reference: Vec<Vec<Vec<Value>>>,
    },
    /// Whether the session may end then.
    Final {
        /// The program says so.
        program: bool,
        /// The reference says so.
        reference: bool,
    },
}

/// A program and its reference.
#[derive(Debug)]
pub struct Sided<'a> {
    names: &'a Names,
    program: Program,
    reference: Full<'a>,
    /// How often an event could go the straight way.
    straight: Cell<u64>,
}

/// Where both are.
#[derive(Clone, Debug)]
pub struct Pair {
    lives: Vec<Live>,
    confs: Vec<Configuration>,
    /// More ways were there than are followed: nothing more is said.
    pub many: bool,
}

impl<'a> Sided<'a> {
    /// Both sides of a protocol; none if it has nothing beyond the kernel.
    pub fn new(names: &'a Names, protocol: &'a Protocol) -> Option<Result<Self, ProgramError>> {
        let graph = protocol.graph.as_ref()?;
        let header = &protocol.header;
        let program = match Program::of(names, header, &protocol.term, graph) {
            Ok(program) => program,
            Err(error) => return Some(Err(error)),
        };
        let reference = Full::new(&protocol.term, names, header);
        Some(Ok(Self { names, program, reference, straight: Cell::new(0) }))
    }

    /// How often the reference used each of its rules.
    #[must_use]
    pub fn fired(&self) -> &full::Fired {
        self.reference.fired()
    }

    /// How often an event could go the straight way.
    #[must_use]
    pub fn straight(&self) -> u64 {
        self.straight.get()
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Both at their start.
    #[must_use]
    pub fn start(&self, now: full::Time) -> Pair {
        Pair { lives: vec![Live::new(&self.program, now)], confs: vec![self.reference.initial(now)], many: false }
    }

    /// The messages of the program that an event can be.
    fn messages(&self, seen: &Seen) -> Vec<MessageId> {
        let payload = self.names.payload(seen.like);
        let all = self.program.find(seen.from, seen.to, seen.label).iter().copied();
        let like = |id: &MessageId| {
            self.program.messages().entry(*id).is_some_and(|travel| self.names.payload(travel.sort) == payload)
        };
        all.filter(like).collect()
    }

    /// Everything in an event that counts as content, for each message: but for what its options leave out.
    fn content(&self, seen: &Seen, message: MessageId) -> u128 {
        let travel = self.program.messages().entry(message);
        let memories = travel.map(|travel| &*travel.rule.idempotent).unwrap_or_default();
        let payload = self.names.payload(seen.like);
        let mut values = vec![Value::text(self.names.label_text(seen.label)), number(seen.from), number(seen.to)];
        for (at, value) in seen.values.iter().enumerate() {
            let name = payload.and_then(|payload| payload.fields.get(at)).and_then(|field| field.name.as_deref());
            let out = memories.iter().any(|memory| memory.except.iter().any(|except| Some(&**except) == name));
            match value {
                Some(value) if !out => values.extend([Value::Bool(true), value.clone()]),
                _ => values.push(Value::Bool(false)),
            }
        }
        digest(values.iter())
    }

    /// What both say about an event, which changes nothing; or what they disagree about.
    pub fn ask(&self, pair: &Pair, seen: &Seen) -> Result<Answer, Difference> {
        self.answer(pair, seen).map(|(answer, _)| answer)
    }

    fn answer(&self, pair: &Pair, seen: &Seen) -> Result<(Answer, Pair), Difference> {
        let mut next = Pair { lives: Vec::new(), confs: Vec::new(), many: pair.many };
        let (mut program, mut reference) = (Vec::new(), Vec::new());
        let mut required: [Vec<Vec<Vec<Value>>>; 2] = Default::default();
        let mut whys = Vec::new();
        let [by_program, by_reference] = &mut required;
        for live in &pair.lives {
            for message in self.messages(seen) {
                let sides = match seen.sides {
                    Sides::Both => live::Sides::Both,
                    Sides::Send => live::Sides::Send,
                    Sides::Receive => live::Sides::Receive,
                    Sides::Attempt => live::Sides::Attempt,
                };
                // A receive is of what is queued, values included.
                if seen.sides == Sides::Receive {
                    let edge = self.program.messages().entry(message).and_then(|travel| travel.edge);
                    let coming = edge.map(|edge| live.arriving(&self.program, edge)).unwrap_or_default();
                    if !coming.iter().any(|(coming, payload)| *coming == message && **payload == *seen.values) {
                        whys.push(Why::NotSent);
                        continue;
                    }
                }
                let offered = live::Seen {
                    message,
                    sides,
                    payload: &seen.values,
                    content: self.content(seen, message),
                    now: seen.now,
                    externs: &Assumed,
                };
                let admitted = live.admits(&self.program, offered);
                if !self.goes_straight(live, &offered, admitted.as_deref().unwrap_or_default()) {
                    return Err(Difference::Straight);
                }
                match admitted {
                    Ok(ways) => {
                        for way in ways {
                            program.push(way.is_duplicate());
                            let arguments = way.required().iter().map(|(_, args)| args.to_vec()).collect();
                            if !by_program.contains(&arguments) {
                                by_program.push(arguments);
                            }
                            let mut then = live.clone();
                            then.take(&self.program, &way);
                            next.lives.push(then);
                        }
                    }
                    Err(refused) => whys.push(refused.why),
                }
            }
        }
        for conf in &pair.confs {
            for one in self.reference.successors(conf, seen) {
                reference.push(one.duplicate);
                if !by_reference.contains(&one.required) {
                    by_reference.push(one.required);
                }
                if !next.confs.contains(&one.then) {
                    next.confs.push(one.then);
                }
            }
        }
        if program.is_empty() != reference.is_empty() {
            let (program, reference) = (!program.is_empty(), !reference.is_empty());
            return Err(Difference::Admits { program, reference, why: whys });
        }
        let all = |found: &[bool]| found.iter().all(|&duplicate| duplicate) && !found.is_empty();
        let (program, reference) = (all(&program), all(&reference));
        if program != reference {
            return Err(Difference::Duplicate { program, reference });
        }
        let [program_says, reference_says] = required;
        let same = program_says.len() == reference_says.len();
        if !(same && program_says.iter().all(|arguments| reference_says.contains(arguments))) {
            return Err(Difference::Required { program: program_says, reference: reference_says });
        }
        next.many |= next.lives.len().max(next.confs.len()) > MOST;
        let answer = match next.lives.is_empty() {
            true => Answer::Refused(whys),
            false => Answer::Admitted { duplicate: program },
        };
        Ok((answer, next))
    }

    /// Whether the straight way, as far as it goes, leads where the long one does.
    fn goes_straight(&self, live: &Live, seen: &live::Seen<'_>, ways: &[live::Way]) -> bool {
        let mut one = live::Way::blank();
        let found = live.straight(&self.program, seen, 0, &mut one);
        // What is known before the payload is read changes nothing but the work; what it rules out is ruled out.
        let mut again = live::Way::blank();
        let blindly = |message, shared: &mut Shared| live.blindly(&self.program, message, seen.sides, seen.now, shared);
        let mut shared = Shared::default();
        let differs = |message| blindly(message, &mut shared) != blindly(message, &mut Shared::default());
        if self.program.messages().ids().any(differs) {
            return false;
        }
        let agrees = match blindly(seen.message, &mut shared) {
            None => matches!(found, live::Straight::None | live::Straight::Unsure) && ways.is_empty(),
            Some(known) => live.straight(&self.program, seen, known, &mut again) == found,
        };
        if !agrees {
            return false;
        }
        match (found, ways) {
            (live::Straight::Unsure, _) | (live::Straight::None, []) => true,
            (live::Straight::One, [way]) => {
                let (mut long, mut short, mut known) = (live.clone(), live.clone(), live.clone());
                long.take(&self.program, way);
                short.take_last(&self.program, &mut one);
                known.take_last(&self.program, &mut again);
                self.straight.set(self.straight.get().saturating_add(1));
                long == short && long == known
            }
            _ => false,
        }
    }

    /// Makes something happen on both sides; nothing, if both refuse it.
    pub fn take(&self, pair: &Pair, happening: &Happening) -> Result<Option<Pair>, Difference> {
        let next = match happening {
            Happening::Seen(seen) => match self.answer(pair, seen)? {
                (Answer::Admitted { .. }, next) => next,
                (Answer::Refused(_), _) => return Ok(None),
            },
            Happening::Crash(role) => {
                let mut next = pair.clone();
                next.lives.iter_mut().for_each(|live| live.crash(&self.program, *role));
                next.confs = next.confs.iter().map(|conf| self.reference.crash(conf, *role)).collect();
                next
            }
        };
        self.compare(&next)?;
        Ok(Some(next))
    }

    /// Whether both say the same of where they are.
    pub fn compare(&self, pair: &Pair) -> Result<bool, Difference> {
        let program = pair.lives.iter().any(|live| live.is_final(&self.program));
        let reference = pair.confs.iter().any(|conf| self.reference.is_final(conf));
        match program == reference {
            true => Ok(program),
            false => Err(Difference::Final { program, reference }),
        }
    }

    /// The heads of all edges, as receives that may happen now.
    #[must_use]
    pub fn heads(&self, pair: &Pair, now: full::Time) -> Vec<Seen> {
        let mut heads: Vec<Seen> = Vec::new();
        let mut edges: BTreeSet<(RoleId, RoleId)> = BTreeSet::new();
        for travel in self.program.messages().values() {
            edges.insert((travel.from, travel.to));
        }
        for conf in &pair.confs {
            for &(from, to) in &edges {
                for (label, like, values) in self.reference.arriving(conf, from, to) {
                    let seen = Seen { from, to, label, like, values, sides: Sides::Receive, now };
                    if !heads.contains(&seen) {
                        heads.push(seen);
                    }
                }
            }
        }
        heads
    }

    /// Runs a list of happenings from the start, those that are refused left out: the first disagreement, and after how
    /// many.
    #[must_use]
    pub fn replay(&self, happenings: &[Happening]) -> Option<(usize, Difference)> {
        let mut pair = self.start(0);
        for (at, happening) in happenings.iter().enumerate() {
            match self.take(&pair, happening) {
                Ok(Some(next)) => pair = next,
                Ok(None) => {}
                Err(difference) => return Some((at, difference)),
            }
            if pair.many {
                return None;
            }
        }
        None
    }

    /// A shorter list of happenings that ends in a disagreement too.
    #[must_use]
    pub fn shrink(&self, mut happenings: Vec<Happening>) -> Vec<Happening> {
        loop {
            if let Some((at, _)) = self.replay(&happenings) {
                happenings.truncate(at.saturating_add(1));
            }
            let shorter = (0..happenings.len()).find_map(|skip| {
                let mut fewer = happenings.clone();
                fewer.remove(skip);
                self.replay(&fewer).is_some().then_some(fewer)
            });
            match shorter {
                Some(fewer) => happenings = fewer,
                None => return happenings,
            }
        }
    }
}

fn number(role: RoleId) -> Value {
    Value::Int(i64::from(crate::id::Id::raw(role)))
}
