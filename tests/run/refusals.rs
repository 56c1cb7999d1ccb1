//! Every refusal of the store that callers can get.

use std::collections::BTreeSet;

use polylogue::session::Code;

use super::talk::Talk;

/// What no caller of this protocol can get, and why.
const OUT_OF_REACH: &[(Code, &str)] = &[
    (Code::Foreign, "there is one store, and all handles are its own"),
    (Code::NoRole, "unknown names are mistakes, with the names that there are"),
    (Code::WitnessUnknown, "so are unknown handles"),
    (Code::OwnerChanged, "while a transfer is pending, nothing else changes the owner"),
    (Code::NoSecret, "there always is a secret"),
    (Code::Exhausted, "four thousand million generations"),
    (Code::AuditFull, "the ring makes room, or the file has to be full"),
    (Code::Limit, "sixteen million sessions, or sixty thousand tokens"),
    (Code::Unauthentic, "messages are not authenticated here"),
    (Code::WitnessFalse, "a `def` of the same arguments is what it was"),
];

struct Seen {
    talk: Talk,
    codes: BTreeSet<String>,
}

impl Seen {
    #[track_caller]
    fn refused(&mut self, code: &str, line: &str) -> serde_json::Value {
        self.codes.insert(code.to_owned());
        self.talk.refused(code, line)
    }

    #[track_caller]
    fn ok(&mut self, line: &str) {
        self.talk.ok(line);
    }
}

