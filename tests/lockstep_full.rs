//! Programs beyond the kernel against the reference: hand-written protocols, and generated ones.
//!
//! Seeded bugs of the programs to which both or (d) only the drawn protocols object: only the first of several sets is
//! made · `set x@R` is made by everybody · a role in a handler is drawn into a later one · a used key is given again ·
//! a rising key may stay the same · `within` ends one tick early · what is stale is forgotten · of a group of assignments
//! one is lost · a handler's time limit is not looked at · `for D` ends one tick early · (d) who was heard from beyond a
//! scope is forgotten · invariants are not checked · (d) an owing role sends beyond, out of a scope around it or (d) out of
//! the scope itself · (d) the clock of a scope leaks out of it · entering a crash handler proves nothing · a scope does not
//! restart the clock behind it. Not noticed: that of several waiting instances all are followed instead of the oldest,
//! since every way is then among those that are followed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::collections::BTreeMap;

use polylogue::{
    Loaded,
    crosscheck::full::{Answer, Happening, Sided},
    generate::{Probe, Rich, Rng},
    protocol::{NoImports, Protocol, Spec},
    reference::full::{Fired, Rule, Seen, Sides},
};

#[path = "lockstep_full/hand.rs"]
mod hand;

fn rounds(quick: u64) -> u64 {
    if std::env::var_os("POLYLOGUE_LONG").is_some() { quick * 20 } else { quick }
}

/// What a walk has seen.
#[derive(Default)]
struct Tally {
    fired: Fired,
    whys: BTreeMap<String, u64>,
    asked: u64,
    admitted: u64,
    taken: u64,
    finals: u64,
    many: u64,
    duplicates: u64,
    straight: u64,
}

impl Tally {
    fn absorb(&mut self, other: &Self) {
        self.fired.absorb(&other.fired);
        for (why, count) in &other.whys {
            *self.whys.entry(why.clone()).or_default() += count;
        }
        self.asked += other.asked;
        self.admitted += other.admitted;
        self.taken += other.taken;
        self.finals += other.finals;
        self.many += other.many;
        self.duplicates += other.duplicates;
        self.straight += other.straight;
    }
}

fn describe(spec: &Spec, protocol: &Protocol, happening: &Happening) -> String {
    let role = |role| protocol.header.role_name(role);
    match happening {
        Happening::Crash(at) => format!("crash {}", role(*at)),
        Happening::Seen(seen) => {
            let payload = spec.names.payload(seen.like);
            let fields: Vec<String> = seen
                .values
                .iter()
                .enumerate()
                .map(|(at, value)| {
                    let name = payload.and_then(|payload| payload.fields[at].name.clone());
                    format!("{}: {value:?}", name.as_deref().unwrap_or("_"))
                })
                .collect();
            format!(
                "{:?} {} -> {}: {}({}) at {}",
                seen.sides,
                role(seen.from),
                role(seen.to),
                spec.names.label_text(seen.label),
                fields.join(", "),
                seen.now
            )
        }
    }
}

fn fail(
    spec: &Spec,
    protocol: &Protocol,
    sided: &Sided<'_>,
    happenings: &[Happening],
    what: &dyn std::fmt::Display,
) -> ! {
    let shrunk = sided.shrink(happenings.to_vec());
    let found = sided.replay(&shrunk);
    let lines: Vec<String> = shrunk.iter().map(|one| describe(spec, protocol, one)).collect();
    panic!("{what}\n{}\n{found:?}", lines.join("\n"));
}

