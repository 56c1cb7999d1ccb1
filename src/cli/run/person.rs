//! The interactive side: a person takes steps by their numbers, or says what is to be done.
//!
//! On a terminal there is a prompt, and what can be done next is shown after each step. What is no terminal is a script: it
//! gets its answers and nothing else, and the run ends with exit code 1 if something was refused or not understood.

use std::io::{BufRead, Write as _};

use super::{
    Failure, Status, fields, lines,
    lines::Line,
    moves, ops, own,
    plans::Assurance,
    screen::{self, Screen},
    steps::{Load, Spoken, label, role},
    words::{self, COMMANDS, Command, Said},
    world::World,
    wrong::{No, Wrong},
};
use crate::session::{By, Direction, OpenPlan, SessionId};

/// Whose the roles are that `--owner` gives to nobody.
const YOU: &str = "you";

/// A person's session.
struct Person<'w, 'a> {
    world: &'w mut World<'a>,
    session: SessionId,
    plan: OpenPlan,
    opener: String,
    /// A step was refused, or a line not understood.
    failed: bool,
}

pub(super) fn run(
    world: &mut World<'_>,
    from: &mut dyn BufRead,
    terminal: bool,
    owners: &[String],
    assurance: &Assurance,
) -> Result<Status, Failure> {
    let mut person = Person::open(world, owners)?;
    let mut greeting = format!("{}. Type the number of a step, or `help`.", assurance.text);
    if !person.world.answers.names.is_empty() {
        let names = person.world.answers.names.join("`, `");
        greeting.push_str(&format!(" Assumed to be true: `{names}` (`answer` changes that)."));
    }
    let mut out = anstream::stdout().lock();
    if terminal {
        write!(out, "{}\n{}", crate::report::clean(&greeting), person.screen().enabled())?;
    } else {
        super::output::say(&greeting);
    }
    let mut buffer = Vec::new();
    loop {
        if terminal {
            write!(out, "> ")?;
            out.flush()?;
        }
        let Some(line) = lines::next(from, &mut buffer).map_err(|error| super::read_error(&error))? else { break };
        let answer = match line {
            Line::Text(text) => match words::read(text) {
                Ok(Command::Quit) => break,
                Ok(Command::Nothing) if terminal => Ok(person.screen().all()),
                Ok(command) => person.does(&command, terminal),
                Err(wrong) => Err(wrong.into()),
            },
            Line::TooLong => Err(Wrong::new("too-long", "the line is too long").into()),
            Line::NotText => Err(Wrong::new("json", "the line is not UTF-8").into()),
        };
        let text = match answer {
            Ok(text) => text,
            Err(No::Refused(refused)) => {
                person.failed = true;
                person.screen().refused(&refused)
            }
            Err(No::Wrong(wrong)) => {
                person.failed = true;
                let known = match wrong.code {
                    "unknown-role" | "unknown-label" => format!(" (there are `{}`)", wrong.known.join("`, `")),
                    _ => String::new(),
                };
                screen::wrong(&format!("{}{known}", wrong.message))
            }
        };
        out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
    }
    if terminal {
        writeln!(out)?;
    }
    Ok(if person.failed && !terminal { Status::Findings } else { Status::AsStated })
}

