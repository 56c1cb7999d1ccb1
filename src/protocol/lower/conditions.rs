//! Conditions of sorts, and the `def`s that they call.
//!
//! A condition that speaks of `this` alone becomes part of its sort. One that speaks of other fields or variables is a
//! matter of the message that it stands in, and is left out here.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    report::Report,
    sorts::{Place, Sorts},
    world::World,
};
use crate::{
    data::{Def, Definition, Named, Scope, Sort, This, called, compile, define, mentioned},
    diag::catalogue::unsupported,
    id::ModuleId,
    syntax::tree,
};

/// What is known of `def`s.
pub(super) enum Defs<'t> {
    /// Nothing yet: conditions are left out.
    Bare,
    /// By file and name; those that are wrong have none, which was reported.
    Known(FxHashMap<(ModuleId, &'t str), Option<Arc<Def>>>),
}

/// What a condition finds around it: the `def`s of its file and the types.
struct Around<'a, 't> {
    defs: &'a Defs<'t>,
    module: ModuleId,
}

impl Scope for Around<'_, '_> {
    fn resolve(&self, _name: &str) -> Option<Named> {
        None
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        match self.defs {
            Defs::Bare => None,
            Defs::Known(known) => known.get(&(self.module, name)).cloned().flatten(),
        }
    }
}

/// The `def`s of all files.
pub(super) fn defs<'t>(sorts: &mut Sorts<'t>, world: &World<'t>, report: &mut Report) -> Defs<'t> {
    let mut known = FxHashMap::default();
    for (module, names) in world.modules.iter() {
        let params = FxHashMap::default();
        let place = Place { world, module, params: &params };
        let definitions: Vec<Definition<'t>> = names
            .defs
            .iter()
            .map(|def| {
                let params = def.params.iter().map(|(name, sort)| (name.text.clone(), sorts.sort(place, sort, report)));
                Definition { name: &def.name.text, span: def.name.span, params: params.collect(), body: &def.body }
            })
            .collect();
        let (defs, found) = define(&definitions, &Around { defs: &Defs::Bare, module });
        // One that asks an extern predicate is not known here.
        let asks =
            |definition: &Definition<'_>| called(definition.body).iter().any(|name| names.externs.contains(name));
        if !definitions.iter().any(asks) {
            found.into_iter().for_each(|found| report.add(found));
        }
        known.extend(definitions.iter().zip(defs).map(|(definition, def)| ((module, definition.name), def)));
    }
    Defs::Known(known)
}

impl<'t> Sorts<'t> {
    /// A sort under a condition.
    pub(super) fn refined(
        &mut self,
        place: Place<'_, 't>,
        base: Sort,
        condition: &tree::Expr,
        report: &mut Report,
    ) -> Sort {
        let Defs::Known(known) = &self.defs else { return base };
        let names = &place.world.modules[place.module];
        let others = mentioned(condition).iter().any(|name| *name != "this");
        let called = called(condition);
        if !self.in_alias && others || called.iter().any(|name| names.externs.contains(name)) {
            report.unsupported(unsupported::REFINEMENT, "refinement", condition.span);
            return base;
        }
        if called.iter().any(|name| known.get(&(place.module, *name)).is_some_and(Option::is_none)) {
            report.broken = true;
            return base;
        }
        let around = Around { defs: &self.defs, module: place.module };
        let scope = This { sort: &base, around: &around };
        match compile(condition, &scope, Some(&Sort::BOOL), self.sources) {
            Ok(code) => Sort::Refined(Box::new(base), code),
            Err(found) => {
                found.into_iter().for_each(|found| report.add(found));
                base
            }
        }
    }
}
