//! Every operation, doing what it is for.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::talk::{Talk, fed, polylogue};

/// A conversation that remembers which operations gave something.
struct Counted {
    talk: Talk,
    done: BTreeSet<String>,
}

impl Counted {
    #[track_caller]
    fn ok(&mut self, request: &Value) -> Value {
        let answer = self.talk.ok(&request.to_string());
        self.done.insert(request["op"].as_str().unwrap().to_owned());
        answer
    }

    #[track_caller]
    fn step(&mut self, cap: &str, op: &str, rest: &Value) -> Value {
        let mut request = rest.clone();
        request["op"] = op.into();
        request["cap"] = cap.into();
        self.ok(&request)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn every_operation_does_what_it_is_for() {
    let mut all = Counted { talk: Talk::new(), done: BTreeSet::new() };
    let opened = all.ok(&json!({ "op": "open", "key": "order-7", "at": "1970-01-01T00:00:01Z" }));
    assert_eq!(
        opened,
        json!({ "opener": "opener-1", "protocol": "Shop", "roles": ["Buyer", "Seller"], "safe": "holds", "session": "0.1" })
    );
    assert_eq!(all.ok(&json!({ "op": "resolve", "key": "order-7" }))["session"], "0.1");
    assert_eq!(all.ok(&json!({ "op": "resolve", "key": { "base64": "AAAA" } }))["session"], Value::Null);

    // Capabilities: claimed, narrowed, moved as tokens and by transfers.
    let whole = all.ok(&json!({ "op": "claim", "opener": "opener-1", "owner": "ann" }));
    assert_eq!(whole["roles"], json!(["Buyer", "Seller"]));
    all.ok(&json!({ "op": "bind_handler", "cap": whole["cap"], "handler": 40 }));
    all.ok(&json!({ "op": "bind_handler", "cap": whole["cap"], "from": "Buyer", "to": "Seller", "handler": 41 }));
    let buyer = all.ok(&json!({ "op": "attenuate", "cap": whole["cap"], "roles": ["Buyer"] }));
    assert_eq!((buyer["generation"].as_u64(), &buyer["roles"]), (Some(2), &json!(["Buyer"])));
    let seller = all.ok(&json!({ "op": "claim", "opener": "opener-1", "owner": 7, "roles": ["Seller"] }));
    assert_eq!(seller["owner"], 7);
    let token = all.ok(&json!({ "op": "export", "cap": buyer["cap"], "purpose": "move", "until": 5_000_000 }));
    let buyer = all.ok(&json!({ "op": "import", "token": token["token"], "purpose": "move" }));
    let receipt = all.ok(&json!({ "op": "begin_transfer", "cap": seller["cap"], "to": "bob" }));
    all.ok(&json!({ "op": "rollback_transfer", "receipt": receipt["receipt"] }));
    let receipt = all.ok(&json!({ "op": "begin_transfer", "cap": seller["cap"], "to": "bob", "roles": ["Seller"] }));
    assert_eq!((&receipt["from"], &receipt["to"]), (&json!(7), &json!("bob")));
    let seller = all.ok(&json!({ "op": "commit_transfer", "receipt": receipt["receipt"], "owner": "bob" }));
    assert_eq!((&seller["remainder"], &seller["owner"]), (&Value::Null, &json!("bob")));
    let (buyer, seller) = (text(&buyer["cap"]).to_owned(), text(&seller["cap"]).to_owned());

    // Steps, at once and in phases.
    let ask = json!({ "from": "Buyer", "to": "Seller", "label": "ask", "payload": { "item": "tea", "most": 9 } });
    let sent = all.step(&buyer, "send", &ask);
    assert_eq!(sent["event"], "Buyer!Seller:ask");
    assert_eq!(all.ok(&json!({ "op": "queue" }))["queues"][0]["messages"][0], "ask(item: string, most: int{this > 0})");
    assert_eq!(all.ok(&json!({ "op": "queue", "from": "Seller", "to": "Buyer" }))["messages"], json!([]));
    let got = all.step(&seller, "receive", &json!({ "role": "Seller", "from": "Buyer" }));
    assert_eq!((&got["label"], &got["handler"]), (&json!("ask"), &json!(41)));
    let enabled = all.ok(&json!({ "op": "enabled", "role": "Seller" }));
    let events: Vec<&str> = enabled["enabled"].as_array().unwrap().iter().map(|one| text(&one["event"])).collect();
    assert_eq!(events, ["Seller!Buyer:offer(price: int)", "Seller!Buyer:sold()"]);
    assert_eq!(enabled["enabled"][0]["span"]["line"], 9);
    let sold = json!({ "step": "send", "from": "Seller", "to": "Buyer", "label": "sold" });
    let reservation = all.step(&seller, "reserve", &sold);
    all.ok(&json!({ "op": "check", "reservation": reservation["reservation"] }));
    let sold = all.ok(&json!({ "op": "commit", "reservation": reservation["reservation"] }));
    assert_eq!(sold["event"], "Seller!Buyer:sold");
    let local = all.ok(&json!({ "op": "local_type", "role": "Seller" }));
    assert_eq!((&local["type"], &local["finished"]), (&json!("end"), &json!(true)));
    let got = all.step(&buyer, "receive", &json!({ "role": "Buyer", "from": "Seller" }));
    assert_eq!(got["handler"], 40);
    let status = all.ok(&json!({ "op": "status" }));
    assert_eq!(
        (&status["status"], &status["roles"][1]["owner"], &status["queues"]),
        (&json!("active"), &json!("bob"), &json!([]))
    );
    let filed = all.step(&buyer, "act", &json!({ "role": "Buyer", "label": "file", "payload": { "note": "n" } }));
    let record = filed["record"].clone();

    // The audit, and its proofs.
    let audit = all.ok(&json!({ "op": "audit", "last": 1, "seal": true, "log": true }));
    assert_eq!((&audit["records"][0]["event"], &audit["unsealed"]), (&json!("Buyer:file(note: string)"), &json!(0)));
    let verified = all.ok(&json!({ "op": "verify_audit", "log": audit["log"], "anchor": audit["anchor"] }));
    assert_eq!((&verified["holds"], &verified["anchor_to"]), (&json!(true), &audit["next"]));
    let mut changed = text(&audit["log"]).to_owned().into_bytes();
    let at = changed.len() / 2;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let found = all.ok(&json!({ "op": "verify_audit", "log": changed, "anchor": audit["anchor"] }));
    assert!(found["holds"] == false && !text(&found["why"]).is_empty(), "{found}");
    assert_eq!(all.ok(&json!({ "op": "verify_audit" }))["holds"], true);
    let proof = all.ok(&json!({ "op": "prove", "record": record }));
    let proven = all.ok(&json!({ "op": "prove", "proof": proof["proof"], "anchor": proof["anchor"] }));
    assert_eq!((&proven["holds"], &proven["record"]["event"]), (&json!(true), &json!("Buyer:file(note: string)")));

    // Ends.
    all.ok(&json!({ "op": "close", "opener": "opener-1" }));
    assert_eq!(all.ok(&json!({ "op": "reap", "most": 5 })), json!({ "reaped": 1, "archived": 1 }));
    let summary = all.ok(&json!({ "op": "summary", "session": "0.1" }));
    assert_eq!(
        (&summary["status"], &summary["sent"], &summary["key"]),
        (&json!("closed"), &json!(2), &json!("order-7"))
    );

    // Witnesses, and what the host says.
    let opener = all.ok(&json!({ "op": "open", "protocol": "Guarded" }))["opener"].clone();
    let cap = all.ok(&json!({ "op": "claim", "opener": opener, "owner": "ann" }))["cap"].clone();
    all.ok(&json!({ "op": "answer", "predicate": "audited", "holds": true }));
    let witness = all.ok(&json!({ "op": "issue_readiness", "cap": cap, "predicate": "audited", "args": [5] }));
    assert_eq!(all.ok(&json!({ "op": "status" }))["witnesses"][0]["of"], "audited(5)");
    let pay =
        json!({ "from": "A", "to": "B", "label": "pay", "payload": { "amount": 5 }, "witness": witness["witness"] });
    all.step(text(&cap), "send", &pay);

    // Time.
    let timeout =
        all.ok(&json!({ "op": "issue_timeout", "opener": opener, "site": 3, "until": "1970-01-01T00:00:09Z" }));
    assert_eq!(timeout["until"], 9_000_000);
    assert_eq!(
        all.ok(&json!({ "op": "tick", "at": 8_000_000 })),
        json!({ "due": [], "next": 9_000_000, "at": 8_000_000 })
    );
    let due = all.ok(&json!({ "op": "expire", "at": 9_000_000 }));
    assert_eq!((&due["due"][0]["what"], &due["due"][0]["site"]), (&json!("timeout"), &json!(3)));
    let ended = all.ok(&json!({ "op": "owner_died", "opener": opener, "owner": "ann", "reason": "unplugged" }));
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("faulted"), &json!("unplugged")));

