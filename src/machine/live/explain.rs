//! What a refusal depends on: for reports, which show the values that a false condition reads. Asked for once per
//! violation, so that steps need not keep them.

use super::{
    Live, Refused, Seen, Time, Why,
    env::{Pending, View},
    evaluate::prepare,
    find::Finder,
    place::{Hit, Keys},
    step::Taken,
};
use crate::{
    data::{Code, Env, Slot, Value},
    id::FrameId,
    machine::program::{End, Program},
    protocol::Rule,
};

/// An expression, and what it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Reads {
    /// The expression.
    pub code: Code,
    /// The innermost frame of the place where it was evaluated.
    pub frame: FrameId,
    /// Its slots, with what they held.
    pub values: Vec<(Slot, Option<Value>)>,
    /// What would be assigned, if that is refused.
    pub gives: Option<Value>,
}

impl Live {
    /// The expression to which a refusal of [`Live::admits`] is due, and what it reads.
    #[must_use]
    pub fn explain(&self, program: &Program, seen: Seen<'_>, refused: &Refused) -> Option<Reads> {
        let travel = program.messages.entry(seen.message)?;
        let rule = &*travel.rule;
        let now = seen.now.max(self.now);
        let keys = self.keys(program, rule, &seen, now);
        let end = if refused.role == travel.from { End::From } else { End::To };
        let mut reads = None;
        let mut each = |hit: &Hit<'_, '_>| {
            if reads.is_none()
                && self
                    .evaluate(program, &seen, refused.role, end, &keys, (now, 0), hit, &mut Taken::blank())
                    .err()
                    .as_ref()
                    == Some(&refused.why)
            {
                reads = self.read_there(program, &seen, refused, (rule, end), (&keys, now), hit);
            }
        };
        Finder::new(program, self, refused.role, seen.message, end, &keys, now, &mut each).run();
        reads
    }

    /// The same, of one place.
    fn read_there(
        &self,
        program: &Program,
        seen: &Seen<'_>,
        refused: &Refused,
        (rule, end): (&Rule, End),
        (keys, now): (&Keys, Time),
        hit: &Hit<'_, '_>,
    ) -> Option<Reads> {
        let mut pending: Vec<Pending> = Vec::new();
        let view = View {
            program,
            live: self,
            role: Some(refused.role),
            frames: hit.frames,
            pending: &[],
            payload: seen.payload,
            now,
            externs: seen.externs,
        };
        // What was assigned before it failed is what there is to show.
        let _ = prepare(end, keys, hit, view, &mut pending, &mut |_| {});
        let view = view.with(&pending);
        let eval = |code: &Code| code.eval(&view);
        let within = rule.within.iter().flat_map(|(from, to)| from.iter().chain([to]));
        let code = match &refused.why {
            Why::False { condition } => Some(&rule.conditions.get(*condition)?.code),
            Why::Unwitnessed { requirement } => Some(&rule.requires.get(*requirement)?.holds),
            Why::Fault(fault) => rule
                .demands()
                .chain(rule.requires.iter().flat_map(|requirement| &requirement.args))
                .chain(rule.sets.iter().map(|set| &set.value))
                .chain(rule.after.iter().flat_map(|group| group.iter().map(|set| &set.value)))
                .chain(within)
                .find(|code| eval(code).err().as_ref() == Some(fault)),
            Why::Unfit { slot } => rule
                .sets
                .iter()
                .chain(rule.after.iter().flat_map(|group| group.iter()))
                .find(|set| set.slot == *slot)
                .map(|set| &set.value),
            Why::Broken { slot } => {
                let (depth, at) = crate::protocol::place(*slot);
                let frame = hit.path.get(usize::from(depth)).and_then(|&frame| program.frames.entry(frame))?;
                frame.slots.get(at as usize)?.invariant.as_ref()
            }
            Why::TooEarly { .. } => within.take(1).next(),
            Why::TooLate { .. } => rule.within.as_ref().map(|(_, to)| to),
            _ => None,
        }?;
        let frame = hit.path.last().copied().unwrap_or_default();
        let values = code.slots().iter().map(|&slot| (slot, view.slot(slot).cloned())).collect();
        let gives = if let Why::Unfit { .. } = refused.why { eval(code).ok() } else { None };
        Some(Reads { code: code.clone(), frame, values, gives })
    }
}
