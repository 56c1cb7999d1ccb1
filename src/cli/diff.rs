//! `polylogue diff OLD NEW`

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{Failure, Status, args, args::Lines, load, output, tally::Tally};
use crate::{
    diag::Span,
    load::Loaded,
    report::{clean, record::Place},
    solve::Outside,
    syntax::{
        check::shape,
        tree::{File, Item},
    },
    verify::{
        self, Options,
        diff::{Change, Changed, Declared, Diff, Mixed, Parting, Role, Standing},
    },
};

pub(super) fn run(args: &args::Diff) -> Result<Status, Failure> {
    let mut old = load::load(&args.old, &args.search_path)?;
    let mut new = load::load(&args.new, &args.search_path)?;
    let mut tally = Tally::quiet();
    for loaded in [&old, &new] {
        tally.errors(loaded)?;
    }
    if old.has_errors() || new.has_errors() {
        return Ok(Status::Usage);
    }
    for loaded in [&mut old, &mut new] {
        verify::expand(&mut loaded.spec, Some(args.families), &Outside::default());
    }
    for name in &args.target {
        if old.spec.find(name).is_none() && new.spec.find(name).is_none() {
            return Err(Failure::Usage(format!("neither file declares `{name}`")));
        }
    }
    let mut options = Options::default();
    options.max_states = args.max_states.unwrap_or(options.max_states);
    let wanted = |name: &str| args.target.is_empty() || args.target.iter().any(|target| target == name);
    let imports = imports(&old) == imports(&new);
    let unchanged = |name: &str| imports && text(&old.tree, name) == text(&new.tree, name);
    let mut progress = output::Progress::new();
    let mut poll = |at: &verify::Progress| {
        progress.show(|| format!("{} configurations, {} to go", at.configurations, at.frontier));
        None
    };
    let found = verify::diff::diff(&old.spec, &new.spec, &unchanged, &wanted, &options, &mut poll);
    drop(progress);
    let status = match found.change() {
        Change::Same | Change::Compatible => Status::AsStated,
        Change::Unknown => Status::Inconclusive,
        Change::Breaking => Status::Findings,
    };
    let teller = Teller { old: &old, new: &new };
    let told = match args.format {
        Lines::Human => teller.human(&found, &mut anstream::stdout().lock()),
        Lines::Json => teller.json(&found, &mut std::io::stdout().lock()),
    };
    told.map_err(|error| Failure::output(error, status))?;
    Ok(status)
}

/// The texts of all imports.
fn imports(loaded: &Loaded) -> Vec<&str> {
    loaded.sources.iter().filter(|(file, _)| *file != loaded.file).map(|(_, source)| &*source.text).collect()
}

/// A declaration with all that it may use, without its places and comments: equal for equal meanings.
fn text(file: &File, name: &str) -> String {
    let uses = |item: &&Item| match item {
        Item::Protocol(own) => own.aux || *own.name.text == *name,
        Item::System(own) => *own.name.text == *name,
        Item::LocalType(own) => *own.name.text == *name,
        Item::LocalProtocol(own) => *own.name.text == *name,
        Item::Check(_) | Item::Trace(_) => false,
        _ => true,
    };
    let items: Vec<Item> = file.items.iter().filter(uses).cloned().collect();
    let calls = items.iter().any(|item| matches!(item, Item::Protocol(_))) && shape_of(file, &items).contains("Do {");
    // What is called may be any protocol of the file.
    if calls { shape_of(file, &file.items) } else { shape_of(file, &items) }
}

fn shape_of(file: &File, items: &[Item]) -> String {
    shape(&File { items: items.to_vec(), comments: Vec::new(), ..file.clone() })
}

/// Both files, for names and places.
struct Teller<'a> {
    old: &'a Loaded,
    new: &'a Loaded,
}

/// Where two versions part, with names and places.
#[derive(Serialize)]
struct PartingRecord<'a> {
    word: &'a [String],
    detail: &'a str,
    hurts: &'a [Box<str>],
    old: Place,
    new: Place,
}

#[derive(Serialize)]
struct StandingRecord<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parting: Option<PartingRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct MixedRecord<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    run: &'a [String],
}

