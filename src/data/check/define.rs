//! `def`s: each is checked after those that it calls; one that calls itself is an error.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{Def, Definition, External, Family, Named, Place, Scope, Sort};
use super::{Check, ExprKind, code};
use crate::{
    diag::{Diagnostic, Span},
    syntax::tree::{Expr, Postfix},
};

/// The names that an expression calls, each once.
pub fn called(expr: &Expr) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) => {}
            ExprKind::Call(name, args) => {
                found.push(&name.text);
                stack.extend(args);
            }
            ExprKind::List(items) => stack.extend(items),
            ExprKind::Map(entries) => stack.extend(entries.iter().flat_map(|(key, value)| [key, value])),
            ExprKind::Unary(_, of) => stack.push(of),
            ExprKind::Binary(first, rest) => {
                stack.push(first);
                stack.extend(rest.iter().map(|(_, expr)| expr));
            }
            ExprKind::Conditional(a, b, c) => stack.extend([&**a, b, c]),
            ExprKind::Postfix(first, rest) => {
                stack.push(first);
                for step in rest {
                    match step {
                        Postfix::Member(_) | Postfix::Is(_) => {}
                        Postfix::Method(name, args) => {
                            found.push(&name.text);
                            stack.extend(args);
                        }
                        Postfix::Index(at) => stack.push(at),
                    }
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The plain names that an expression speaks of, each once, but for variables of its own macros.
pub fn mentioned(expr: &Expr) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    // Expressions, each with the names that macros around it bind.
    let mut stack: Vec<(&Expr, Vec<&str>)> = vec![(expr, Vec::new())];
    while let Some((expr, bound)) = stack.pop() {
        let mut push = |expr| stack.push((expr, bound.clone()));
        match &expr.kind {
            ExprKind::Literal(_) => {}
            ExprKind::Name(name) => {
                if !bound.contains(&&*name.text) {
                    found.push(&name.text);
                }
            }
            ExprKind::Call(name, args) => match (args.as_slice(), is_macro(&name.text)) {
                ([over, Expr { kind: ExprKind::Name(variable), .. }, body], true) => {
                    push(over);
                    let inner = bound.iter().copied().chain([&*variable.text]).collect();
                    stack.push((body, inner));
                }
                (args, _) => args.iter().for_each(push),
            },
            ExprKind::List(items) => items.iter().for_each(push),
            ExprKind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).for_each(push),
            ExprKind::Unary(_, of) => push(of),
            ExprKind::Binary(first, rest) => {
                push(first);
                rest.iter().for_each(|(_, expr)| push(expr));
            }
            ExprKind::Conditional(a, b, c) => [a, b, c].into_iter().for_each(|expr| push(expr)),
            ExprKind::Postfix(first, rest) => {
                push(first);
                for step in rest {
                    match step {
                        Postfix::Member(_) | Postfix::Is(_) => {}
                        Postfix::Method(name, args) => match (args.as_slice(), is_macro(&name.text)) {
                            ([Expr { kind: ExprKind::Name(variable), .. }, body], true) => {
                                let inner = bound.iter().copied().chain([&*variable.text]).collect();
                                stack.push((body, inner));
                            }
                            (args, _) => args.iter().for_each(|arg| stack.push((arg, bound.clone()))),
                        },
                        Postfix::Index(at) => stack.push((at, bound.clone())),
                    }
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_macro(name: &str) -> bool {
    super::call::MACROS.iter().any(|(word, _)| *word == name)
}

/// The scope of bodies: `def`s that are ready, and what is around but for slots.
struct Bodies<'a> {
    around: &'a dyn Scope,
    ready: BTreeMap<&'a str, Option<Arc<Def>>>,
}

impl Scope for Bodies<'_> {
    fn resolve(&self, name: &str) -> Option<Named> {
        self.around.resolve(name)
    }

    fn variable(&self, _name: &str) -> Option<Place> {
        None
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        match self.ready.get(name) {
            Some(def) => def.clone(),
            None => self.around.def(name),
        }
    }

    fn external(&self, name: &str) -> Option<External> {
        self.around.external(name)
    }

    fn sort(&self, name: &str) -> Option<Sort> {
        self.around.sort(name)
    }

    fn family(&self, _name: &str) -> Option<Family> {
        None
    }
}

/// Checks `def`s that may call each other and those of the scope; `None` for one that is wrong, or calls one that is.
///
/// Of two with one name the first counts; whoever declares them has said so already.
pub fn define(definitions: &[Definition<'_>], scope: &dyn Scope) -> (Vec<Option<Arc<Def>>>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, definition) in definitions.iter().enumerate() {
        numbers.entry(definition.name).or_insert(number);
    }
    let calls: Vec<Vec<&str>> = definitions.iter().map(|definition| called(definition.body)).collect();
    let mut bodies = Bodies { around: scope, ready: BTreeMap::new() };
    let mut result: Vec<Option<Arc<Def>>> = vec![None; definitions.len()];
    // Depth first: a frame is a definition and how many of its calls are done.
    let mut state = vec![State::New; definitions.len()];
    for root in 0..definitions.len() {
        let mut stack: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some((number, done)) = stack.pop() {
            let (Some(definition), Some(mine)) = (definitions.get(number), calls.get(number)) else { continue };
            let Some(own) = state.get_mut(number) else { continue };
            if done == 0 {
                if *own != State::New {
                    continue;
                }
                *own = State::Open;
            }
            if let Some(next) = mine.get(done) {
                stack.push((number, done.saturating_add(1)));
                let Some(&callee) = numbers.get(next) else { continue };
                match state.get(callee) {
                    Some(State::New) => stack.push((callee, 0)),
                    Some(State::Open) => {
                        let names: Vec<&str> =
                            stack.iter().filter_map(|&(n, _)| Some(definitions.get(n)?.name)).collect();
                        found.push(recursive(definition, next, &names));
                        // All that wait for it are wrong.
                        for &(waiting, _) in &stack {
                            if let (Some(state), Some(definition)) = (state.get_mut(waiting), definitions.get(waiting))
                            {
                                *state = State::Broken;
                                bodies.ready.insert(definition.name, None);
                            }
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let broken = state.get(number) == Some(&State::Broken)
                || mine.iter().any(|name| bodies.ready.get(name).is_some_and(Option::is_none));
            let def = if broken { None } else { body(definition, &bodies, &mut found) };
            if let Some(state) = state.get_mut(number) {
                *state = State::Done;
            }
            if numbers.get(definition.name) == Some(&number) {
                bodies.ready.insert(definition.name, def.clone());
            }
            if let Some(result) = result.get_mut(number) {
                *result = def;
            }
        }
    }
    (result, found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Broken,
    Done,
}

fn recursive(definition: &Definition<'_>, callee: &str, open: &[&str]) -> Diagnostic {
    let chain: Vec<&str> = open.iter().copied().skip_while(|name| *name != callee).chain([callee]).take(10).collect();
    let text = format!("`def {}` calls itself: `{}`", callee, chain.join("` -> `"));
    let help =
        "a `def` is written out where it is called; use `all`, `exists`, `filter` or `map` to go through collections";
    let span: Span = definition.span;
    Diagnostic::new(code::RECURSIVE_DEF, span, text).help(help)
}

fn body(definition: &Definition<'_>, scope: &dyn Scope, found: &mut Vec<Diagnostic>) -> Option<Arc<Def>> {
    let mut check = Check::new(scope);
    check.within = Some(definition.name);
    check.locals = definition.params.clone();
    let node = check.expr(definition.body, None);
    let nodes = check.nodes;
    found.append(&mut check.found);
    let node = node?;
    let depth = node.depth;
    Some(Arc::new(Def {
        name: definition.name.into(),
        params: definition.params.clone().into(),
        body: node,
        nodes,
        depth,
    }))
}
