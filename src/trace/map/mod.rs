//! How the lines of a log become events of a protocol: the file `SPEC.toml` beside a spec.
//!
//! Comes in: its text. Goes out: a [`Map`], or the [`MapError`] at a line and column. [`Map::check`] compares it with
//! the specification. A map that says nothing (`Map::default()`) is the log as it stands, without the labels that
//! start with `@` and that the specification does not have.
//!
//! ```toml
//! protocol = "Jobs"        # which one of the file; else the only one that is not `aux`, or the one marked `@main`
//! observer = "endpoint"    # "total" (if nothing is said), "wire" or "endpoint"
//! role = "client"          # whose endpoint; `{ pointer = "/at" }` if each line names the role that recorded it
//! sides = true             # the key `dir` ("send", "receive") says which side of a message a line shows
//!
//! payload = "/body"        # where in a line the payload is; else behind its key `payload`
//! retry = "/outcome/again" # where a line says `true` if the step failed and will be tried again; else its key `retry`;
//!                          # `{ pointer = "/outcome", pattern = "^retry$" }` if it says so by another value
//!
//! [session]                # which session a line belongs to; else what its key `session` says
//! pointer = "/payload/path"             # a JSON pointer into the line, or a list of them: the first that finds a value
//! pattern = "^/sessions/([^/]+)"        # of that value, what the first group captures (without a group, the match)
//! # key = "connection"                  # instead: a key of the line
//! # whole = true                        # instead: all lines are one session
//!
//! [session.join]           # several of these are one session: the line `name` says its id, the line `with` asks for it
//! name = { label = "session.welcome", pointer = "/payload/session_id" }
//! with = { label = "session.hello", pointer = "/payload/resume/session_id" }
//!
//! [inject]                 # payload field = key of the line, or JSON pointer into it, or a list of them, or a table
//! session_id = "session"
//! now_ms = "ts"
//! [inject.link]
//! pointer = ["/from", "/to"]            # the first that finds a value
//! except = "^server$"                   # that does not match this
//! pattern = "^([a-z]+)"                 # of that value, as above
//! join = ["/payload/conn"]              # and behind it, if they are there, these, with a `/` in front of each
//!
//! [fields."job.subscribe"] # the same for one label of the specification (or a beginning and `*`)
//! job_id = ["/payload/payload/job_id", "/payload/job_id"]
//!
//! [roles]                  # role in the log (or a beginning and `*`) = role in the specification
//! observer = "client"
//!
//! [events]                 # label in the log = what happens to a role
//! "@kill" = "crash server"
//!
//! [redact]                 # payload fields whose values no report shows
//! fields = ["password"]
//!
//! [labels]
//! drop = ["@*", "debug"]                # not events; a name, or a beginning and `*`
//! keep = ["@transport.open"]            # events although `drop` has them
//! local = ["sync"]                      # what its sender does by itself, although the line names a receiver
//!
//! [labels.derive."job.event"]           # a label (or a beginning and `*`) to be told apart by a value
//! pointer = "/payload/payload/kind"     # if nothing is there, the label stays
//! pattern = "^([a-z]+)"                 # of that value, as above; if it does not match, the label stays
//! when = { "/payload/v" = "^2$" }       # only in lines where these pointers find values that match
//! names = { progress = "step" }         # value = name; other values are their own names
//! label = "{label}.{value}"             # what becomes of it, if nothing else is said
//!
//! [labels.rename]          # label in the log (or derived; or a beginning and `*`) = label in the specification
//! "x-vendor.*" = "vendor"
//! ```
//!
//! What `[inject]` and `[fields]` find hides a field of the payload with the same name; where they find nothing, the
//! payload's own counts. `with` joins a line's session, from that line on, to the session in which `name` said the same
//! id before; if there is none, it stays its own.
//!
//! A line's label is dropped, derived (and dropped again, if `drop` has the derived one), then renamed, in this order.
//! Of several beginnings with `*` the longest counts, and an exact name before all of them. What a pointer finds must
//! be a scalar; anything else counts as nothing. A pattern meets a label of the log in `drop`, `keep` and `derive`, and a
//! label of the specification in `local`.

