//! The control-flow graph of a term: every statement with what comes after it, jumps and calls resolved.
//!
//! Statement lists are read from the end, each with the node that follows it (its continuation), so that arms of a
//! choice share what stands behind it and the graph is linear in the term. A call is read once per instance and
//! continuation; INVARIANT (tail) of the term makes these finitely many.
//!
//! A scope (`par`, `during`, `try`) is a step of all roles that take part in it, [`Step::Scope`], with a fork behind it:
//! one arm per way out. Its blocks are *regions*, graphs of their own in the same table, each with a start and with
//! ends; a jump out of a region is a step [`Step::Exit`] to an end, and the arm [`Step::Leave`] of the same number goes
//! on where the jump leads.
//!
//! INVARIANT (closed): `start`, every `then` and every arm is an id of `nodes`.
//! INVARIANT (guarded): a path that meets only forks is finite, so following forks terminates.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    rule::Set,
    term::{Chooser, Scope, Stmt, Term},
};
use crate::{
    diag::Span,
    id::{BlockId, BodyId, FrameId, Id, IdVec, LabelId, NodeId, RegionId, RoleId, ScopeId, SortId, TooMany, VarId},
};

/// A step of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Global: a message of one role to another.
    Message {
        /// The sender.
        from: RoleId,
        /// The receiver.
        to: RoleId,
    },
    /// Local: the own role sends.
    Send(RoleId),
    /// Local: the own role receives.
    Receive(RoleId),
    /// A local action of a role.
    Act(RoleId),
    /// A scope, entered by everybody in it; the label and payload are no message's.
    Scope(ScopeId),
    /// In front of what stands behind a scope: how it was left. 0 is its end.
    Leave(ScopeId, u32),
    /// In a region of a scope: a jump out of it.
    Exit(ScopeId, u32),
}

/// A region: a graph with a start and ends of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it begins.
    pub start: NodeId,
    /// The scope that it belongs to; none for the protocol itself.
    pub scope: Option<ScopeId>,
    /// The frame of its variables.
    pub frame: FrameId,
    /// Assignments on a role's way from its start to the role's first step, in order.
    pub entry: Entry,
}

/// Assignments of roles, each of its own copies, in order; nobody's are the specification's own bookkeeping.
pub type Entry = Vec<(Option<RoleId>, Box<[Set]>)>;

/// A `par`, `during` or `try` of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its regions.
    pub kind: ShapeKind,
    /// Who takes part, sorted.
    pub roles: Box<[RoleId]>,
    /// The loops that are jumped to from inside, by the number of the way out less one.
    pub exits: Vec<VarId>,
    /// By the number of the way out: assignments on a role's way from there to its first step.
    pub behind: Vec<(u32, Entry)>,
    /// Where it is written.
    pub span: Span,
}

/// The regions of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeKind {
    /// All parts, interleaved.
    Par(Box<[RegionId]>),
    /// A main part, and rounds: of each its region and which of the term's rounds it is.
    During(Option<RegionId>, Box<[RegionId]>),
    /// A body and its handlers.
    Try(RegionId, Box<[RegionId]>),
}

impl ShapeKind {
    /// All regions, in order.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> + '_ {
        let (first, rest) = match self {
            Self::Par(parts) => (None, parts),
            Self::During(main, rounds) => (*main, rounds),
            Self::Try(body, handlers) => (Some(*body), handlers),
        };
        first.into_iter().chain(rest.iter().copied())
    }
}

/// A node of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Nothing more.
    End,
    /// One step, then on.
    Step {
        /// What.
        step: Step,
        /// The label.
        label: LabelId,
        /// The payload signature.
        sort: SortId,
        /// What follows.
        then: NodeId,
    },
    /// One of the arms.
    Fork {
        /// Who decides.
        at: Chooser,
        /// At least one.
        arms: Box<[NodeId]>,
    },
    /// Assignments on the way; `Graph::settle` gives them to the steps around them and leaves none.
    Set {
        /// All take their values before any is assigned.
        sets: Box<[Set]>,
        /// See [`Stmt::Set`].
        jump: bool,
        /// What follows.
        then: NodeId,
    },
}

