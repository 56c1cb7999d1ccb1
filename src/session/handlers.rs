//! Handlers: numbers that the host gives for the edges of a session and gets back with each receive; nothing is called.

use super::{
    Capability, Code, Refused,
    audit::Kind,
    block::{self, Head},
    close::By,
    store::Store,
};
use crate::id::RoleId;

impl Store {
    /// Binds a number to the edge between two roles, or to all edges without one of their own; none takes it away.
    ///
    /// # Errors
    ///
    /// As for a step, for session and capability, which must be over the whole session; there is no such edge.
    pub fn bind_handler(
        &mut self,
        capability: &Capability,
        edge: Option<(RoleId, RoleId)>,
        handler: Option<u32>,
    ) -> Result<(), Refused> {
        let id = capability.session;
        let found = self.over(By::Capability(capability)).and_then(|()| match edge {
            None => Ok(None),
            Some((from, to)) => {
                let edge = self.plan(id).and_then(|plan| plan.edge(from, to));
                edge.map(Some).ok_or_else(|| Refused::new(Code::NoEdge))
            }
        });
        let edge = match found {
            Ok(edge) => edge,
            Err(refused) => return Err(self.rejected(id, capability.stamp, Kind::Capability, refused)),
        };
        let handlers = self.rest.handlers.entry(id.slot).or_default();
        let before = handlers.bytes();
        match (edge, handler) {
            (None, handler) => handlers.default = handler,
            (Some(edge), Some(handler)) => drop(handlers.edges.insert(edge, handler)),
            (Some(edge), None) => drop(handlers.edges.remove(&edge)),
        }
        let after = handlers.bytes();
        self.rest.handler_tables = self.rest.handler_tables.saturating_sub(before).saturating_add(after);
        let empty = handlers.default.is_none() && handlers.edges.is_empty();
        if empty {
            self.rest.handlers.remove(&id.slot);
            self.rest.handler_tables = self.rest.handler_tables.saturating_sub(after);
        }
        if let Some((page, at)) = self.pages.place(id)
            && let [first, ..] = page.block_mut(at)
        {
            let mut head = Head::read(first);
            head.flags = if empty { head.flags & !block::HANDLED } else { head.flags | block::HANDLED };
            head.write(first);
        }
        Ok(())
    }

    /// Takes back what waits on the synchronous edge between two roles; whether something did.
    ///
    /// # Errors
    ///
    /// As for a step, for session and capability; there is no such edge.
    pub fn withdraw(&mut self, capability: &Capability, from: RoleId, to: RoleId) -> Result<bool, Refused> {
        let id = capability.session;
        let found = self.authority(capability.store, id).and_then(|()| {
            self.not_terminal(id)?;
            let (_, claim) = self.live(capability)?;
            if !claim.roles.contains(from) {
                return Err(Refused::new(Code::OutOfScope));
            }
            let edge = self.plan(id).and_then(|plan| plan.edge(from, to));
            edge.ok_or_else(|| Refused::new(Code::NoEdge))
        });
        match found {
            Ok(edge) => {
                let known = self.rest.offers.contains_key(&(id.slot, edge));
                if let Some((page, at)) = self.pages.place(id) {
                    let (plan, block) = page.split(at);
                    self.rest.end_offers(block, plan, id, None, Some(edge));
                }
                Ok(known)
            }
            Err(refused) => Err(self.rejected(id, capability.stamp, Kind::Send, refused)),
        }
    }
}
