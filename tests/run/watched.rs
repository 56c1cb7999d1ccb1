//! Batches, coherence, authenticated messages, several witnesses.

use serde_json::{Value, json};

use super::talk::Talk;

#[test]
fn a_batch_is_its_steps() {
    let mut talk = Talk::new();
    let (_, cap) = talk.opened("Narrow");
    let (_, other) = talk.opened("Stream");
    let step = |cap: &str, step: &str, rest: &Value| {
        let mut one = json!({ "cap": cap, "step": step });
        one.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        one
    };
    let send = |cap: &str, label: &str| step(cap, "send", &json!({ "from": "A", "to": "B", "label": label, "at": 7 }));
    let take = |cap: &str| step(cap, "receive", &json!({ "role": "B", "from": "A" }));
    let batch = |steps: &[Value]| json!({ "op": "batch", "steps": steps }).to_string();
    // What is no step is an error, and nothing of the batch happened.
    for (code, bad, says) in [
        ("missing-field", json!({ "step": "send" }), "step 1: the field `cap`"),
        ("unknown-handle", step("cap-9", "receive", &json!({ "role": "B", "from": "A" })), "the last is `cap-2`"),
        ("unknown-field", step(&cap, "receive", &json!({ "role": "B", "from": "A", "op": "x" })), "`op`"),
        ("wrong-type", step(&cap, "jump", &json!({})), "no step `jump`"),
        ("wrong-type", step(&cap, "receive", &json!({ "role": "B", "from": "A", "payload_id": 1 })), "by itself"),
        (
            "unknown-handle",
            step(&cap, "send", &json!({ "from": "A", "to": "B", "label": "one", "witness": ["witness-1"] })),
            "none",
        ),
        (
            "wrong-type",
            step(&cap, "send", &json!({ "from": "A", "to": "B", "label": "one", "witness": [1] })),
            "witness",
        ),
        ("json", json!(7), "step 1"),
    ] {
        let message = talk.wrong(code, &batch(&[send(&cap, "one"), bad.clone()]));
        assert!(message.contains(says) && message.starts_with("step 1: "), "{bad} says {message}");
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    talk.wrong("wrong-type", &format!("{{\"op\":\"batch\",\"steps\":{{\"a\":{deep}}}}}"));
    talk.wrong("json", &format!("{{\"op\":\"batch\",\"steps\":[{deep}]}}"));
    talk.wrong("too-long", &batch(&vec![json!({}); 4_097]));
    assert_eq!(talk.ok(&batch(&[]))["results"], json!([]));
    assert_eq!(talk.ok(r#"{"op":"queue","session":"0.1"}"#)["queues"], json!([]));
    // One refusal is the answer of its step alone.
    let steps =
        [send(&cap, "one"), send(&other, "tick"), send(&cap, "two"), take(&cap), send(&cap, "two"), take(&other)];
    let results = talk.ok(&batch(&steps))["results"].clone();
    let said = |at: usize| results[at]["ok"]["event"].as_str();
    assert_eq!((said(0), said(1), said(3)), (Some("A!B:one"), Some("A!B:tick"), Some("B?A:one")));
    assert_eq!(results[2]["refused"]["code"], "would-block");
    assert_eq!((said(4), said(5)), (Some("A!B:two"), Some("B?A:tick")));
    assert_eq!(results.as_array().unwrap().len(), steps.len());
    // The time of its steps is the latest that was said.
    assert_eq!(talk.ok(r#"{"op":"tick"}"#)["at"], 7);
    talk.end();
}

#[test]
fn edges_are_watched() {
    let mut talk = Talk::new();
    let open = json!({ "op": "open", "protocol": "Stream", "authenticate": true, "traced": 2 });
    let opener = talk.name("opener", &open.to_string());
    let cap = talk.name("cap", &format!(r#"{{"op":"claim","opener":"{opener}","owner":"ann"}}"#));
    let send = |rest: &str| format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"tick"{rest}}}"#);
    for id in 1..=5 {
        talk.ok(&send(&format!(",\"payload_id\":{id}")));
    }
    let take = |rest: &str| format!(r#"{{"op":"receive","cap":"{cap}","role":"B","from":"A"{rest}}}"#);
    // What arrives is held against what was sent.
    talk.refused("unauthentic", &take(",\"payload_id\":2"));
    talk.refused("unauthentic", &take(",\"payload\":{}"));
    assert_eq!(talk.ok(&take(",\"payload_id\":1"))["payload_id"], 1);
    assert_eq!(talk.ok(&take(""))["payload_id"], 2);
    let seen = talk.ok(r#"{"op":"coherence"}"#);
    assert_eq!(
        seen,
        json!({ "session": "0.1", "coherent": true, "edges": [
            { "from": "A", "to": "B", "in_flight": ["tick()", "tick()", "tick()"], "carried": ["tick()", "tick()"] }
        ] })
    );
    talk.ok(&format!(r#"{{"op":"reset_trace","cap":"{cap}","from":"A","to":"B"}}"#));
    let one = talk.ok(r#"{"op":"coherence","session":"0.1","from":"A","to":"B"}"#);
    assert_eq!((&one["edges"][0]["carried"], &one["coherent"]), (&json!([]), &json!(true)));
    talk.refused("no-edge", &format!(r#"{{"op":"reset_trace","cap":"{cap}","from":"B","to":"A"}}"#));
    // Proofs hold against the root, and only as they are.
    let edge = r#""from":"A","to":"B""#;
    let root = talk.name("root", &format!(r#"{{"op":"message_root",{edge}}}"#));
    let proven = talk.ok(&format!(r#"{{"op":"prove_message",{edge},"number":3}}"#));
    assert_eq!(proven["root"], root);
    let verify =
        |proof: &Value, root: &str| json!({ "op": "verify_message", "proof": proof, "root": root }).to_string();
    assert_eq!(talk.ok(&verify(&proven["proof"], &root))["holds"], true);
    for (field, value) in [("index", json!(2)), ("count", json!(6)), ("leaf", json!(root)), ("path", json!([root]))] {
        let mut altered = proven["proof"].clone();
        altered[field] = value;
        assert_eq!(talk.ok(&verify(&altered, &root))["holds"], false, "{field}");
    }
    assert_eq!(talk.ok(&verify(&proven["proof"], &"0".repeat(64)))["holds"], false);
    for (code, line) in [
        ("wrong-type", verify(&proven["proof"], "xyz")),
        ("wrong-type", verify(&json!({}), &root)),
        ("wrong-type", verify(&json!([]), &root)),
        ("unknown-message", format!(r#"{{"op":"prove_message",{edge},"number":5}}"#)),
        ("wrong-type", format!(r#"{{"op":"prove_message",{edge},"number":-1}}"#)),
        ("wrong-type", format!(r#"{{"op":"prove_message",{edge},"number":99999999999999999999}}"#)),
        ("no-edge", r#"{"op":"message_root","from":"B","to":"A"}"#.to_owned()),
        ("no-edge", r#"{"op":"coherence","from":"B","to":"A"}"#.to_owned()),
        ("missing-field", r#"{"op":"coherence","from":"B"}"#.to_owned()),
        ("unknown-session", r#"{"op":"coherence","session":"7.1"}"#.to_owned()),
        ("wrong-type", r#"{"op":"open","traced":70000}"#.to_owned()),
        ("wrong-type", r#"{"op":"open","authenticate":1}"#.to_owned()),
        ("missing-field", r#"{"op":"checkpoint"}"#.to_owned()),
    ] {
        talk.wrong(code, &line);
    }
    let mut long = proven["proof"].clone();
    long["tops"] = json!(vec![root.clone(); 65]);
    talk.wrong("wrong-type", &verify(&long, &root));
    // A checkpoint seals, and lets go of what was received; the root stays.
    let kept = talk.ok(&format!(r#"{{"op":"checkpoint","opener":"{opener}"}}"#));
    assert_eq!(kept["leaves"], 3);
    assert_eq!(talk.ok(r#"{"op":"audit","last":0}"#)["unsealed"], 0);
    assert_eq!(talk.name("root", &format!(r#"{{"op":"message_root",{edge}}}"#)), root);
    talk.wrong("unknown-message", &format!(r#"{{"op":"prove_message",{edge},"number":1}}"#));
    // What nobody asked for is not there.
    let (_, cap) = talk.opened("Stream");
    talk.wrong("not-authenticated", &format!(r#"{{"op":"message_root",{edge}}}"#));
    talk.ok(&format!(r#"{{"op":"send","cap":"{cap}","from":"A","to":"B","label":"tick"}}"#));
    assert_eq!(talk.ok(r#"{"op":"coherence"}"#)["edges"][0]["carried"], json!([]));
    let part = talk.name("cap", &format!(r#"{{"op":"attenuate","cap":"{cap}","roles":["A"]}}"#));
    talk.refused("out-of-scope", &format!(r#"{{"op":"reset_trace","cap":"{part}","from":"A","to":"B"}}"#));
    talk.refused("out-of-scope", &format!(r#"{{"op":"checkpoint","cap":"{part}"}}"#));
    talk.end();
}

#[test]
fn a_step_brings_a_witness_for_each() {
    let mut talk = Talk::new();
    let (_, cap) = talk.opened("Twice");
    let issue = |predicate: &str, arg: i64| {
        format!(r#"{{"op":"issue_readiness","cap":"{cap}","predicate":"{predicate}","args":[{arg}],"until":9000}}"#)
    };
    let audited = talk.name("witness", &issue("audited", 5));
    let small = talk.name("witness", &issue("small", 5));
    let other = talk.name("witness", &issue("small", 6));
    let send = |witness: &Value| {
        json!({
            "op": "send", "cap": cap, "from": "A", "to": "B", "label": "both", "payload": { "amount": 5 },
            "witness": witness,
        })
        .to_string()
    };
    talk.refused("witness-missing", &send(&Value::Null));
    talk.refused("witness-missing", &send(&json!(audited)));
    talk.refused("witness-missing", &send(&json!([audited])));
    talk.refused("witness-mismatch", &send(&json!([small, audited])));
    talk.refused("witness-mismatch", &send(&json!([audited, other])));
    talk.refused("witness-consumed", &send(&json!([audited, audited])));
    talk.refused("witness-mismatch", &send(&json!([audited, small, other])));
    talk.wrong("wrong-type", &send(&json!({})));
    talk.wrong("wrong-type", &send(&json!([[audited]])));
    assert_eq!(talk.ok(r#"{"op":"status"}"#)["witnesses"].as_array().unwrap().len(), 3);
    let record = talk.ok(&send(&json!([audited, small])))["record"].as_u64().unwrap();
    assert_eq!(talk.ok(r#"{"op":"status"}"#)["witnesses"].as_array().unwrap().len(), 1);
    // One record of the step, which consumed the first, and one of the other.
    let audit = talk.ok(r#"{"op":"audit","last":2}"#);
    let consumed: Vec<(u64, &str)> = audit["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["record"].as_u64().unwrap(), one["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(consumed, [(record, "consumed"), (record + 1, "consumed")]);
    talk.end();
}
