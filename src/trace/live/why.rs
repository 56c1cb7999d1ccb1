//! Refusals in words: which condition, which field, which instance, which deadline, and what the names in it held.
//!
//! Values of secret sorts, and of names that the map hides, are shown as keyed digests only.

use super::{Event, Judge, Misfit, Refusal, Time, observe::Config, read};
use crate::{
    data::{self, Sort, Value},
    diag::{Code, Span, catalogue::trace as codes},
    id::{FrameId, MessageId, RoleId},
    machine::live::{Lapse, Reads, Refused, Seen, Sides, Why},
    protocol::{PAYLOAD, place},
    trace::report::Offence,
};

/// Longer values are cut.
const SHOWN: usize = 120;

impl Judge<'_> {
    pub(super) fn offence(&self, slot: u32, event: &Event<'_>, refusal: &Refusal) -> Offence {
        let name = |role| self.subject.header.role_name(role).to_owned();
        let (from, to) = (name(event.from), name(event.to));
        let label = self.subject.names.label_text(event.label);
        let what = if event.from == event.to {
            format!("`{label}` of `{from}`")
        } else {
            format!("`{label}` from `{from}` to `{to}`")
        };
        match refusal {
            Refusal::Nothing => offence(codes::SENDER, format!("{what}: there is no such message"), from, None),
            Refusal::TooMany => Offence {
                code: codes::TOO_MANY,
                message: format!("{what}: more configurations explain what was seen than are followed"),
                help: None,
                blame: None,
                span: None,
            },
            Refusal::Lapsed(lapse) => self.late(lapse),
            Refusal::Payload(message, misfit) => {
                offence(codes::PAYLOAD, format!("{what}: {}", self.misfit(*message, misfit)), from, None)
            }
            Refusal::Refused(message, refused) => self.refused(slot, event, &what, *message, refused),
        }
    }

    pub(super) fn late(&self, lapse: &Lapse) -> Offence {
        let name = self.subject.header.role_name(lapse.role);
        let message = format!("`{name}` owed a step until {}, and has not taken it", time(lapse.deadline));
        offence(codes::LAPSED, message, name.to_owned(), Some(lapse.span))
    }

    fn refused(&self, slot: u32, event: &Event<'_>, what: &str, message: MessageId, refused: &Refused) -> Offence {
        let name = |role| self.subject.header.role_name(role).to_owned();
        let blamed = name(refused.role);
        let frames = self.program.frames();
        let (code, text) = match &refused.why {
            Why::NotHere | Why::NotNow => return self.out_of_place(event, refused.role),
            Why::NotSent => (codes::UNSENT, "it is not the next message on its way".to_owned()),
            Why::Full => (codes::FULL, "the edge is full".to_owned()),
            Why::NoInstance { family, key, used } => {
                let frame = frames.entry(*family);
                let shown = self.key(*family, key);
                let family = frame.and_then(|frame| frame.name.as_deref()).unwrap_or("the family");
                match used {
                    true => (codes::KEY_USED, format!("the key {shown} of `{family}` was used before")),
                    false => (codes::NO_INSTANCE, format!("`{family}` has no instance {shown}")),
                }
            }
            Why::TooEarlyToHandle { from } => {
                (codes::TOO_EARLY, format!("the time limit of its handler is not over before {}", time(*from)))
            }
            Why::False { condition } => {
                let rule = self.program.messages().entry(message).map(|travel| &travel.rule);
                let text = rule.and_then(|rule| rule.conditions.get(*condition)).map(|one| one.code.text().to_owned());
                (codes::CONDITION, format!("`{}` is false", text.unwrap_or_default()))
            }
            Why::Unwitnessed { requirement } => {
                let rule = self.program.messages().entry(message).map(|travel| &travel.rule);
                let needed = rule.and_then(|rule| rule.requires.get(*requirement));
                let text = needed.map(|needed| needed.holds.text().to_owned()).unwrap_or_default();
                (codes::UNWITNESSED, format!("it requires a witness of `{text}`, which is false"))
            }
            Why::Fault(fault) => (codes::FAULT, self.fault(fault)),
            Why::Unfit { slot } => {
                let (variable, sort) = self.slot(message, FrameId::default(), *slot);
                let sort = sort.map(|sort| format!(" of sort `{sort}`")).unwrap_or_default();
                (codes::UNFIT, format!("`{variable}`{sort} would get a value that it cannot have"))
            }
            Why::Broken { .. } => (codes::UNFIT, "an invariant would not hold any more".to_owned()),
            Why::TooEarly { from } => (codes::TOO_EARLY, format!("it may not come before {}", time(*from))),
            Why::TooLate { until } => (codes::TOO_LATE, format!("it had to come by {}", time(*until))),
            Why::NotUnique { option } => {
                (codes::NOT_UNIQUE, format!("{} came before", self.memory(message, *option, false)))
            }
            Why::OtherContent { option } => (
                codes::OTHER_CONTENT,
                format!("{} came before with other content", self.memory(message, *option, true)),
            ),
            Why::MayNotFail => (codes::MAY_NOT_FAIL, "it failed, and does not say `may retry`".to_owned()),
            Why::MemoryFull => (codes::MEMORY_FULL, "more keys than are remembered".to_owned()),
        };
        let found = self.set(slot).iter().find_map(|config| self.explain(config, event, message, refused));
        let mut text = format!("{what}: {text}");
        if let (Why::Unfit { slot }, Some(reads)) = (&refused.why, &found)
            && let Some(value) = &reads.gives
        {
            let (variable, sort) = self.slot(message, reads.frame, *slot);
            let shown = match self.tainted.contains(slot) {
                true => self.redaction.digest(&data::write(value, None, &self.redaction, &|_| false)),
                false => self.value(&variable, value, sort.as_ref()),
            };
            let sort = sort.map(|sort| format!(" of sort `{sort}`")).unwrap_or_default();
            text = format!("{what}: `{variable}`{sort} would get {shown}");
        }
        if let Some(reads) = &found {
            if !text.contains(reads.code.text()) {
                text.push_str(&format!(" (in `{}`)", reads.code.text()));
            }
            let values = self.values(message, reads);
            if !values.is_empty() {
                text.push_str(&format!("; {values}"));
            }
        }
        if event.from != event.to && refused.role == event.to {
            text.push_str(&format!("; by what `{blamed}` knows"));
        }
        let span = found.map(|reads| reads.code.tree().spot.0).filter(|span| *span != Span::default());
        let blamed = if code == codes::UNSENT { name(event.to) } else { name(event.from) };
        offence(code, text, blamed, span)
    }

    fn out_of_place(&self, event: &Event<'_>, role: RoleId) -> Offence {
        let name = |role| self.subject.header.role_name(role).to_owned();
        let (from, to) = (name(event.from), name(event.to));
        let label = self.subject.names.label_text(event.label);
        let (code, message) = match (event.from == event.to, role == event.from) {
            (true, _) => (codes::SENDER, format!("`{from}` may not do `{label}` here")),
            (false, true) => (codes::SENDER, format!("`{from}` may not send `{label}` to `{to}` here")),
            (false, false) => (codes::RECEIVER, format!("`{to}` may not receive `{label}` from `{from}` here")),
        };
        offence(code, message, name(role), None)
    }

    /// What the refused expression read, if it can be found again.
    fn explain(&self, config: &Config, event: &Event<'_>, message: MessageId, refused: &Refused) -> Option<Reads> {
        let entry = self.entries.entry(message)?;
        let reading = self.readings.get(entry.reading)?;
        let now = event.now.unwrap_or(0);
        let values = read(reading, event, now, None).ok()?;
        let seen = Seen { message, sides: Sides::Both, payload: &values, content: 0, now, externs: &data::Assumed };
        config.live.explain(self.program, seen, refused)
    }

    /// `cost = 12, balance = 10`
    fn values(&self, message: MessageId, reads: &Reads) -> String {
        let shown = reads.values.iter().map(|(slot, value)| {
            let (name, sort) = self.slot(message, reads.frame, *slot);
            match value {
                Some(value) if self.tainted.contains(slot) => {
                    let plain = data::write(value, None, &self.redaction, &|_| false);
                    format!("{name} = {}", self.redaction.digest(&plain))
                }
                Some(value) => format!("{name} = {}", self.value(&name, value, sort.as_ref())),
                None => format!("{name} is not set"),
            }
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// Name and sort of a slot.
    fn slot(&self, message: MessageId, frame: FrameId, slot: data::Slot) -> (String, Option<Sort>) {
        let name = self.program.slot_name(self.subject.names, message, frame, slot).to_owned();
        let (depth, index) = place(slot);
        if depth == PAYLOAD {
            let sort =
                self.program.messages().entry(message).and_then(|travel| self.subject.names.payload(travel.sort));
            let field = sort.and_then(|payload| payload.fields.get(index as usize));
            return (name, field.map(|field| field.sort.clone()));
        }
        let mut at = Some(frame);
        while let Some(frame) = at.and_then(|at| self.program.frames().entry(at)) {
            if frame.depth == depth {
                return (name, frame.slots.get(index as usize).map(|slot| slot.sort.clone()));
            }
            at = frame.parent;
        }
        (name, None)
    }

    fn value(&self, name: &str, value: &Value, sort: Option<&Sort>) -> String {
        let hidden = |field: &str| self.hides(field);
        if self.hides(name) {
            let plain = data::write(value, None, &self.redaction, &|_| false);
            return self.redaction.digest(&plain);
        }
        cut(data::write(value, sort, &self.redaction, &hidden))
    }

    fn key(&self, family: FrameId, key: &Value) -> String {
        let frame = self.program.frames().entry(family);
        let keys = frame.map(|frame| &*frame.keys).unwrap_or_default();
        let hidden = keys.iter().any(|key| self.hides(&key.name) || key.sort.has_secret());
        if hidden {
            let plain = data::write(key, None, &self.redaction, &|_| false);
            return self.redaction.digest(&plain);
        }
        cut(data::write(key, None, &self.redaction, &|_| false))
    }

    pub(super) fn hides(&self, field: &str) -> bool {
        self.hidden.iter().any(|hidden| **hidden == *field)
    }

    fn memory(&self, message: MessageId, option: usize, idempotent: bool) -> String {
        let rule = self.program.messages().entry(message).map(|travel| &travel.rule);
        let memory =
            rule.and_then(|rule| if idempotent { rule.idempotent.get(option) } else { rule.unique.get(option) });
        let by: Vec<&str> = memory.map(|memory| memory.by.iter().map(data::Code::text).collect()).unwrap_or_default();
        let word = if idempotent { "idempotent" } else { "unique" };
        format!("the key of `{word} by ({})`", by.join(", "))
    }

    fn fault(&self, fault: &data::Fault) -> String {
        match fault.why() {
            data::Why::Misfit(misfit) if misfit.path.split(['.', '[']).any(|step| self.hides(step)) => {
                format!("field `{}` does not fit its sort", misfit.path)
            }
            why => format!("it cannot be decided: {why}"),
        }
    }

    /// A misfit, without the value where that must not be shown.
    fn misfit(&self, message: MessageId, misfit: &Misfit) -> String {
        let first = misfit.path.split(['.', '[']).next().unwrap_or_default();
        if misfit.path.split(['.', '[']).any(|step| self.hides(step)) {
            return format!("field `{}` does not fit its sort", misfit.path);
        }
        let payload = self.program.messages().entry(message).and_then(|travel| self.subject.names.payload(travel.sort));
        let field = payload.and_then(|payload| payload.field(first));
        match field {
            Some(field) if field.sort.has_secret() && misfit.what.contains('`') => {
                format!("field `{}` does not fit `{}`", misfit.path, field.sort)
            }
            _ if misfit.path.is_empty() => format!("the payload {}", misfit.what),
            _ => misfit.to_string(),
        }
    }

    /// A payload as it may be shown, for these messages.
    pub(in super::super) fn shown(&self, event: &Event<'_>) -> Option<String> {
        if event.payload.is_empty() {
            return None;
        }
        let candidates = event.candidates;
        let value = data::read(&Sort::ANY, event.payload.as_bytes()).ok()?;
        // Secret in one signature is secret.
        let payload = candidates
            .iter()
            .filter_map(|&message| self.subject.names.payload(self.program.messages().entry(message)?.sort))
            .max_by_key(|payload| payload.fields.iter().filter(|field| field.sort.has_secret()).count());
        let secret = payload.is_some_and(data::Payload::has_secret);
        if !secret && self.hidden.is_empty() {
            return Some(event.payload.to_owned());
        }
        let sort = payload.map(|payload| Sort::Record(payload.clone()));
        let is_object = matches!(value, Value::Record(_) | Value::Map(_));
        if !is_object {
            return None;
        }
        Some(data::write(&value, sort.as_ref(), &self.redaction, &|field| self.hides(field)))
    }
}

fn offence(code: Code, message: String, blame: String, span: Option<Span>) -> Offence {
    Offence { code, message, help: None, blame: Some(blame), span }
}

fn cut(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A point in time, as it is written in specifications.
fn time(micros: Time) -> String {
    data::write(&Value::Timestamp(micros), None, &data::Redaction::new(b""), &|_| false).trim_matches('"').to_owned()
}
