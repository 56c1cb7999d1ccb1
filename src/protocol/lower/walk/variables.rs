//! Variables: their declaration, their first values, and the values of jumps.

use super::{Head, State, Walk};
use crate::{
    data::{Place, Sort},
    diag::{Diagnostic, Span, catalogue::data},
    id::{FrameId, RoleId, VarId},
    protocol::{
        lower::{
            frames::{Binding, BindingId, Env, Kind},
            sorts,
            template::{Consts, Variable},
        },
        rule::{Set, Who},
        term::Stmt,
    },
    syntax::tree,
};

impl<'t> Walk<'_, '_, '_, 't> {
    /// Declares variables and sets them to their first values.
    pub(super) fn variables(
        &mut self,
        vars: &[Variable<'t>],
        consts: &Consts<'t>,
        head: Head,
        env: &mut Env,
        state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) -> Vec<BindingId> {
        let together = matches!(head, Head::Loop);
        let ids = match head {
            Head::Block(Some(ids)) => ids,
            Head::Block(None) | Head::Loop => vars.iter().map(|var| self.declare(var, state.frame)).collect(),
        };
        let before = env.clone();
        let mut group: Vec<Set> = Vec::new();
        let mut span = None;
        for (var, &id) in vars.iter().zip(&ids) {
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let seen = if together { &before } else { &*env };
            let value =
                self.expr(var.value, &sort, &self.writer(consts), seen, &roles, &format!("`{}`", var.name.text));
            env.variable(&var.name.text, id);
            if let Some(inner) = var.inner {
                env.variable(&inner.text, id);
            }
            let Some(value) = value else { continue };
            if group.iter().any(|set| value.slots().contains(&set.slot)) {
                out.push(Stmt::Set {
                    sets: std::mem::take(&mut group).into(),
                    jump: false,
                    span: span.take().unwrap_or(var.span),
                });
            }
            span.get_or_insert(var.span);
            group.push(Set { slot, who: Who::Roles(roles), value });
        }
        if let Some(span) = span.filter(|_| !group.is_empty()) {
            out.push(Stmt::Set { sets: group.into(), jump: false, span });
        }
        for (var, &id) in vars.iter().zip(&ids) {
            let Some(condition) = var.condition else { continue };
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let writer = self.writer(consts);
            let this = Place { slot, sort };
            let code = self.with(&writer, env, Some(this), |walk, here| {
                walk.compile(condition, &Sort::BOOL, here, &roles, &format!("`{}`", var.name.text))
            });
            if let Some(code) = code {
                self.data().table.get_mut().invariant(id, code);
            }
        }
        ids
    }

    pub(super) fn declare(&mut self, var: &Variable<'t>, frame: FrameId) -> BindingId {
        let mut roles: Vec<RoleId> = match (&var.roles, self.own()) {
            (Some(roles), _) => roles.iter().map(|&role| self.role(role)).collect(),
            (None, Some(own)) => vec![own],
            (None, None) => self.roles.to_vec(),
        };
        roles.sort_unstable();
        roles.dedup();
        let binding = Binding {
            name: var.name.text.as_ref().into(),
            kind: Kind::Variable,
            frame,
            sort: var.sort.clone(),
            roles: roles.into(),
            span: var.span,
            slot: None,
        };
        self.data().table.get_mut().declare(binding)
    }

    /// The values of a jump.
    pub(super) fn jump(
        &mut self,
        var: VarId,
        values: Option<(&'t [tree::Expr], &Consts<'t>)>,
        span: Span,
        env: &Env,
        _state: &State<'t>,
        out: &mut Vec<Stmt>,
    ) {
        let vars = self.loops.iter().rfind(|(own, _)| *own == var).map(|(_, vars)| vars.clone()).unwrap_or_default();
        let given = values.map_or(0, |(values, _)| values.len());
        if given != vars.len() {
            let name = self.making.names.var_text(var).to_owned();
            let plural = sorts::plural(vars.len());
            let text = format!("`{name}` has {} variable{plural}, and this jump gives {given}", vars.len());
            let declared = vars.first().and_then(|&id| self.data().table.get_mut().get(id)).map(|b| b.span);
            let found = Diagnostic::new(data::JUMP_VALUES, span, text);
            self.data().add(match declared {
                Some(at) => found.label(at, "they are declared here"),
                None => found,
            });
            return;
        }
        let Some((values, consts)) = values else { return };
        let mut sets = Vec::with_capacity(vars.len());
        for (value, id) in values.iter().zip(vars) {
            let binding = self.data().table.get_mut().get(id).cloned();
            let Some(Binding { name, roles, sort, slot: Some(slot), .. }) = binding else { continue };
            let writer = self.writer(consts);
            if let Some(value) = self.expr(value, &sort, &writer, env, &roles, &format!("`{name}`")) {
                sets.push(Set { slot, who: Who::Roles(roles), value });
            }
        }
        if !sets.is_empty() {
            out.push(Stmt::Set { sets: sets.into(), jump: true, span });
        }
    }
}