    let opener = all.ok(&json!({ "op": "open", "protocol": "Timed" }))["opener"].clone();
    let cap = all.ok(&json!({ "op": "claim", "opener": opener, "owner": "ann" }))["cap"].clone();
    all.step(text(&cap), "send", &json!({ "from": "A", "to": "B", "label": "begin" }));
    let due = all.ok(&json!({ "op": "tick", "at": 20_000_000 }));
    assert_eq!((&due["due"][0]["what"], &due["due"][0]["role"]), (&json!("lapsed"), &json!("A")));
    assert_eq!(all.ok(&json!({ "op": "fault", "opener": opener, "reason": "late" }))["status"], "faulted");

    // Offers on synchronous edges; sessions that end early.
    let opener = all.ok(&json!({ "op": "open", "protocol": "Hand" }))["opener"].clone();
    let cap = all.ok(&json!({ "op": "claim", "opener": opener, "owner": "ann" }))["cap"].clone();
    assert_eq!(all.step(text(&cap), "send", &json!({ "from": "A", "to": "B", "label": "key" }))["offered"], true);
    let withdrawn = all.step(text(&cap), "withdraw", &json!({ "from": "A", "to": "B" }));
    assert_eq!(withdrawn["withdrawn"], true);
    let receipt = all.ok(&json!({ "op": "begin_transfer", "cap": cap, "to": 9 }))["receipt"].clone();
    assert_eq!(all.ok(&json!({ "op": "abandon_transfer", "receipt": receipt }))["status"], "cancelled");
    for end in ["cancel", "drain", "fail_transfer"] {
        let opener = all.ok(&json!({ "op": "open", "protocol": "Narrow" }))["opener"].clone();
        let cap = all.ok(&json!({ "op": "claim", "opener": opener, "owner": "ann" }))["cap"].clone();
        all.step(text(&cap), "send", &json!({ "from": "A", "to": "B", "label": "one", "payload_id": 77 }));
        match end {
            "cancel" => {
                let ended = all.ok(&json!({ "op": "cancel", "cap": cap, "reason": "enough" }));
                assert_eq!((&ended["status"], &ended["reason"]), (&json!("cancelled"), &json!("enough")));
            }
            "drain" => {
                assert_eq!(all.ok(&json!({ "op": "drain", "cap": cap }))["status"], "draining");
                let got = all.step(text(&cap), "receive", &json!({ "role": "B", "from": "A" }));
                assert_eq!((&got["payload_id"], &got["status"]), (&json!(77), &json!("cancelled")));
            }
            _ => {
                let receipt = all.ok(&json!({ "op": "begin_transfer", "cap": cap, "to": 9 }))["receipt"].clone();
                let ended = all.ok(&json!({ "op": "fail_transfer", "receipt": receipt, "reason": "gone" }));
                assert_eq!((&ended["status"], &ended["reason"]), (&json!("faulted"), &json!("gone")));
            }
        }
    }
    let opener = all.ok(&json!({ "op": "open", "with_id": "90000.1" }))["opener"].clone();
    let cap = all.ok(&json!({ "op": "claim", "opener": opener, "owner": "ann" }))["cap"].clone();
    all.ok(&json!({ "op": "release", "cap": cap }));
    assert!(all.ok(&json!({ "op": "memory" }))["counts"]["live"].as_u64() >= Some(1));

