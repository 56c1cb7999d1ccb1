//! Global types from machines: of every system of the corpus, and back and forth for every protocol of it.

use std::collections::{BTreeMap, BTreeSet};

use polylogue::{
    event::Verdict,
    id::{IdVec, RoleId, StateId},
    load::Loaded,
    machine::minimize,
    protocol::{Act, Header, Local, Names, NoImports, Spec, Target},
    verify::{
        self, Options,
        synthesize::{Certificate, Synthesized, Why, synthesize},
    },
};

fn load(text: &str) -> Spec {
    let loaded = Loaded::new("test", text, &mut NoImports);
    loaded.spec
}

fn kind(found: &Synthesized) -> &'static str {
    match found {
        Synthesized::Found(found) if found.certificates.values().all(|one| *one == Certificate::Equal) => "equal",
        Synthesized::Found(_) => "takes more",
        Synthesized::None(none) => match none.why {
            Why::Stuck(_) => "stuck",
            Why::MayEnd(_) => "may end",
            Why::Differs { .. } => "differs",
            Why::NotImplementable(_) => "not implementable",
        },
        Synthesized::Unknown(_) => "unknown",
    }
}

/// Which actions, whether the role may stop, and where its edges lead.
type State = (usize, bool, Vec<(String, usize)>);

/// A machine as a set of edges between numbers that depend on nothing but what it does: breadth first, by the texts of
/// its actions.
fn shape(local: &Local, header: &Header, names: &Names) -> Vec<State> {
    let small = minimize(local).unwrap();
    let mut number: BTreeMap<StateId, usize> = BTreeMap::from([(small.initial, 0)]);
    let mut order = vec![small.initial];
    let mut out = Vec::new();
    let mut at = 0;
    while at < order.len() {
        let state = &small.states[order[at]];
        let mut arms: Vec<(String, StateId)> = state
            .arms
            .iter()
            .map(|arm| {
                let (sign, peer) = match arm.act {
                    Act::Send(peer) => ('!', header.role_name(peer)),
                    Act::Receive(peer) => ('?', header.role_name(peer)),
                    _ => (':', ""),
                };
                let sorts = names
                    .payload(arm.sort)
                    .map(|payload| payload.fields.iter().map(|field| format!("{},", field.sort)).collect::<String>());
                (format!("{peer}{sign}{} {sorts:?}", names.label_text(arm.label)), arm.then)
            })
            .collect();
        arms.sort();
        let arms = arms
            .into_iter()
            .map(|(text, then)| {
                let next = *number.entry(then).or_insert_with(|| {
                    order.push(then);
                    order.len() - 1
                });
                (text, next)
            })
            .collect();
        out.push((at, state.may_stop, arms));
        at += 1;
    }
    out
}

/// What `synthesize` says is projected once more, by nothing that it uses: every role gets its machine back.
fn gives_back(text: &str, locals: &IdVec<RoleId, Local>, header: &Header, names: &Names) {
    let spec = load(text);
    let there = &spec.protocols[0].header;
    assert!(!there.broken, "{text}");
    let (outcome, machines) = verify::complete(&spec, 0, &Options::default(), &mut |_| None).unwrap();
    if outcome.verdict != Verdict::Holds {
        // Parts beside each other are projected part by part.
        assert!(text.contains("par {"), "{outcome:?}\n{text}");
        return;
    }
    let machines = machines.unwrap();
    for (role, local) in locals.iter() {
        let name = header.role_name(role);
        let other = &machines.locals[there.role(name).unwrap()];
        assert_eq!(shape(local, header, names), shape(other, there, &spec.names), "`{name}`\n{text}");
    }
}

