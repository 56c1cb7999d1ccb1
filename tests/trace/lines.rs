//! Lines: the fast scanner, the general one and serde_json agree on every line, whatever is done to it.

use std::{collections::BTreeMap, fmt};

use polylogue::{
    generate::Rng,
    trace::{Checker, Finding, Machines, Map, target},
};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::common::{check, log, spec, text};

const SPEC: &str = "protocol P(role A, role B) { rec X { choice at A { A -> B: m; continue X; } or { A -> B: n(x: int); \
                    continue X; } } }";

fn findings(log: &[u8], general: bool, chunk: usize) -> Vec<Finding> {
    let spec = spec(SPEC);
    let machines = Machines::of(&spec, target(&spec, None).unwrap()).unwrap();
    let map = Map::default();
    let checker = Checker::new(machines.subject(), &map);
    let mut checker = if general { checker.general() } else { checker };
    let mut findings = Vec::new();
    for chunk in log.chunks(chunk) {
        checker.feed(chunk, &mut |finding| findings.push(finding));
    }
    checker.finish(&mut |finding| findings.push(finding));
    findings
}

/// JSON as serde_json reads it, with repeated keys noticed.
enum Json {
    Text(String),
    Number,
    Null,
    Other,
    Object(BTreeMap<String, Json>, bool),
}

impl Json {
    fn twice(&self) -> bool {
        matches!(self, Self::Object(_, true))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Build;
        impl<'de> Visitor<'de> for Build {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Other)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut twice = false;
                while let Some(value) = seq.next_element::<Json>()? {
                    twice |= value.twice();
                }
                Ok(if twice { Json::Object(BTreeMap::new(), true) } else { Json::Other })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut all = BTreeMap::new();
                let mut twice = false;
                while let Some((key, value)) = map.next_entry::<String, Json>()? {
                    twice |= value.twice() && key != "payload";
                    twice |= all.insert(key, value).is_some();
                }
                Ok(Json::Object(all, twice))
            }
        }
        deserializer.deserialize_any(Build)
    }
}

#[derive(Debug, PartialEq)]
enum Line {
    Bad,
    Blank,
    Flawed,
    Event(String, String, String, String),
}

/// What a line is, by serde_json.
fn plain(bytes: &[u8]) -> Line {
    let Ok(line) = std::str::from_utf8(bytes) else { return Line::Bad };
    if line.trim_matches([' ', '\t', '\r']).is_empty() {
        return Line::Blank;
    }
    let Ok(Json::Object(mut all, twice)) = serde_json::from_str::<Json>(line) else { return Line::Bad };
    if twice {
        return Line::Bad;
    }
    for key in ["session", "seq", "ts"] {
        if !matches!(all.get(key), None | Some(Json::Null | Json::Text(_) | Json::Number)) {
            return Line::Bad;
        }
    }
    if !matches!(all.get("dir"), None | Some(Json::Null | Json::Text(_))) {
        return Line::Bad;
    }
    let session = match all.remove("session") {
        // A number and a string of its digits name the same session.
        Some(Json::Text(text)) => {
            if text.parse::<f64>().is_ok() {
                "#".to_owned()
            } else {
                text
            }
        }
        Some(Json::Number) => "#".to_owned(),
        _ => String::new(),
    };
    let mut text = |key: &str| match all.remove(key) {
        Some(Json::Text(text)) => Some(text),
        _ => None,
    };
    let (Some(from), Some(to), Some(label)) = (text("from"), text("to"), text("label")) else { return Line::Bad };
    let inner = |json: &Json| match json {
        Json::Object(all, twice) => *twice || all.values().any(Json::twice),
        _ => false,
    };
    if all.get("payload").is_some_and(inner) {
        return Line::Flawed;
    }
    Line::Event(session, from, to, label)
}