#[test]
fn every_refusal_that_can_be_had() {
    let mut seen = Seen { talk: Talk::new(), codes: BTreeSet::new() };

    // Opening.
    let opener = seen.talk.name("opener", r#"{"op":"open","key":7}"#);
    seen.refused("key-in-use", r#"{"op":"open","key":7}"#);
    let refused = seen.refused("not-fresh", r#"{"op":"open","with_id":"0.1"}"#);
    assert_eq!(refused["detail"]["given"], "0.1");

    // Claiming.
    seen.refused("empty-scope", &format!(r#"{{"op":"claim","opener":"{opener}","owner":1,"roles":[]}}"#));
    seen.refused("unclaimed", &format!(r#"{{"op":"owner_died","opener":"{opener}","owner":1}}"#));
    let cap = seen.talk.name("cap", &format!(r#"{{"op":"claim","opener":"{opener}","owner":"ann"}}"#));
    let refused = seen.refused("already-claimed", &format!(r#"{{"op":"claim","opener":"{opener}","owner":1}}"#));
    assert_eq!((&refused["detail"]["owner"], &refused["role"]), (&"ann".into(), &"Buyer".into()));
    assert!(refused["message"].as_str().unwrap().contains("`Buyer` belongs to `ann`"), "{refused}");
    seen.refused("not-narrower", &format!(r#"{{"op":"attenuate","cap":"{cap}","roles":["Buyer","Seller"]}}"#));
    let buyer = seen.talk.name("cap", &format!(r#"{{"op":"attenuate","cap":"{cap}","roles":["Buyer"]}}"#));
    let refused = seen.refused("stale", &format!(r#"{{"op":"release","cap":"{cap}"}}"#));
    assert_eq!(refused["detail"]["generation"]["actual"], 1);
    seen.refused("stale", &format!(r#"{{"op":"attenuate","cap":"{cap}","roles":["Buyer"]}}"#));
    seen.refused("stale", &format!(r#"{{"op":"receive","cap":"{cap}","role":"Buyer","from":"Seller"}}"#));
    seen.refused("out-of-scope", &format!(r#"{{"op":"close","cap":"{buyer}"}}"#));
    seen.refused("out-of-scope", &format!(r#"{{"op":"receive","cap":"{buyer}","role":"Seller","from":"Buyer"}}"#));
    seen.refused("out-of-scope", &format!(r#"{{"op":"bind_handler","cap":"{buyer}","handler":1}}"#));
    let seller =
        seen.talk.name("cap", &format!(r#"{{"op":"claim","opener":"{opener}","owner":2,"roles":["Seller"]}}"#));

    // Transfers.
    seen.refused("wider", &format!(r#"{{"op":"begin_transfer","cap":"{buyer}","to":9,"roles":["Seller"]}}"#));
    let receipt = seen.talk.name("receipt", &format!(r#"{{"op":"begin_transfer","cap":"{buyer}","to":9}}"#));
    seen.refused("transfer-pending", &format!(r#"{{"op":"release","cap":"{buyer}"}}"#));
    seen.refused("transfer-pending", &format!(r#"{{"op":"begin_transfer","cap":"{buyer}","to":9}}"#));
    seen.refused("transfer-pending", &format!(r#"{{"op":"claim","opener":"{opener}","owner":3,"roles":["Buyer"]}}"#));
    seen.refused("mismatch", &format!(r#"{{"op":"commit_transfer","receipt":"{receipt}","owner":8}}"#));
    seen.ok(&format!(r#"{{"op":"rollback_transfer","receipt":"{receipt}"}}"#));
    seen.refused("not-pending", &format!(r#"{{"op":"rollback_transfer","receipt":"{receipt}"}}"#));
    seen.refused("not-pending", &format!(r#"{{"op":"commit_transfer","receipt":"{receipt}","owner":9}}"#));

    // Tokens.
    let token = seen.talk.name("token", &format!(r#"{{"op":"export","cap":"{buyer}","until":1000}}"#));
    seen.talk.wrong("consumed", &format!(r#"{{"op":"release","cap":"{buyer}"}}"#));
    seen.refused("bad-token", &format!(r#"{{"op":"import","token":"{token}","purpose":"another"}}"#));
    seen.refused("bad-token", r#"{"op":"import","token":"AAAA"}"#);
    let fresh = seen.talk.name("cap", &format!(r#"{{"op":"import","token":"{token}"}}"#));
    seen.refused("token-used", &format!(r#"{{"op":"import","token":"{token}"}}"#));
    seen.refused("stale", &format!(r#"{{"op":"release","cap":"{buyer}"}}"#));
    let buyer = fresh;
    let token = seen.talk.name("token", &format!(r#"{{"op":"export","cap":"{buyer}","until":1000}}"#));
    seen.refused("token-expired", &format!(r#"{{"op":"import","token":"{token}","at":1001}}"#));
    seen.talk.wrong("consumed", &format!(r#"{{"op":"export","cap":"{buyer}"}}"#));
    seen.ok(&format!(r#"{{"op":"cancel","opener":"{opener}"}}"#));
    seen.refused("terminal", &format!(r#"{{"op":"cancel","opener":"{opener}"}}"#));
    seen.refused("terminal", &format!(r#"{{"op":"claim","opener":"{opener}","owner":1}}"#));
    let refused =
        seen.refused("terminal", &format!(r#"{{"op":"receive","cap":"{seller}","role":"Seller","from":"Buyer"}}"#));
    assert_eq!(refused["detail"]["status"], "cancelled");

    // Steps.
    let (opener, cap) = seen.talk.opened("Shop");
    let send = |from: &str, to: &str, label: &str, rest: &str| {
        format!(r#"{{"op":"send","cap":"{cap}","from":"{from}","to":"{to}","label":"{label}"{rest}}}"#)
    };
    seen.refused("no-edge", &format!(r#"{{"op":"receive","cap":"{cap}","role":"Buyer","from":"Buyer"}}"#));
    seen.refused("no-message", &send("Seller", "Buyer", "ask", ""));
    seen.refused("empty", &format!(r#"{{"op":"receive","cap":"{cap}","role":"Seller","from":"Buyer"}}"#));
    let refused = seen.refused("not-enabled", &send("Seller", "Buyer", "sold", ""));
    assert_eq!(
        (&refused["role"], &refused["event"], &refused["blame"]),
        (&"Seller".into(), &"Seller!Buyer:sold".into(), &"Seller".into())
    );
    assert_eq!(refused["expected"][0]["event"], "Seller?Buyer:ask(item: string, most: int{this > 0})");
    assert_eq!(refused["expected"][0]["span"]["line"], 6);
    assert!(!refused["recent"].as_array().unwrap().is_empty());
    let refused = seen.refused("payload", &send("Buyer", "Seller", "ask", r#","payload":{"item":3,"most":1}"#));
    assert!(refused["detail"]["misfit"].as_str().unwrap().contains("`item`"), "{refused}");
    seen.refused("unfinished", &format!(r#"{{"op":"close","opener":"{opener}"}}"#));
    seen.ok(&send("Buyer", "Seller", "ask", r#","payload":{"item":"x","most":1}"#));
    seen.ok(&format!(r#"{{"op":"receive","cap":"{cap}","role":"Seller","from":"Buyer"}}"#));
    let refused = seen.refused("condition", &send("Seller", "Buyer", "offer", r#","payload":{"price":1001}"#));
    assert_eq!(refused["detail"]["values"]["price"], "1001");
    assert_eq!(refused["span"]["line"], 9);
    let reservation =
        format!(r#"{{"op":"reserve","cap":"{cap}","step":"send","from":"Seller","to":"Buyer","label":"sold"}}"#);
    let (first, second) = (seen.talk.name("reservation", &reservation), seen.talk.name("reservation", &reservation));
    seen.talk.wrong("not-checked", &format!(r#"{{"op":"commit","reservation":"{first}"}}"#));
    seen.ok(&format!(r#"{{"op":"check","reservation":"{first}"}}"#));
    seen.ok(&format!(r#"{{"op":"check","reservation":"{second}"}}"#));
    seen.ok(&format!(r#"{{"op":"commit","reservation":"{first}"}}"#));
    seen.refused("moved", &format!(r#"{{"op":"commit","reservation":"{second}"}}"#));
    seen.refused("moved", &format!(r#"{{"op":"check","reservation":"{first}"}}"#));
    seen.ok(&format!(r#"{{"op":"drain","opener":"{opener}"}}"#));
    seen.refused("draining", &format!(r#"{{"op":"drain","opener":"{opener}"}}"#));
    seen.refused("draining", &format!(r#"{{"op":"act","cap":"{cap}","role":"Buyer","label":"file"}}"#));
    seen.ok(&format!(r#"{{"op":"cancel","opener":"{opener}"}}"#));
    seen.ok(r#"{"op":"reap"}"#);
    seen.refused("unknown-session", &format!(r#"{{"op":"close","opener":"{opener}"}}"#));
    seen.refused("unknown-session", &format!(r#"{{"op":"release","cap":"{cap}"}}"#));

    // Queues.
    let (_, cap) = seen.talk.opened("Narrow");
    let one = |label: &str| format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"{label}"}}"#);
    seen.ok(&one("one"));
    seen.refused("would-block", &one("two"));
    let (_, cap) = seen.talk.opened("Stream");
    let tick = format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"tick"}}"#);
    for _ in 0..1_024 {
        seen.ok(&tick);
    }
    seen.refused("full", &tick);
    let (_, cap) = seen.talk.opened("Hand");
    let offer = format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"key"}}"#);
    seen.ok(&offer);
    seen.refused("offered", &offer);

    // What cannot be computed.
    let (_, cap) = seen.talk.opened("Divide");
    let by = format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"by","payload":{{"n":0}}}}"#);
    assert!(seen.refused("fault", &by)["detail"]["fault"].is_string());

    // Systems that are not safe.
    let mut unsafe_ = Seen { talk: Talk::with(&["--unchecked"]), codes: BTreeSet::new() };
    let (_, cap) = unsafe_.talk.opened("Wild");
    unsafe_.ok(&format!(r#"{{"op":"send","cap":"{cap}","from":"P","to":"Q","label":"b"}}"#));
    let refused = unsafe_.refused("unexpected", &format!(r#"{{"op":"receive","cap":"{cap}","role":"Q","from":"P"}}"#));
    assert_eq!((&refused["head"], &refused["blame"]), (&"b()".into(), &"P".into()));
    let (opener, cap) = unsafe_.talk.opened("Lost");
    unsafe_.ok(&format!(r#"{{"op":"send","cap":"{cap}","from":"P","to":"Q","label":"b"}}"#));
    let refused = unsafe_.refused("not-empty", &format!(r#"{{"op":"close","opener":"{opener}"}}"#));
    assert_eq!(refused["detail"]["queue"]["messages"], 1);
    seen.codes.append(&mut unsafe_.codes);
    unsafe_.talk.end();

    // Witnesses.
    let (opener, cap) = seen.talk.opened("Guarded");
    let pay = |amount: u32, rest: &str| {
        format!(
            r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"pay","payload":{{"amount":{amount}}}{rest}}}"#
        )
    };
    let tip = |amount: u32, rest: &str| {
        format!(
            r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"tip","payload":{{"amount":{amount}}}{rest}}}"#
        )
    };
    let issue = |cap: &str, predicate: &str, args: &str, rest: &str| {
        format!(r#"{{"op":"issue_readiness","cap":"{cap}","predicate":"{predicate}","args":{args}{rest}}}"#)
    };
    seen.refused("witness-missing", &pay(5, ""));
    seen.refused("no-predicate", &issue(&cap, "nothing", "[]", ""));
    seen.refused("payload", &issue(&cap, "audited", "[]", ""));
    seen.refused("payload", &issue(&cap, "audited", "[\"five\"]", ""));
    seen.ok(r#"{"op":"answer","predicate":"audited","holds":false}"#);
    seen.refused("predicate-false", &issue(&cap, "audited", "[5]", ""));
    seen.ok(r#"{"op":"answer","predicate":"audited","holds":true}"#);
    seen.refused("predicate-false", &issue(&cap, "small", "[100]", ""));
    seen.refused("past", &issue(&cap, "audited", "[5]", ",\"until\":-1"));
    let early = seen.talk.name("witness", &issue(&cap, "audited", "[5]", ",\"until\":2000"));
    let right = seen.talk.name("witness", &issue(&cap, "audited", "[5]", ",\"until\":9000"));
    let brief = seen.talk.name("witness", &issue(&cap, "audited", "[5]", ""));
    let with = |name: &str, at: i64| format!(r#","witness":"{name}","at":{at}"#);
    seen.refused("witness-mismatch", &pay(6, &with(&right, 2_001)));
    seen.refused("witness-expired", &pay(5, &with(&early, 2_001)));
    seen.ok(&pay(5, &with(&right, 2_001)));
    seen.refused("witness-stale", &tip(5, &with(&brief, 2_001)));
    seen.refused("witness-consumed", &tip(5, &with(&right, 2_001)));
    let small = seen.talk.name("witness", &issue(&cap, "small", "[5]", ""));
    seen.refused("past", &format!(r#"{{"op":"issue_timeout","opener":"{opener}","site":1,"until":0}}"#));
    seen.ok(&tip(5, &with(&small, 2_001)));
    seen.refused("unfinished", &format!(r#"{{"op":"close","opener":"{opener}"}}"#));

    println!("{} refusals: {:?}", seen.codes.len(), seen.codes);
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !OUT_OF_REACH.iter().any(|(known, _)| known == *code) && !seen.codes.contains(code.word()))
        .map(|code| code.word())
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "nobody was refused for these");
    seen.talk.end();
}