/// A control-flow graph.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Where it begins.
    pub start: NodeId,
    /// All nodes.
    pub nodes: IdVec<NodeId, Node>,
    /// Where each is written.
    pub spans: IdVec<NodeId, Span>,
    /// The protocol itself, and the regions of all scopes.
    pub regions: IdVec<RegionId, Region>,
    /// The scopes, by the ids of the term.
    pub scopes: IdVec<ScopeId, Option<Shape>>,
    /// Signatures with conditions: the same label may stand beside another of them, the conditions tell them apart.
    pub guarded: FxHashSet<SortId>,
}

/// Why a term has no graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// More nodes than ids, or more than the caller's limit.
    TooMany(TooMany),
    /// A loop without a step: INVARIANT (guarded) of the term does not hold here.
    Unguarded(Span),
    /// A jump without a binder: INVARIANT (bound) of the term does not hold here.
    Unbound(Span),
    /// The same call with ever more left to do: INVARIANT (tail) of the term does not hold here.
    NotTail(Span),
    /// A jump out of a part of a `par`, a `during` or a round, which nothing may leave.
    JumpsOut(Span),
}

impl From<TooMany> for GraphError {
    fn from(error: TooMany) -> Self {
        Self::TooMany(error)
    }
}

/// A node while the graph is being built: jumps are not resolved yet.
enum Draft {
    Node(Node),
    Jump(Option<NodeId>),
}

/// The heads of the enclosing loops of each text, the innermost last.
type Env = FxHashMap<VarId, Vec<NodeId>>;

/// A region that is being read.
struct Open {
    /// The region outside, with its loops: jumps to them leave the scope.
    scope: ScopeId,
    /// Whether a jump may leave it.
    leaves: bool,
}

struct Builder<'a> {
    term: &'a Term,
    drafts: IdVec<NodeId, Draft>,
    spans: IdVec<NodeId, Span>,
    /// One entry per instance and continuation.
    calls: FxHashMap<(BodyId, Option<NodeId>), NodeId>,
    /// How often an instance was read, to notice that it never stops.
    instances: FxHashMap<BodyId, usize>,
    pending: Vec<(BodyId, Option<NodeId>, NodeId, RegionId)>,
    regions: IdVec<RegionId, Region>,
    scopes: IdVec<ScopeId, Option<Shape>>,
    /// The region that is being read, with the scope of its own.
    region: RegionId,
    open: Vec<Open>,
}

/// Instances are read once per continuation; a term with INVARIANT (tail) has far fewer continuations than this.
const MAX_CONTINUATIONS: usize = 1_000_000;

impl Graph {
    /// The graph of a term. O(size of the term).
    pub fn of(term: &Term) -> Result<Self, GraphError> {
        let mut builder = Builder {
            term,
            drafts: IdVec::new(),
            spans: IdVec::new(),
            calls: FxHashMap::default(),
            instances: FxHashMap::default(),
            pending: Vec::new(),
            regions: IdVec::new(),
            scopes: IdVec::filled(None, term.scopes.len()),
            region: RegionId::default(),
            open: Vec::new(),
        };
        builder.regions.push(Region {
            start: NodeId::default(),
            scope: None,
            frame: FrameId::default(),
            entry: Vec::new(),
        })?;
        // Each `end` of a compact type is a state of its own; in statements there is one end, behind everything.
        let end = if term.compact { None } else { Some(builder.node(Node::End, Span::default())?) };
        let start = builder.call(term.start, end, Span::default())?;
        builder.read_pending()?;
        builder.finish(start)
    }