#[test]
fn every_system_of_the_corpus() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut contradicted = BTreeSet::new();
    for row in crate::shared::rows("corpus/systems.jsonl") {
        let id = row["id"].as_str().unwrap();
        let spec = load(row["mpst"].as_str().unwrap());
        let system = &spec.systems[0];
        assert!(!system.header.broken, "{id}");
        let found = synthesize(&system.locals, &system.header, &spec.names, "G", &mut |_| None).unwrap();
        let kind = kind(&found);
        if std::env::var_os("POLYLOGUE_SHOW").is_some() {
            println!("{id} {}: {kind}", row["name"].as_str().unwrap_or("?"));
            match &found {
                Synthesized::Found(found) => println!("{}", found.text),
                Synthesized::None(none) => println!("{:?}", none.diagnostic(&system.header, &spec.names)),
                Synthesized::Unknown(limit) => println!("{limit:?}"),
            }
        }
        *counts.entry(kind).or_default() += 1;
        if let Synthesized::Found(found) = &found {
            if kind == "equal" {
                gives_back(&found.text, &system.locals, &system.header, &spec.names);
            }
            // What follows a protocol does not go wrong.
            let wrong = row["reference"]["unsafe"].as_str().is_some_and(|text| !text.starts_with("none"));
            if wrong {
                contradicted.insert(id.to_owned());
            }
        }
    }
    println!("{counts:?}");
    assert_eq!(contradicted, BTreeSet::new());
    if !counts.is_empty() {
        let expected = [("differs", 1), ("equal", 28), ("not implementable", 2), ("stuck", 65), ("takes more", 4)];
        assert_eq!(counts, BTreeMap::from(expected));
    }
}

#[test]
fn every_protocol_of_the_corpus_and_back() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rows = 0;
    for row in crate::shared::rows("corpus/globals.jsonl") {
        let id = row["id"].as_str().unwrap();
        if row["reference"]["implementable"] != true {
            continue;
        }
        let spec = load(row["mpst"].as_str().unwrap());
        let Some(Target::Protocol(at)) = spec.find(row["protocol"].as_str().unwrap()) else { continue };
        let header = &spec.protocols[at].header;
        if header.broken || !spec.protocols[at].is_plain() {
            continue;
        }
        let (_, machines) = verify::complete(&spec, at, &Options::default(), &mut |_| None).unwrap();
        let machines = machines.unwrap_or_else(|| panic!("{id}"));
        rows += 1;
        let found = synthesize(&machines.locals, header, &spec.names, "G", &mut |_| None).unwrap();
        let kind = kind(&found);
        *counts.entry(kind).or_default() += 1;
        match &found {
            Synthesized::Found(found) => gives_back(&found.text, &machines.locals, header, &spec.names),
            Synthesized::None(none) => {
                println!("{id}: {:?}\n{}", none.diagnostic(header, &spec.names), row["mpst"].as_str().unwrap());
            }
            Synthesized::Unknown(limit) => println!("{id}: {limit:?}"),
        }
    }
    println!("{rows} protocols: {counts:?}");
    if rows > 0 {
        assert_eq!(counts, BTreeMap::from([("equal", rows)]));
    }
}

/// What `project` prints is read again as the same machine, also where a role may stop and could go on.
#[test]
fn printed_machines_are_read_again() {
    use polylogue::protocol::show;
    let text = "protocol P(role A, role B, role C) {
        rec X {
            choice at A { A -> B: ok(n: int); B -> C: go(); continue X; }
            or          { A -> B: on(); continue X; }
            or          { A -> B: no(); }
        } }";
    let spec = load(text);
    let (_, machines) = verify::complete(&spec, 0, &Options::default(), &mut |_| None).unwrap();
    let machines = machines.unwrap();
    let header = &spec.protocols[0].header;
    let names = &spec.names;
    assert_eq!(machines.optional.len(), 1);
    let mut printed = String::from(text);
    for (role, local) in machines.locals.iter() {
        let name = format!("T{}", header.role_name(role));
        printed.push_str(&show::declaration(local, header, &spec.names, &name, Some("P")));
    }
    assert!(printed.contains("&{\n    B?go(). X,\n    end\n  };"), "{printed}");
    let again = Loaded::new("test", printed.as_str(), &mut NoImports);
    assert!(!again.has_errors(), "{:?}\n{printed}", again.diagnostics);
    let formatted = polylogue::syntax::print(&again.tree, &printed, polylogue::syntax::Style::Arrows);
    let formatted = Loaded::new("test", formatted, &mut NoImports);
    for spec in [&again.spec, &formatted.spec] {
        assert_eq!(spec.locals.len(), 3);
        for (local, (_, ours)) in spec.locals.iter().zip(machines.locals.iter()) {
            let read = local.local.as_ref().unwrap();
            assert_eq!(shape(read, &local.header, &spec.names), shape(ours, header, names), "{printed}");
        }
    }
}
