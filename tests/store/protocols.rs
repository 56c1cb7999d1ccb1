//! The protocols of the random runs, and what their messages demand, told a second time in plain Rust.

use polylogue::{
    Specification,
    id::{IdVec, LabelId, RoleId, SortId, StateId},
    machine::System,
    protocol::{Act, EdgeKind, Local, Target, Term},
    session::{Code, Compat, OpenPlan, PlanOptions, QueuePolicy},
};

pub const WILD: &str = "
extern predicate checked(int);
def small(x: int) = x <= 10;

system Wild(role A, role B, role C) {
  channel A -> C: bounded(2);
  channel C -> A: sync;
  A = rec X. *{
    B!go(). X,
    B!num(n: int{this < 1000}) where (n > 0). X,
    B!num(n: string). X,
    B!pay(n: int) requires checked(n). X,
    B!fee(n: int) requires small(n). X,
    B!both(n: int) requires checked(n) requires small(n). X,
    B!done(). end,
    C!put(n: int). X,
    C?hand(n: int). X,
    C?sign(n: int) requires checked(n). X,
    C?bond(n: int) requires checked(n) requires checked(n). X,
    B?ack(). X,
    A:think(). X,
    A:guess(n: int) where (10 % n < 5). X,
    A:swear(n: int) requires small(n). X,
    A:oath(n: int) requires small(n) requires checked(n). X
  };
  B = rec X. *{
    A?go(). rec Y. *{ A?go(). Y, A?num(n: int{this < 1000}) where (n > 0). X, B:skip(). X },
    A?num(n: int{this < 1000}) where (n > 0). X,
    A?num(n: string). X,
    A?pay(n: int) requires checked(n). X,
    A?fee(n: int) requires small(n). X,
    A?both(n: int) requires checked(n) requires small(n). X,
    A?done(). end,
    A!ack(). X,
    C?note(). X
  };
  C = rec X. *{
    A?put(n: int). X,
    A!hand(n: int). X,
    A!sign(n: int) requires checked(n). X,
    A!bond(n: int) requires checked(n) requires checked(n). X,
    B!note(). X,
    C:rest(). end
  };
}
";

pub const SHORT: &str = "
protocol Short(role A, role B, role C) {
  rec X {
    choice at A {
      A -> B: more();
      B -> C: on(n: int);
      continue X;
    } or {
      A -> B: stop();
      B -> C: stop();
    }
  }
}
";

/// How the sessions of a protocol run, as plainly as it can be said.
pub struct Known {
    pub plan: OpenPlan,
    pub spec: Specification,
    pub locals: IdVec<RoleId, Local>,
    pub terms: IdVec<RoleId, Term>,
    pub channels: Vec<(RoleId, RoleId, EdgeKind)>,
    /// Every message by (from, to, label), the signatures in order.
    pub messages: Vec<(RoleId, RoleId, LabelId, SortId)>,
    pub roles: Vec<RoleId>,
    pub labels: Vec<LabelId>,
}

fn known(text: &str, name: &str, policies: &[(&str, &str, QueuePolicy)]) -> Known {
    let spec = polylogue::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    let first = spec.plan_with(name, &Compat::Unchecked, PlanOptions::default()).unwrap();
    let edges = policies.iter().map(|&(from, to, policy)| (first.role(from).unwrap(), first.role(to).unwrap(), policy));
    let options = PlanOptions { edges: edges.collect(), ..PlanOptions::default() };
    let plan = spec.plan_with(name, &Compat::Unchecked, options).unwrap();
    assert!(plan.is_table());
    let loaded = &spec.loaded().spec;
    let target = loaded.find(name).unwrap();
    let endpoints = loaded.tables(target).unwrap();
    let locals = endpoints.locals;
    let header = endpoints.header;
    let channels = header.channels.clone();
    let terms = locals.values().map(|local| polylogue::reference::equations(local).unwrap()).collect();
    let system = System::of(&locals, |from, to| header.edge_kind(from, to)).unwrap();
    let messages = system
        .messages()
        .values()
        .map(|message| {
            let edge = system.edges()[message.edge];
            (edge.from, edge.to, message.label, message.sort)
        })
        .collect();
    let roles: Vec<RoleId> = plan.roles().collect();
    let texts = [
        "go", "num", "pay", "fee", "done", "put", "hand", "sign", "ack", "think", "guess", "swear", "skip", "note",
        "rest", "more", "on", "stop", "both", "bond", "oath",
    ];
    let labels = texts.iter().filter_map(|text| plan.label(text)).collect();
    assert!(matches!(target, Target::System(_) | Target::Protocol(_)));
    Known { plan, locals, terms, channels, messages, roles, labels, spec }
}

