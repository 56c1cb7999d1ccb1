//! Who knows what: an expression is compiled, and each role that evaluates it must know all that it mentions.

use crate::{
    data::{Code, Sort},
    diag::{Diagnostic, Span, catalogue::data},
    id::{IdVec, RoleId},
    protocol::lower::{
        expr,
        frames::{Binding, Kind},
        scope::Here,
        sorts::Sorts,
    },
    syntax::tree,
};

/// What compiling needs of the walk while names are open.
pub(in crate::protocol::lower) struct Compiling<'a, 't> {
    pub(super) names: &'a IdVec<RoleId, crate::protocol::Role>,
    pub(super) sorts: &'a Sorts<'t>,
}

impl<'t> Compiling<'_, 't> {
    /// Compiles an expression, and looks whether the roles that evaluate it know what it mentions.
    pub(in crate::protocol::lower) fn compile(
        &self,
        expr: &tree::Expr,
        wanted: &Sort,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
    ) -> (Option<Code>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        here.used.borrow_mut().clear();
        let code = expr::compile(self.sorts, here.around.module, expr, Some(wanted), here, &mut found);
        (self.known(expr, code, here, roles, what, &mut found), found)
    }

    /// The same, whatever its sort.
    pub(in crate::protocol::lower) fn compile_any(
        &self,
        expr: &tree::Expr,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
    ) -> (Option<Code>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        here.used.borrow_mut().clear();
        let code = expr::compile(self.sorts, here.around.module, expr, None, here, &mut found);
        (self.known(expr, code, here, roles, what, &mut found), found)
    }

    fn known(
        &self,
        expr: &tree::Expr,
        code: Option<Code>,
        here: &Here<'_, 't>,
        roles: &[RoleId],
        what: &str,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Code> {
        let table = here.table.borrow();
        let mut known = true;
        for &id in here.used.borrow().iter() {
            let Some(binding) = table.get(id) else { continue };
            if binding.roles.is_empty() || binding.kind == Kind::Key {
                continue;
            }
            for role in roles.iter().filter(|role| !binding.roles.contains(role)) {
                known = false;
                found.push(self.unknown_to(expr.span, *role, binding, what));
            }
        }
        here.failed.set(here.failed.get() || code.is_none() || !known);
        code.filter(|_| known)
    }

    /// A role must know something that nobody told it.
    fn unknown_to(&self, span: Span, role: RoleId, binding: &Binding, what: &str) -> Diagnostic {
        let name = |role: &RoleId| self.names.entry(*role).map_or("?", |role| &*role.name);
        let text = format!("`{}` needs `{}` for {what}, and does not know it", name(&role), binding.name);
        let who: Vec<String> = binding.roles.iter().take(4).map(|role| format!("`{}`", name(role))).collect();
        let more = if binding.roles.len() > 4 { " and others" } else { "" };
        let knows = match binding.roles.len() {
            1 => "knows it",
            _ => "know it",
        };
        let found = Diagnostic::new(data::NOT_KNOWN, span, text);
        let found = found.label(binding.span, format!("only {}{more} {knows}", who.join(" and ")));
        let teller = binding.roles.first().map_or("?", |role| name(role));
        let help = match binding.kind {
            Kind::Variable => {
                format!("let a message of `{teller}` to `{}` carry it, or declare that it knows it", name(&role))
            }
            _ => format!("let a message of `{teller}` to `{}` carry it", name(&role)),
        };
        found.help(help)
    }
}
