//! The only interner: labels, payload signatures and recursion variables of one specification.

use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::rule::{Predicate, Rule};
use crate::{
    data::Payload,
    id::{Id, LabelId, SortId, TooMany, VarId},
};

type Set<T> = IndexSet<T, FxBuildHasher>;

/// The label of a `connect` without a message.
pub(super) const CONNECT: &str = "#connect";
/// The label of a `disconnect`.
pub(super) const DISCONNECT: &str = "#disconnect";
/// The label of a `wrap`.
pub(super) const WRAP: &str = "#wrap";
/// The label of the invitation to a protocol that is called (`calls`).
pub(super) const INVITE: &str = "#invite";

/// The names of one specification.
#[derive(Clone, Debug)]
pub struct Names {
    labels: Set<Box<str>>,
    sorts: Set<(Option<Payload>, Arc<Rule>)>,
    predicates: Set<Predicate>,
    vars: Set<Box<str>>,
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl Names {
    /// No names yet, but for the payloads [`Names::unspecified`] and [`Names::empty`].
    #[must_use]
    pub fn new() -> Self {
        let mut sorts = Set::default();
        let none = Arc::new(Rule::default());
        sorts.insert((None, Arc::clone(&none)));
        sorts.insert((Some(Payload::default()), none));
        Self { labels: Set::default(), sorts, predicates: Set::default(), vars: Set::default() }
    }

    /// The payload of a bare label: nothing is said about it.
    #[must_use]
    pub fn unspecified() -> SortId {
        SortId::from_raw(0)
    }

    /// The payload `()`.
    #[must_use]
    pub fn empty() -> SortId {
        SortId::from_raw(1)
    }

    /// The id of a label, new or known.
    pub fn label(&mut self, text: &str) -> Result<LabelId, TooMany> {
        intern(&mut self.labels, text)
    }

    /// The id of a recursion variable's text.
    pub fn var(&mut self, text: &str) -> Result<VarId, TooMany> {
        intern(&mut self.vars, text)
    }

    /// The id of a payload signature; `None` is that of a bare label.
    pub fn sort(&mut self, payload: Option<Payload>) -> Result<SortId, TooMany> {
        self.signature(payload, Rule::default())
    }

    /// The id of a payload signature under a rule.
    pub fn signature(&mut self, payload: Option<Payload>, rule: Rule) -> Result<SortId, TooMany> {
        SortId::new(self.sorts.insert_full((payload, Arc::new(rule))).0)
    }

    /// The id of a signature for one instance of a family: the same message, with keys to tell it from others.
    pub fn instance(&mut self, sort: SortId, keys: &str) -> Result<SortId, TooMany> {
        let payload = self.payload(sort).cloned();
        let mut rule = self.rule(sort).cloned().unwrap_or_default();
        rule.instance = Some(keys.into());
        self.signature(payload, rule)
    }

    /// What a message demands and changes besides its payload.
    #[must_use]
    pub fn rule(&self, sort: SortId) -> Option<&Rule> {
        self.shared_rule(sort).map(|rule| &**rule)
    }

    /// The same, to be kept. Whoever steps the tables of a protocol ([`Protocol::is_table`](super::Protocol::is_table))
    /// finds here what to check beside them: conditions, which witnesses are required, and with which arguments.
    #[must_use]
    pub fn shared_rule(&self, sort: SortId) -> Option<&Arc<Rule>> {
        self.sorts.get_index(sort.index()).map(|(_, rule)| rule)
    }

    /// The number of a predicate that a `requires` names, new or known.
    pub(super) fn predicate(&mut self, predicate: Predicate) -> usize {
        self.predicates.insert_full(predicate).0
    }

    /// What witnesses can be issued for, by number.
    pub(super) fn predicates(&self) -> impl Iterator<Item = &Predicate> {
        self.predicates.iter()
    }

    /// Whether a label stands for a step that has none of its own (`connect`, `disconnect`, `wrap`, the invitations of
    /// `calls`): both ends take it in their order, and no trace needs to show it.
    #[must_use]
    pub fn is_tacit(&self, label: LabelId) -> bool {
        matches!(self.label_text(label), CONNECT | DISCONNECT | WRAP | INVITE)
    }

    /// The ids of all payload signatures.
    pub fn sorts(&self) -> impl Iterator<Item = SortId> + use<> {
        (0..self.sorts.len()).map_while(|at| SortId::new(at).ok())
    }

    /// The id of a label, if the specification has it.
    #[must_use]
    pub fn find_label(&self, text: &str) -> Option<LabelId> {
        self.labels.get_index_of(text).and_then(|at| LabelId::new(at).ok())
    }

    /// The label that stands for a text: itself, else the longest that ends in `*` and with which the text begins.
    #[must_use]
    pub fn find_label_for(&self, text: &str) -> Option<LabelId> {
        self.find_label(text).or_else(|| {
            let patterns = self
                .labels
                .iter()
                .filter(|label| label.strip_suffix('*').is_some_and(|prefix| text.starts_with(prefix)));
            self.find_label(patterns.max_by_key(|label| label.len())?)
        })
    }

    /// The text of a label.
    #[must_use]
    pub fn label_text(&self, label: LabelId) -> &str {
        self.labels.get_index(label.index()).map_or("?", |text| text)
    }

    /// The texts of all labels, in the order of their ids.
    pub fn label_texts(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|text| &**text)
    }

    /// The text of a recursion variable.
    #[must_use]
    pub fn var_text(&self, var: VarId) -> &str {
        self.vars.get_index(var.index()).map_or("?", |text| text)
    }

    /// A payload signature; `None` is that of a bare label.
    #[must_use]
    pub fn payload(&self, sort: SortId) -> Option<&Payload> {
        self.sorts.get_index(sort.index()).and_then(|(payload, _)| payload.as_ref())
    }

    /// How many labels there are.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels.len()
    }

    /// `label(x: int)` as the author wrote it; the label alone when it was bare.
    #[must_use]
    pub fn message(&self, label: LabelId, sort: SortId) -> String {
        let text = self.label_text(label);
        let instance = self.rule(sort).and_then(|rule| rule.instance.as_deref());
        let instance = instance.map(|keys| format!("[{keys}]")).unwrap_or_default();
        match self.payload(sort) {
            Some(payload) => format!("{text}{instance}{payload}"),
            None => format!("{text}{instance}"),
        }
    }
}

fn intern<K: Id>(set: &mut Set<Box<str>>, text: &str) -> Result<K, TooMany> {
    match set.get_index_of(text) {
        Some(at) => K::new(at),
        None => K::new(set.insert_full(text.into()).0),
    }
}
