//! Expressions: what their names mean outside of any protocol, and the one place where they are compiled.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    constant::Const,
    report::Report,
    sorts::{Place, Sorts},
    world::World,
};
use crate::{
    data::{self, Code, Def, ExternId, External, Named, Scope, Sort, This, Value},
    diag::{Diagnostic, Sources, Span, catalogue},
    id::ModuleId,
    syntax::tree,
};

/// `def`s and extern predicates of all files.
#[derive(Default)]
pub(super) struct Functions<'t> {
    defs: FxHashMap<(ModuleId, &'t str), Arc<Def>>,
    externs: FxHashMap<(ModuleId, &'t str), External>,
    /// What is written of each `def`, the first of its name.
    written: FxHashMap<(ModuleId, &'t str), &'t tree::Def>,
    /// Where each extern predicate is declared.
    places: FxHashMap<(ModuleId, &'t str), Span>,
    /// `def`s with an error, which was reported.
    broken: FxHashSet<(ModuleId, &'t str)>,
    /// Names of extern predicates, by id.
    pub(super) extern_names: Vec<Box<str>>,
}

impl<'t> Functions<'t> {
    /// Checks all functions; their parameters have sorts without conditions.
    pub(super) fn declare(&mut self, world: &World<'t>, sorts: &mut Sorts<'t>, report: &mut Report) {
        let (params, consts) = (FxHashMap::default(), FxHashMap::default());
        for (id, module) in world.modules.iter() {
            let place = Place { world, module: id, params: &params, consts: &consts };
            let mut externs: Vec<&&'t tree::Extern> = module.externs.values().collect();
            externs.sort_unstable_by_key(|declared| declared.span);
            for declared in externs {
                let params = declared.sorts.iter().map(|sort| sorts.sort(place, sort, report)).collect();
                let number = ExternId(u32::try_from(self.extern_names.len()).unwrap_or(u32::MAX));
                self.extern_names.push(declared.name.text.clone());
                self.places.insert((id, &declared.name.text), declared.name.span);
                self.externs.insert((id, &declared.name.text), External { id: number, params });
            }
            let mut definitions = Vec::with_capacity(module.defs.len());
            for def in &module.defs {
                self.written.entry((id, &def.name.text)).or_insert(def);
                let params = def.params.iter().map(|(name, sort)| (name.text.clone(), sorts.sort(place, sort, report)));
                let params = params.collect();
                definitions.push(data::Definition {
                    name: &def.name.text,
                    span: def.name.span,
                    params,
                    body: &def.body,
                });
            }
            let around = Around { functions: self, sorts, module: id, consts: &consts };
            let (defs, found) = data::define(&definitions, &around);
            report.diagnostics.extend(found);
            for (definition, def) in definitions.iter().zip(defs) {
                match def {
                    Some(def) => drop(self.defs.insert((id, definition.name), def)),
                    None => drop(self.broken.insert((id, definition.name))),
                }
            }
        }
    }
}

/// What `requires` names.
pub(super) enum Function<'t> {
    /// A `def`, and what is written of it.
    Def(Arc<Def>, &'t tree::Def),
    /// An extern predicate, and where it is declared.
    Extern(External, Span),
    /// A `def` with an error, which was reported.
    Broken,
}

impl<'t> Functions<'t> {
    /// The function of a name.
    pub(super) fn find(&self, module: ModuleId, name: &str) -> Option<Function<'t>> {
        let key = &(module, name);
        if let (Some(def), Some(written)) = (self.defs.get(key), self.written.get(key)) {
            return Some(Function::Def(Arc::clone(def), written));
        }
        if let (Some(external), Some(&at)) = (self.externs.get(key), self.places.get(key)) {
            return Some(Function::Extern(external.clone(), at));
        }
        self.broken.contains(key).then_some(Function::Broken)
    }

    /// The names that `requires` can mean in a module.
    pub(super) fn predicates(&self, module: ModuleId) -> impl Iterator<Item = &str> {
        let bool = |def: &Def| *def.sort().plain() == Sort::BOOL;
        let defs = self.defs.iter().filter(move |(key, def)| key.0 == module && bool(def)).map(|(key, _)| key.1);
        defs.chain(self.externs.keys().filter(move |key| key.0 == module).map(|key| key.1))
    }
}

/// What names mean outside of any protocol: constants, functions, types.
#[derive(Clone, Copy)]
pub(super) struct Around<'a, 't> {
    pub(super) functions: &'a Functions<'t>,
    pub(super) sorts: &'a Sorts<'t>,
    pub(super) module: ModuleId,
    pub(super) consts: &'a FxHashMap<&'t str, Const>,
}

impl Scope for Around<'_, '_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        let (value, sort) = value(self.consts.get(name)?)?;
        Some(Named::Const(value, sort))
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        self.functions.defs.get(&(self.module, name)).cloned()
    }

    fn external(&self, name: &str) -> Option<External> {
        self.functions.externs.get(&(self.module, name)).cloned()
    }

    fn sort(&self, name: &str) -> Option<Sort> {
        self.sorts.declared(self.module, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.consts.keys().map(|name| (*name).to_owned()).collect()
    }
}

/// A constant as a value.
fn value(of: &Const) -> Option<(Value, Sort)> {
    let literal = tree::Expr { kind: tree::ExprKind::Literal(of.literal()), span: Span::default() };
    let code = data::compile(&literal, &data::Nothing, None, &Sources::new()).ok()?;
    let value = code.eval(&data::Empty).ok()?;
    Some((value, code.sort().clone()))
}

/// The condition of a sort, on `this` alone.
pub(super) fn refinement<'t>(
    sorts: &Sorts<'t>,
    module: ModuleId,
    consts: &FxHashMap<&'t str, Const>,
    base: &Sort,
    condition: &tree::Expr,
    report: &mut Report,
) -> Option<Code> {
    let around = Around { functions: &sorts.functions, sorts, module, consts };
    let compiled = compile(
        sorts,
        module,
        condition,
        Some(&Sort::BOOL),
        &This { sort: base, around: &around },
        &mut report.diagnostics,
    );
    report.broken |= compiled.is_none();
    compiled
}

/// Compiles an expression; what it gives must be of the sort that is wanted, if one is.
pub(super) fn compile(
    sorts: &Sorts<'_>,
    module: ModuleId,
    expr: &tree::Expr,
    wanted: Option<&Sort>,
    scope: &dyn Scope,
    found: &mut Vec<Diagnostic>,
) -> Option<Code> {
    if data::called(expr).iter().any(|name| sorts.functions.broken.contains(&(module, *name))) {
        // What is wrong with it was said there.
        return None;
    }
    match data::compile(expr, scope, wanted, sorts.sources) {
        Ok(code) => Some(code),
        Err(errors) => {
            for error in errors {
                if !found.contains(&error) {
                    found.push(error);
                }
            }
            None
        }
    }
}

/// What a closed expression gives; functions of the file itself may be called.
fn closed(sorts: &Sorts<'_>, expr: &tree::Expr, wanted: Option<&Sort>, found: &mut Vec<Diagnostic>) -> Option<Value> {
    let consts = FxHashMap::default();
    let around = Around { functions: &sorts.functions, sorts, module: ModuleId::default(), consts: &consts };
    compile(sorts, ModuleId::default(), expr, wanted, &around, found)?.eval(&data::Empty).ok()
}

/// A point in time (a timestamp, its text, or milliseconds since 1970) or a duration, in microseconds.
pub(super) fn moment(sorts: &Sorts<'_>, expr: &tree::Expr) -> Option<i64> {
    match closed(sorts, expr, None, &mut Vec::new())? {
        Value::Timestamp(micros) | Value::Duration(micros) => Some(micros),
        Value::Int(millis) => millis.checked_mul(1_000),
        Value::Text(_) => {
            let sort = Sort::Builtin(data::Builtin::Timestamp);
            match closed(sorts, expr, Some(&sort), &mut Vec::new())? {
                Value::Timestamp(micros) => Some(micros),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A payload field of a trace that is computed from literals, as JSON.
pub(super) fn json(sorts: &Sorts<'_>, expr: &tree::Expr) -> Result<serde_json::Value, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let consts = FxHashMap::default();
    let around = Around { functions: &sorts.functions, sorts, module: ModuleId::default(), consts: &consts };
    let Some(code) = compile(sorts, ModuleId::default(), expr, None, &around, &mut found) else {
        return Err(found);
    };
    let fault = |text: String| vec![Diagnostic::new(catalogue::data::BAD_LITERAL, expr.span, text)];
    let value = code.eval(&data::Empty).map_err(|why| fault(why.to_string()))?;
    let text = data::write(&value, Some(code.sort()), &data::Redaction::new(&[]), &|_| false);
    serde_json::from_str(&text).map_err(|_| fault("this has no form as JSON".to_owned()))
}
