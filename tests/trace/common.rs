//! What the tests share.

use polylogue::{
    load::Loaded,
    protocol::{NoImports, Spec},
    trace::{Machines, Map, Report, conform, target},
};

pub(crate) fn spec(text: &str) -> Spec {
    let loaded = Loaded::new("spec.mpst", text, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.spec
}

/// Checks a log against the only protocol of a text.
pub(crate) fn check(text: &str, map: &str, log: impl AsRef<[u8]>) -> Report {
    let spec = spec(text);
    let machines = Machines::of(&spec, target(&spec, None).unwrap()).unwrap();
    conform(machines.subject(), &Map::parse(map).unwrap(), log.as_ref())
}

/// `A->B:l` or `A->B:l {"x":1}`, one per line, as a log of one session.
pub(crate) fn log(events: &str) -> String {
    let mut out = String::new();
    for event in events.split(['\n', ';']).map(str::trim).filter(|event| !event.is_empty()) {
        let (ends, rest) = event.split_once(':').unwrap();
        let (from, to) = ends.split_once("->").unwrap_or((ends, ends));
        let (label, payload) = rest.trim().split_once(' ').unwrap_or((rest.trim(), "{}"));
        let (from, to) = (from.trim(), to.trim());
        out += &format!(
            "{{\"session\":\"s\",\"seq\":1,\"ts\":2,\"from\":\"{from}\",\"to\":\"{to}\",\"label\":\"{label}\",\
             \"payload\":{payload}}}\n"
        );
    }
    out
}

/// One line per finding.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    for bad in &report.bad {
        out += &format!("line {} {} {}", bad.at, bad.code, bad.message);
        out += &bad.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        out += "\n";
    }
    for session in &report.sessions {
        out += &format!("{} {} {}", session.name, session.verdict.word(), session.events);
        if let Some(at) = session.at {
            out += &format!(" at {at}");
        }
        if let Some(code) = session.code {
            out += &format!(" {code} {}", session.message.as_ref().unwrap());
        }
        out += &session.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        out += &session.blame.as_ref().map(|blame| format!(" blame {blame}")).unwrap_or_default();
        if !session.expected.is_empty() || session.may_end && session.verdict.word() != "conforms" {
            let mut expected: Vec<String> = session
                .expected
                .iter()
                .map(|e| format!("{} {} {} {}", e.role, e.way.word(), e.peer.as_deref().unwrap_or("-"), e.message))
                .collect();
            if session.may_end {
                expected.push("end".to_owned());
            }
            out += &format!(" expected [{}]", expected.join(", "));
        }
        out += "\n";
    }
    out
}