    // Watched edges; many steps at once.
    let opened = all.ok(&json!({ "op": "open", "protocol": "Stream", "authenticate": true, "traced": 4 }));
    let cap = all.ok(&json!({ "op": "claim", "opener": opened["opener"], "owner": "ann" }))["cap"].clone();
    let tick = json!({ "cap": cap, "step": "send", "from": "A", "to": "B", "label": "tick" });
    let taken = all.ok(&json!({ "op": "batch", "steps": [tick, tick] }));
    assert_eq!(taken["results"][1]["ok"]["event"], "A!B:tick");
    let seen = all.ok(&json!({ "op": "coherence" }));
    assert_eq!((&seen["coherent"], &seen["edges"][0]["carried"]), (&json!(true), &json!(["tick()", "tick()"])));
    let root = all.ok(&json!({ "op": "message_root", "from": "A", "to": "B" }))["root"].clone();
    let proven = all.ok(&json!({ "op": "prove_message", "from": "A", "to": "B", "number": 1 }));
    let verified = all.ok(&json!({ "op": "verify_message", "proof": proven["proof"], "root": root }));
    assert_eq!(verified["holds"], true);
    all.step(text(&cap), "reset_trace", &json!({ "from": "A", "to": "B" }));
    assert_eq!(all.ok(&json!({ "op": "checkpoint", "cap": cap }))["leaves"], 2);

    let listed = all.ok(&json!({ "op": "help" }));
    let names: BTreeSet<String> =
        listed["ops"].as_array().unwrap().iter().map(|op| text(&op["op"]).to_owned()).collect();
    assert_eq!(all.done, names, "an operation was not tried");
    all.talk.end();
}