/// A random walk: at every step a list of events is asked for, and one that is admitted happens.
fn walk(spec: &Spec, protocol: &Protocol, seed: u64, steps: usize, tally: &mut Tally, what: &dyn std::fmt::Display) {
    let Some(sided) = Sided::new(&spec.names, protocol) else { panic!("nothing beyond the kernel: {what}") };
    let sided = sided.unwrap();
    let mut rng = Rng::new(seed);
    let probe = Probe::of(&protocol.term, &spec.names);
    let mut pair = sided.start(0);
    let mut past: Vec<Seen> = Vec::new();
    let mut happened: Vec<Happening> = Vec::new();
    let split = rng.chance(25);
    let crashes = rng.chance(20);
    for _ in 0..steps {
        let mut events = probe.events(&mut rng, &spec.names, &past, 6);
        if split {
            for event in &mut events {
                if event.from != event.to && rng.chance(70) {
                    event.sides = Sides::Send;
                }
            }
            let now = past.last().map_or(0, |seen| seen.now);
            events.extend(sided.heads(&pair, now));
        }
        let mut admitted = Vec::new();
        for event in events {
            tally.asked += 1;
            match sided.ask(&pair, &event) {
                Ok(Answer::Admitted { duplicate }) => {
                    tally.admitted += 1;
                    tally.duplicates += u64::from(duplicate);
                    admitted.push(event);
                }
                Ok(Answer::Refused(whys)) => {
                    for why in whys {
                        let name = format!("{why:?}");
                        let name = name.split([' ', '(', '{']).next().unwrap().to_owned();
                        *tally.whys.entry(name).or_default() += 1;
                    }
                }
                Err(_) => {
                    happened.push(Happening::Seen(event));
                    fail(spec, protocol, &sided, &happened, what);
                }
            }
        }
        let happening = if crashes && rng.chance(5) {
            let role = rng.below(protocol.header.roles.len());
            Happening::Crash(protocol.header.roles.ids().nth(role).unwrap())
        } else {
            match rng.pick(&admitted) {
                Some(event) => Happening::Seen(event.clone()),
                None => break,
            }
        };
        happened.push(happening.clone());
        match sided.take(&pair, &happening) {
            Ok(Some(next)) => pair = next,
            Ok(None) => {}
            Err(_) => fail(spec, protocol, &sided, &happened, what),
        }
        if let Happening::Seen(seen) = happening {
            past.push(seen);
        }
        tally.taken += 1;
        if pair.many {
            tally.many += 1;
            break;
        }
        tally.finals += u64::from(sided.compare(&pair) == Ok(true));
    }
    tally.fired.absorb(sided.fired());
    tally.straight += sided.straight();
}

fn report(name: &str, tally: &Tally) {
    println!(
        "{name}: {} asked, {} admitted, {} of them repetitions, {} the straight way too, {} taken, {} may end, {} with too many ways",
        tally.asked, tally.admitted, tally.duplicates, tally.straight, tally.taken, tally.finals, tally.many
    );
    let fired: Vec<String> =
        Rule::ALL.iter().map(|&rule| format!("{} {}", rule.name(), tally.fired.count(rule))).collect();
    println!("  rules: {}", fired.join(", "));
    println!("  refused: {:?}", tally.whys);
}

fn load(text: &str) -> Spec {
    let loaded = Loaded::new("text", text, &mut NoImports);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    loaded.spec
}

