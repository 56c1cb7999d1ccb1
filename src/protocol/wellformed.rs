//! What is wrong with the form of declarations whose names are looked up: recursion without a step, and recursion with
//! something left to do.
//!
//! Both are properties of declarations, not of their instances: roles and arguments are finite in number, so a cycle of
//! declarations is a cycle of instances. They are found before anything is instantiated, each once, in time linear in
//! the statements. Here as well: how large the graph of a term becomes, which a chain of calls can make exponential.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    lower::template::{Draft, On, Scoped, Template},
    term::{Scope, Stmt, Term},
};
use crate::{
    diag::{Diagnostic, Span, catalogue::form},
    id::{BlockId, BodyId, DraftId, Id, IdVec, VarId},
};

/// A finding, with the declarations that have no meaning because of it.
pub(super) struct Finding {
    pub(super) drafts: Vec<DraftId>,
    pub(super) diagnostic: Diagnostic,
}

/// What stands behind a statement: a point of the flow of control inside a declaration, or its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Point(usize);

/// How control flows where nothing is sent or received.
struct Flow<'a> {
    drafts: &'a IdVec<DraftId, Draft<'a>>,
    /// Per point, where it goes without a step.
    edges: Vec<Vec<Point>>,
    /// Per point: its declaration and what is written there.
    places: Vec<(DraftId, Place)>,
    /// The first point of each declaration that can be called.
    starts: IdVec<DraftId, Option<Point>>,
    /// The last one.
    ends: IdVec<DraftId, Option<Point>>,
    /// Calls: the point, the callee, what follows, whether that is the end of the caller.
    calls: Vec<(Point, DraftId, Point, bool)>,
}

#[derive(Clone, Copy)]
enum Place {
    Nothing,
    Loop(Span),
    Jump(Span),
    Call(Span),
}

/// Everything that is wrong with the recursion of declarations.
pub(super) fn recursion(drafts: &IdVec<DraftId, Draft<'_>>, name: impl Fn(DraftId) -> String) -> Vec<Finding> {
    let mut flow = Flow {
        drafts,
        edges: Vec::new(),
        places: Vec::new(),
        starts: IdVec::filled(None, drafts.len()),
        ends: IdVec::filled(None, drafts.len()),
        calls: Vec::new(),
    };
    for (decl, draft) in drafts.iter() {
        for template in &draft.templates {
            flow.template(decl, template);
        }
    }
    let mut findings = flow.not_tail(&name);
    findings.extend(flow.unguarded(&name));
    findings
}

/// Blocks and loops that control is inside of, while points are made.
struct Walk<'t> {
    template: &'t Template<'t>,
    decl: DraftId,
    end: Point,
    bound: FxHashMap<VarId, Vec<Point>>,
}