/// What the checker makes of a line: with roles that it does not know, every event is a violation that shows it.
fn seen(bytes: &[u8], general: bool) -> Line {
    let found = findings(bytes, general, 1 << 20);
    match &*found {
        [] => Line::Blank,
        [Finding::Line(_)] => Line::Bad,
        [Finding::Session(session)] => {
            let number = !session.name.is_empty() && session.name.parse::<f64>().is_ok();
            let name = if number { "#".to_owned() } else { session.name.clone() };
            match (&session.event, session.code.map(|code| code.id())) {
                (Some(_), Some("PL0603")) => Line::Flawed,
                (Some(event), _) => Line::Event(name, event.from.clone(), event.to.clone(), event.label.clone()),
                // The event was accepted; the session has one event.
                (None, _) => Line::Event(
                    name,
                    session.last[0].from.clone(),
                    session.last[0].to.clone(),
                    session.last[0].label.clone(),
                ),
            }
        }
        more => panic!("{more:?}"),
    }
}

const LINES: [&str; 10] = [
    r#"{"session":"s","seq":1,"ts":2,"from":"A","to":"B","label":"m","payload":{"a":1,"bb":[{"x":1,"\u0078":2}]}}"#,
    r#"{"session":"s1","seq":0,"ts":1795229347639,"from":"A","to":"B","label":"m","payload":{"version":"TLS 1.3","length":220}}"#,
    r#"{"session":"s1","seq":0,"ts":1795229347639.25,"from":"A","to":"B","label":"n","payload":{"x":1},"at":"client","dir":"send"}"#,
    r#"{"from":"A","to":"B","label":"zz","payload":[[],{},{"a":[{"b":null}],"c":-1.5e+3}]}"#,
    r#"{"session":7,"from":"A","to":"B","label":"m","payload":null}"#,
    r#"{"session":"s1","seq":1,"from":"A","to":"C","label":"m","payload":"text"}"#,
    r#" {"label" : "m" , "to":"B", "from":"A", "extra":{"a":1,"b":[true,false]}, "session":"é\u00e9\n"} "#,
    r#"{"session":"s","seq":12,"ts":34,"from":"A","to":"B","label":"m","payload":{"a":"\ud83d\ude00","b":"\\\""}}"#,
    r#"{"payload":{"a":1,"b":2,"c":3},"session":"s","seq":"1","ts":"x","from":"A","to":"B","label":"m"}"#,
    r#"{"session":"ünï","seq":0,"ts":1,"from":"A","to":"B","label":"m","payload":{"ö":"ß"}}"#,
];

