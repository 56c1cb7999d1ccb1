//! The plans of a specification's protocols, each made when it is first asked for, with what is known about its safety.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{super::output::Progress, wrong::Wrong};
use crate::{
    diag::Span,
    event::{Limit, Verdict},
    load::Loaded,
    protocol::{Spec, Target},
    session::{Compat, OpenPlan, PlanOptions},
    verify::{self, Property},
};

/// How long `safe` is looked into; what is not known by then is unknown.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known about a protocol before a session of it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assurance {
    /// `holds`, `unknown`, `unchecked`.
    pub(super) word: &'static str,
    /// In a sentence.
    pub(super) text: String,
}

/// The plans of a specification.
pub(super) struct Plans<'a> {
    pub(super) loaded: &'a Loaded,
    expanded: OnceCell<Box<Spec>>,
    unchecked: bool,
    options: PlanOptions,
    /// The protocol that is meant when none is named.
    pub(super) main: String,
    judged: BTreeMap<String, (Compat, Assurance)>,
    made: BTreeMap<(String, Watched), (OpenPlan, Assurance)>,
}

/// Plans that are made, at most: each way to watch a protocol has one.
const MOST: usize = 1_024;

/// What of a session is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Watched {
    /// Messages are authenticated.
    pub(super) authenticate: bool,
    /// How many of the messages that an edge carried are remembered.
    pub(super) traced: u16,
}

impl<'a> Plans<'a> {
    pub(super) fn new(loaded: &'a Loaded, main: String, unchecked: bool, options: PlanOptions) -> Self {
        Self {
            loaded,
            expanded: OnceCell::new(),
            unchecked,
            options,
            main,
            judged: BTreeMap::new(),
            made: BTreeMap::new(),
        }
    }

    /// What can be opened.
    pub(super) fn names(&self) -> Vec<String> {
        let spec = &self.loaded.spec;
        let protocols = spec.protocols.iter().filter(|protocol| !protocol.aux).map(|protocol| &protocol.header);
        protocols
            .chain(spec.systems.iter().map(|system| &system.header))
            .map(|header| header.name.to_string())
            .collect()
    }

    /// The plan of a protocol, or of the main one.
    pub(super) fn get(&mut self, named: Option<&str>) -> Result<(OpenPlan, Assurance), Wrong> {
        self.watched(named, Watched::default())
    }

    /// The same, with more that is watched.
    pub(super) fn watched(&mut self, named: Option<&str>, watch: Watched) -> Result<(OpenPlan, Assurance), Wrong> {
        let name = named.unwrap_or(&self.main).to_owned();
        let key = (name, watch);
        if let Some(made) = self.made.get(&key) {
            return Ok(made.clone());
        }
        if self.made.len() >= MOST {
            return Err(Wrong::new(
                "no-plan",
                format!("{MOST} plans are in use, one for each way to watch a protocol"),
            ));
        }
        let name = &key.0;
        let found =
            self.loaded.spec.find(name).filter(|target| matches!(target, Target::Protocol(_) | Target::System(_)));
        let Some(target) = found else {
            return Err(Wrong::unknown("unknown-protocol", "protocol or system", name, self.names()));
        };
        let (compat, assurance) = match self.judged.get(name) {
            Some(judged) => judged.clone(),
            None => self.judge(target, name)?,
        };
        let options = PlanOptions {
            authenticate: self.options.authenticate || watch.authenticate,
            traced: self.options.traced.max(watch.traced),
            ..self.options.clone()
        };
        let plan = OpenPlan::new(&self.loaded.spec, target, &compat, options)
            .map_err(|error| Wrong::new("no-plan", format!("`{name}` cannot be opened: {error}")))?;
        self.judged.insert(name.clone(), (compat, assurance.clone()));
        self.made.insert(key, (plan.clone(), assurance.clone()));
        Ok((plan, assurance))
    }

    /// Whether `safe` holds.
    fn judge(&self, target: Target, name: &str) -> Result<(Compat, Assurance), Wrong> {
        if self.unchecked {
            let text = format!("{name}: not checked");
            return Ok((Compat::Unchecked, Assurance { word: "unchecked", text }));
        }
        let expanded = self.expanded.get_or_init(|| {
            let mut spec = self.loaded.spec.clone();
            verify::expand(&mut spec, Some(2), &crate::solve::Outside::default());
            Box::new(spec)
        });
        let wrong = |text: String| Wrong::new("no-plan", text);
        let property = Property::parse("safe", Span::default()).map_err(|found| wrong(found.text.to_string()))?;
        let begun = Instant::now();
        let mut progress = Progress::new();
        let outcome = verify::check(expanded, property, target, &verify::Options::default(), &mut |far| {
            progress.show(|| format!("safe({name}): {} configurations", far.configurations));
            (begun.elapsed() > PATIENCE).then_some(Limit::Time)
        });
        drop(progress);
        let outcome = outcome.map_err(|error| match error {
            verify::Error::Claim(found) => wrong(found.text.to_string()),
            verify::Error::Bug(text) => wrong(format!("a bug of polylogue: {text}")),
        })?;
        match outcome.verdict {
            Verdict::Holds => {
                let bound = match outcome.bound {
                    Some(bound) if !outcome.exhaustive => format!(", with queues of at most {bound}"),
                    _ => String::new(),
                };
                let text = format!("{name}: safe holds{bound}");
                Ok((Compat::Checked(Verdict::Holds), Assurance { word: "holds", text }))
            }
            Verdict::Unknown(limit) => {
                let text = format!("{name}: safe is unknown: {}", reason(&limit));
                Ok((Compat::Accepted(Verdict::Unknown(limit)), Assurance { word: "unknown", text }))
            }
            Verdict::Violated(_) => Err(wrong(format!(
                "`{name}` is not safe: `polylogue check` shows a run that goes wrong; `--unchecked` opens it all the same"
            ))),
        }
    }
}

/// Why something is not known.
fn reason(limit: &Limit) -> String {
    match limit {
        Limit::States(states) => format!("{states} configurations were explored"),
        Limit::Memory(bytes) => format!("{bytes} bytes were used"),
        Limit::Time => format!("{} s did not suffice", PATIENCE.as_secs()),
        Limit::Interrupted => "it was interrupted".to_owned(),
        Limit::Bound(bound) => format!("queues of {bound} messages do not suffice"),
        Limit::NotSupported(code) => format!("it depends on what is not supported yet ({code})"),
        Limit::Undecided(why) => why.to_string(),
    }
}