impl Flow<'_> {
    fn point(&mut self, decl: DraftId, place: Place) -> Point {
        let point = Point(self.edges.len());
        self.edges.push(Vec::new());
        self.places.push((decl, place));
        point
    }

    fn edge(&mut self, from: Point, to: Point) {
        if let Some(edges) = self.edges.get_mut(from.0) {
            edges.push(to);
        }
    }

    fn template(&mut self, decl: DraftId, template: &Template<'_>) {
        let end = self.point(decl, Place::Nothing);
        let mut walk = Walk { template, decl, end, bound: FxHashMap::default() };
        let start = self.block(&mut walk, template.start, end);
        self.starts[decl] = Some(start);
        self.ends[decl] = Some(end);
    }

    /// The first point of a block. Recurses once per level of nesting, which is bounded.
    fn block(&mut self, walk: &mut Walk<'_>, block: BlockId, then: Point) -> Point {
        let stmts = &walk.template.blocks[block];
        let mut next = then;
        for stmt in stmts.iter().rev() {
            next = self.stmt(walk, stmt, next);
        }
        next
    }

    fn stmt(&mut self, walk: &mut Walk<'_>, stmt: &Stmt, then: Point) -> Point {
        let decl = walk.decl;
        match *stmt {
            Stmt::Message { .. } | Stmt::Send { .. } | Stmt::Receive { .. } | Stmt::Act { .. } => {
                self.point(decl, Place::Nothing)
            }
            // Not a step: what stands behind it follows at once.
            Stmt::Set { .. } => {
                let point = self.point(decl, Place::Nothing);
                self.edge(point, then);
                point
            }
            Stmt::Scope { scope, .. } => self.scope(walk, &walk.template.scopes[scope], then),
            Stmt::Choice { ref arms, .. } => {
                let point = self.point(decl, Place::Nothing);
                for &arm in arms {
                    let first = self.block(walk, arm, then);
                    self.edge(point, first);
                }
                point
            }
            Stmt::Rec { var, body, span } => {
                let point = self.point(decl, Place::Loop(span));
                walk.bound.entry(var).or_default().push(point);
                let first = self.block(walk, body, then);
                if let Some(bound) = walk.bound.get_mut(&var) {
                    bound.pop();
                }
                self.edge(point, first);
                point
            }
            Stmt::States { ref blocks, .. } => {
                let mut heads = Vec::with_capacity(blocks.len());
                for &(var, _) in blocks {
                    let head = self.point(decl, Place::Nothing);
                    walk.bound.entry(var).or_default().push(head);
                    heads.push(head);
                }
                for (&(_, block), &head) in blocks.iter().zip(&heads) {
                    let first = self.block(walk, block, then);
                    self.edge(head, first);
                }
                for (var, _) in blocks {
                    if let Some(bound) = walk.bound.get_mut(var) {
                        bound.pop();
                    }
                }
                heads.first().copied().unwrap_or(then)
            }
            Stmt::Continue { var, span } => {
                let point = self.point(decl, Place::Jump(span));
                if let Some(&head) = walk.bound.get(&var).and_then(|bound| bound.last()) {
                    self.edge(point, head);
                }
                point
            }
            Stmt::Call { body, span } => {
                let point = self.point(decl, Place::Call(span));
                if let Some(call) = walk.template.calls.entry(body) {
                    self.calls.push((point, call.callee, then, then == walk.end));
                }
                point
            }
        }
    }

    /// Parts of a scope have ends of their own; what can be gone through without a step is what all of them let through.
    fn scope(&mut self, walk: &mut Walk<'_>, scope: &Scoped<'_>, then: Point) -> Point {
        let decl = walk.decl;
        let point = self.point(decl, Place::Nothing);
        match scope {
            Scoped::Par(parts) => {
                // One part that cannot be gone through without a step holds up the others.
                let steps = parts.iter().filter(|&&part| has_step(walk.template, part)).count();
                for &part in parts {
                    let own = usize::from(has_step(walk.template, part));
                    let end = self.point(decl, Place::Nothing);
                    if steps == own {
                        self.edge(end, then);
                    }
                    let first = self.block(walk, part, end);
                    self.edge(point, first);
                }
            }
            Scoped::During { main, rounds, .. } => {
                match main {
                    Some(main) => {
                        let end = self.point(decl, Place::Nothing);
                        self.edge(end, then);
                        let first = self.block(walk, *main, end);
                        self.edge(point, first);
                    }
                    None => self.edge(point, then),
                }
                for round in rounds {
                    // A round begins with a message, so one in which nothing happens is none and does not come round.
                    let end = self.point(decl, Place::Nothing);
                    let _ = self.block(walk, round.body, end);
                }
            }
            Scoped::Try { body, handlers, .. } => {
                let end = self.point(decl, Place::Nothing);
                self.edge(end, then);
                let first = self.block(walk, *body, end);
                self.edge(point, first);
                for handler in handlers {
                    // What leads into a handler is a step by itself, so there is no way into it without one.
                    let _ = self.block(walk, handler.body, end);
                    debug_assert!(
                        !matches!(handler.on, On::Interrupt(_)) || !walk.template.blocks[handler.body].is_empty(),
                        "the message of an interrupt is the first of its handler"
                    );
                }
            }
        }
        point
    }

    /// INVARIANT (tail): calls inside a cycle of declarations that have something left to do.
    fn not_tail(&self, name: &impl Fn(DraftId) -> String) -> Vec<Finding> {
        let mut callees: Vec<Vec<usize>> = vec![Vec::new(); self.drafts.len()];
        for &(point, callee, ..) in &self.calls {
            if let Some(list) = self.decl(point).and_then(|decl| callees.get_mut(decl.index())) {
                list.push(callee.index());
            }
        }
        let component = components(&callees);
        let mut findings = Vec::new();
        for &(point, callee, _, tail) in &self.calls {
            let Some(&(decl, Place::Call(span))) = self.places.get(point.0) else { continue };
            if !tail && component.get(decl.index()) == component.get(callee.index()) {
                let text = format!("`{}` calls itself here with something left to do", name(decl));
                let found = Diagnostic::new(form::NOT_TAIL, span, text);
                let found = match decl == callee {
                    true => found,
                    false => found.note(format!("by way of `{}`", name(callee))),
                };
                let help = "let the call be the last step, or write the repetition as a `rec` loop";
                findings.push(Finding { drafts: vec![decl, callee], diagnostic: found.help(help) });
            }
        }
        findings
    }

    fn decl(&self, point: Point) -> Option<DraftId> {
        self.places.get(point.0).map(|&(decl, _)| decl)
    }

    /// INVARIANT (guarded): cycles without a step.
    fn unguarded(&mut self, name: &impl Fn(DraftId) -> String) -> Vec<Finding> {
        let silent = self.silent_declarations();
        for (point, callee, then, _) in std::mem::take(&mut self.calls) {
            if let Some(start) = self.starts[callee] {
                self.edge(point, start);
            }
            if silent.contains(&callee) {
                self.edge(point, then);
            }
        }
        let edges: Vec<Vec<usize>> =
            std::mem::take(&mut self.edges).into_iter().map(|to| to.into_iter().map(|p| p.0).collect()).collect();
        let component = components(&edges);
        let mut members: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (point, to) in edges.iter().enumerate() {
            let own = component.get(point);
            if to.iter().any(|&to| component.get(to) == own) {
                members.entry(own.copied().unwrap_or(0)).or_default().push(point);
            }
        }
        let mut cycles: Vec<Vec<usize>> = members.into_values().collect();
        cycles.sort_unstable();
        cycles.iter().filter_map(|cycle| self.cycle(cycle, name)).collect()
    }

    fn cycle(&self, cycle: &[usize], name: &impl Fn(DraftId) -> String) -> Option<Finding> {
        let places: Vec<(DraftId, Place)> = cycle.iter().filter_map(|&point| self.places.get(point).copied()).collect();
        let mut decls: Vec<DraftId> = places.iter().map(|&(decl, _)| decl).collect();
        decls.sort_unstable();
        decls.dedup();
        let loops =
            places.iter().filter_map(|&(_, place)| if let Place::Loop(span) = place { Some(span) } else { None });
        let jumps =
            places.iter().filter_map(|&(_, place)| if let Place::Jump(span) = place { Some(span) } else { None });
        let calls = places.iter().filter_map(|&(decl, place)| match place {
            Place::Call(span) => Some((decl, span)),
            _ => None,
        });
        let diagnostic = match (loops.min(), calls.min_by_key(|&(_, span)| span)) {
            (Some(span), None) => {
                let found = Diagnostic::new(form::UNGUARDED, span, "this loop can come round without a step");
                jumps.min().into_iter().fold(found, |found, jump| found.label(jump, "nothing happens on the way here"))
            }
            (_, Some((decl, span))) => {
                let text = format!("`{}` can come back to itself without a step", name(decl));
                Diagnostic::new(form::UNGUARDED, span, text).label(span, "nothing happens before this")
            }
            (None, None) => {
                Diagnostic::new(form::UNGUARDED, jumps.min()?, "this jump can come back to itself without a step")
            }
        };
        let help = "let a message, or a local action, happen in every round";
        Some(Finding { drafts: decls, diagnostic: diagnostic.help(help) })
    }

    /// Declarations that can be gone through without a step.
    fn silent_declarations(&self) -> FxHashSet<DraftId> {
        let mut calls: FxHashMap<usize, (DraftId, Point)> = FxHashMap::default();
        for &(point, callee, then, _) in &self.calls {
            calls.insert(point.0, (callee, then));
        }
        let ends: FxHashMap<usize, DraftId> =
            self.ends.iter().filter_map(|(decl, end)| end.map(|end| (end.0, decl))).collect();
        let mut silent: FxHashSet<DraftId> = FxHashSet::default();
        let mut waiting: FxHashMap<DraftId, Vec<Point>> = FxHashMap::default();
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut todo: Vec<Point> = self.starts.values().flatten().copied().collect();
        while let Some(point) = todo.pop() {
            if !seen.insert(point.0) {
                continue;
            }
            if let Some(&decl) = ends.get(&point.0) {
                silent.insert(decl);
                todo.extend(waiting.remove(&decl).unwrap_or_default());
            }
            if let Some(&(callee, then)) = calls.get(&point.0) {
                match silent.contains(&callee) {
                    true => todo.push(then),
                    false => waiting.entry(callee).or_default().push(then),
                }
            }
            todo.extend(self.edges.get(point.0).into_iter().flatten());
        }
        silent
    }
}