#[cfg(feature = "maps")]
mod parse;

use std::borrow::Cow;

use regex::Regex;

use super::{
    json::{pointer, scalar_text},
    near::near,
    scan::Outline,
};
use crate::{
    diag::{Code, catalogue::trace as codes},
    protocol::{Header, Names},
};

/// A place in a map's text, from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// What is wrong with a map, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// Its code.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// One line.
    pub text: String,
    /// The way out.
    pub help: Option<String>,
}

impl std::fmt::Display for MapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.place.line, self.place.column, self.text)
    }
}

impl std::error::Error for MapError {}

/// A text of the map and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it says.
    pub text: Box<str>,
    /// Where.
    pub place: Place,
}

/// A JSON pointer, cut into its steps.
pub(crate) type Path = Box<[Box<str>]>;

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Total,
    Wire,
    Endpoint,
}

/// How lines become events.
#[derive(Clone, Debug, Default)]
pub struct Map {
    protocol: Option<Placed>,
    watch: Option<Watch>,
    role: Option<Placed>,
    /// Each line names the role whose endpoint it shows.
    recorder: Option<Lookup>,
    pub(crate) sides: bool,
    pub(crate) whole: bool,
    session: Option<Lookup>,
    payload: Option<Path>,
    /// What says that an attempt failed.
    retry: Option<Lookup>,
    join: Option<Join>,
    /// Payload fields that come from elsewhere in the line; the first of them for every label.
    sources: Vec<(Placed, Source)>,
    inject: usize,
    /// Labels of the specification, and their sources.
    fields: Vec<(Placed, std::ops::Range<usize>)>,
    events: Vec<(Placed, Happening)>,
    redact: Vec<Placed>,
    roles: Vec<(Placed, Placed)>,
    /// `None` is `["@*"]`, but for labels of the specification.
    drop: Option<Vec<Placed>>,
    keep: Vec<Placed>,
    local: Vec<Placed>,
    derive: Vec<(Placed, Derive)>,
    rename: Vec<(Placed, Placed)>,
}

/// A value of a line: the first that is there, and what a pattern captures of it.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pointers: Vec<Path>,
    pattern: Option<Regex>,
}

/// A line that is valid JSON, with what whoever scanned it knows of its parts: these need not be looked for again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'l> {
    pub(crate) text: &'l str,
    /// What stands behind the key `session`; empty if that is not known.
    pub(crate) session: &'l str,
    /// What stands behind the key `payload`; empty if that is not known.
    pub(crate) payload: &'l str,
    /// Where the members of the payload are.
    pub(crate) outline: Option<&'l Outline>,
}

impl<'l> Line<'l> {
    /// A line of which nothing else is known.
    pub(crate) fn new(text: &'l str) -> Self {
        Self { text, session: "", payload: "", outline: None }
    }

    /// What a JSON pointer finds.
    pub(crate) fn pointer(self, path: &[Box<str>]) -> Option<&'l str> {
        if let (Some(outline), [first, second, rest @ ..]) = (self.outline, path)
            && **first == *"payload"
            && let Some(found) = outline.find(self.text, second)
        {
            return if rest.is_empty() { found } else { pointer(found?, rest) };
        }
        match path.split_first() {
            Some((first, rest)) if !self.payload.is_empty() && **first == *"payload" => pointer(self.payload, rest),
            Some((first, rest)) if !self.session.is_empty() && **first == *"session" => pointer(self.session, rest),
            _ => pointer(self.text, path),
        }
    }
}

impl Lookup {
    /// Whether it is what stands behind the key `session`, as it stands there.
    pub(crate) fn is_session(&self) -> bool {
        self.pattern.is_none() && matches!(&*self.pointers, [path] if matches!(&**path, [step] if **step == *"session"))
    }

