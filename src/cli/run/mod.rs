//! `polylogue run SPEC`: a session, stepped by a person or by a program in any language.
//!
//! Comes in: a specification, and from standard input or a script the commands of a person (`person`) or, with `--format
//! json`, one JSON object per line. Goes out: an answer to each, at once. The store behind it is the library's ([`crate::session`]), with
//! all its refusals; its audit can be kept with `--audit FILE`.
//!
//! A program says `{"op":"open"}` and gets `{"ok":{"opener":"opener-1","session":"0.1",…}}`, or
//! `{"refused":{"code":"stale","name":"PL0706",…}}` when the store refuses, or
//! `{"error":{"code":"unknown-op","message":"…","known":[…]}}` when it is no request. `{"op":"help"}` lists the operations,
//! and `polylogue run --schema` prints the form of everything. What callers hold and cannot see (capabilities, openers,
//! receipts, witnesses, reservations) has names; tokens are base64. The field `id` of a request comes back with its answer.
//!
//! INVARIANT (line by line): with `--format json`, one line out for each line in, in order, each flushed; none ends the run.
//!
//! | file | what it is |
//! |---|---|
//! | `lines`, `fields`, `steps` | what was said: lines, objects, steps |
//! | `ops` | the table of operations |
//! | `lifecycle`, `own`, `moves`, `clock`, `look`, `evidence` | what they do |
//! | `world`, `handles`, `plans` | the store, names for what callers hold, what was checked |
//! | `reply`, `wrong` | results, refusals, mistakes |
//! | `person`, `words`, `screen` | the interactive side |
//!
//! Not here: several connections. Who wants them starts several runs, or puts a server around the library.

mod batch;
mod clock;
mod evidence;
mod fields;
mod handles;
mod lifecycle;
mod lines;
mod look;
mod moves;
mod ops;
mod own;
mod person;
mod plans;
mod reply;
mod screen;
mod steps;
mod watched;
mod words;
mod world;
mod wrong;

use std::{
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, BufRead, IsTerminal as _, Write as _},
    num::NonZeroU32,
    path::Path,
};

use lines::Line;
use plans::Plans;
use world::{Setup, World};
use wrong::Wrong;

use super::{Failure, Status, args, args::Talk, files, load, machines, output, tally::Tally};
use crate::{
    data::Redaction,
    session::{PlanOptions, QueuePolicy, Secrets, audit},
};

/// The form of requests and answers.
const SCHEMA: &str = include_str!("schema.json");

pub(super) fn run(args: &args::Run) -> Result<Status, Failure> {
    if args.schema {
        let mut out = io::stdout().lock();
        out.write_all(SCHEMA.as_bytes())?;
        out.flush()?;
        return Ok(Status::AsStated);
    }
    let Some(path) = args.spec.as_deref().filter(|path| !files::is_stdin(path)) else {
        return Err(Failure::Usage("the specification is a file: standard input is for what is to be done".to_owned()));
    };
    let loaded = load::load(path, &args.search_path)?;
    let mut tally = Tally::quiet();
    tally.errors(&loaded)?;
    if loaded.has_errors() {
        return Ok(tally.status());
    }
    let whole = |subject| !matches!(subject, machines::Subject::Local(_));
    let subject = machines::choose(&loaded.spec, args.protocol.as_deref(), load::name(&loaded), whole);
    let main = subject.map_err(Failure::Usage)?.header().name.to_string();
    let mut options = PlanOptions { fingerprint: fingerprint(&loaded), ..PlanOptions::default() };
    if let Some(most) = args.queue {
        options.queue = QueuePolicy::Grow(most);
    }
    let mut plans = Plans::new(&loaded, main, args.unchecked, options);
    let (_, assurance) = match plans.get(None) {
        Ok(found) => found,
        Err(wrong) => {
            output::complain(&wrong.message);
            return Ok(Status::Findings);
        }
    };
    let log = args.audit.as_deref().map(Log::create).transpose()?;
    let mut world = World::new(plans, setup(args, log.as_ref())?);
    let mut from = input(args)?;
    let terminal = args.script.is_none() && io::stdin().is_terminal() && io::stdout().is_terminal();
    let status = match args.format {
        Talk::Json => program(&mut world, &mut *from),
        Talk::Human => person::run(&mut world, &mut *from, terminal, &args.owner, &assurance),
    };
    if let Some(log) = log {
        log.finish(&mut world)?;
    }
    status
}