/// Whether a block surely has a step on every way through it: its own statements say so.
fn has_step(template: &Template<'_>, block: BlockId) -> bool {
    template.blocks[block].iter().any(|stmt| match stmt {
        Stmt::Message { .. } | Stmt::Send { .. } | Stmt::Receive { .. } | Stmt::Act { .. } => true,
        Stmt::Choice { arms, .. } => arms.iter().all(|&arm| has_step(template, arm)),
        Stmt::Rec { body, .. } => has_step(template, *body),
        _ => false,
    })
}

/// The strongly connected component of each node, by Tarjan's algorithm without recursion.
fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut order = vec![NONE; edges.len()];
    let mut low = vec![NONE; edges.len()];
    let mut component = vec![NONE; edges.len()];
    let mut stack: Vec<usize> = Vec::new();
    let (mut clock, mut count) = (0usize, 0usize);
    let get = |list: &[usize], at: usize| list.get(at).copied().unwrap_or(NONE);
    let set = |list: &mut [usize], at: usize, value: usize| {
        if let Some(place) = list.get_mut(at) {
            *place = value;
        }
    };
    for root in 0..edges.len() {
        if get(&order, root) != NONE {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some((node, next)) = path.pop() {
            if next == 0 {
                set(&mut order, node, clock);
                set(&mut low, node, clock);
                clock = clock.saturating_add(1);
                stack.push(node);
            }
            match edges.get(node).and_then(|to| to.get(next)).copied() {
                Some(to) => {
                    path.push((node, next.saturating_add(1)));
                    if get(&order, to) == NONE {
                        path.push((to, 0));
                    } else if get(&component, to) == NONE {
                        let least = get(&low, node).min(get(&order, to));
                        set(&mut low, node, least);
                    }
                }
                None => {
                    if get(&low, node) == get(&order, node) {
                        while let Some(member) = stack.pop() {
                            set(&mut component, member, count);
                            if member == node {
                                break;
                            }
                        }
                        count = count.saturating_add(1);
                    }
                    if let Some(&(parent, _)) = path.last() {
                        let least = get(&low, parent).min(get(&low, node));
                        set(&mut low, parent, least);
                    }
                }
            }
        }
    }
    component
}

