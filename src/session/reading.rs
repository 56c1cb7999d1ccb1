//! How the payload of a message is read, and what it demands.

use std::sync::Arc;

use crate::{
    data::{Code, Extract, Field},
    id::SortId,
    protocol::{Names, Rule},
};

/// How the payloads of a message are read and judged.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) extract: Extract,
    /// The fields; none of a bare label.
    pub(super) fields: Option<Box<[Field]>>,
    /// What the message demands; in a table session it reads the payload alone.
    pub(super) rule: Arc<Rule>,
    /// It is all that the label stands for, demands nothing but its sorts, and its edge is a queue.
    pub(super) simple: bool,
    /// The next message is another with the same ends and label.
    pub(super) more: bool,
    /// The payload must be seen to judge it.
    pub(super) judged: bool,
    /// Fields that do not count as content, if the content counts at all.
    pub(super) except: Option<Box<[Box<str>]>>,
}

impl Reading {
    pub(super) fn of(names: &Names, sort: SortId) -> Self {
        let rule = names.shared_rule(sort).cloned().unwrap_or_default();
        let reads = |code: &Code| !code.slots().is_empty();
        let judged = rule.conditions.iter().any(|condition| reads(&condition.code))
            || rule.requires.iter().any(|need| need.args.iter().any(reads));
        let except = rule.idempotent.iter().flat_map(|memory| memory.except.iter().cloned()).collect();
        Self {
            extract: Extract::new(names.payload(sort), |_| true),
            simple: rule.is_empty(),
            more: false,
            judged,
            except: (!rule.idempotent.is_empty()).then_some(except),
            fields: names.payload(sort).map(|payload| payload.fields.clone()),
            rule,
        }
    }
}