fn mutate(rng: &mut Rng, line: &str) -> Vec<u8> {
    const PIECES: [&str; 26] = [
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\t",
        "0",
        "01",
        "-",
        "1.",
        "1e5",
        ".5",
        "null",
        "true",
        "\\u0041",
        "\\ud800",
        "\"a\":1,",
        "\"from\":\"A\",",
        "\"a\"",
        "\u{1}",
        "é",
        "\u{7f}",
    ];
    let mut bytes = line.as_bytes().to_vec();
    for _ in 0..rng.between(1, 3) {
        let at = rng.below(bytes.len() + 1);
        match rng.below(6) {
            0 if !bytes.is_empty() => {
                bytes.remove(at.min(bytes.len() - 1));
            }
            1 => bytes.truncate(at),
            2 => {
                let piece = *rng.pick(&PIECES).unwrap();
                bytes.splice(at..at, piece.bytes());
            }
            3 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = (rng.bits() >> 20) as u8;
            }
            4 => {
                // A part again: repeated keys, repeated members.
                let end = rng.between(at, bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let other = rng.pick(&LINES).unwrap().as_bytes();
                let from = rng.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.retain(|&b| b != b'\n');
    bytes
}

#[test]
fn both_ways_and_serde_agree() {
    let mut rng = Rng::new(11);
    let mut counts = [0usize; 4];
    for round in 0..60_000 {
        let line = *rng.pick(&LINES).unwrap();
        let bytes = if round < 100 { line.as_bytes().to_vec() } else { mutate(&mut rng, line) };
        let show = || String::from_utf8_lossy(&bytes).into_owned();
        let fast = findings(&bytes, false, 1 << 20);
        assert_eq!(fast, findings(&bytes, true, 1 << 20), "{}", show());
        if std::str::from_utf8(&bytes).is_err() {
            continue; // serde_json says nothing about the rest of such a line
        }
        // Numbers that do not fit 64 bits, and half surrogates, are where serde_json and the language differ.
        let text = show();
        if text.to_ascii_lowercase().contains("\\ud") || text.contains('e') && text.len() > 400 {
            continue;
        }
        if serde_json::from_slice::<Json>(&bytes).is_err_and(|error| error.to_string().contains("out of range")) {
            continue;
        }
        let wanted = plain(&bytes);
        assert_eq!(seen(&bytes, false), wanted, "{text}");
        counts[match wanted {
            Line::Bad => 0,
            Line::Blank => 1,
            Line::Flawed => 2,
            Line::Event(..) => 3,
        }] += 1;
    }
    println!("{counts:?}");
    assert!(counts[0] > 10_000 && counts[2] > 20 && counts[3] > 3_000, "{counts:?}");
}

#[test]
fn chunks_do_not_matter() {
    let mut rng = Rng::new(3);
    for _ in 0..200 {
        let mut log = Vec::new();
        for _ in 0..rng.between(1, 12) {
            let line = *rng.pick(&LINES).unwrap();
            log.extend(if rng.chance(50) { mutate(&mut rng, line) } else { line.as_bytes().to_vec() });
            log.extend(*rng.pick(&[&b"\n"[..], b"\r\n", b"\n\n"]).unwrap());
        }
        if rng.chance(50) {
            log.pop();
        }
        let whole = findings(&log, false, 1 << 20);
        for chunk in [1, 2, 7, rng.between(3, 200)] {
            assert_eq!(findings(&log, false, chunk), whole);
        }
    }
}

#[test]
fn bytes_that_are_nothing() {
    let mut rng = Rng::new(8);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..rng.below(80)).map(|_| (rng.bits() >> 13) as u8).collect();
        assert_eq!(findings(&bytes, false, 16), findings(&bytes, true, 1));
    }
    // A mark at the beginning, and line ends of two bytes.
    let report = check(SPEC, "", format!("\u{FEFF}{}", log("A->B:m; A->B:m")).replace('\n', "\r\n"));
    assert_eq!(
        text(&report),
        "s incomplete 2 PL0620 the trace stops before the end of the session expected [A send B m, A \
                               send B n(x: int)]\n"
    );
}

#[test]
fn depth_and_length_are_no_danger() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let report = check(SPEC, "", log(&format!("A->B:m {deep}")));
    assert_eq!(report.totals.events, 1);
    assert_eq!(report.totals.bad, 0);
    let wide: Vec<String> = (0..50_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let report = check(SPEC, "", log(&format!("A->B:m {{{}}}", wide.join(","))));
    assert_eq!((report.totals.violates, report.totals.bad), (0, 0));
    let report = check(SPEC, "", log(&format!("A->B:m {{{},\"k\\u0035\":0}}", wide.join(","))));
    assert_eq!(
        text(&report).split(" expected").next().unwrap(),
        "s violates 1 at 0 PL0603 the payload has the key `k5` twice blame A"
    );
}

#[test]
fn recorded_traffic_is_read() {
    let Some(folder) = crate::shared::path("traces") else { return };
    let folders = std::fs::read_dir(folder).unwrap();
    let mut lines = 0;
    for file in folders.flatten().flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten()) {
        let path = file.path();
        let named = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|e| e != "jsonl") || named == "replay-oracle.jsonl" {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let fast = findings(&bytes, false, 1 << 16);
        assert_eq!(fast, findings(&bytes, true, 4_096));
        let bad = fast.iter().find(|finding| matches!(finding, Finding::Line(_)));
        assert_eq!(bad, None, "{named}");
        lines += bytes.iter().filter(|&&b| b == b'\n').count();
    }
    println!("{lines} lines");
    assert!(lines > 10_000);
}
