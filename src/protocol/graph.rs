//! The control-flow graph of a term: every statement with what comes after it, jumps and calls resolved.
//!
//! Statement lists are read from the end, each with the node that follows it (its continuation), so that arms of a
//! choice share what stands behind it and the graph is linear in the term. A call is read once per instance and
//! continuation; INVARIANT (tail) of the term makes these finitely many.
//!
//! INVARIANT (closed): `start`, every `then` and every arm is an id of `nodes`.
//! INVARIANT (guarded): a path that meets only forks is finite, so following forks terminates.

use rustc_hash::FxHashMap;

use super::term::{Chooser, Stmt, Term};
use crate::{
    diag::Span,
    id::{BlockId, BodyId, Id, IdVec, LabelId, NodeId, RoleId, SortId, TooMany, VarId},
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

struct Builder<'a> {
    term: &'a Term,
    drafts: IdVec<NodeId, Draft>,
    spans: IdVec<NodeId, Span>,
    /// One entry per instance and continuation.
    calls: FxHashMap<(BodyId, Option<NodeId>), NodeId>,
    /// How often an instance was read, to notice that it never stops.
    instances: FxHashMap<BodyId, usize>,
    pending: Vec<(BodyId, Option<NodeId>, NodeId)>,
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
        };
        // Each `end` of a compact type is a state of its own; in statements there is one end, behind everything.
        let end = if term.compact { None } else { Some(builder.node(Node::End, Span::default())?) };
        let start = builder.call(term.start, end, Span::default())?;
        while let Some((body, then, node)) = builder.pending.pop() {
            let block = term.bodies[body];
            let first = builder.block(block, then, &mut Env::default(), Span::default())?;
            builder.drafts[node] = Draft::Jump(Some(first));
        }
        builder.finish(start)
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
        self.pending.push((body, then, node));
        Ok(node)
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
            Stmt::Continue { var, span } => {
                env.get(&var).and_then(|heads| heads.last()).copied().ok_or(GraphError::Unbound(span))
            }
            Stmt::Call { body, span } => self.call(body, then, span),
            Stmt::Scope { span, .. } | Stmt::Set { span, .. } => Ok(self.after(then, span)?),
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
            };
            nodes.push(node)?;
            spans.push(self.spans[id])?;
        }
        let graph = Graph { start: to(start), nodes, spans };
        graph.check_guarded()?;
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