    /// Whether it has no scopes: what a kernel protocol has.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.scopes.values().all(Option::is_none)
    }

    /// Who takes part in a step.
    pub fn roles_of(&self, step: Step) -> impl Iterator<Item = RoleId> + '_ {
        let (pair, scope) = match step {
            Step::Message { from, to } => ([Some(from), (from != to).then_some(to)], None),
            Step::Act(role) => ([Some(role), None], None),
            Step::Send(_) | Step::Receive(_) => ([None, None], None),
            Step::Scope(scope) | Step::Leave(scope, _) | Step::Exit(scope, _) => ([None, None], Some(scope)),
        };
        let roles = scope.and_then(|scope| self.scopes.entry(scope)?.as_ref()).map_or(&[][..], |shape| &shape.roles);
        pair.into_iter().flatten().chain(roles.iter().copied())
    }

    /// Whether a role takes part in a step.
    #[must_use]
    pub fn takes_part(&self, step: Step, role: RoleId) -> bool {
        match step {
            Step::Message { from, to } => from == role || to == role,
            Step::Act(actor) => actor == role,
            // In a local type all steps are the own role's.
            Step::Send(_) | Step::Receive(_) => true,
            Step::Scope(scope) | Step::Leave(scope, _) | Step::Exit(scope, _) => {
                let shape = self.scopes.entry(scope).and_then(Option::as_ref);
                shape.is_some_and(|shape| shape.roles.binary_search(&role).is_ok())
            }
        }
    }

    /// Who takes part in each scope: whoever takes part in a step of one of its regions, or causes a handler.
    fn find_roles(&mut self, term: &Term) {
        let mut inner: Vec<(ScopeId, FxHashSet<ScopeId>)> = Vec::new();
        let mut roles: FxHashMap<ScopeId, FxHashSet<RoleId>> = FxHashMap::default();
        for (id, shape) in self.scopes.iter() {
            let Some(shape) = shape else { continue };
            let mut nested = FxHashSet::default();
            let found = roles.entry(id).or_default();
            if let Some(Scope::Try { handlers, .. }) = term.scopes.entry(id) {
                found.extend(handlers.iter().map(|handler| handler.trigger.role()));
            }
            let mut seen = FxHashSet::default();
            let mut todo: Vec<NodeId> = shape.kind.regions().map(|region| self.regions[region].start).collect();
            while let Some(node) = todo.pop() {
                if !seen.insert(node) {
                    continue;
                }
                match &self.nodes[node] {
                    Node::End => {}
                    Node::Set { then, .. } => todo.push(*then),
                    Node::Fork { arms, .. } => todo.extend(arms.iter()),
                    &Node::Step { step, then, .. } => {
                        todo.push(then);
                        match step {
                            Step::Scope(scope) => drop(nested.insert(scope)),
                            Step::Leave(..) | Step::Exit(..) => {}
                            _ => found.extend(self.roles_of(step)),
                        }
                    }
                }
            }
            inner.push((id, nested));
        }
        // Scopes are nested, so this ends after as many rounds as they are deep.
        let mut changed = true;
        while changed {
            changed = false;
            for (id, nested) in &inner {
                let more: Vec<RoleId> = nested.iter().filter_map(|scope| roles.get(scope)).flatten().copied().collect();
                let place = roles.entry(*id).or_default();
                let before = place.len();
                place.extend(more);
                changed |= place.len() != before;
            }
        }
        for (id, shape) in self.scopes.ids().zip(self.scopes.values_mut()) {
            if let (Some(shape), Some(found)) = (shape, roles.get(&id)) {
                let mut all: Vec<RoleId> = found.iter().copied().collect();
                all.sort_unstable();
                shape.roles = all.into();
            }
        }
    }
}

