//! Maps: what they do to lines, and what is wrong with them.

use polylogue::trace::{Machines, Map, target};

use super::common::{check, log, spec, text};

const JOBS: &str = "protocol Jobs(role Client, role Runtime) { Client -> Runtime: submit(id: string); rec Run { choice at \
                    Runtime { Runtime -> Client: job.step; continue Run; } or { Runtime -> Client: job.done; } } }";

fn verdicts(map: &str, log: &str) -> String {
    text(&check(JOBS, map, log))
}

#[test]
fn sessions_are_found() {
    let line = |session: &str, path: &str| {
        format!(
            "{{\"session\":{session},\"from\":\"Client\",\"to\":\"Runtime\",\"label\":\"submit\",\
             \"payload\":{{\"id\":\"{path}\"}}}}\n"
        )
    };
    let log = line("\"c1\"", "/jobs/7/x") + &line("8", "/jobs/7/y") + &line("\"c1\"", "none");
    let only =
        |text: String| text.lines().map(|line| line.split(" expected").next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        only(verdicts("", &log)),
        [
            "c1 violates 2 at 2 PL0610 `Client` may not send `submit` to `Runtime` here blame Client",
            "8 incomplete 1 PL0620 the trace stops before the end of the session",
        ]
    );
    let map = "[session]\npointer = [\"/nothing\", \"/payload/id\"]\npattern = \"^/jobs/([^/]+)\"";
    assert_eq!(
        only(verdicts(map, &log)),
        [
            "7 violates 2 at 1 PL0610 `Client` may not send `submit` to `Runtime` here blame Client",
            "c1 incomplete 1 PL0620 the trace stops before the end of the session",
        ]
    );
    assert_eq!(only(verdicts("session = { whole = true }", &log))[0].split(' ').nth(1), Some("violates"));
}