/// One JSON object per line.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Line<'a> {
    /// A role in two versions.
    Role {
        what: &'static str,
        name: &'a str,
        role: &'a str,
        change: &'static str,
        /// The new among the old others.
        replaces: StandingRecord<'a>,
        /// The old among the new others.
        stays: StandingRecord<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mixed: Option<MixedRecord<'a>>,
    },
    /// A declaration in two versions.
    Declaration {
        what: &'static str,
        name: &'a str,
        change: &'static str,
        added_roles: &'a [Box<str>],
        removed_roles: &'a [Box<str>],
        added_messages: &'a [String],
        removed_messages: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<&'a [Box<str>]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'a str>,
    },
    /// Something that only the new file has.
    Added { what: &'static str, name: &'a str },
    /// Something that only the old file has.
    Removed { what: &'static str, name: &'a str },
    /// The last line.
    Summary {
        old: &'a str,
        new: &'a str,
        change: &'static str,
        same: usize,
        compatible: usize,
        breaking: usize,
        unknown: usize,
    },
}

impl Teller<'_> {
    /// The places of the two states, the old one first; `turned` if the type that should stand is the old one.
    fn places(&self, parting: &Parting, turned: bool) -> (Place, Place) {
        let (old, new) = if turned { (parting.sub, parting.sup) } else { (parting.sup, parting.sub) };
        let of = |loaded: &Loaded, span: Span| Place::of(&loaded.sources, span);
        (of(self.old, old), of(self.new, new))
    }

    fn standing<'s>(&self, standing: &'s Standing, turned: bool) -> StandingRecord<'s> {
        match standing {
            Standing::Yes => StandingRecord { verdict: "yes", parting: None, why: None },
            Standing::Unknown(why) => StandingRecord { verdict: "unknown", parting: None, why: Some(why) },
            Standing::No(parting) => {
                let (old, new) = self.places(parting, turned);
                let Parting { word, sentence, peers, .. } = &**parting;
                let parting = PartingRecord { word, detail: sentence, hurts: peers, old, new };
                StandingRecord { verdict: "no", parting: Some(parting), why: None }
            }
        }
    }

    fn json(&self, diff: &Diff, out: &mut dyn Write) -> std::io::Result<()> {
        let mut line = |line: &Line<'_>| -> std::io::Result<()> {
            serde_json::to_writer(&mut *out, line)?;
            out.write_all(b"\n")
        };
        for changed in &diff.changed {
            let Declared { what, name } = &changed.declared;
            for role in &changed.roles {
                let mixed = role.mixed.as_ref().map(|mixed| match mixed {
                    Mixed::Safe => MixedRecord { verdict: "safe", detail: None, run: &[] },
                    Mixed::Wrong { text, run } => MixedRecord { verdict: "wrong", detail: Some(text), run },
                    Mixed::Unknown(why) => MixedRecord { verdict: "unknown", detail: Some(why), run: &[] },
                });
                line(&Line::Role {
                    what,
                    name,
                    role: &role.name,
                    change: role.change.word(),
                    replaces: self.standing(&role.replaces, false),
                    stays: self.standing(&role.stays, true),
                    mixed,
                })?;
            }
            line(&Line::Declaration {
                what,
                name,
                change: changed.change().word(),
                added_roles: &changed.added_roles,
                removed_roles: &changed.removed_roles,
                added_messages: &changed.added_messages,
                removed_messages: &changed.removed_messages,
                order: changed.order.as_deref(),
                why: changed.limit.as_deref(),
            })?;
        }
        for Declared { what, name } in &diff.added {
            line(&Line::Added { what, name })?;
        }
        for Declared { what, name } in &diff.removed {
            line(&Line::Removed { what, name })?;
        }
        let [same, compatible, unknown, breaking] = counts(diff);
        let (old, new) = (load::name(self.old), load::name(self.new));
        line(&Line::Summary { old, new, change: diff.change().word(), same, compatible, breaking, unknown })?;
        out.flush()
    }

    fn human(&self, diff: &Diff, out: &mut dyn Write) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for changed in &diff.changed {
            self.changed(changed, &mut lines);
        }
        for (word, all) in [("removed", &diff.removed), ("added", &diff.added)] {
            for Declared { what, name } in all {
                let colour = if word == "removed" { Some(AnsiColor::BrightRed) } else { None };
                lines.push(format!("{} {what} `{name}`", painted(word, colour)));
            }
        }
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        let names = ["same", "compatible", "unknown", "breaking"];
        let counted: Vec<String> = counts(diff)
            .iter()
            .zip(names)
            .filter(|(count, _)| **count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        let total: usize = counts(diff).iter().sum();
        lines.push(match total {
            0 => "no role is in both files".to_owned(),
            1 => format!("1 role: {}", counted.join(", ")),
            total => format!("{total} roles: {}", counted.join(", ")),
        });
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    fn changed(&self, changed: &Changed, lines: &mut Vec<String>) {
        let Declared { what, name } = &changed.declared;
        lines.push(clean(&format!("{what} `{name}`")));
        if let Some(why) = &changed.limit {
            lines.push(format!("  {} {}", word(Change::Unknown), clean(why)));
        }
        for role in &changed.roles {
            self.role(role, lines);
        }
        let named = |names: &[Box<str>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let messages = |texts: &[String]| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>();
        for (word, texts, colour) in [
            ("role gone", named(&changed.removed_roles), Some(AnsiColor::BrightRed)),
            ("role new", named(&changed.added_roles), None),
            ("gone", messages(&changed.removed_messages), None),
            ("new", messages(&changed.added_messages), None),
        ] {
            if !texts.is_empty() {
                lines.push(format!("  {} {}", painted(word, colour), clean(&texts.join(", "))));
            }
        }
        if let Some(order) = &changed.order {
            let steps: Vec<String> = order.iter().map(|role| format!("`{role}`")).collect();
            let text = format!("{}: nothing goes wrong in between", steps.join(", then "));
            lines.push(format!("  {} {}", painted("in order", Some(AnsiColor::BrightGreen)), clean(&text)));
        }
        lines.push(String::new());
    }

    fn role(&self, role: &Role, lines: &mut Vec<String>) {
        let first = match (role.change, &role.replaces, &role.mixed) {
            (Change::Same, ..) => "nothing that anybody could tell".to_owned(),
            (Change::Compatible, Standing::Yes, _) => "the new may replace the old".to_owned(),
            (Change::Compatible, ..) => "the new may replace the old among the others as they are".to_owned(),
            (Change::Breaking, Standing::No(parting), _) => parting.sentence.clone(),
            (Change::Breaking, _, Some(Mixed::Wrong { text, .. })) => text.clone(),
            (_, Standing::Unknown(why), _) => why.clone(),
            (_, Standing::No(parting), _) => parting.sentence.clone(),
            (_, Standing::Yes, _) => "it is not known whether the new may replace the old".to_owned(),
        };
        lines.push(format!("  {} {}", word(role.change), clean(&format!("`{}`: {first}", role.name))));
        let mut more = |text: &str| lines.push(format!("              {}", clean(text)));
        if role.change == Change::Same {
            return;
        }
        if let Standing::No(parting) = &role.replaces {
            if role.change == Change::Compatible {
                more(&format!("elsewhere it may not: {}", parting.sentence));
            }
            more(&after(&parting.word));
            let (old, new) = self.places(parting, false);
            more(&format!("──▸ {}:{}:{}", old.file, old.line, old.column));
            more(&format!("──▸ {}:{}:{}", new.file, new.line, new.column));
            if let Some(Mixed::Wrong { text, run }) = &role.mixed {
                more(&format!("with the new `{}` among the old others:", role.name));
                for (at, step) in run.iter().enumerate() {
                    more(&format!("{:>3}   {step}", at.saturating_add(1)));
                }
                more(text);
            } else if !parting.peers.is_empty() {
                let hurt: Vec<String> = parting.peers.iter().map(|peer| format!("`{peer}`")).collect();
                more(&format!("this breaks {}", hurt.join(", ")));
            }
        }
        match &role.stays {
            Standing::Yes => more(&format!("an old `{}` may stay where the others are new", role.name)),
            Standing::Unknown(why) => more(&format!("whether an old `{}` may stay is not known: {why}", role.name)),
            Standing::No(parting) => {
                more(&format!("an old `{}` may not stay where the others are new: {}", role.name, parting.sentence));
                more(&after(&parting.word));
            }
        }
    }
}

/// What both do until they part.
fn after(word: &[String]) -> String {
    if word.is_empty() { "at once".to_owned() } else { format!("after {}", word.join(" . ")) }
}

/// How many roles are same, compatible, unknown and breaking.
fn counts(diff: &Diff) -> [usize; 4] {
    let roles = || diff.changed.iter().flat_map(|changed| &changed.roles);
    [Change::Same, Change::Compatible, Change::Unknown, Change::Breaking]
        .map(|change| roles().filter(|role| role.change == change).count())
}

/// A word in front of a line, as wide as the widest.
fn painted(word: &str, colour: Option<AnsiColor>) -> String {
    let style = colour.map_or_else(Style::new, |colour| colour.on_default().bold());
    format!("{style}{word:<11}{style:#}")
}

fn word(change: Change) -> String {
    let colour = match change {
        Change::Same | Change::Compatible => AnsiColor::BrightGreen,
        Change::Unknown => AnsiColor::BrightYellow,
        Change::Breaking => AnsiColor::BrightRed,
    };
    painted(change.word(), Some(colour))
}