/// Nodes that the graph of a term may have.
pub(super) const MAX_GRAPH: usize = 4_000_000;

/// Whether the graph of a term stays small: a call is read once for each thing that may be left to do behind it, so a
/// chain of protocols that each call the next one twice is exponential. Stops counting at [`MAX_GRAPH`].
pub(super) fn graph_fits(term: &Term) -> bool {
    let mut outlines: IdVec<BodyId, Option<Outline<'_>>> = term.bodies.values().map(|_| None).collect();
    let mut seen: FxHashSet<(BodyId, usize)> = FxHashSet::default();
    let mut rest: FxHashMap<(BodyId, usize, usize), usize> = FxHashMap::default();
    let mut todo = vec![(term.start, 0usize)];
    let mut nodes = 0usize;
    while let Some((body, then)) = todo.pop() {
        if !seen.insert((body, then)) {
            continue;
        }
        let outline = outlines[body].get_or_insert_with(|| {
            let mut outline = Outline { term, size: 1, calls: Vec::new(), points: 0 };
            outline.block(term.bodies[body], None);
            outline
        });
        nodes = nodes.saturating_add(outline.size);
        if nodes > MAX_GRAPH {
            return false;
        }
        for &(callee, behind) in &outline.calls {
            let then = match behind {
                None => then,
                Some(behind) => {
                    let fresh = rest.len().saturating_add(1);
                    *rest.entry((body, then, behind)).or_insert(fresh)
                }
            };
            todo.push((callee, then));
        }
    }
    true
}

/// A body: its size, and its calls with what follows each.
struct Outline<'t> {
    term: &'t Term,
    size: usize,
    /// With the point behind the call; none if that is whatever follows the body.
    calls: Vec<(BodyId, Option<usize>)>,
    points: usize,
}

impl Outline<'_> {
    /// Recurses once per level of nesting, which is bounded.
    fn block(&mut self, block: BlockId, then: Option<usize>) {
        let mut next = then;
        for stmt in self.term.blocks[block].iter().rev() {
            self.size = self.size.saturating_add(1);
            match stmt {
                Stmt::Message { to, .. } => self.size = self.size.saturating_add(to.len()),
                Stmt::Choice { arms, .. } => arms.iter().for_each(|&arm| self.block(arm, next)),
                Stmt::Rec { body, .. } => self.block(*body, next),
                Stmt::States { blocks, .. } => blocks.iter().for_each(|&(_, block)| self.block(block, next)),
                Stmt::Call { body, .. } => self.calls.push((*body, next)),
                Stmt::Scope { scope, .. } => match &self.term.scopes[*scope] {
                    Scope::Par { parts } => parts.iter().for_each(|&part| self.block(part, next)),
                    Scope::During { main, rounds } => {
                        main.iter().for_each(|&main| self.block(main, next));
                        rounds.iter().for_each(|round| self.block(round.body, next));
                    }
                    Scope::Try { body, handlers } => {
                        self.block(*body, next);
                        handlers.iter().for_each(|handler| self.block(handler.body, next));
                    }
                },
                Stmt::Send { .. }
                | Stmt::Receive { .. }
                | Stmt::Act { .. }
                | Stmt::Continue { .. }
                | Stmt::Set { .. } => {}
            }
            self.points = self.points.saturating_add(1);
            next = Some(self.points);
        }
    }
}