    /// The text in a line.
    pub(crate) fn find<'a>(&self, line: Line<'a>) -> Option<Cow<'a, str>> {
        self.find_but(line, None)
    }

    fn find_but<'a>(&self, line: Line<'a>, except: Option<&Regex>) -> Option<Cow<'a, str>> {
        self.pointers.iter().find_map(|path| {
            let text = scalar_text(line.pointer(path)?)?;
            if except.is_some_and(|except| except.is_match(&text)) {
                return None;
            }
            let Some(pattern) = &self.pattern else { return Some(text) };
            let captures = pattern.captures(&text)?;
            let found = captures.get(1).or_else(|| captures.get(0))?;
            Some(Cow::Owned(found.as_str().to_owned()))
        })
    }
}

/// Where a payload field comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    lookup: Lookup,
    except: Option<Regex>,
    join: Vec<Path>,
}

impl Source {
    /// The JSON text of the value, if there is one.
    pub(crate) fn find<'a>(&self, line: Line<'a>) -> Option<Cow<'a, str>> {
        if self.is_plain() {
            return self.lookup.pointers.iter().find_map(|path| line.pointer(path)).map(Cow::Borrowed);
        }
        let mut text = self.lookup.find_but(line, self.except.as_ref())?.into_owned();
        for path in &self.join {
            if let Some(more) = line.pointer(path).and_then(scalar_text) {
                text.push('/');
                text.push_str(&more);
            }
        }
        Some(Cow::Owned(serde_json::Value::String(text).to_string()))
    }

    fn is_plain(&self) -> bool {
        self.lookup.pattern.is_none() && self.except.is_none() && self.join.is_empty()
    }

    /// The JSON text of the value, if the names of an event alone say it.
    pub(crate) fn of_names(&self, from: &str, to: &str, label: &str) -> Option<Box<str>> {
        let [path] = &*self.lookup.pointers else { return None };
        let [step] = &**path else { return None };
        let text = match &**step {
            "from" => from,
            "to" => to,
            "label" => label,
            _ => return None,
        };
        self.is_plain().then(|| serde_json::Value::String(text.to_owned()).to_string().into())
    }
}

/// Which lines make one session of several.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    /// The label that says the id of its session, and where.
    pub(crate) name: (Placed, Lookup),
    /// The label that asks for a session by its id, and where.
    pub(crate) with: (Placed, Lookup),
}

/// What a label of the log means beside messages.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) crash: bool,
    pub(crate) role: Placed,
}

/// Tells a label apart by a value.
#[derive(Clone, Debug)]
pub(crate) struct Derive {
    lookup: Lookup,
    when: Vec<Lookup>,
    names: Vec<(Box<str>, Box<str>)>,
    label: Box<str>,
}

