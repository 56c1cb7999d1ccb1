//! Steps that were taken before. Many protocols have few configurations, and their sessions go through the same ones again
//! and again: where an event leads from one of them is then looked up.
//!
//! Comes in: configurations of a timeless program, and the steps that were found to lead from one to another. Goes out: where
//! the same step leads, or that it is not known. Nothing is decided here.
//!
//! INVARIANT (same): a configuration is kept as it is but for its times, on which nothing depends; a step is known by its
//! side, by all messages that the event may be and by all that a rule reads of their payloads. INVARIANT (bounded): at most
//! [`MOST`] configurations of a bounded weight are kept, and [`STEPS`] steps of each. Where too little comes again, nothing
//! is kept any more.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    Values,
    observe::{Candidate, Config},
};
use crate::{
    id::MessageId,
    machine::{Live, Program, live::Sides},
};

/// How many configurations.
const MOST: usize = 1 << 10;
/// How many steps of a configuration.
const STEPS: usize = 48;
/// The greatest weight of what a rule reads of a payload.
const HEAVY: u32 = 128;
/// So often something is looked up before it is asked whether that is worth it.
const TRIAL: u32 = 512;

/// A configuration that is kept.
pub(super) type Number = u32;

/// All that is known.
#[derive(Debug)]
pub(super) struct Again {
    known: Vec<Known>,
    by_sign: FxHashMap<u64, SmallVec<[Number; 1]>>,
    asked: u32,
    missed: u32,
}

#[derive(Debug)]
struct Known {
    config: [Config; 1],
    steps: Vec<Step>,
    /// Nothing can happen any more.
    over: bool,
}

/// Which messages an event may be, with what each says.
type Seen = SmallVec<[(MessageId, Arc<Values>); 1]>;

#[derive(Debug)]
struct Step {
    sides: Sides,
    seen: Seen,
    then: Number,
}

/// Why a configuration is not kept.
pub(super) enum Unkept {
    /// It is large, or not told apart from others by what it equals.
    Unlike,
    /// Too little comes again.
    Futile,
}

impl Again {
    /// Of a program whose sessions may come to the same configurations; the start is number 0.
    pub(super) fn of(program: &Program) -> Option<Self> {
        if !program.is_timeless() {
            return None;
        }
        let mut again = Self { known: Vec::new(), by_sign: FxHashMap::default(), asked: 0, missed: 0 };
        again.number(program, Config::from(Live::new(program, 0))).ok().map(|_| again)
    }

    /// A configuration.
    pub(super) fn config(&self, number: Number) -> &[Config] {
        self.known.get(number as usize).map_or(&[], |known| &known.config)
    }

    /// Whether nothing can happen in a configuration any more.
    pub(super) fn is_over(&self, number: Number) -> bool {
        self.known.get(number as usize).is_some_and(|known| known.over)
    }

    /// Where an event leads, if that is known.
    #[inline]
    pub(super) fn next(&mut self, from: Number, sides: Sides, candidates: &[Candidate]) -> Option<Number> {
        self.asked = self.asked.saturating_add(1);
        let known = self.known.get_mut(from as usize)?;
        let Some(at) = known.steps.iter().position(|step| step.is(sides, candidates)) else {
            self.missed = self.missed.saturating_add(1);
            return None;
        };
        let then = known.steps.get(at)?.then;
        // What comes often comes to stand in front.
        if let Some(before) = at.checked_sub(1) {
            known.steps.swap(before, at);
        }
        Some(then)
    }

    /// The number of a configuration.
    pub(super) fn number(&mut self, program: &Program, mut config: Config) -> Result<Number, Unkept> {
        if self.asked >= TRIAL {
            if self.missed > self.asked / 2 {
                return Err(Unkept::Futile);
            }
            (self.asked, self.missed) = (self.asked / 2, self.missed / 2);
        }
        let live = &mut config.live;
        let plain = config.ahead.is_empty() && live.queued() == 0;
        let Some(sign) = live.sign().filter(|_| plain) else { return Err(Unkept::Unlike) };
        live.settle();
        let numbers = self.by_sign.entry(sign).or_default();
        let same = |number: &&Number| {
            let known = self.known.get(**number as usize);
            known.is_some_and(|known| known.config.first() == Some(&config))
        };
        if let Some(number) = numbers.iter().find(same) {
            return Ok(*number);
        }
        let number = u32::try_from(self.known.len()).ok().filter(|_| self.known.len() < MOST).ok_or(Unkept::Futile)?;
        numbers.push(number);
        let over = config.live.is_over(program);
        self.known.push(Known { config: [config], steps: Vec::new(), over });
        Ok(number)
    }

    /// An event leads from one configuration to another.
    pub(super) fn learn(&mut self, from: Number, sides: Sides, candidates: &[Candidate], then: Number) {
        let Some(known) = self.known.get_mut(from as usize).filter(|known| known.steps.len() < STEPS) else { return };
        let mut seen = Seen::new();
        let mut left = HEAVY;
        for candidate in candidates {
            let Ok(values) = &candidate.values else { return };
            for value in values.iter().flatten() {
                // What is equal here is of one sort, and reads the same.
                match left.checked_sub(value.extent().weight) {
                    Some(less) => left = less,
                    None => return,
                }
            }
            seen.push((candidate.message, Arc::clone(values)));
        }
        known.steps.push(Step { sides, seen, then });
    }
}

impl Step {
    fn is(&self, sides: Sides, candidates: &[Candidate]) -> bool {
        self.sides == sides
            && self.seen.len() == candidates.len()
            && self.seen.iter().zip(candidates).all(|((message, values), candidate)| {
                *message == candidate.message && candidate.values.as_ref().is_ok_and(|found| **found == **values)
            })
    }
}