impl<'w, 'a> Person<'w, 'a> {
    /// Opens a session, and gives its roles to whom they belong.
    fn open(world: &'w mut World<'a>, owners: &[String]) -> Result<Self, Failure> {
        let usage = |wrong: Wrong| Failure::Usage(wrong.message);
        let refused = |refused: crate::session::Refused| Failure::Usage(refused.to_string());
        let (plan, _) = world.plans.get(None).map_err(usage)?;
        let at = world.now;
        let (session, opener) = world.store.open(&plan, at).map_err(refused)?;
        world.session = Some(session);
        let opener = world.openers.add(plan.clone(), session, opener);
        let mut person = Self { world, session, plan, opener, failed: false };
        for given in owners {
            let form = || Failure::Usage(format!("--owner {given}: write NAME=ROLE,ROLE"));
            let (name, roles) = given.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(form)?;
            let roles: Vec<&str> = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).collect();
            if roles.is_empty() {
                return Err(form());
            }
            person.claim(name, &roles).map_err(|no| match no {
                No::Wrong(wrong) => Failure::Usage(format!("--owner {given}: {}", wrong.message)),
                No::Refused(refused) => {
                    Failure::Usage(format!("--owner {given}: {}", super::reply::message(person.world, &refused)))
                }
            })?;
        }
        if person.free().next().is_some() {
            // Nobody else can have taken them meanwhile.
            let _ = person.claim(YOU, &[]);
        }
        Ok(person)
    }

    fn screen(&self) -> Screen<'_, 'a> {
        Screen { world: self.world, session: self.session, plan: &self.plan }
    }

    /// Roles that nobody owns.
    fn free(&self) -> impl Iterator<Item = crate::id::RoleId> + '_ {
        self.plan.roles().filter(|&role| matches!(self.world.store.owner(self.session, role), Some((None, _))))
    }

    /// Gives roles to an owner: those that are named, or all that are free.
    fn claim(&mut self, owner: &str, roles: &[&str]) -> Result<String, No> {
        let roles = match roles {
            [] => self.free().collect(),
            names => names.iter().map(|name| role(&self.plan, name)).collect::<Result<Vec<_>, _>>()?,
        };
        if roles.is_empty() {
            return Err(Wrong::new("no-roles", "all roles have owners").into());
        }
        self.world.caps.room(&self.world.store)?;
        let owner = own::owner_named(&mut self.world.owners, owner)?;
        let (_, opener) = self.world.openers.get(&self.opener)?;
        let cap = self.world.store.claim(opener, owner, &crate::session::Scope::Fragment(roles))?;
        let roles: Vec<&str> = cap.roles().map(|role| self.plan.role_name(role)).collect();
        let name = self.world.owners.name(owner);
        let text = format!("{name} owns {}, generation {}", roles.join(", "), cap.generation());
        own::named(self.world, self.plan.clone(), cap);
        Ok(screen::done(&text))
    }

    /// The latest capability that covers a role, live or not.
    fn cap(&self, role: crate::id::RoleId) -> Result<String, Wrong> {
        let covers =
            |cap: &crate::session::Capability| cap.session() == self.session && cap.roles().any(|one| one == role);
        let generation = self.world.store.owner(self.session, role).map_or(0, |(_, generation)| generation);
        let live = |cap: &crate::session::Capability| covers(cap) && cap.generation() == generation;
        let found = self.world.caps.latest(|_, cap| cap.is_some_and(live));
        found.or_else(|| self.world.caps.latest(|_, cap| cap.is_some_and(covers))).ok_or_else(|| {
            let name = self.plan.role_name(role);
            Wrong::new("unclaimed", format!("nobody owns `{name}`; `claim OWNER {name}` gives it to somebody"))
        })
    }

    fn take(&mut self, step: &Spoken, terminal: bool) -> Result<String, No> {
        let cap = self.cap(step.role)?;
        let (_, done) = moves::take(self.world, &cap, step)?;
        let mut text = moves::event(&self.plan, step, &done);
        if done.offered {
            let (role, peer) = (self.plan.role_name(step.role), self.plan.role_name(step.peer));
            text.push_str(&format!(" is offered: `receive {peer} {role}` takes it"));
        }
        if done.repeated {
            text.push_str(" is a repetition: nothing changes");
        }
        let mut out = screen::done(&text);
        if let Some(status) = self.world.store.status(self.session).filter(|status| status.is_terminal()) {
            out += &format!("         the session is {status}\n");
        }
        if terminal {
            out += &self.screen().enabled();
        }
        Ok(out)
    }

    fn ended(
        &mut self,
        does: impl FnOnce(&mut crate::session::Store, By<'_>, i64) -> Result<String, crate::session::Refused>,
    ) -> Result<String, No> {
        let at = self.world.now;
        let (_, opener) = self.world.openers.get(&self.opener)?;
        Ok(screen::done(&does(&mut self.world.store, By::Opener(opener), at)?))
    }

    /// Does what was said, and gives what is to be printed.
    fn does(&mut self, command: &Command<'_>, terminal: bool) -> Result<String, No> {
        let at = self.world.now;
        match *command {
            Command::Nothing | Command::Quit => Ok(String::new()),
            Command::Take(number, said) => {
                let choices = screen::choices(self.world, self.session, &self.plan);
                let Some(&one) = number.checked_sub(1).and_then(|at| choices.get(at)) else {
                    let there = match choices.len() {
                        0 => "nothing can be done now".to_owned(),
                        most => format!("steps have numbers from 1 to {most}"),
                    };
                    return Err(Wrong::new("unknown-number", there).into());
                };
                let (load, witnesses) = load(said);
                let step = match one.direction {
                    Direction::Send => Spoken::send(one.role, one.peer, one.label, load, witnesses, at),
                    Direction::Receive => Spoken::receive(one.role, one.peer, at),
                    Direction::Act => Spoken::act(one.role, one.label, load, witnesses, at),
                };
                self.take(&step, terminal)
            }
            Command::Send { from, to, label: name, said } => {
                let (load, witnesses) = load(said);
                let (from, to) = (role(&self.plan, from)?, role(&self.plan, to)?);
                let step = Spoken::send(from, to, label(&self.plan, name)?, load, witnesses, at);
                self.take(&step, terminal)
            }
            Command::Receive { role: who, from } => {
                let step = Spoken::receive(role(&self.plan, who)?, role(&self.plan, from)?, at);
                self.take(&step, terminal)
            }
            Command::Act { role: who, label: name, said } => {
                let (load, witnesses) = load(said);
                let step = Spoken::act(role(&self.plan, who)?, label(&self.plan, name)?, load, witnesses, at);
                self.take(&step, terminal)
            }
            Command::Claim { owner, ref roles } => self.claim(owner, roles),
            Command::Release(name) => {
                let cap = self.cap(role(&self.plan, name)?)?;
                let back = |returned: Box<crate::session::Returned<_>>| (returned.value, No::Refused(returned.refused));
                self.world.caps.hand(&cap, &mut self.world.store, "release", |store, cap| store.release(cap), back)?;
                Ok(screen::done(&format!("{cap} is released")) + &self.screen().owners())
            }
            Command::Witness { role: who, predicate, args } => self.witness(who, predicate, args),
            Command::Answer { predicate, holds } => {
                self.world.answers.set(predicate, holds)?;
                Ok(screen::done(&format!("`{predicate}` is {holds} from now on")))
            }
            Command::At(text) => self.pass(text),
            Command::Close => {
                self.ended(|store, by, at| store.close(by, at).map(|()| "the session is closed".to_owned()))
            }
            Command::Cancel(why) => {
                let why = if why.is_empty() { "cancelled on request" } else { why };
                self.ended(|store, by, at| store.cancel(by, why, at).map(|_| "the session is cancelled".to_owned()))
            }
            Command::Drain => {
                self.ended(|store, by, at| store.drain(by, at).map(|status| format!("the session is {status}")))
            }
            Command::Show => Ok(self.screen().all()),
            Command::Enabled => Ok(self.screen().enabled()),
            Command::Types(only) => {
                let only = only.map(|name| role(&self.plan, name)).transpose()?;
                Ok(self.screen().types(only, false))
            }
            Command::Queues => Ok(self.screen().queues()),
            Command::Owners => Ok(self.screen().owners()),
            Command::Audit(last) => Ok(self.screen().audit(last)),
            Command::Help => Ok(help()),
            Command::Json(line) => {
                let mut reply = ops::answer(self.world, line);
                reply.push('\n');
                Ok(reply)
            }
        }
    }

    fn witness(&mut self, who: &str, predicate: &str, args: &str) -> Result<String, No> {
        let cap = self.cap(role(&self.plan, who)?)?;
        let given: Vec<&serde_json::value::RawValue> = match args {
            "" => Vec::new(),
            args => serde_json::from_str(args).map_err(|_| {
                Wrong::new("wrong-type", format!("the arguments are a JSON array, not `{}`", fields::short(args)))
            })?,
        };
        let given: Vec<&str> = given.into_iter().map(|raw| raw.get()).collect();
        let args = own::arguments(&self.plan, predicate, &given)?;
        self.world.witnesses.room(&self.world.store)?;
        let (_, cap) = self.world.caps.wake(&cap, &self.world.store)?;
        let witness = self.world.store.issue_readiness(cap, predicate, &args, None)?;
        let name = self.world.witnesses.add(self.plan.clone(), self.session, witness);
        Ok(screen::done(&format!("{name}: write `with {name}` after the step that requires it")))
    }

    /// Time passes.
    fn pass(&mut self, text: &str) -> Result<String, No> {
        let at = match text.strip_prefix('+') {
            Some(span) => {
                let sort = crate::data::Sort::Builtin(crate::data::Builtin::Duration);
                match crate::data::read(&sort, format!("{span:?}").as_bytes()) {
                    Ok(crate::data::Value::Duration(micros)) => self.world.now.checked_add(micros),
                    _ => None,
                }
            }
            None if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && text.parse::<i64>().is_ok() => {
                text.parse().ok()
            }
            None => fields::point(&format!("{text:?}")),
        };
        let Some(at) = at else {
            return Err(Wrong::new(
                "wrong-type",
                format!("`{text}` is no time; write `+5s`, a date like 2026-01-31T12:00:00Z, or microseconds"),
            )
            .into());
        };
        let before = self.world.now;
        let now = self.world.at(Some(at));
        let due = self.world.store.tick(&self.world.supervisor, now)?;
        let mut out = match at < before {
            true => screen::done(&format!("it is {now} µs already: time does not go back")),
            false => screen::done(&format!("it is {now} µs")),
        };
        for one in due {
            let text = match one {
                crate::session::Due::Lapsed { role, deadline, span, .. } => {
                    let (name, place) = (self.plan.role_name(role), super::reply::place(self.world, span));
                    format!("{name} is late: it owed a step by {deadline} µs ({place})")
                }
                crate::session::Due::Handler { role, until, .. } => {
                    format!("{}'s time limit ran out at {until} µs: it goes to the handler", self.plan.role_name(role))
                }
                crate::session::Due::Witness { until, .. } => format!("a witness expired at {until} µs"),
                crate::session::Due::Timeout(timeout) => format!("timeout {} at {} µs", timeout.site, timeout.until),
            };
            out += &format!("         {text}\n");
        }
        Ok(out)
    }
}

fn load(said: Said<'_>) -> (Load, Vec<String>) {
    let load = said.payload.map_or(Load::Unseen(0), |payload| Load::Json(payload.to_owned()));
    (load, said.witness.into_iter().flat_map(|names| names.split(',')).map(str::to_owned).collect())
}

fn help() -> String {
    let one = |&(how, what): &(&str, &str)| {
        if how.chars().count() > 31 || what.is_empty() {
            let what = if what.is_empty() { String::new() } else { format!("\n  {:31}  {what}", "") };
            return format!("  {how}{what}\n");
        }
        format!("  {how:31}  {what}\n")
    };
    COMMANDS.iter().map(one).collect()
}