impl Builder<'_> {
    fn node(&mut self, node: Node, span: Span) -> Result<NodeId, TooMany> {
        self.spans.push(span)?;
        self.drafts.push(Draft::Node(node))
    }

    fn jump(&mut self, span: Span) -> Result<NodeId, TooMany> {
        self.spans.push(span)?;
        self.drafts.push(Draft::Jump(None))
    }

    fn call(&mut self, body: BodyId, then: Option<NodeId>, span: Span) -> Result<NodeId, GraphError> {
        if let Some(&node) = self.calls.get(&(body, then)) {
            return Ok(node);
        }
        let count = self.instances.entry(body).or_default();
        *count = count.saturating_add(1);
        if *count > MAX_CONTINUATIONS {
            return Err(GraphError::NotTail(span));
        }
        let node = self.jump(span)?;
        self.calls.insert((body, then), node);
        self.pending.push((body, then, node, self.region));
        Ok(node)
    }

    /// Reads the bodies that were called, each in the region of its call.
    fn read_pending(&mut self) -> Result<(), GraphError> {
        let outer = self.region;
        while let Some((body, then, node, region)) = self.pending.pop() {
            let block = self.term.bodies[body];
            // A body sees no loop of its caller, so no jump of its own leaves the region.
            let open = std::mem::take(&mut self.open);
            self.region = region;
            let first = self.block(block, then, &mut Env::default(), Span::default())?;
            self.open = open;
            self.drafts[node] = Draft::Jump(Some(first));
        }
        self.region = outer;
        Ok(())
    }

    /// A scope: its regions, once; then a step of everybody in it, with a way out for its end and for each jump.
    fn scope(&mut self, id: ScopeId, then: Option<NodeId>, env: &Env, span: Span) -> Result<NodeId, GraphError> {
        let term = self.term;
        if self.scopes.entry(id).is_some_and(Option::is_none) {
            let shape = Shape {
                kind: ShapeKind::Par(Box::default()),
                roles: Box::default(),
                exits: Vec::new(),
                behind: Vec::new(),
                span,
            };
            self.scopes[id] = Some(shape);
            let frame = self.regions[self.region].frame;
            let kind = match &term.scopes[id] {
                Scope::Par { parts } => {
                    let parts = parts.iter().map(|&part| self.inner(id, part, frame, false, span));
                    ShapeKind::Par(parts.collect::<Result<_, _>>()?)
                }
                Scope::During { main, rounds } => {
                    let main = main.map(|main| self.inner(id, main, frame, false, span)).transpose()?;
                    let rounds = rounds
                        .iter()
                        .map(|round| self.inner(id, round.body, round.family.unwrap_or(frame), false, round.span));
                    ShapeKind::During(main, rounds.collect::<Result<_, _>>()?)
                }
                Scope::Try { body, handlers } => {
                    let body = self.inner(id, *body, frame, true, span)?;
                    let handlers =
                        handlers.iter().map(|handler| self.inner(id, handler.body, frame, true, handler.span));
                    ShapeKind::Try(body, handlers.collect::<Result<_, _>>()?)
                }
            };
            if let Some(shape) = &mut self.scopes[id] {
                shape.kind = kind;
            }
        }
        let exits = self.scopes[id].as_ref().map(|shape| shape.exits.clone()).unwrap_or_default();
        let (label, sort) = (LabelId::default(), SortId::default());
        let end = self.after(then, span)?;
        let mut arms = vec![self.node(Node::Step { step: Step::Leave(id, 0), label, sort, then: end }, span)?];
        for (number, var) in exits.into_iter().enumerate() {
            let number = u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX);
            let then = self.target(var, env, span)?;
            arms.push(self.node(Node::Step { step: Step::Leave(id, number), label, sort, then }, span)?);
        }
        let behind = match arms.as_slice() {
            &[only] => only,
            _ => self.node(Node::Fork { at: Chooser::Mixed, arms: arms.into() }, span)?,
        };
        Ok(self.node(Node::Step { step: Step::Scope(id), label, sort, then: behind }, span)?)
    }

    /// A region of a scope. Loops outside are out of its sight, but for jumps that leave it.
    fn inner(
        &mut self,
        scope: ScopeId,
        block: BlockId,
        frame: FrameId,
        leaves: bool,
        span: Span,
    ) -> Result<RegionId, GraphError> {
        let region =
            self.regions.push(Region { start: NodeId::default(), scope: Some(scope), frame, entry: Vec::new() })?;
        let outer = std::mem::replace(&mut self.region, region);
        self.open.push(Open { scope, leaves });
        let end = self.node(Node::End, span)?;
        let start = self.block(block, Some(end), &mut Env::default(), span)?;
        self.open.pop();
        self.regions[region].start = start;
        self.region = outer;
        Ok(region)
    }

    /// Where a jump goes: to a loop of the region, or out of it.
    fn target(&mut self, var: VarId, env: &Env, span: Span) -> Result<NodeId, GraphError> {
        if let Some(&head) = env.get(&var).and_then(|heads| heads.last()) {
            return Ok(head);
        }
        let Some(&Open { scope, leaves }) = self.open.last() else { return Err(GraphError::Unbound(span)) };
        if !leaves {
            return Err(GraphError::JumpsOut(span));
        }
        let Some(shape) = &mut self.scopes[scope] else { return Err(GraphError::Unbound(span)) };
        let number = match shape.exits.iter().position(|&known| known == var) {
            Some(at) => at,
            None => {
                shape.exits.push(var);
                shape.exits.len().saturating_sub(1)
            }
        };
        let number = u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX);
        let end = self.node(Node::End, span)?;
        let step = Step::Exit(scope, number);
        Ok(self.node(Node::Step { step, label: LabelId::default(), sort: SortId::default(), then: end }, span)?)
    }

    /// The first node of a block. Recurses once per nesting of braces, which the parser bounds.
    fn block(&mut self, block: BlockId, then: Option<NodeId>, env: &mut Env, span: Span) -> Result<NodeId, GraphError> {
        let term = self.term;
        let mut next = then;
        for stmt in term.blocks[block].iter().rev() {
            next = Some(self.stmt(stmt, next, env)?);
        }
        match next {
            Some(node) => Ok(node),
            None => Ok(self.node(Node::End, span)?),
        }
    }

    fn after(&mut self, then: Option<NodeId>, span: Span) -> Result<NodeId, TooMany> {
        match then {
            Some(node) => Ok(node),
            None => self.node(Node::End, span.after()),
        }
    }

    fn stmt(&mut self, stmt: &Stmt, then: Option<NodeId>, env: &mut Env) -> Result<NodeId, GraphError> {
        let mut step = |step, label, sort, span| {
            let then = self.after(then, span)?;
            self.node(Node::Step { step, label, sort, then }, span)
        };
        match *stmt {
            Stmt::Message { from, ref to, label, sort, span } => {
                let mut next = self.after(then, span)?;
                for &to in to.iter().rev() {
                    next = self.node(Node::Step { step: Step::Message { from, to }, label, sort, then: next }, span)?;
                }
                Ok(next)
            }
            Stmt::Send { to, label, sort, span } => Ok(step(Step::Send(to), label, sort, span)?),
            Stmt::Receive { from, label, sort, span } => Ok(step(Step::Receive(from), label, sort, span)?),
            Stmt::Act { role, label, sort, span } => Ok(step(Step::Act(role), label, sort, span)?),
            Stmt::Choice { at, ref arms, span } => {
                let mut nodes = Vec::with_capacity(arms.len());
                for &arm in arms {
                    nodes.push(self.block(arm, then, env, span)?);
                }
                Ok(self.node(Node::Fork { at, arms: nodes.into() }, span)?)
            }
            Stmt::Rec { var, body, span } => {
                let head = self.jump(span)?;
                env.entry(var).or_default().push(head);
                let first = self.block(body, then, env, span)?;
                env.entry(var).or_default().pop();
                self.drafts[head] = Draft::Jump(Some(first));
                Ok(head)
            }
            Stmt::States { ref blocks, span } => {
                let mut heads = Vec::with_capacity(blocks.len());
                for &(var, _) in blocks {
                    let head = self.jump(span)?;
                    env.entry(var).or_default().push(head);
                    heads.push(head);
                }
                for (&(_, block), &head) in blocks.iter().zip(&heads) {
                    let first = self.block(block, then, env, span)?;
                    self.drafts[head] = Draft::Jump(Some(first));
                }
                for &(var, _) in blocks {
                    env.entry(var).or_default().pop();
                }
                match heads.first() {
                    Some(&head) => Ok(head),
                    None => Ok(self.after(then, span)?),
                }
            }
            Stmt::Continue { var, span } => self.target(var, env, span),
            Stmt::Call { body, span } => self.call(body, then, span),
            Stmt::Scope { scope, span } => self.scope(scope, then, env, span),
            Stmt::Set { ref sets, jump, span } => {
                let then = self.after(then, span)?;
                Ok(self.node(Node::Set { sets: sets.clone(), jump, then }, span)?)
            }
        }
    }

    /// Follows the jumps and leaves them out.
    fn finish(self, start: NodeId) -> Result<Graph, GraphError> {
        let goal = self.resolve()?;
        // Renumber what is not a jump, in order.
        let mut number: IdVec<NodeId, Option<NodeId>> = IdVec::filled(None, self.drafts.len());
        let mut kept: usize = 0;
        for (id, draft) in self.drafts.iter() {
            if let Draft::Node(_) = draft {
                number[id] = Some(NodeId::new(kept)?);
                kept = kept.saturating_add(1);
            }
        }
        let to = |id: NodeId| {
            number[goal[id]].expect("by `resolve`: the goal of a draft is a node, and every node has a number")
        };
        let mut nodes = IdVec::new();
        let mut spans = IdVec::new();
        for (id, draft) in self.drafts.iter() {
            let Draft::Node(node) = draft else { continue };
            let node = match node {
                Node::End => Node::End,
                &Node::Step { step, label, sort, then } => Node::Step { step, label, sort, then: to(then) },
                Node::Fork { at, arms } => Node::Fork { at: *at, arms: arms.iter().map(|&arm| to(arm)).collect() },
                Node::Set { sets, jump, then } => Node::Set { sets: sets.clone(), jump: *jump, then: to(*then) },
            };
            nodes.push(node)?;
            spans.push(self.spans[id])?;
        }
        let mut regions = self.regions;
        if let Some(first) = regions.entry_mut(RegionId::default()) {
            first.start = start;
        }
        regions.values_mut().for_each(|region| region.start = to(region.start));
        let mut graph =
            Graph { start: to(start), nodes, spans, regions, scopes: self.scopes, guarded: FxHashSet::default() };
        graph.check_guarded()?;
        graph.find_roles(self.term);
        Ok(graph)
    }

    /// Where each draft leads when jumps are followed.
    fn resolve(&self) -> Result<IdVec<NodeId, NodeId>, GraphError> {
        let mut goal: IdVec<NodeId, Option<NodeId>> = IdVec::filled(None, self.drafts.len());
        for id in self.drafts.ids() {
            let mut path = Vec::new();
            let mut at = id;
            let end = loop {
                if let Some(end) = goal[at] {
                    break end;
                }
                match self.drafts[at] {
                    Draft::Node(_) => break at,
                    Draft::Jump(None) => return Err(GraphError::Unguarded(self.spans[at])),
                    Draft::Jump(Some(next)) => {
                        path.push(at);
                        if path.len() > self.drafts.len() {
                            return Err(GraphError::Unguarded(self.spans[id]));
                        }
                        at = next;
                    }
                }
            };
            goal[end] = Some(end);
            for at in path {
                goal[at] = Some(end);
            }
        }
        Ok(goal.values().zip(self.drafts.ids()).map(|(goal, id)| goal.unwrap_or(id)).collect())
    }
}

impl Graph {
    /// INVARIANT (guarded): depth-first over forks alone, with an explicit stack.
    fn check_guarded(&self) -> Result<(), GraphError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks: IdVec<NodeId, Mark> = IdVec::filled(Mark::New, self.nodes.len());
        for root in self.nodes.ids() {
            if marks[root] != Mark::New {
                continue;
            }
            marks[root] = Mark::Open;
            let mut stack = vec![(root, 0usize)];
            while let Some((node, arm)) = stack.pop() {
                let next = match &self.nodes[node] {
                    Node::Fork { arms, .. } => arms.get(arm).copied(),
                    Node::Set { then, .. } => (arm == 0).then_some(*then),
                    _ => None,
                };
                let Some(next) = next else {
                    marks[node] = Mark::Done;
                    continue;
                };
                stack.push((node, arm.saturating_add(1)));
                match marks[next] {
                    Mark::New => {
                        marks[next] = Mark::Open;
                        stack.push((next, 0));
                    }
                    Mark::Open => return Err(GraphError::Unguarded(self.spans[next])),
                    Mark::Done => {}
                }
            }
        }
        Ok(())
    }
}