impl Derive {
    /// The value in a line by which labels are told apart.
    pub(crate) fn value<'a>(&self, line: Line<'a>) -> Option<Cow<'a, str>> {
        if !self.when.iter().all(|condition| condition.find(line).is_some()) {
            return None;
        }
        self.lookup.find(line)
    }

    /// What becomes of a label with a value.
    pub(crate) fn apply(&self, label: &str, value: &str) -> String {
        let named = self.names.iter().find(|(of, _)| **of == *value).map(|(_, name)| &**name);
        let value = named.unwrap_or(value);
        // One pass, so that a brace in a value stays what it is.
        let mut out = String::new();
        let mut rest = &*self.label;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            match after.split_once('}') {
                Some(("label", after)) => {
                    out.push_str(label);
                    rest = after;
                }
                Some(("value", after)) => {
                    out.push_str(value);
                    rest = after;
                }
                _ => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// How well a pattern (a name, or a beginning and `*`) meets a name; more is better.
fn meets(pattern: &str, name: &str) -> Option<usize> {
    if pattern == name {
        return Some(usize::MAX);
    }
    let beginning = pattern.strip_suffix('*')?;
    name.starts_with(beginning).then_some(beginning.len())
}

fn best<'a, T>(patterns: &'a [(Placed, T)], name: &str) -> Option<(usize, &'a T)> {
    let met = patterns.iter().enumerate().filter_map(|(at, (key, of))| Some((meets(&key.text, name)?, at, of)));
    met.max_by_key(|&(how, ..)| how).map(|(_, at, of)| (at, of))
}

fn watch(text: &str, place: Place) -> Result<Watch, MapError> {
    match text {
        "total" => Ok(Watch::Total),
        "wire" => Ok(Watch::Wire),
        "endpoint" => Ok(Watch::Endpoint),
        _ => Err(MapError {
            code: codes::MAP_VALUE,
            place,
            text: format!("there is no observer `{text}`"),
            help: Some("there are `total`, `wire` and `endpoint`".to_owned()),
        }),
    }
}

impl Map {
    /// Reads a map (feature `maps`).
    #[cfg(feature = "maps")]
    pub fn parse(text: &str) -> Result<Self, MapError> {
        parse::map(text)
    }

    /// Whether it says where a line tells of an attempt that failed.
    pub(crate) fn names_failures(&self) -> bool {
        self.retry.is_some()
    }

    /// Whether a line tells of an attempt that failed.
    pub(crate) fn failed(&self, line: Line<'_>) -> bool {
        match &self.retry {
            None => line.pointer(&["retry".into()]) == Some("true"),
            Some(lookup) => lookup.find(line).is_some_and(|found| lookup.pattern.is_some() || found == "true"),
        }
    }

    /// The protocol that the map chooses.
    #[must_use]
    pub fn protocol(&self) -> Option<&Placed> {
        self.protocol.as_ref()
    }

    /// With another observer: `total`, `wire`, or `endpoint` of a role.
    pub fn observe(&mut self, observer: &str, role: Option<&str>) -> Result<(), MapError> {
        let place = Place::default();
        self.watch = Some(watch(observer, place)?);
        if let Some(role) = role {
            self.role = Some(Placed { text: role.into(), place });
            self.recorder = None;
        }
        Ok(())
    }

    pub(crate) fn watch(&self) -> Watch {
        let endpoint = self.role.is_some() || self.recorder.is_some();
        self.watch.unwrap_or(if endpoint { Watch::Endpoint } else { Watch::Total })
    }

    /// Where a line names the role that recorded it, if the observer is an endpoint.
    pub(crate) fn recorder(&self) -> Option<&Lookup> {
        self.recorder.as_ref().filter(|_| self.watch() == Watch::Endpoint)
    }

    /// Whether a label of the specification is what its sender does by itself.
    pub(crate) fn is_local(&self, label: &str) -> bool {
        self.local.iter().any(|pattern| meets(&pattern.text, label).is_some())
    }

    pub(crate) fn role(&self) -> Option<&Placed> {
        self.role.as_ref()
    }

    pub(crate) fn session(&self) -> Option<&Lookup> {
        self.session.as_ref()
    }

    /// Where in a line the payload is, if not behind its key.
    pub(crate) fn payload(&self) -> Option<&Path> {
        self.payload.as_ref()
    }

    pub(crate) fn join(&self) -> Option<&Join> {
        self.join.as_ref()
    }

    /// A payload field that comes from elsewhere in the line.
    pub(crate) fn source(&self, at: usize) -> Option<&(Placed, Source)> {
        self.sources.get(at)
    }

    /// The numbers of the fields of a label of the specification that come from elsewhere in the line.
    pub(crate) fn sources_of(&self, label: &str) -> Box<[usize]> {
        let own = best(&self.fields, label).map(|(_, range)| range.clone()).unwrap_or_default();
        // What is said of one label counts before what is said of all.
        let named = |at: &usize| self.sources.get(*at).map(|(field, _)| &field.text);
        let all = (0..self.inject).filter(|at| !own.clone().any(|other| named(&other) == named(at)));
        all.chain(own.clone()).collect()
    }

    /// What a label of the log means beside messages.
    pub(crate) fn happens(&self, label: &str) -> Option<&Happening> {
        best(&self.events, label).map(|(_, happening)| happening)
    }

    /// Fields whose values no report shows.
    pub(crate) fn redacted(&self) -> impl Iterator<Item = &str> {
        self.redact.iter().map(|placed| &*placed.text)
    }

    /// Whether a label is no event. `known` says whether the specification has it.
    pub(crate) fn drops(&self, label: &str, known: bool) -> bool {
        let met = |patterns: &[Placed]| patterns.iter().any(|pattern| meets(&pattern.text, label).is_some());
        match &self.drop {
            _ if met(&self.keep) => false,
            Some(drop) => met(drop),
            None => label.starts_with('@') && !known,
        }
    }

    /// The rule by which a label is told apart.
    pub(crate) fn derives(&self, label: &str) -> Option<u32> {
        best(&self.derive, label).and_then(|(at, _)| u32::try_from(at).ok())
    }

    pub(crate) fn derive(&self, rule: u32) -> Option<&Derive> {
        self.derive.get(rule as usize).map(|(_, rule)| rule)
    }

    pub(crate) fn rename_label<'a>(&'a self, label: &'a str) -> &'a str {
        best(&self.rename, label).map_or(label, |(_, to)| &to.text)
    }

    pub(crate) fn rename_role<'a>(&'a self, role: &'a str) -> &'a str {
        best(&self.roles, role).map_or(role, |(_, to)| &to.text)
    }

    /// What the map names and the specification does not have.
    #[must_use]
    pub fn check(&self, header: &Header, names: &Names) -> Vec<MapError> {
        let mut found = Vec::new();
        let roles = || header.roles.values().map(|role| &*role.name);
        let role = self.role.iter().chain(self.roles.iter().map(|(_, to)| to));
        let role = role.chain(self.events.iter().map(|(_, happening)| &happening.role));
        for role in role.filter(|role| header.role(&role.text).is_none()) {
            found.push(MapError {
                code: codes::MAP_ROLE,
                place: role.place,
                text: format!("`{}` has no role `{}`", header.name, role.text),
                help: Some(match near(&role.text, roles()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its roles are {}", listed(roles())),
                }),
            });
        }
        if self.watch == Some(Watch::Endpoint) && self.role.is_none() && self.recorder.is_none() {
            found.push(MapError {
                code: codes::MAP_VALUE,
                place: Place { line: 1, column: 1 },
                text: "the observer `endpoint` needs a role".to_owned(),
                help: Some(
                    "say whose endpoint was observed: `role = \"…\"`, or `role = { pointer = \"/…\" }`".to_owned(),
                ),
            });
        }
        for (_, to) in self.rename.iter().filter(|(_, to)| names.find_label(&to.text).is_none()) {
            found.push(MapError {
                code: codes::MAP_LABEL,
                place: to.place,
                text: format!("no message of the specification has the label `{}`", to.text),
                help: near(&to.text, names.label_texts()).map(|near| format!("did you mean `{near}`?")),
            });
        }
        for (label, range) in &self.fields {
            let prefix = label.text.strip_suffix('*');
            let is_meant = |text: &str| *label.text == *text || prefix.is_some_and(|prefix| text.starts_with(prefix));
            if !names.label_texts().any(is_meant) {
                found.push(MapError {
                    code: codes::MAP_LABEL,
                    place: label.place,
                    text: format!("no message of the specification has the label `{}`", label.text),
                    help: near(&label.text, names.label_texts()).map(|near| format!("did you mean `{near}`?")),
                });
                continue;
            }
            for (field, _) in self.sources.get(range.clone()).unwrap_or_default() {
                let payloads = || names.sorts().filter_map(|sort| names.payload(sort));
                if !payloads().any(|payload| payload.field(&field.text).is_some()) {
                    let fields = payloads().flat_map(|payload| payload.fields.iter()).filter_map(|f| f.name.as_deref());
                    found.push(MapError {
                        code: codes::MAP_FIELD,
                        place: field.place,
                        text: format!("no message of the specification has the field `{}`", field.text),
                        help: near(&field.text, fields).map(|near| format!("did you mean `{near}`?")),
                    });
                }
            }
        }
        found
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
