//! Systems from a short text, and checks of them.

use polylogue::{
    diag::Span,
    event::{Counterexample, Event, Verdict},
    id::{Id, IdVec, RoleId, StateId},
    machine,
    protocol::{Act, Arm, EdgeKind, Header, Local, Names, Role, State},
    verify::{Error, Options, Outcome, Property, Subject, check_subject},
};

/// Roles, their automata and their names.
pub(crate) struct Machines {
    pub(crate) header: Header,
    pub(crate) names: Names,
    pub(crate) locals: IdVec<RoleId, Local>,
}

/// Reads `P = states { q0 = +{ Q!a(). q1, … }; q1 = end; };` and the like, line by line; also `P: q0 = …; q1 = …`.
pub(crate) fn machines(text: &str) -> Machines {
    let mut header = Header::default();
    let mut names = Names::new();
    let mut blocks: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("system") || line.is_empty() || line.starts_with('}') {
            continue;
        }
        if let Some(role) = line.strip_suffix("= states {") {
            blocks.push((role.trim().to_owned(), Vec::new()));
        } else if let Some((role, states)) = line.split_once(": ") {
            let states = states.split(';').filter(|s| !s.trim().is_empty());
            let states = states.map(|s| s.split_once('=').unwrap()).map(|(n, s)| (n.trim().into(), s.trim().into()));
            blocks.push((role.trim().to_owned(), states.collect()));
        } else {
            let (state, rest) = line.split_once('=').unwrap();
            let rest = rest.trim().trim_end_matches(';').to_owned();
            blocks.last_mut().unwrap().1.push((state.trim().to_owned(), rest));
        }
    }
    for (role, _) in &blocks {
        header.roles.push(Role { name: role.as_str().into(), span: Span::default(), unreliable: false }).unwrap();
    }
    let mut locals = IdVec::new();
    for (role, states) in &blocks {
        let role = header.role(role).unwrap();
        let number = |name: &str| {
            let at = states.iter().position(|(state, _)| state == name).unwrap_or_else(|| panic!("state {name}"));
            StateId::new(at + 1).unwrap()
        };
        let mut all = vec![State::default()];
        for (_, body) in states {
            let mut state = State::default();
            let inner = body.trim_start_matches(['+', '&', '*', '{', ' ']).trim_end_matches(['}', ' ']);
            for arm in inner.split(", ").filter(|arm| *arm != "end" && !arm.is_empty()) {
                if arm == "stop" {
                    state.may_stop = true;
                    continue;
                }
                let (action, then) = arm.rsplit_once('.').unwrap();
                let at = action.find(['!', '?', ':']).unwrap();
                let (peer, label) = (action[..at].trim(), action[at + 1..].trim());
                let peer = header.role(peer).unwrap_or_else(|| panic!("role {peer}"));
                let act = match &action[at..=at] {
                    "!" => Act::Send(peer),
                    "?" => Act::Receive(peer),
                    _ => Act::Act,
                };
                let label = names.label(label).unwrap();
                let then = number(then.trim());
                state.arms.push(Arm { act, label, sort: Names::empty(), then, span: Span::default() });
            }
            state.may_stop |= state.arms.is_empty() && inner == "end";
            all.push(state);
        }
        locals.push(Local { role, initial: StateId::from_raw(1), states: all.into() }).unwrap();
    }
    Machines { header, names, locals }
}

impl Machines {
    pub(crate) fn check(&self, property: Property, options: &Options) -> Outcome {
        check(&self.locals, &self.header.channels, property, options).unwrap()
    }

    pub(crate) fn channel(mut self, from: &str, to: &str, kind: EdgeKind) -> Self {
        self.header.channels.push((self.header.role(from).unwrap(), self.header.role(to).unwrap(), kind));
        self
    }

    /// `P!Q:a Q?P:a …`
    pub(crate) fn text(&self, run: &[Event]) -> String {
        let name = |role| self.header.role_name(role).to_owned();
        let words = run.iter().map(|&event| match event {
            Event::Send { from, to, label, .. } => format!("{}!{}:{}", name(from), name(to), self.label(label)),
            Event::Receive { from, to, label, .. } => format!("{}?{}:{}", name(to), name(from), self.label(label)),
            Event::Sync { from, to, label, .. } => format!("{}>{}:{}", name(from), name(to), self.label(label)),
            Event::Act { role, label, .. } => format!("{}:{}", name(role), self.label(label)),
            other => format!("{other:?}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn label(&self, label: polylogue::id::LabelId) -> String {
        self.names.label_text(label).trim_end_matches("()").to_owned()
    }

    pub(crate) fn detail(&self, outcome: &Outcome) -> String {
        outcome.detail.as_ref().map_or(String::new(), |detail| detail.text(&self.header, &self.names))
    }
}

pub(crate) fn check(
    locals: &IdVec<RoleId, Local>,
    channels: &[(RoleId, RoleId, EdgeKind)],
    property: Property,
    options: &Options,
) -> Result<Outcome, Error> {
    check_subject(&Subject::written(locals.clone(), channels), property, options, &mut |_| None)
}

pub(crate) fn bound(bound: u32) -> Options {
    Options { bound: Some(bound), ..Options::default() }
}

pub(crate) fn raw(options: Options) -> Options {
    Options { raw: true, ..options }
}

pub(crate) fn system(locals: &IdVec<RoleId, Local>, channels: &[(RoleId, RoleId, EdgeKind)]) -> machine::System {
    let kind = |from, to| {
        let declared = channels.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
        declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
    };
    machine::System::of(locals, kind).unwrap()
}

pub(crate) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated(_) => "violated",
        Verdict::Unknown(_) => "unknown",
    }
}

pub(crate) fn counterexample(outcome: &Outcome) -> &Counterexample {
    match &outcome.verdict {
        Verdict::Violated(counterexample) => counterexample,
        other => panic!("not violated: {other:?}"),
    }
}
