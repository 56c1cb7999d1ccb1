//! `requires w(e, …)`: which predicate it names, what its arguments are, and whether the sender knows them.
//!
//! In: the option as it is written, and the message that it stands at. Out: a [`Requirement`] of its rule, and the
//! [`Predicate`] in the table of the specification. A predicate is a `def` of sort bool or an `extern predicate`; a `def`
//! is kept once more by itself, so that it can be asked of values before any message is sent: its parameters are then
//! what payload fields are in rules.

use std::sync::Arc;

use super::{
    expr::{self, Around, Function},
    message::{Message, Source, push},
    suggest,
    walk::Walk,
};
use crate::{
    data::{Def, External, Named, Place, Scope, Sort, Spot},
    diag::{Diagnostic, Span, catalogue::data},
    id::ModuleId,
    protocol::rule::{PAYLOAD, Predicate, PredicateBody, Requirement, slot},
    syntax::tree,
};

/// The parameters of a `def` as payload fields.
struct Params<'a, 't> {
    params: &'a [(Box<str>, Sort)],
    around: Around<'a, 't>,
}

impl Scope for Params<'_, '_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        let at = self.params.iter().position(|(known, _)| **known == *name);
        let Some((at, (_, sort))) = at.and_then(|at| Some((at, self.params.get(at)?))) else {
            return self.around.resolve(name);
        };
        Some(Named::Slot(Place { slot: slot(PAYLOAD, u32::try_from(at).ok()?), sort: sort.clone() }))
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        self.around.def(name)
    }

    fn external(&self, name: &str) -> Option<External> {
        self.around.external(name)
    }

    fn sort(&self, name: &str) -> Option<Sort> {
        self.around.sort(name)
    }
}

impl<'t> Walk<'_, '_, '_, 't> {
    /// Adds what a `requires` demands to the rule of its message.
    pub(super) fn require(
        &mut self,
        message: &mut Message,
        source: &Source<'_, 't>,
        name: &tree::Name,
        args: &'t [tree::Expr],
        span: Span,
    ) {
        let module = self.drafts[source.writer.draft].module;
        let Some(predicate) = self.predicate(module, name) else {
            self.data().broken = true;
            return;
        };
        let what = format!("`requires {}`", name.text);
        let from = message.from;
        let place = (&source.writer, source.env);
        let call = tree::Expr {
            kind: tree::ExprKind::Call(name.clone(), args.to_vec()),
            span: Span { start: name.span.start, ..span },
        };
        let holds = self.option(message, place, None, true, |compiling, here| {
            compiling.compile(&call, &Sort::BOOL, here, &[from], &what)
        });
        let Some(holds) = holds else { return };
        let mut codes = Vec::with_capacity(args.len());
        for (arg, (_, sort)) in args.iter().zip(&predicate.params) {
            let code = self.option(message, place, None, true, |compiling, here| {
                compiling.compile(arg, sort, here, &[from], &what)
            });
            // What is wrong with it was said of the whole.
            let Some(code) = code else { return };
            codes.push(code);
        }
        let predicate = self.making.names.predicate(predicate);
        push(&mut message.rule.requires, Requirement { predicate, args: codes.into(), holds, spot: Spot(span) });
    }

    /// What a name after `requires` stands for.
    fn predicate(&mut self, module: ModuleId, name: &tree::Name) -> Option<Predicate> {
        let functions = &self.sorts.functions;
        match functions.find(module, &name.text) {
            Some(Function::Broken) => None,
            Some(Function::Def(def, written)) if *def.sort().plain() != Sort::BOOL => {
                let text =
                    format!("`{}` gives `{}`, and a witness is of something that is true", name.text, def.sort());
                let found = Diagnostic::new(data::NOT_A_TRUTH, name.span, text);
                let found = found.label(written.name.span, "it is declared here");
                self.data().add(found.help("let it compare: a `def` of sort bool"));
                None
            }
            Some(Function::Def(def, written)) => {
                let consts = rustc_hash::FxHashMap::default();
                let around = Around { functions, sorts: self.sorts, module, consts: &consts };
                let scope = Params { params: def.params(), around };
                let mut found = Vec::new();
                let code = expr::compile(self.sorts, module, &written.body, Some(&Sort::BOOL), &scope, &mut found);
                found.into_iter().for_each(|found| self.data().add(found));
                Some(Predicate {
                    name: name.text.clone(),
                    params: def.params().into(),
                    body: PredicateBody::Def(code?),
                    spot: Spot(written.name.span),
                })
            }
            Some(Function::Extern(external, at)) => {
                let params = external.params.iter().zip(1_usize..);
                Some(Predicate {
                    name: name.text.clone(),
                    params: params.map(|(sort, number)| (number.to_string().into(), sort.clone())).collect(),
                    body: PredicateBody::Extern(external.id),
                    spot: Spot(at),
                })
            }
            None => {
                let near = suggest::nearest(&name.text, functions.predicates(module));
                let text = format!("there is no predicate `{}` of which a witness could be issued", name.text);
                let found = Diagnostic::new(data::NOT_A_PREDICATE, name.span, text);
                let found = match near {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!(
                        "declare it: `extern predicate {}(…);` or `def {}(…) = …;`",
                        name.text, name.text
                    )),
                };
                self.data().add(found);
                None
            }
        }
    }
}
