//! Whatever is no request: an error each, never a panic, and the run goes on.

use super::talk::{Talk, answers};

#[test]
fn mistakes_say_what_there_is() {
    let mut talk = Talk::new();
    let (_, cap) = talk.opened("Shop");
    for (code, line, says) in [
        ("json", "", "empty"),
        ("json", "   ", "empty"),
        ("json", "{", "EOF"),
        ("json", "[]", "JSON object"),
        ("json", "7", "JSON object"),
        ("json", r#"{"op":"help"} x"#, "trailing"),
        ("json", r#"{"op":"help","op":"open"}"#, "twice"),
        ("missing-field", "{}", "`op`"),
        ("wrong-type", r#"{"op":7}"#, "a string"),
        ("unknown-op", r#"{"op":"sned"}"#, "did you mean `send`?"),
        ("unknown-field", r#"{"op":"open","ta":1}"#, "there is no field of `open` `ta`"),
        ("unknown-protocol", r#"{"op":"open","protocol":"Shp"}"#, "did you mean `Shop`?"),
        ("no-plan", r#"{"op":"open","protocol":"Stuck"}"#, "not safe"),
        ("missing-field", r#"{"op":"claim","opener":"opener-1"}"#, "`owner`"),
        ("unknown-handle", r#"{"op":"claim","opener":"cap-1","owner":1}"#, "the last is `opener-1`"),
        ("unknown-handle", r#"{"op":"rollback_transfer","receipt":"receipt-1"}"#, "none was given out"),
        ("wrong-type", r#"{"op":"claim","opener":"opener-1","owner":[]}"#, "`owner`"),
        ("wrong-type", r#"{"op":"claim","opener":"opener-1","owner":9223372036854775808}"#, "below"),
        ("wrong-type", r#"{"op":"claim","opener":"opener-1","owner":1,"roles":"Buyer"}"#, "array"),
        ("unknown-role", r#"{"op":"claim","opener":"opener-1","owner":1,"roles":["Byer"]}"#, "did you mean `Buyer`?"),
        ("wrong-type", r#"{"op":"open","at":"noon"}"#, "like"),
        ("wrong-type", r#"{"op":"open","at":1.5}"#, "microseconds"),
        ("wrong-type", r#"{"op":"open","at":99999999999999999999}"#, "microseconds"),
        ("wrong-type", r#"{"op":"open","key":-1}"#, "`key`"),
        ("wrong-type", r#"{"op":"open","key":1,"with_id":"5.1"}"#, "not both"),
        ("wrong-type", r#"{"op":"open","with_id":"five"}"#, "session"),
        ("wrong-type", r#"{"op":"import","token":"***"}"#, "base64"),
        ("unknown-session", r#"{"op":"status","session":"9.9"}"#, "9.9"),
        ("unknown-session", r#"{"op":"summary","session":"x"}"#, "`x`"),
        ("no-edge", r#"{"op":"queue","from":"Buyer","to":"Buyer"}"#, "sends nothing"),
        ("missing-field", r#"{"op":"queue","from":"Buyer"}"#, "`to`"),
        ("missing-field", r#"{"op":"close"}"#, "`cap`"),
        ("wrong-type", r#"{"op":"close","cap":"cap-1","opener":"opener-1"}"#, "not both"),
        ("wrong-type", r#"{"op":"reserve","cap":"cap-1","step":"jump"}"#, "there is no step `jump`"),
        ("unknown-predicate", r#"{"op":"answer","predicate":"audted","holds":true}"#, "did you mean `audited`?"),
        ("unknown-record", r#"{"op":"prove","record":999}"#, "the last is"),
        ("proof", r#"{"op":"prove","proof":"AAAA"}"#, "shape"),
        ("wrong-type", r#"{"op":"prove","record":1,"proof":"AAAA"}"#, "not both"),
        ("missing-field", r#"{"op":"prove"}"#, "`record`"),
        ("wrong-type", r#"{"op":"verify_audit","anchor":{}}"#, "anchor"),
        ("file", r#"{"op":"verify_audit","file":"/"}"#, "not a file"),
        ("file", r#"{"op":"verify_audit","file":"no such"}"#, "no such"),
        ("unknown-op", r#"{"op":"help","about":"opn"}"#, "did you mean `open`?"),
    ] {
        let message = talk.wrong(code, line);
        assert!(message.contains(says), "{line} says {message}");
    }
    let send = |rest: &str| format!(r#"{{"op":"send","cap":"{cap}","from":"Buyer","to":"Seller",{rest}}}"#);
    assert!(talk.wrong("unknown-label", &send(r#""label":"aks""#)).contains("`ask`"));
    assert!(talk.wrong("unknown-handle", &send(r#""label":"ask","witness":"witness-3""#)).contains("witness"));
    talk.wrong("wrong-type", &send(r#""label":"ask","payload":{},"payload_id":3"#));
    talk.wrong("wrong-type", &send(r#""label":"ask","payload_id":-3"#));
    for id in [r#""\ud800""#, "1e400", &("[".repeat(500) + &"]".repeat(500))] {
        let message = talk.wrong("wrong-type", &format!(r#"{{"op":"memory","id":{id}}}"#));
        assert!(message.contains("`id`"), "{message}");
    }
    // The id comes back whatever becomes of the rest.
    let answer = talk.say(r#"{"op":"no","id":{"a":[1.50]}}"#);
    assert_eq!(answer["id"].to_string(), r#"{"a":[1.5]}"#);
    talk.end();
}

#[test]
fn long_and_deep_lines_are_refused() {
    let mut talk = Talk::new();
    let long = format!(r#"{{"op":"open","key":"{}"}}"#, "x".repeat(1 << 20));
    talk.wrong("too-long", &long);
    let (_, cap) = talk.opened("Shop");
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    talk.wrong("wrong-type", &format!(r#"{{"op":"open","key":{deep}}}"#));
    talk.wrong("wrong-type", &format!(r#"{{"op":"verify_audit","anchor":{deep}}}"#));
    let send = format!(r#"{{"op":"send","cap":"{cap}","from":"Buyer","to":"Seller","label":"ask","payload":{deep}}}"#);
    let refused = talk.refused("payload", &send);
    assert_eq!(refused["blame"], "Buyer");
    talk.ok(r#"{"op":"memory"}"#);
    talk.end();
}

/// A small generator: the same lines every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const FIELDS: &[&str] = &[
    "about",
    "anchor",
    "args",
    "authenticate",
    "at",
    "cap",
    "file",
    "from",
    "handler",
    "holds",
    "id",
    "key",
    "label",
    "last",
    "log",
    "most",
    "number",
    "opener",
    "owner",
    "payload",
    "payload_id",
    "predicate",
    "proof",
    "protocol",
    "purpose",
    "reason",
    "receipt",
    "record",
    "reservation",
    "role",
    "roles",
    "root",
    "seal",
    "session",
    "site",
    "step",
    "steps",
    "to",
    "token",
    "traced",
    "until",
    "with_id",
    "witness",
];
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "1",
    "-1",
    "4294967296",
    "1e400",
    "18446744073709551615",
    "\"\"",
    "\"Buyer\"",
    "\"Seller\"",
    "\"A\"",
    "\"B\"",
    "\"ask\"",
    "\"offer\"",
    "\"sold\"",
    "\"key\"",
    "\"cap-1\"",
    "\"cap-2\"",
    "\"opener-1\"",
    "\"receipt-1\"",
    "\"witness-1\"",
    "\"reservation-1\"",
    "\"Shop\"",
    "\"Hand\"",
    "\"send\"",
    "\"receive\"",
    "\"audited\"",
    "\"small\"",
    "[]",
    "[1]",
    "[\"A\"]",
    "[\"Buyer\",\"Buyer\"]",
    "{}",
    "{\"item\":\"x\",\"most\":1}",
    "{\"price\":5}",
    "\"\\ud800\"",
    "\"0.1\"",
    "\"AAAA\"",
    "\"2026-01-31T12:00:00Z\"",
];

/// What a field might well hold.
fn likely(dice: &mut Dice, field: &str) -> String {
    let number = 1 + dice.roll(12);
    match field {
        "cap" | "opener" | "receipt" | "witness" | "reservation" => format!("\"{field}-{number}\""),
        "from" | "to" | "role" => dice.pick(&["\"A\"", "\"B\"", "\"Buyer\"", "\"Seller\""]).to_owned(),
        "owner" => dice.pick(&["\"ann\"", "\"bob\"", "7"]).to_owned(),
        "roles" => dice.pick(&["[\"A\"]", "[\"B\"]", "[\"Buyer\"]", "[\"Seller\"]", "[]"]).to_owned(),
        "label" => dice.pick(&["\"ask\"", "\"sold\"", "\"tick\"", "\"stop\"", "\"key\"", "\"one\""]).to_owned(),
        "protocol" => dice.pick(&["\"Shop\"", "\"Stream\"", "\"Hand\"", "\"Narrow\""]).to_owned(),
        "step" => dice.pick(&["\"send\"", "\"receive\"", "\"act\""]).to_owned(),
        "payload" => dice.pick(&["{\"item\":\"x\",\"most\":1}", "{}", "[1]"]).to_owned(),
        "session" => format!("\"{}.1\"", dice.roll(4)),
        "predicate" => dice.pick(&["\"audited\"", "\"small\""]).to_owned(),
        "at" | "until" | "most" | "last" | "record" | "site" | "number" | "traced" => number.to_string(),
        "authenticate" => "true".to_owned(),
        "steps" => {
            format!("[{{\"cap\":\"cap-{number}\",\"step\":\"send\",\"from\":\"A\",\"to\":\"B\",\"label\":\"tick\"}}]")
        }
        _ => dice.pick(VALUES).to_owned(),
    }
}

#[test]
fn whatever_is_said_has_one_answer() {
    let mut talk = Talk::new();
    let listed = talk.ok(r#"{"op":"help"}"#);
    let ops = listed["ops"].as_array().unwrap();
    talk.end();
    let mut dice = Dice(7);
    let mut input: Vec<u8> = Vec::new();
    let mut lines = 0_usize;
    for round in 0..6_000 {
        let mut line = match dice.roll(10) {
            0 => {
                // Any bytes but the end of a line.
                (0..dice.roll(60))
                    .map(|_| u8::try_from(dice.roll(256)).unwrap())
                    .filter(|byte| *byte != b'\n')
                    .collect()
            }
            _ => {
                let op = &ops[dice.roll(ops.len())];
                let names = |list: &str| -> Vec<String> { serde_json::from_value(op[list].clone()).unwrap() };
                let mut text = format!("{{\"op\":{}", op["op"]);
                for name in names("needs") {
                    let value = if dice.roll(9) == 0 { dice.pick(VALUES).to_owned() } else { likely(&mut dice, &name) };
                    text += &format!(",\"{name}\":{value}");
                }
                // Where a session ends at once, little can happen.
                for name in names("takes") {
                    if dice.roll(3) > 0 && name != "cap" {
                        text += &format!(",\"{name}\":{}", likely(&mut dice, &name));
                    }
                }
                if dice.roll(12) == 0 {
                    text += &format!(",\"{}\":{}", dice.pick(FIELDS), dice.pick(VALUES));
                }
                text += "}";
                text.into_bytes()
            }
        };
        if dice.roll(6) == 0 {
            // Cut, or with another byte.
            let at = dice.roll(line.len() + 1);
            match dice.roll(2) {
                0 => line.truncate(at),
                _ => {
                    if let Some(byte) = line.get_mut(at) {
                        *byte = if dice.roll(2) == 0 { b'"' } else { 0xff };
                    }
                }
            }
        }
        if line.is_empty() && round == 5_999 {
            line.push(b'x');
        }
        input.extend(line);
        input.push(b'\n');
        lines += 1;
    }
    let all = answers(&input);
    assert_eq!(all.len(), lines);
    for kind in ["ok", "refused", "error"] {
        let count = all.iter().filter(|answer| answer.get(kind).is_some()).count();
        println!("{kind}: {count}");
        assert!(count > 20, "only {count} were {kind}: the lines miss what they are for");
    }
}

#[test]
fn the_last_line_needs_no_end() {
    assert_eq!(answers(b"").len(), 0);
    assert_eq!(answers(br#"{"op":"memory"}"#).len(), 1);
    assert_eq!(answers(b"\r\n\n").len(), 2);
}
