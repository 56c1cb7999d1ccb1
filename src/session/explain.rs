//! Refusals of steps in full: what was asked, what would have been possible, who is to blame, and which values made a
//! condition false. Made only when something is refused.
//!
//! Values of secret sorts are shown as keyed digests; where a protocol has any, so are those of all variables, which may
//! have been computed from them.

use super::{
    Capability, Code, OpenPlan, Refused,
    audit::{Kind, Record, SessionRef, Verdict},
    block,
    judge::Shown,
    refuse::{Asked, Detail},
    step::{Direction, Miss, Step},
    store::{Keep, Store},
};
use crate::{
    data::{self, Env, Redaction, Sort, Value},
    id::{Id, MessageId},
    machine::{
        Live, Program,
        live::{Refused as Against, Seen},
    },
    protocol::{PAYLOAD, place},
};

/// Longer values are cut.
const SHOWN: usize = 120;

impl Store {
    /// The refusal of a step; audited, and without effect on the session.
    #[cold]
    pub(super) fn refused_step(&mut self, cap: &Capability, step: &Step<'_>, miss: Miss) -> Refused {
        let (direction, role, peer, label, at) = match *step {
            Step::Send(send) => (Direction::Send, send.from, send.to, Some(send.label), send.at),
            Step::Receive(receive) => (Direction::Receive, receive.role, receive.from, None, receive.at),
            Step::Act(act) => (Direction::Act, act.role, act.role, Some(act.label), act.at),
        };
        let mut refused = Refused::with(miss.code, miss.detail.map(|detail| *detail).unwrap_or_default());
        let kind = match direction {
            Direction::Send => Kind::Send,
            Direction::Receive => Kind::Receive,
            Direction::Act => Kind::Act,
        };
        let id = cap.session;
        let mut record = Record {
            time: at,
            role: role.raw(),
            peer: peer.raw(),
            message: label.map_or(0, Id::raw),
            generation: cap.stamp,
            code: miss.code.number(),
            ..Record::new(SessionRef { slot: id.slot, generation: id.generation }, kind, Verdict::Rejected)
        };
        refused.0.session = Some(id);
        refused.0.asked = Some(Asked { direction, role, peer, label });
        if miss.code != Code::Foreign
            && let Some(plan) = self.plan(id).cloned()
        {
            if let (Code::Stale, Detail::None, Some((_, expected))) =
                (miss.code, &refused.0.detail, self.owner(id, role))
            {
                refused.0.detail = Detail::Generation { expected, actual: cap.stamp };
            }
            if let (Code::Terminal | Code::Draining, Some(status)) = (miss.code, self.status(id)) {
                refused.0.detail = Detail::Status(status);
            }
            refused.0.expected = self.enabled(id, role);
            if let Some(edge) = plan.edge(peer, role).filter(|_| direction == Direction::Receive) {
                refused.0.head = self.messages(id, edge).first().copied();
            }
            refused.0.blame = miss.blame.or(match miss.code {
                Code::NotEnabled | Code::Payload | Code::Condition | Code::Fault | Code::NoMessage => Some(role),
                // Who sent what cannot be taken.
                Code::Unexpected => Some(peer),
                _ => None,
            });
            refused.0.plan = Some(plan);
            if let Some((page, place)) = self.pages.look(id) {
                record.plan = page.number;
                record.time = block::now(page.block(place)).max(at);
            }
        }
        refused.0.record = self.rest.audit.refused(record);
        refused
    }
}

/// A false condition on a payload, with its values.
pub(super) fn condition(
    plan: &OpenPlan,
    message: MessageId,
    code: &data::Code,
    env: &Shown<'_>,
    redaction: &Redaction,
) -> Detail {
    let sort = plan.sort_of(message);
    let payload = sort.and_then(|sort| plan.0.names.payload(sort));
    let values = code.slots().iter().filter_map(|&slot| {
        let (depth, index) = place(slot);
        let field = payload.filter(|_| depth == PAYLOAD).and_then(|payload| payload.fields.get(index as usize))?;
        let name = field.name.as_deref().map_or_else(|| format!("field {index}"), str::to_owned);
        Some((name.into(), text(env.slot(slot), Some(&field.sort), redaction, false)))
    });
    Detail::Condition { text: code.text().into(), values: values.collect() }
}

/// What a tree's refusal depends on, with its values.
pub(super) fn reads(
    plan: &OpenPlan,
    program: &Program,
    live: &Live,
    seen: Seen<'_>,
    refused: &Against,
    redaction: &Redaction,
) -> Detail {
    let Some(reads) = live.explain(program, seen, refused) else { return Detail::None };
    let secretive = plan.0.secretive;
    let values = reads.values.iter().map(|(slot, value)| {
        let name = program.slot_name(&plan.0.names, seen.message, reads.frame, *slot);
        let (depth, index) = place(*slot);
        let field = program
            .messages()
            .entry(seen.message)
            .and_then(|travel| plan.0.names.payload(travel.sort))
            .filter(|_| depth == PAYLOAD)
            .and_then(|payload| payload.fields.get(index as usize));
        let hide = secretive && depth != PAYLOAD;
        (name.into(), text(value.as_ref(), field.map(|field| &field.sort), redaction, hide))
    });
    Detail::Condition { text: reads.code.text().into(), values: values.collect() }
}

/// A value as it may be shown.
fn text(value: Option<&Value>, sort: Option<&Sort>, redaction: &Redaction, hide: bool) -> Box<str> {
    let Some(value) = value else { return "unset".into() };
    let mut text = data::write(value, sort, redaction, &|_| false);
    if hide {
        text = redaction.digest(&text);
    }
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text.into()
}