#[test]
fn labels_and_roles_are_changed() {
    let log = log("cli->Runtime: ask {\"id\":\"a\"}
        cli->Runtime: @open
        cli->Runtime: debug.x
        Runtime->cli: job {\"kind\":\"progress 1\"}
        Runtime->cli: job {\"kind\":\"step\"}
        Runtime->cli: vendor-end");
    let map = r#"
        [roles]
        cli = "Client"
        [labels]
        drop = ["@*", "debug.*"]
        [labels.derive."jo*"]
        pointer = "/payload/kind"
        pattern = "^([a-z]+)"
        names = { progress = "step" }
        [labels.rename]
        ask = "submit"
        "v*" = "submit"
        "vendor*" = "job.done"
        "ve*" = "job.step"
    "#;
    assert_eq!(verdicts(map, &log), "s conforms 4\n");
    // Labels with `@` are dropped if nothing is said, others are not.
    let without = map.replace("drop = [\"@*\", \"debug.*\"]", "");
    assert_eq!(
        verdicts(&without, &log),
        "s violates 2 at 2 PL0613 `Jobs` has no message `debug.x` blame cli expected [Runtime send Client job.step, \
         Runtime send Client job.done]\n"
    );
    let kept = map.replace("drop =", "keep = [\"@open\"]\ndrop =");
    assert_eq!(
        verdicts(&kept, &log).split(" blame").next().unwrap(),
        "s violates 2 at 1 PL0613 `Jobs` has no message `@open`"
    );
}

#[test]
fn fields_are_injected() {
    let text_of = "protocol P(role A, role B) { A -> B: m(session: string, at: string, now: timestamp, x: int); }";
    let line = r#"{"session":"s","ts":12.5,"at":"here","from":"A","to":"B","label":"m","payload":{"x":1}}"#;
    let map = "[inject]\nsession = \"session\"\nat = \"/at\"\nnow = \"ts\"\n";
    assert_eq!(text(&check(text_of, map, line)), "s conforms 1\n");
    assert_eq!(
        text(&check(text_of, "", line)),
        "s violates 1 at 0 PL0615 `m` from `A` to `B`: field `session` is missing blame A expected [A send B m(session: \
         string, at: string, now: timestamp, x: int)]\n"
    );
}

#[test]
fn observers_and_sides_are_chosen() {
    let two = "protocol P(role A, role B, role C) { A -> B: a(); A -> C: b(); B -> C: c(); }";
    let log_of = log("A->B:a; B->C:c; A->C:b");
    assert!(text(&check(two, "", &log_of)).starts_with("s violates 2 at 1 PL0611"));
    assert_eq!(text(&check(two, "observer = \"wire\"", &log_of)), "s conforms 3\n");
    assert_eq!(text(&check(two, "role = \"B\"", &log_of)), "s conforms 2\n");
    assert!(
        text(&check(two, "observer = \"endpoint\"\nrole = \"C\"", &log_of)).starts_with("s violates 1 at 1 PL0611")
    );
    let sided = |events: &[(&str, &str)]| {
        let lines = events.iter().map(|(event, dir)| log(event).replace("}\n", &format!(",\"dir\":\"{dir}\"}}\n")));
        text(&check(two, "sides = true", lines.collect::<String>()))
    };
    let good =
        [("A->B:a", "send"), ("A->C:b", "send"), ("A->B:a", "receive"), ("B->C:c", "send"), ("A->C:b", "receive")];
    assert!(sided(&good).starts_with("s incomplete 5"));
    assert_eq!(
        sided(&[good[0], good[2], good[1], ("B->C:c", "receive")]),
        "s violates 4 at 3 PL0611 `C` may not receive `c` from `B` here blame C expected [B send C c(), C receive A b()]\n"
    );
    assert_eq!(
        sided(&[good[2]]),
        "s violates 1 at 0 PL0618 `a` is not the next message on its way from `A` to `B` blame B expected [A send B a()]\n"
    );
    assert_eq!(
        sided(&[("A->B:a", "there")]),
        "s violates 1 at 0 PL0617 the line does not say which side of the message it shows (add `\"dir\":\"send\"` or \
         `\"dir\":\"receive\"`) blame A expected [A send B a()]\n"
    );
}

#[test]
fn mistakes_have_places() {
    let error = |map: &str| {
        let error = Map::parse(map).unwrap_err();
        format!("{error} {} {}", error.code, error.help.clone().unwrap_or_default())
    };
    assert_eq!(
        error("observer = \"wires\""),
        "1:12: there is no observer `wires` PL0632 there are `total`, `wire` and `endpoint`"
    );
    assert_eq!(error("\n[sesion]\n"), "2:2: the map has no key `sesion` PL0631 did you mean `session`?");
    assert_eq!(
        error("[labels]\nfold = 1"),
        "2:1: `[labels]` has no key `fold` PL0631 there are `drop`, `keep`, `local`, `rename` and `derive`"
    );
    assert_eq!(error("sides = 1"), "1:9: `sides` must be true or false, not an integer PL0632 ");
    assert_eq!(
        error("[session]\npointer = \"a/b\""),
        "2:11: `a/b` is no JSON pointer: it does not start with `/` PL0632 write `/key/key`; `~1` is a `/` and `~0` a `~` in a \
         key"
    );
    assert!(
        error("[session]\npattern = \"(\"").starts_with("2:11: `(` is no regular expression: unclosed group PL0632")
    );
    assert!(error("é = 1\nx = ").contains("PL0630"));
    assert!(error("x = [").starts_with("1:"));
    assert_eq!(
        error("[labels.derive.a]\nlabel = \"x\""),
        "1:16: the rule for `a` does not say where the value is PL0632 add `pointer = \"/payload/…\"`"
    );
}

#[test]
fn maps_are_compared_with_the_specification() {
    let spec = spec(JOBS);
    let machines = Machines::of(&spec, target(&spec, None).unwrap()).unwrap();
    let _ = machines.subject();
    let map = Map::parse("observer = \"endpoint\"\n[roles]\nx = \"Cleint\"\n[labels.rename]\ny = \"submitt\"").unwrap();
    let found: Vec<String> = map
        .check(&spec.protocols[0].header, &spec.names)
        .into_iter()
        .map(|error| format!("{error} {} {}", error.code, error.help.clone().unwrap_or_default()))
        .collect();
    assert_eq!(
        found,
        [
            "3:5: `Jobs` has no role `Cleint` PL0633 did you mean `Client`?",
            "1:1: the observer `endpoint` needs a role PL0632 say whose endpoint was observed: `role = \"…\"`, or `role = { pointer = \"/…\" }`",
            "5:5: no message of the specification has the label `submitt` PL0634 did you mean `submit`?",
        ]
    );
}