/// Where what is to be done comes from.
fn input(args: &args::Run) -> Result<Box<dyn BufRead>, Failure> {
    Ok(match args.script.as_deref().filter(|path| !files::is_stdin(path)) {
        Some(path) => {
            let file = fs::File::open(path).map_err(|error| files::failed(path, "read", &error))?;
            Box::new(io::BufReader::new(file))
        }
        None => Box::new(io::stdin().lock()),
    })
}

/// What the store is made with.
fn setup(args: &args::Run, log: Option<&Log>) -> Result<Setup, Failure> {
    let secret = match &args.secret {
        Some(path) => {
            let bytes = fs::read(path).map_err(|error| files::failed(path, "read", &error))?;
            if bytes.len() < 16 {
                let text = format!("`{}` is too short for a secret: 16 bytes or more", files::name(path));
                return Err(Failure::Usage(text));
            }
            Some(*blake3::hash(&bytes).as_bytes())
        }
        None => None,
    };
    // Without one, tokens are good in this run, where alone their sessions are.
    let tokens = secret.unwrap_or_else(random);
    Ok(Setup {
        tokens: Secrets::new(1, &tokens),
        sealing: secret.map(|secret| audit::Secrets::new(NonZeroU32::MIN, &secret)),
        sink: log.map(Log::sink).transpose()?,
        redaction: match std::env::var_os("POLYLOGUE_REDACTION_KEY") {
            Some(key) => Redaction::new(key.as_encoded_bytes()),
            None => Redaction::new(&random()),
        },
    })
}

/// Octets that nobody knows.
fn random() -> [u8; 32] {
    let mut out = [0; 32];
    for chunk in out.chunks_mut(8) {
        let word = RandomState::new().build_hasher().finish().to_le_bytes();
        chunk.copy_from_slice(word.get(..chunk.len()).unwrap_or(&word));
    }
    out
}

/// What the specification is known by.
fn fingerprint(loaded: &crate::load::Loaded) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for text in loaded.sources.texts() {
        hasher.update(&text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// One line out for each line in.
fn program(world: &mut World<'_>, from: &mut dyn BufRead) -> Result<Status, Failure> {
    let mut out = io::stdout().lock();
    let mut buffer = Vec::new();
    while let Some(line) = lines::next(from, &mut buffer).map_err(|error| read_error(&error))? {
        let mut reply = match line {
            Line::Text(text) => ops::answer(world, text),
            Line::TooLong => {
                let text = format!("the line is longer than {} bytes", lines::LONGEST);
                reply::line(world, None, Err(Wrong::new("too-long", text).into()))
            }
            Line::NotText => reply::line(world, None, Err(Wrong::new("json", "the line is not UTF-8").into())),
        };
        reply.push('\n');
        out.write_all(reply.as_bytes()).and_then(|()| out.flush())?;
    }
    Ok(Status::AsStated)
}

fn read_error(error: &io::Error) -> Failure {
    files::failed(Path::new("-"), "read", error)
}

/// The file in which the audit is kept: batches as they are sealed, the end when the run ends.
struct Log {
    name: String,
    file: fs::File,
}

impl Log {
    fn create(path: &Path) -> Result<Self, Failure> {
        let wrong = |error: &io::Error| files::failed(path, "write", error);
        let mut file = fs::File::create(path).map_err(|error| wrong(&error))?;
        file.write_all(&audit::Log::header(0)).map_err(|error| wrong(&error))?;
        Ok(Self { name: files::name(path), file })
    }

    fn sink(&self) -> Result<Box<dyn audit::Sink + Send>, Failure> {
        let mut file = self.file.try_clone().map_err(|error| self.failed(&error))?;
        let mut bytes = Vec::new();
        // What was written of a batch before an error; its rest is written when it is offered again.
        let mut written = 0_usize;
        Ok(Box::new(move |batch: audit::Batch<'_>| {
            bytes.clear();
            batch.write(&mut bytes);
            while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                match file.write(rest) {
                    Ok(0) | Err(_) => return Err(audit::Later),
                    Ok(more) => written = written.saturating_add(more),
                }
            }
            written = 0;
            Ok(())
        }))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        files::failed(Path::new(&self.name), "write", error)
    }

    /// Seals and writes what is left.
    fn finish(mut self, world: &mut World<'_>) -> Result<(), Failure> {
        let audit = world.store.audit_mut();
        audit.seal();
        if audit.deliver() > 0 {
            let reason = "some batches could not be written".to_owned();
            return Err(Failure::File { path: self.name, what: "write", reason });
        }
        let end = audit.end(0);
        self.file.write_all(&end).and_then(|()| self.file.sync_all()).map_err(|error| self.failed(&error))
    }
}
