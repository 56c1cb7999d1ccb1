//! Which drafts there must be: one per declaration, and one for each choice of constants that a call or a claim makes.
//!
//! INVARIANT (first): the draft of a declaration read by itself has the number of the declaration.

use rustc_hash::FxHashMap;

use super::constant::Const;
use crate::id::{DeclId, DraftId, Id};

/// How many drafts there may be besides those of declarations read by themselves.
pub(super) const MOST: usize = 10_000;

/// Drafts that were asked for.
#[derive(Default)]
pub(super) struct Requests {
    known: FxHashMap<(DeclId, Box<[Const]>), DraftId>,
    list: Vec<(DeclId, Option<Box<[Const]>>)>,
    decls: usize,
    reported: bool,
}

impl Requests {
    /// Each declaration by itself.
    pub(super) fn new(decls: impl Iterator<Item = DeclId>) -> Self {
        let list: Vec<(DeclId, Option<Box<[Const]>>)> = decls.map(|decl| (decl, None)).collect();
        Self { decls: list.len(), list, ..Self::default() }
    }

    /// The draft of a declaration at given constants, if there are not too many.
    pub(super) fn draft(&mut self, decl: DeclId, consts: &[Const]) -> Option<DraftId> {
        if consts.is_empty() {
            return DraftId::new(decl.index()).ok();
        }
        if let Some(&known) = self.known.get(&(decl, Box::from(consts))) {
            return Some(known);
        }
        if self.list.len().saturating_sub(self.decls) >= MOST {
            return None;
        }
        let id = DraftId::new(self.list.len()).ok()?;
        self.list.push((decl, Some(consts.into())));
        self.known.insert((decl, consts.into()), id);
        Some(id)
    }

    /// What the draft of this number is to be made of.
    pub(super) fn get(&self, number: usize) -> Option<(DeclId, Option<Box<[Const]>>)> {
        self.list.get(number).cloned()
    }

    /// Whether nobody has said yet that there are too many.
    pub(super) fn report(&mut self) -> bool {
        !std::mem::replace(&mut self.reported, true)
    }
}
