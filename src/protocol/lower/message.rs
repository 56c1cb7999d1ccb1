//! The rule of a message: what its options, those of the blocks around it, its fields and its keys demand and change.

use std::rc::Rc;

use super::{
    frames::{Binding, Env, Kind},
    instantiate::Failure,
    scope::Here,
    template::Consts,
    walk::{Opts, Site, State, Walk, Writer},
};
use crate::{
    data::{Code, Payload, Place, Scope as _, Sort},
    diag::{Diagnostic, Span, catalogue::data},
    id::{BlockId, FrameId, Id, MemoryId, RoleId},
    protocol::{
        rule::{Condition, ConditionKind, KeyOf, Linear, Memory, PAYLOAD, Rule, Set, Who, slot},
        term::Stmt,
    },
    syntax::tree,
};

/// A message while its rule is made.
pub(super) struct Message {
    pub(super) from: RoleId,
    to: Vec<RoleId>,
    payload: Option<Payload>,
    span: Span,
    env: Env,
    pub(super) rule: Rule,
}

impl Message {
    fn ends(&self) -> Vec<RoleId> {
        let mut ends = vec![self.from];
        ends.extend(self.to.iter().copied().filter(|role| *role != self.from));
        ends
    }

    fn has_field(&self, name: &str) -> bool {
        self.payload.as_ref().is_some_and(|payload| payload.field(name).is_some())
    }
}

/// Options of a message and of the blocks around it, with who wrote them and where.
pub(super) struct Source<'o, 't> {
    opts: &'t [tree::Opt],
    pub(super) writer: Writer<'t>,
    /// The names where they are written, if that is not at the message.
    pub(super) env: Option<&'o Env>,
    home: FrameId,
}

