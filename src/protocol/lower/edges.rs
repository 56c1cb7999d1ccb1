//! Payloads at the two ends of an edge of a system.
//!
//! Both ends are written by hand, and one may say less than the other: nothing at all (`a` against `a(x: int)`), or no
//! field names (`a(int)` against `a(x: int)`). What says less takes the payload of what says more, so that sender and
//! receiver mean the same message. Payloads that contradict each other stay apart.

use rustc_hash::FxHashMap;

use super::{body::Body, template::Template};
use crate::{
    id::{Id, LabelId, RoleId, SortId},
    protocol::{Payload, names::Names, term::Stmt},
};

type Key = (RoleId, RoleId, LabelId);

/// The edge and label of a statement of a role's type.
fn key(own: RoleId, stmt: &mut Stmt) -> Option<(Key, &mut SortId)> {
    match stmt {
        Stmt::Send { to, label, sort, .. } => Some(((own, *to, *label), sort)),
        Stmt::Receive { from, label, sort, .. } => Some(((*from, own, *label), sort)),
        _ => None,
    }
}

/// Gives the ends of each edge the same payloads where one of them only says less.
pub(super) fn agree(body: &mut Body<'_, '_, '_>, templates: &mut [Template]) {
    let mut said: FxHashMap<Key, Vec<SortId>> = FxHashMap::default();
    let mut differ = false;
    for (role, template) in templates.iter_mut().enumerate() {
        let Ok(own) = RoleId::new(role) else { return };
        for (key, sort) in template.blocks.values_mut().flatten().filter_map(|stmt| key(own, stmt)) {
            let sorts = said.entry(key).or_default();
            if !sorts.contains(sort) {
                differ |= !sorts.is_empty();
                sorts.push(*sort);
            }
        }
    }
    if !differ {
        return;
    }
    let names = &body.shared.names;
    let mut better: FxHashMap<(Key, SortId), SortId> = FxHashMap::default();
    for (key, sorts) in said.iter().filter(|(_, sorts)| sorts.len() > 1) {
        for &sort in sorts {
            if let Some(more) = says_more(names, sort, sorts) {
                better.insert((*key, sort), more);
            }
        }
    }
    for (role, template) in templates.iter_mut().enumerate() {
        let Ok(own) = RoleId::new(role) else { return };
        for (key, sort) in template.blocks.values_mut().flatten().filter_map(|stmt| key(own, stmt)) {
            if let Some(&more) = better.get(&(key, *sort)) {
                *sort = more;
            }
        }
    }
}

/// The one payload among `others` that says all that `sort` says, and more.
fn says_more(names: &Names, sort: SortId, others: &[SortId]) -> Option<SortId> {
    let mut found = None;
    for &other in others {
        if other != sort && fits(names.payload(sort), names.payload(other)) {
            if found.is_some_and(|found| !fits(names.payload(found), names.payload(other))) {
                // Two candidates that contradict each other: nothing is chosen.
                return None;
            }
            found = Some(other);
        }
    }
    found
}

/// Whether `more` says all that `less` says.
fn fits(less: Option<&Payload>, more: Option<&Payload>) -> bool {
    let (less, more) = match (less, more) {
        (None, more) => return more.is_some(),
        (Some(_), None) => return false,
        (Some(less), Some(more)) => (less, more),
    };
    less.open == more.open
        && less.fields.len() == more.fields.len()
        && less.fields.iter().zip(&more.fields).all(|(less, more)| {
            less.sort == more.sort
                && (less.name.is_none() || (less.name == more.name && less.optional == more.optional))
        })
}