#[test]
fn by_hand() {
    let mut all = Tally::default();
    let mut wrong = Vec::new();
    for (name, text) in hand::TEXTS {
        if std::env::var("ONLY").is_ok_and(|only| only != *name) {
            continue;
        }
        // The first disagreement of each: one fault often shows in several.
        let tried = std::panic::catch_unwind(|| {
            let mut tally = Tally::default();
            let spec = load(text);
            for protocol in &spec.protocols {
                for seed in 0..rounds(60) {
                    walk(&spec, protocol, seed, 25, &mut tally, &format!("{name}, seed {seed}"));
                }
            }
            tally
        });
        match tried {
            Ok(tally) => all.absorb(&tally),
            Err(error) => wrong.push(error.downcast_ref::<String>().cloned().unwrap_or_default()),
        }
    }
    report("by hand", &all);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What the drawn protocols must have between them.
const CONSTRUCTS: &[&str] = &[
    "a role's variable",
    "block variable",
    "bounded(2)",
    "choice",
    "condition",
    "continue",
    "continue with a value",
    "crash",
    "deadline",
    "dispatch",
    "during",
    "during without a main part",
    "epochs",
    "every",
    "empty handler",
    "family",
    "family variable",
    "idempotent by",
    "idle",
    "interrupt",
    "jump out of a try",
    "late key",
    "local action",
    "latest",
    "lossy",
    "lookup",
    "loop",
    "loop with a value",
    "may retry",
    "message",
    "nested family",
    "nobody's variable",
    "par",
    "refined field",
    "refined variable",
    "requires",
    "reusable key",
    "rising key",
    "rounds",
    "second interleave",
    "set",
    "set at a role",
    "several handlers",
    "several keys",
    "several receivers",
    "simultaneous sets",
    "timeout",
    "try",
    "unique by",
    "variable",
    "window",
    "within",
];

/// Why events must have been refused. That the memory is full, or a value misfits, nobody draws.
const WHYS: &[&str] = &[
    "Broken",
    "False",
    "Fault",
    "Full",
    "MayNotFail",
    "NoInstance",
    "NotHere",
    "NotNow",
    "NotSent",
    "NotUnique",
    "OtherContent",
    "TooEarly",
    "TooEarlyToHandle",
    "TooLate",
    "Unwitnessed",
];

/// Protocols drawn at random, as texts, so that lowering is exercised too.
#[test]
fn drawn() {
    let mut all = Tally::default();
    let mut constructs: BTreeMap<&str, u64> = BTreeMap::new();
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut lowered, mut plain, mut drawn) = (0, 0, 0);
    let mut wrong = Vec::new();
    let only: Option<u64> = std::env::var("SEED").ok().map(|seed| seed.parse().unwrap());
    for seed in only.map_or(0..rounds(1500), |seed| seed..seed + 1) {
        let mut rng = Rng::new(seed);
        let size = if rng.chance(40) { rng.between(10, 30) } else { rng.between(1, 12) };
        let rich = Rich::draw(&mut rng, size);
        drawn += 1;
        if std::env::var_os("SEEDS").is_some() {
            eprintln!("seed {seed}");
        }
        let loaded = Loaded::new("drawn", rich.text.as_str(), &mut NoImports);
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
        if !errors.is_empty() {
            for error in errors {
                *codes.entry(format!("{} {}", error.code, error.text)).or_default() += 1;
            }
            continue;
        }
        let protocol = &loaded.spec.protocols[0];
        if protocol.graph.is_none() {
            plain += 1;
            continue;
        }
        lowered += 1;
        for (construct, count) in rich.constructs {
            *constructs.entry(construct).or_default() += count;
        }
        let tried = std::panic::catch_unwind(|| {
            let mut tally = Tally::default();
            for walked in 0..2 {
                walk(&loaded.spec, protocol, seed * 2 + walked, 20, &mut tally, &format!("seed {seed}\n{}", rich.text));
            }
            tally
        });
        match tried {
            Ok(tally) => all.absorb(&tally),
            Err(error) => {
                wrong.push(error.downcast_ref::<String>().cloned().unwrap_or_default());
                if wrong.len() > 5 {
                    break;
                }
            }
        }
    }
    println!("{drawn} drawn, {lowered} of them lower and have more than the kernel, {plain} have not");
    println!("  constructs: {constructs:?}");
    if std::env::var_os("CODES").is_some() {
        println!("  errors: {codes:#?}");
    }
    report("drawn", &all);
    if only.is_none() && wrong.is_empty() {
        let silent: Vec<&str> =
            Rule::ALL.iter().filter(|&&rule| all.fired.count(rule) == 0).map(|rule| rule.name()).collect();
        assert!(silent.is_empty(), "rules that nothing used: {silent:?}");
        for construct in CONSTRUCTS {
            assert!(constructs.contains_key(construct), "no protocol with `{construct}`");
        }
        for why in WHYS {
            assert!(all.whys.contains_key(*why), "nothing was refused as {why}");
        }
        assert!(lowered * 2 > drawn && all.admitted > 50_000 && all.finals > 1000, "too little was reached");
        assert!(all.straight > 20_000, "too little went the straight way");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