pub fn all() -> Vec<Known> {
    let wild = [("A", "B", QueuePolicy::Grow(3)), ("B", "A", QueuePolicy::Error), ("C", "B", QueuePolicy::Grow(12))];
    vec![
        known(WILD, "Wild", &wild),
        known(SHORT, "Short", &[("A", "B", QueuePolicy::Grow(2)), ("B", "C", QueuePolicy::Block)]),
    ]
}

/// What a message is sent with.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Unseen(u64),
    Int(i64),
    Text,
    Nothing,
    Torn,
}

impl Given {
    pub fn json(&self) -> Option<String> {
        match self {
            Self::Unseen(_) => None,
            Self::Int(n) => Some(format!("{{\"n\": {n}}}")),
            Self::Text => Some("{\"n\": \"x\"}".to_owned()),
            Self::Nothing => Some("{}".to_owned()),
            Self::Torn => Some("{\"n\": ".to_owned()),
        }
    }
}

/// What a message requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Checked,
    Small,
}

/// Of which arguments, in order.
pub type Needs = Vec<(Need, i64)>;

impl Known {
    pub fn header_name(&self) -> &str {
        self.plan.name()
    }

    pub fn text(&self, label: LabelId, sort: SortId) -> String {
        self.spec.loaded().spec.names.message(label, sort)
    }

    /// Sorts and conditions; then what is required, and of which argument.
    pub fn judge(&self, label: LabelId, sort: SortId, given: &Given) -> (Result<(), Code>, Needs) {
        let text = self.text(label, sort);
        let name = self.plan.label_text(label);
        let value = if let Given::Int(n) = given { *n } else { 0 };
        let needs: Vec<Need> = match name {
            "pay" | "sign" => vec![Need::Checked],
            "fee" | "swear" => vec![Need::Small],
            "both" => vec![Need::Checked, Need::Small],
            "bond" => vec![Need::Checked, Need::Checked],
            "oath" => vec![Need::Small, Need::Checked],
            _ => vec![],
        };
        let judged = !needs.is_empty() || name == "guess" || (name == "num" && !text.contains("string"));
        let verdict = match given {
            Given::Unseen(_) => {
                if judged {
                    Err(Code::Payload)
                } else {
                    Ok(())
                }
            }
            Given::Torn => Err(Code::Payload),
            Given::Nothing => {
                if text.contains("n:") {
                    Err(Code::Payload)
                } else {
                    Ok(())
                }
            }
            Given::Text => {
                if text.contains("string") {
                    Ok(())
                } else {
                    Err(Code::Payload)
                }
            }
            Given::Int(n) => match name {
                _ if !text.contains("n:") || text.contains("string") => Err(Code::Payload),
                "num" if *n >= 1000 => Err(Code::Payload),
                "num" if *n <= 0 => Err(Code::Condition),
                "guess" if *n == 0 => Err(Code::Fault),
                "guess" if 10 % n >= 5 => Err(Code::Condition),
                _ => Ok(()),
            },
        };
        (verdict, needs.into_iter().map(|need| (need, value)).collect())
    }

    /// What a role could do in a state: which way, with whom, what.
    pub fn arms(&self, role: RoleId, state: StateId) -> Vec<(Act, LabelId, SortId, StateId)> {
        self.locals[role].states[state].arms.iter().map(|arm| (arm.act, arm.label, arm.sort, arm.then)).collect()
    }

    /// Kind, bound and what is said beyond.
    pub fn edge(&self, from: RoleId, to: RoleId) -> Option<(EdgeKind, usize, Code)> {
        self.messages.iter().find(|one| (one.0, one.1) == (from, to))?;
        let kind =
            self.channels.iter().rev().find(|one| (one.0, one.1) == (from, to)).map_or(EdgeKind::Fifo, |one| one.2);
        let (from, to) = (self.plan.role_name(from), self.plan.role_name(to));
        Some(match (self.header_name(), from, to) {
            ("Wild", "A", "B") => (kind, 3, Code::Full),
            ("Wild", "B", "A") => (kind, 8, Code::Full),
            ("Wild", "C", "B") => (kind, 12, Code::Full),
            ("Wild", "A", "C") => (kind, 2, Code::WouldBlock),
            ("Wild", "C", "A") => (kind, 0, Code::WouldBlock),
            ("Short", "A", "B") => (kind, 2, Code::Full),
            ("Short", "B", "C") => (kind, 8, Code::WouldBlock),
            _ => panic!("an edge that is not told a second time"),
        })
    }
}