impl<'t> Walk<'_, '_, '_, 't> {
    /// A message, a send, a receive or a local action.
    pub(super) fn message(
        &mut self,
        block: BlockId,
        stmt: &Stmt,
        note: Option<(&'t tree::Message, &'t [tree::Opt], &Consts<'t>)>,
        env: &mut Env,
        state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) -> Result<(), Failure> {
        let (from, to, label, sort, span) = match *stmt {
            Stmt::Message { from, ref to, label, sort, span } => {
                let from = self.role(from);
                let to: Vec<RoleId> = match to.is_empty() {
                    // The message of an interrupt goes to all others.
                    true => self.told.iter().copied().filter(|&role| role != from).collect(),
                    false => to.iter().map(|&to| self.role(to)).collect(),
                };
                (from, to, label, sort, span)
            }
            Stmt::Send { to, label, sort, span } => {
                let to = self.role(to);
                (self.own().unwrap_or(to), vec![to], label, sort, span)
            }
            Stmt::Receive { from, label, sort, span } => {
                let from = self.role(from);
                (from, vec![self.own().unwrap_or(from)], label, sort, span)
            }
            Stmt::Act { role, label, sort, span } => {
                let role = self.role(role);
                (role, vec![role], label, sort, span)
            }
            _ => return Ok(()),
        };
        let (label, sort) =
            self.values.message(self.making.names, label, sort).ok_or_else(|| self.making.growth(span, self.key))?;
        if to.is_empty() {
            let text = "this interrupt reaches nobody: no other role takes part in the scope";
            self.data().add(Diagnostic::new(data::UNTOLD, span, text));
            return Ok(());
        }
        let payload = self.making.names.payload(sort).cloned();
        let mut message = Message { from, to, payload, span, env: env.clone(), rule: Rule::default() };
        let consts = note.map_or_else(|| Rc::clone(&self.draft.consts), |(.., consts)| Rc::clone(consts));
        let writer = self.writer(&consts);
        let opts = note.map_or(&[][..], |(_, opts, _)| opts);
        let mut sources = vec![Source { opts, writer: writer.clone(), env: None, home: state.frame }];
        let around: Vec<Rc<Opts<'t>>> = std::iter::successors(state.opts.clone(), |opts| opts.outer.clone()).collect();
        for opts in &around {
            sources.push(Source {
                opts: opts.opts,
                writer: opts.writer.clone(),
                env: Some(&opts.env),
                home: opts.home,
            });
        }
        if let Some((written, ..)) = note {
            self.refinements(&mut message, written, &writer);
        }
        for (expr, seen, consts) in std::mem::take(&mut self.pending) {
            let writer = self.writer(&consts);
            if let Some(code) = self.expr(expr, &Sort::BOOL, &writer, &seen, &[from], "this assertion") {
                push(&mut message.rule.conditions, Condition { code, kind: ConditionKind::Assert });
            }
        }
        let taken = self.keys(&mut message, &sources, state);
        for (source, taken) in sources.iter().zip(taken) {
            self.opts(&mut message, source, &taken, state);
        }
        // From here on the names change; nobody else may hold them, or each message would copy them all.
        message.env = Env::default();
        let number = self.making.data.sites.len();
        let wrong = note.map_or_else(Vec::new, |(written, ..)| self.linear(&mut message, written, env));
        self.bind(&message, number, state, env, &wrong);
        let Message { from, to, rule, .. } = message;
        // Several receivers: what happens once happens with the first.
        let acts = !(rule.sets.is_empty() && rule.requires.is_empty());
        let once = to.len() > 1 && (acts || !rule.unique.is_empty() || !rule.idempotent.is_empty());
        let mut site = Site { sort, rule, at: Vec::new() };
        match *stmt {
            Stmt::Message { .. } => match self.own() {
                None if once => {
                    for (at, &to) in to.iter().enumerate() {
                        site.at.push((block, out.len(), (at > 0).then_some(to)));
                        out.push(Stmt::Message { from, to: Box::new([to]), label, sort, span });
                    }
                }
                None => {
                    site.at.push((block, out.len(), None));
                    out.push(Stmt::Message { from, to: to.into(), label, sort, span });
                }
                // The interrupt of a local type.
                Some(own) if own == from => {
                    for (at, &to) in to.iter().enumerate() {
                        site.at.push((block, out.len(), (once && at > 0).then_some(to)));
                        out.push(Stmt::Send { to, label, sort, span });
                    }
                }
                Some(_) => {
                    site.at.push((block, out.len(), None));
                    out.push(Stmt::Receive { from, label, sort, span });
                }
            },
            Stmt::Send { .. } => {
                site.at.push((block, out.len(), None));
                out.extend(to.first().map(|&to| Stmt::Send { to, label, sort, span }));
            }
            Stmt::Receive { .. } => {
                site.at.push((block, out.len(), None));
                out.push(Stmt::Receive { from, label, sort, span });
            }
            _ => {
                site.at.push((block, out.len(), None));
                out.push(Stmt::Act { role: from, label, sort, span });
            }
        }
        self.making.data.sites.push(site);
        Ok(())
    }

    /// Opens the names that an option of a message sees.
    pub(super) fn option<R>(
        &mut self,
        message: &Message,
        source: (&Writer<'t>, Option<&Env>),
        this: Option<Place>,
        payload: bool,
        then: impl FnOnce(&super::walk::Compiling<'_, 't>, &Here<'_, 't>) -> (R, Vec<Diagnostic>),
    ) -> R {
        let prepare = (source.1, message.payload.as_ref().filter(|_| payload), this);
        self.with_all(source.0, &message.env, prepare, then)
    }

    // ---- conditions of fields

    fn refinements(&mut self, message: &mut Message, written: &'t tree::Message, writer: &Writer<'t>) {
        let Some(payload) = &written.payload else { return };
        for (at, field) in payload.fields.iter().enumerate() {
            let tree::FieldKind::Value { sort, .. } = &field.kind else { continue };
            let Some(condition) = sort.refinement.as_deref() else { continue };
            if super::mention::only_this(condition, &writer.consts) {
                continue;
            }
            let own = message.payload.as_ref().and_then(|payload| payload.fields.get(at)).cloned();
            let (Some(own), Ok(number)) = (own, u32::try_from(at)) else { continue };
            let this = Place { slot: slot(PAYLOAD, number), sort: own.sort };
            let from = message.from;
            let code = self.option(message, (writer, None), Some(this), true, |compiling, here| {
                compiling.compile(condition, &Sort::BOOL, here, &[from], "this condition")
            });
            if let Some(code) = code {
                push(&mut message.rule.conditions, Condition { code, kind: ConditionKind::Refinement(number) });
            }
        }
    }

    // ---- keys

    /// Finds the keys that the message carries: fields of their names, and conjuncts `field == key`, which are no
    /// conditions then. Hands back, for each source, the conjuncts that were taken.
    fn keys(&mut self, message: &mut Message, sources: &[Source<'_, 't>], state: &State<'t>) -> Vec<Vec<Span>> {
        let mut taken: Vec<Vec<Span>> = sources.iter().map(|_| Vec::new()).collect();
        let mut frame = Some(state.frame);
        while let Some(id) = frame {
            let (depth, keys, parent) = {
                let table = self.data().table.get_mut();
                match table.frames.entry(id) {
                    Some(frame) => (frame.depth, frame.keys.clone(), frame.parent),
                    None => return taken,
                }
            };
            for (number, key) in keys.iter().enumerate() {
                let Ok(number) = u16::try_from(number) else { break };
                let value = match message.payload.as_ref().and_then(|payload| payload.field(&key.name)).cloned() {
                    Some(field) => {
                        let given = field.sort.plain();
                        if given != key.sort.plain() && !field.sort.is_dynamic() && !key.sort.is_dynamic() {
                            let text = format!(
                                "field `{}` is the key of a family and of sort `{}`, where the key is of sort `{}`",
                                key.name, field.sort, key.sort
                            );
                            let declared = self.making.data.table.get_mut();
                            let at = declared
                                .bindings
                                .iter()
                                .find(|binding| binding.slot == Some(key.slot) && binding.frame == id);
                            let found = Diagnostic::new(data::KEY_SORT, message.span, text);
                            let found = match at.map(|binding| binding.span) {
                                Some(at) => found.label(at, "the key is declared here"),
                                None => found,
                            };
                            self.data().add(found);
                            self.data().keyed.insert(id);
                            None
                        } else {
                            let at = self.sorts.word(message.span, &key.name);
                            self.path(message, &name(&key.name, at), &key.sort)
                        }
                    }
                    None => self.conjunct(message, sources, key, id, &mut taken),
                };
                if let Some(value) = value {
                    self.data().keyed.insert(id);
                    push(&mut message.rule.keys, KeyOf { depth, key: number, value });
                }
            }
            frame = parent;
        }
        taken
    }

    /// A path into the payload.
    fn path(&mut self, message: &Message, path: &tree::Expr, sort: &Sort) -> Option<Code> {
        let consts = Rc::clone(&self.draft.consts);
        let writer = self.writer(&consts);
        self.option(message, (&writer, None), None, true, |compiling, here| {
            compiling.compile(path, sort, here, &[], "a key")
        })
    }

    /// The value of a key that a conjunct of a `where` names.
    fn conjunct(
        &mut self,
        message: &Message,
        sources: &[Source<'_, 't>],
        key: &crate::protocol::rule::Key,
        frame: FrameId,
        taken: &mut [Vec<Span>],
    ) -> Option<Code> {
        for (source, taken) in sources.iter().zip(taken) {
            for opt in source.opts {
                let tree::OptKind::Where(condition) = &opt.kind else { continue };
                for part in conjuncts(condition) {
                    let tree::ExprKind::Binary(left, rest) = &part.kind else { continue };
                    let [(tree::BinaryOp::Eq, right)] = rest.as_slice() else { continue };
                    for (path, other) in [(&**left, right), (right, &**left)] {
                        let tree::ExprKind::Name(own) = &other.kind else { continue };
                        let rooted = root(path).is_some_and(|root| message.has_field(root));
                        if !rooted || own.text != key.name || message.has_field(&own.text) {
                            continue;
                        }
                        // The name must mean this key here, not a field or variable that hides it.
                        let binding = message.env.names.get(&*own.text).copied();
                        let table = self.data().table.get_mut();
                        let meant = binding.and_then(|id| table.get(id));
                        if !meant.is_some_and(|b| b.kind == Kind::Key && b.frame == frame && b.slot == Some(key.slot)) {
                            continue;
                        }
                        let value = self.path(message, path, &key.sort);
                        if value.is_some() {
                            taken.push(part.span);
                            return value;
                        }
                    }
                }
            }
        }
        None
    }

    // ---- options

    fn opts(&mut self, message: &mut Message, source: &Source<'_, 't>, taken: &[Span], state: &State<'t>) {
        let from = message.from;
        let place = (&source.writer, source.env);
        for opt in source.opts {
            match &opt.kind {
                tree::OptKind::Where(condition) => {
                    for part in conjuncts(condition).into_iter().filter(|part| !taken.contains(&part.span)) {
                        let code = self.option(message, place, None, true, |compiling, here| {
                            compiling.compile(part, &Sort::BOOL, here, &[from], "this condition")
                        });
                        if let Some(code) = code {
                            push(&mut message.rule.conditions, Condition { code, kind: ConditionKind::Where });
                        }
                    }
                }
                tree::OptKind::Set { name, at, value } => self.set(message, source, name, at.as_ref(), value, opt.span),
                tree::OptKind::Within(most) => {
                    let most = self.limit(message, source, most);
                    self.within(message, None, most, opt.span);
                }
                tree::OptKind::Window(least, most) => {
                    let (least, most) = (self.limit(message, source, least), self.limit(message, source, most));
                    self.within(message, least, most, opt.span);
                }
                tree::OptKind::Every(time) => {
                    if source.env.is_none() {
                        self.every = self.limit(message, source, time);
                    }
                }
                tree::OptKind::Idempotent(by, lasts) => {
                    if let Some(memory) = self.memory(message, source, (by, lasts.as_ref()), opt.span, state) {
                        let except = self.draft.marks.except.clone().into();
                        push(&mut message.rule.idempotent, Memory { except, ..memory });
                    }
                }
                tree::OptKind::Unique(by, lasts) => {
                    if let Some(memory) = self.memory(message, source, (by, lasts.as_ref()), opt.span, state) {
                        push(&mut message.rule.unique, memory);
                    }
                }
                tree::OptKind::MayRetry => message.rule.may_retry = true,
                tree::OptKind::Requires { name, args } => self.require(message, source, name, args, opt.span),
            }
        }
    }

    /// A span of time that is known before the message is.
    fn limit(&mut self, message: &Message, source: &Source<'_, 't>, time: &tree::Duration) -> Option<Code> {
        let from = message.from;
        let sort = Sort::Builtin(crate::data::Builtin::Duration);
        let literal;
        let expr = match time {
            tree::Duration::Expr(expr) => expr,
            tree::Duration::Literal(name) => {
                let kind = tree::ExprKind::Literal(tree::Literal::Duration(name.text.clone()));
                literal = tree::Expr { kind, span: name.span };
                &literal
            }
        };
        self.option(message, (&source.writer, source.env), None, false, |compiling, here| {
            compiling.compile(expr, &sort, here, &[from], "this time")
        })
    }

    fn within(&mut self, message: &mut Message, least: Option<Code>, most: Option<Code>, span: Span) {
        let Some(most) = most else { return };
        if message.rule.within.is_some() {
            let text = "this message has two time limits";
            self.data().add(Diagnostic::new(data::TWO_LIMITS, span, text).help("keep the one that is meant"));
            return;
        }
        message.rule.within = Some((least, most));
    }

    fn memory(
        &mut self,
        message: &Message,
        source: &Source<'_, 't>,
        (by, lasts): (&[tree::Expr], Option<&tree::Duration>),
        span: Span,
        state: &State<'t>,
    ) -> Option<Memory> {
        let from = message.from;
        let mut codes = Vec::with_capacity(by.len());
        for part in by {
            codes.push(self.option(message, (&source.writer, source.env), None, true, |compiling, here| {
                // Any sort will do, so the one that is found is wanted.
                compiling.compile_any(part, here, &[from], "this key")
            })?);
        }
        let lasts = match lasts {
            Some(lasts) => Some(self.limit(message, source, lasts)?),
            None => None,
        };
        let home = self.home(message, source.home, state, &mut codes);
        let data = self.data();
        let fresh = MemoryId::new(data.memories.len()).ok()?;
        let id = *data.memories.entry((span, home)).or_insert(fresh);
        let depth = data.table.get_mut().depth(home);
        Some(Memory { id, depth, by: codes.into(), lasts, except: Box::default() })
    }

    /// The frame with which a memory is forgotten. What is written inside a family outlives its instances: a message
    /// that comes again may come when its instance is over, or be the one that would open it again. Instances are told
    /// apart by their keys then, where the message carries them.
    fn home(&mut self, message: &Message, written: FrameId, state: &State<'t>, by: &mut Vec<Code>) -> FrameId {
        let table = self.making.data.table.get_mut();
        let Some(frame) = table.frames.entry(written) else { return written };
        let Some(parent) = frame.parent else { return written };
        let keys: Vec<Code> = message
            .rule
            .keys
            .iter()
            .filter(|key| key.depth == frame.depth && !by.contains(&key.value))
            .map(|key| key.value.clone())
            .collect();
        if keys.is_empty() && written != state.frame {
            return written;
        }
        by.extend(keys);
        parent
    }

    fn set(
        &mut self,
        message: &mut Message,
        source: &Source<'_, 't>,
        name: &tree::Name,
        at: Option<&tree::Role>,
        value: &tree::Expr,
        span: Span,
    ) {
        // Assignments are to variables, whatever hides them.
        let variable = self.option(message, (&source.writer, source.env), None, true, |_, here| {
            let place = here.variable(&name.text);
            let id = here.used.borrow().first().copied();
            (place.zip(id), Vec::new())
        });
        let known = variable.and_then(|(place, id)| {
            let table = self.making.data.table.get_mut();
            table.get(id).filter(|binding| binding.kind == Kind::Variable).cloned().map(|binding| (place, binding))
        });
        let Some((place, Binding { roles, span: declared, .. })) = known else {
            let text = format!("`{}` is not a variable here", name.text);
            let found = Diagnostic::new(data::NOT_A_VARIABLE, name.span, text);
            let hides = message.has_field(&name.text) || message.env.names.contains_key(&*name.text);
            let near = super::suggest::nearest(&name.text, message.env.variables.keys().map(|name| &**name));
            self.data().add(match (near, hides) {
                (Some(near), _) => found.help(format!("did you mean `{near}`?")),
                (None, true) => found.help("what a message binds cannot be assigned: declare a `var`"),
                (None, false) => found.help(format!("declare it: `var {}: …;` at the head of a block", name.text)),
            });
            return;
        };
        let ends = message.ends();
        let told: Vec<RoleId> = ends.iter().copied().filter(|role| roles.contains(role)).collect();
        let (who, evaluate) = match at {
            _ if roles.is_empty() => (Who::Roles(Box::default()), Vec::new()),
            Some(at) => {
                let Some(role) = self.role_at(&source.writer, at) else { return };
                if !ends.contains(&role) || !roles.contains(&role) {
                    let text = match ends.contains(&role) {
                        true => format!("`{}` has no copy of `{}` to assign", at.name.text, name.text),
                        false => format!("`{}` takes no part in this message, and cannot assign with it", at.name.text),
                    };
                    let found = Diagnostic::new(data::CANNOT_SET, at.span, text);
                    self.data().add(found.label(declared, "the variable is declared here"));
                    return;
                }
                (Who::Roles(Box::new([role])), vec![role])
            }
            None => (Who::Ends, told),
        };
        if !roles.is_empty() && evaluate.is_empty() {
            // In a block that holds options for many messages, some may be between roles that do not know it.
            if source.env.is_none() {
                let text = format!("neither end of this message knows `{}`", name.text);
                let found = Diagnostic::new(data::CANNOT_SET, span, text);
                self.data().add(found.label(declared, "the variable is declared here"));
            }
            return;
        }
        let what = format!("`set {}`", name.text);
        let code = self.option(message, (&source.writer, source.env), None, true, |compiling, here| {
            compiling.compile(value, &place.sort, here, &evaluate, &what)
        });
        let Some(value) = code else { return };
        if message.rule.sets.iter().any(|set| set.slot == place.slot && overlap(&set.who, &who)) {
            let text = format!("`{}` is assigned twice by one message", name.text);
            self.data()
                .add(Diagnostic::new(data::SET_TWICE, span, text).help("assignments of one message are simultaneous"));
            return;
        }
        push(&mut message.rule.sets, Set { slot: place.slot, who, value });
    }

    // ---- names

    /// What is given away, lent and given back; the fields that bind nothing.
    fn linear(&mut self, message: &mut Message, written: &'t tree::Message, env: &mut Env) -> Vec<u32> {
        let Some(payload) = &written.payload else { return Vec::new() };
        let mut without = Vec::new();
        for (at, field) in payload.fields.iter().enumerate() {
            let Ok(number) = u32::try_from(at) else { break };
            let (lend, name) = match &field.kind {
                tree::FieldKind::Value { lend: Some(lend), name: Some(name), .. }
                | tree::FieldKind::Delegation { lend: Some(lend), name: Some(name), .. } => (*lend, name),
                tree::FieldKind::Value { lend: Some(_), name: None, .. }
                | tree::FieldKind::Delegation { lend: Some(_), name: None, .. } => {
                    let text = "what is owned or lent needs a name";
                    self.data().add(Diagnostic::new(data::LINEAR, field.span, text));
                    continue;
                }
                tree::FieldKind::Return(name) => {
                    without.push(number);
                    self.give_back(message, name, env);
                    continue;
                }
                _ => continue,
            };
            // Whoever gave it away, or lent it, does not have it to give.
            let known = env.names.get(&*name.text).copied();
            let table = self.making.data.table.get_mut();
            let before = known.and_then(|id| table.get(id)).cloned();
            let given = before.filter(|b| !b.roles.contains(&message.from) && self.is_linear(b));
            if let Some(before) = given {
                let who = self.making.roles.entry(message.from).map_or("?", |role| &role.name).to_owned();
                let text = format!("`{who}` does not have `{}` any more", name.text);
                let found = Diagnostic::new(data::LINEAR, name.span, text);
                self.data().add(found.label(before.span, "it was given away or lent here"));
                without.push(number);
            }
            push(
                &mut message.rule.linear,
                match lend {
                    tree::Lend::Own => Linear::Own(number),
                    tree::Lend::Lend => Linear::Lend(number),
                },
            );
        }
        without
    }

    fn is_linear(&self, binding: &Binding) -> bool {
        let Kind::Field { site, field } = binding.kind else { return false };
        self.making.data.sites.get(site).is_some_and(|site| {
            site.rule.linear.iter().any(|linear| matches!(linear, Linear::Own(of) | Linear::Lend(of) if *of == field))
        })
    }

    fn give_back(&mut self, message: &mut Message, name: &tree::Name, env: &mut Env) {
        let known = env.names.get(&*name.text).copied().filter(|id| env.lent.contains(id));
        let Some(id) = known else {
            let text = format!("`{}` is not lent here", name.text);
            self.data().add(Diagnostic::new(data::LINEAR, name.span, text));
            return;
        };
        let binding = self.data().table.get_mut().get(id).cloned();
        let place = self.data().table.get_mut().place(id);
        let (Some(binding), Some(place)) = (binding, place) else { return };
        if !binding.roles.contains(&message.from) {
            let who = self.making.roles.entry(message.from).map_or("?", |role| &role.name).to_owned();
            let text = format!("`{who}` does not have `{}`, and cannot give it back", name.text);
            let found = Diagnostic::new(data::LINEAR, name.span, text);
            self.data().add(found.label(binding.span, "it was lent here"));
        }
        Rc::make_mut(&mut env.lent).remove(&id);
        // Who gets it back has it again.
        let name = std::sync::Arc::clone(&binding.name);
        let back =
            Binding { kind: Kind::Join(Box::new([id])), roles: message.to.clone().into(), slot: None, ..binding };
        let back = self.data().table.get_mut().bind(back);
        env.field(&name, back);
        push(&mut message.rule.linear, Linear::Return(place.slot));
    }

    /// Binds the fields that some expression mentions.
    fn bind(&mut self, message: &Message, site: usize, state: &State<'t>, env: &mut Env, without: &[u32]) {
        let Some(payload) = &message.payload else { return };
        for (at, field) in payload.fields.iter().enumerate() {
            let (Some(name), Ok(number)) = (&field.name, u32::try_from(at)) else { continue };
            if !self.mentioned.contains(&**name) || self.is_key(name, state) || without.contains(&number) {
                continue;
            }
            let own = |of: &Linear| matches!(of, Linear::Own(field) | Linear::Lend(field) if *field == number);
            let gives = message.rule.linear.iter().any(own);
            let lends = message.rule.linear.contains(&Linear::Lend(number));
            let mut roles = message.ends();
            if gives {
                roles.retain(|role| *role != message.from);
            }
            roles.sort_unstable();
            let binding = Binding {
                name: name.clone(),
                kind: Kind::Field { site, field: number },
                frame: state.frame,
                sort: field.sort.clone(),
                roles: roles.into(),
                span: message.span,
                slot: None,
            };
            let id = self.data().table.get_mut().bind(binding);
            env.field(name, id);
            if lends {
                Rc::make_mut(&mut env.lent).insert(id);
            }
        }
    }

    /// Whether a name is that of a key of a family around.
    fn is_key(&self, name: &str, state: &State<'t>) -> bool {
        let table = self.making.data.table.borrow();
        let mut frame = Some(state.frame);
        while let Some(found) = frame.and_then(|id| table.frames.entry(id)) {
            if found.keys.iter().any(|key| &*key.name == name) {
                return true;
            }
            frame = found.parent;
        }
        false
    }
}

fn overlap(left: &Who, right: &Who) -> bool {
    match (left, right) {
        (Who::Roles(left), Who::Roles(right)) => {
            (left.is_empty() && right.is_empty()) || left.iter().any(|role| right.contains(role))
        }
        _ => true,
    }
}

/// The conjuncts of a condition, one for one `&&` at its top.
fn conjuncts(condition: &tree::Expr) -> Vec<&tree::Expr> {
    match &condition.kind {
        tree::ExprKind::Binary(first, rest) if rest.iter().all(|(op, _)| *op == tree::BinaryOp::And) => {
            std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part)).flat_map(conjuncts).collect()
        }
        _ => vec![condition],
    }
}

/// The name that a path begins with.
fn root(path: &tree::Expr) -> Option<&str> {
    match &path.kind {
        tree::ExprKind::Name(name) => Some(&name.text),
        tree::ExprKind::Postfix(of, posts) if posts.iter().all(|post| matches!(post, tree::Postfix::Member(_))) => {
            root(of)
        }
        _ => None,
    }
}

fn name(text: &str, span: Span) -> tree::Expr {
    tree::Expr { kind: tree::ExprKind::Name(tree::Name { text: text.into(), span }), span }
}

pub(super) fn push<T>(to: &mut Box<[T]>, value: T) {
    let mut list = std::mem::take(to).into_vec();
    list.push(value);
    *to = list.into();
}