#[test]
fn the_schema_is_that_of_the_operations() {
    let output = polylogue().args(["run", "--schema"]).output().unwrap();
    assert!(output.status.success());
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut talk = Talk::new();
    let help = talk.ok(r#"{"op":"help"}"#);
    let set = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().map(|name| text(name).to_owned()).collect()
    };
    let requests = schema["$defs"]["request"]["oneOf"].as_array().unwrap();
    let mut named = BTreeSet::new();
    for op in help["ops"].as_array().unwrap() {
        let name = text(&op["op"]);
        let found = requests.iter().find(|request| request["properties"]["op"]["const"] == name);
        let found = found.unwrap_or_else(|| panic!("`{name}` is not in the schema"));
        let mut required = set(&found["required"]);
        assert!(required.remove("op"), "{name}");
        assert_eq!(required, set(&op["needs"]), "{name}");
        let properties: BTreeSet<String> = found["properties"].as_object().unwrap().keys().cloned().collect();
        let mut known: BTreeSet<String> = set(&op["needs"]).union(&set(&op["takes"])).cloned().collect();
        known.extend(["op", "id"].map(str::to_owned));
        assert_eq!(properties, known, "{name}");
        assert_eq!(found["additionalProperties"], false, "{name}");
        named.insert(name.to_owned());
    }
    assert_eq!(named.len(), requests.len(), "the schema has more");
    // The codes of refusals are those of the store.
    let codes = set(&schema["$defs"]["refused"]["properties"]["code"]["enum"]);
    let known: BTreeSet<String> = polylogue::session::Code::ALL.iter().map(|code| code.word().to_owned()).collect();
    assert_eq!(codes, known);
    talk.end();
}

#[test]
fn the_audit_is_kept() {
    let dir = std::env::temp_dir().join(format!("polylogue-run-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let (log, secret) = (dir.join("audit.log"), dir.join("secret"));
    fs::write(&secret, b"a secret of some length").unwrap();
    let mut args = vec!["--audit", log.to_str().unwrap(), "--secret", secret.to_str().unwrap()];
    let mut talk = Talk::with(&args);
    let (_, cap) = talk.opened("Stream");
    for _ in 0..1_500 {
        talk.ok(&format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"tick"}}"#));
        talk.ok(&format!(r#"{{"op":"receive","cap":"{cap}","role":"B","from":"A"}}"#));
    }
    let audit = talk.ok(r#"{"op":"audit","seal":true,"last":0}"#);
    talk.end();
    let bytes = fs::read(&log).unwrap();
    let anchor: polylogue::session::audit::Anchor = serde_json::from_value(audit["anchor"].clone()).unwrap();
    let found = polylogue::session::audit::verify(&bytes, Some(&anchor), None);
    assert!(found.holds() && found.ended && found.batches >= 3, "{found:?}");
    assert_eq!(found.anchor_to, audit["next"].as_u64());
    // Another run knows the secret, and reads the file.
    args.truncate(0);
    args.extend(["--secret", secret.to_str().unwrap()]);
    let mut talk = Talk::with(&args);
    let verified = talk.ok(&json!({ "op": "verify_audit", "file": log.to_str().unwrap() }).to_string());
    assert_eq!((&verified["holds"], &verified["authentic_to"]), (&json!(true), &audit["next"]));
    talk.end();
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn what_cannot_start_says_why() {
    for (args, code, says) in [
        (&["run"][..], 2, "SPEC"),
        (&["run", "-"], 2, "standard input"),
        (&["run", "nothing.mpst"], 2, "no such file"),
        (&["run", "kit.mpst", "--protocol", "Shp"], 2, "did you mean `Shop`?"),
        (&["run", "kit.mpst", "--protocol", "Stuck"], 1, "`--unchecked`"),
        (&["run", "kit.mpst", "--owner", "ann"], 2, "NAME=ROLE"),
        (&["run", "kit.mpst", "--owner", "ann=Byer"], 2, "did you mean `Buyer`?"),
        (&["run", "kit.mpst", "--owner", "ann=Buyer", "--owner", "bob=Buyer"], 2, "belongs to `ann`"),
        (&["run", "kit.mpst", "--audit", "no/such/log"], 2, "cannot write"),
        (&["run", "kit.mpst", "--secret", "nothing"], 2, "cannot read"),
    ] {
        let (status, out, said) = fed(args, b"");
        assert_eq!((status, out.len()), (Some(code), 0), "{args:?} said {said}");
        assert!(said.contains(says), "{args:?} said {said}");
    }
    let (status, out, _) =
        fed(&["run", "kit.mpst", "--protocol", "Stuck", "--unchecked", "--format", "json"], b"{\"op\":\"open\"}\n");
    assert_eq!(status, Some(0));
    assert!(String::from_utf8(out).unwrap().contains("\"safe\":\"unchecked\""));
}
