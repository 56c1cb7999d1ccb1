//! Pairs from a short text, and answers to them that were checked.

use polylogue::{
    diag::Sources,
    protocol::{NoImports, Spec, read},
    verify::{
        Options,
        subtype::{Answer, Certificate, Meter, Pair, Part, Relation, certificate, closed, decide},
    },
};

/// A specification without errors.
pub(crate) fn spec(text: &str) -> Spec {
    let mut sources = Sources::new();
    let file = sources.add("test.mpst", text).unwrap();
    let (_, spec, found) = read(&mut sources, file, &mut NoImports);
    let errors: Vec<_> = found.iter().filter(|d| d.severity == polylogue::diag::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    spec
}

/// The local types `Sub` and `Sup` of a specification.
pub(crate) fn pair(text: &str) -> Pair {
    let spec = spec(text);
    let part = |name: &str| {
        let found = spec.locals.iter().find(|local| &*local.header.name == name).unwrap();
        Part { names: &spec.names, header: &found.header, local: found.local.as_ref().unwrap() }
    };
    Pair::of(part("Sub"), part("Sup")).unwrap()
}

/// The pair of two local types.
pub(crate) fn types(sub: &str, sup: &str) -> Pair {
    pair(&format!("local type Sub at Self = {sub};\nlocal type Sup at Self = {sup};\n"))
}

/// An answer with its evidence checked.
pub(crate) fn ask(pair: &Pair, options: &Options) -> Answer {
    let mut poll = |_: &polylogue::verify::Progress| None;
    let answer = decide(pair, Relation::Async, &mut Meter::new(options, &mut poll));
    verify(pair, &answer);
    answer
}

/// Asks the second opinion.
pub(crate) fn verify(pair: &Pair, answer: &Answer) {
    match answer {
        Answer::Yes(Certificate::Queues(queues)) => {
            certificate::check(pair, queues).unwrap_or_else(|why| panic!("{why}\n{queues:?}"));
        }
        Answer::Yes(Certificate::Regular(regular)) => {
            closed::check(pair, regular, false).unwrap_or_else(|why| panic!("{why}\n{regular:?}"));
        }
        Answer::Yes(_) => {}
        Answer::No(refutation) => {
            certificate::refutes(pair, refutation)
                .unwrap_or_else(|why| panic!("{why}\n{refutation:?}\n{}", shown(pair, answer)));
        }
        Answer::Unknown(_) => {}
    }
}

/// `yes`, `no`, `unknown`
pub(crate) fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes(_) => "yes",
        Answer::No(_) => "no",
        Answer::Unknown(_) => "unknown",
    }
}

/// An answer in full.
pub(crate) fn shown(pair: &Pair, answer: &Answer) -> String {
    let words = |letters: &[u32]| letters.iter().map(|&l| pair.text(l)).collect::<Vec<_>>().join(" ");
    match answer {
        Answer::No(no) => format!("no: [{}] / [{}] {:?} {:?}", words(&no.sub), words(&no.sup), no.cycle, no.why),
        Answer::Yes(Certificate::Queues(queues)) => {
            format!("yes: {} rows, {} neighbours, dual {}", queues.rows.len(), queues.neighbours.len(), queues.dual)
        }
        Answer::Yes(certificate) => format!("yes: {}", certificate.text()),
        other => format!("{other:?}"),
    }
}
