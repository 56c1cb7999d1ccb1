//! The interactive side, as a script sees it.

use super::talk::fed;

fn script(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let all: Vec<&str> = ["run", "kit.mpst"].iter().chain(args).copied().collect();
    let (code, out, said) = fed(&all, input.as_bytes());
    (code, String::from_utf8(out).unwrap(), said)
}

#[test]
fn only_answers_are_printed() {
    let (code, out, said) = script(&[], "");
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(said.starts_with("Shop: safe holds") && said.contains("`help`") && said.contains("`audited`"), "{said}");
    let (code, out, _) =
        script(&[], "\n# a note\n1 {\"item\":\"tea\",\"most\":1}\n1\n2\n1\n1 {\"note\":\"n\"}\nclose\nquit\nclose\n");
    let answers: Vec<&str> = out.lines().map(|line| line.trim_start_matches("ok").trim()).collect();
    let wanted = [
        "Buyer!Seller:ask",
        "Seller?Buyer:ask",
        "Seller!Buyer:sold",
        "Buyer?Seller:sold",
        "Buyer:file",
        "the session is closed",
    ];
    assert_eq!((code, answers), (Some(0), wanted.to_vec()));
}

#[test]
fn refusals_are_told_in_full_and_set_the_exit_code() {
    let (code, out, _) = script(
        &["--owner", "ann=Buyer"],
        "send Seller Buyer sold\nreceive Seller Byer\nfrobnicate\n9\nrelease Buyer\n1\n",
    );
    assert_eq!(code, Some(1));
    for says in [
        "refused  not-enabled in session 0.1: Seller!Buyer:sold; expected Seller?Buyer:ask",
        "blame: Seller; written at kit.mpst:6",
        "did you mean `Buyer`?",
        "there is no command `frobnicate`",
        "steps have numbers from 1 to 1",
        "nobody owns `Buyer`; `claim OWNER Buyer` gives it to somebody",
    ] {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
}

#[test]
fn everything_can_be_looked_at() {
    let input = "show\n1\ntypes Seller\nqueues\nowners\naudit 2\nenabled\nhelp\n{\"op\":\"status\"}\n";
    let (code, out, _) = script(&["--owner", "ann=Buyer"], input);
    assert_eq!(code, Some(0));
    for says in [
        "Shop session 0.1, active",
        "(ann, generation 1)",
        "nothing is on the way",
        " 1  Buyer!Seller:ask(item: string, most: int{this > 0})",
        "on the way from Buyer to Seller: ask(",
        "Seller  you, generation 2",
        "accepted     Buyer!Seller:ask(",
        "Buyer waits for offer(price: int) from Seller or sold() from Seller",
        "send A B LABEL [PAYLOAD]",
        "{\"ok\":{",
    ] {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
}

#[test]
fn witnesses_time_and_ends() {
    let input = "witness A audited [5]\nsend A B pay {\"amount\":5}\nsend A B pay {\"amount\":5} with witness-1\nanswer audited no\ncancel enough of it\nenabled\n";
    let (code, out, _) = script(&["--protocol", "Guarded"], input);
    assert_eq!(code, Some(1));
    for says in
        ["witness-1", "refused  witness-missing", "ok       A!B:pay", "`audited` is false", "is cancelled", "is over"]
    {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
    let (_, out, _) = script(&["--protocol", "Timed"], "send A B begin\nat +10s\nat noon\nat 5\ndrain\nreceive B A\n");
    for says in [
        "A is late",
        "`noon` is no time",
        "time does not go back",
        "the session is draining",
        "the session is cancelled",
    ] {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
    let (_, out, _) = script(
        &["--protocol", "Hand"],
        "1\nreceive B A\nrelease A\n1\nclaim bob A B\nsend A B lock\nreceive B A\nclose\n",
    );
    for says in ["`receive B A` takes it", "ok       B?A:key", "A  nobody", "bob owns A, B", "the session is closed"] {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
}

#[test]
fn odd_lines_do_not_end_the_run() {
    let mut input = b"\xff\xfe\n".to_vec();
    input.extend(vec![b'x'; 2 << 20]);
    input.extend(b"\nsend\n1 {\nwitness Buyer audited {\n{\n999999999999999999999\nat +99999999999999999999s\naudit 18446744073709551615\n");
    let (code, out, said) = fed(&["run", "kit.mpst"], &input);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(out.contains("not UTF-8") && out.contains("too long") && out.contains("write `send"), "{out}");
}
